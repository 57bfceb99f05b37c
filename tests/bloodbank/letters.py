"""Dead letters as a test wants them, straight into a log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from godtui.bloodbank import tables
from godtui.bloodbank.deaths import DEAD_LETTERS
from godtui.eventlog import Transaction
from tests.clock import MORNING

PLANE = "infra-dispatcher.plane"
ENVELOPE = {
    "event_id": "0198c5a2-6c1e-7000-8000-000000000001",
    "event_type": "test.event.created",
    "timestamp": "2026-02-12T14:02:11.482000Z",
    "version": "v1",
    "source": {"service": "contract"},
    "correlation_id": None,
    "payload": {"message": "right"},
}


@dataclass
class Write:
    """Letters straight into the table, whatever they are."""

    rows: Sequence[tuple[Any, ...]]

    def __call__(self, transaction: Transaction) -> None:
        for row in self.rows:
            transaction.execute(tables.ADD_LETTER, row)
        transaction.touched.add(DEAD_LETTERS)


def row(
    body: bytes, *, key: str = "agent.task.failed", queue: str = "q", reason: str = "x", **more: Any
) -> tuple[Any, ...]:
    """The parameters of ADD_LETTER for a body."""
    kind = more.get("event_type", key)
    headers = json.dumps(more["headers"]).encode() if "headers" in more else None
    return (
        queue,
        reason,
        more.get("message_id", ""),
        key,
        1,
        MORNING,
        more.get("at", MORNING),
        headers,
        body,
        kind,
        None,
    )
