"""Records as a publisher would make them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from godtui.envelope import new_id
from godtui.eventlog import EventLog, Record, Transaction

PATIENCE = 30.0
"""Seconds after which a condition that never came is a failure."""


def record(
    number: int = 0,
    *,
    event_id: bytes | None = None,
    event_type: str = "test.event.created",
    source: str = "tests",
    correlation_id: bytes | None = None,
    time: int = 1_770_904_931_482_000,
    **payload: Any,
) -> Record:
    """An event whose payload says its number."""
    event_id = event_id or new_id().bytes
    body = {
        "event_id": str(UUID(bytes=event_id)),
        "event_type": event_type,
        "timestamp": "2026-02-12T14:02:11.482000Z",
        "version": "v1",
        "source": {"service": source},
        "correlation_id": None if correlation_id is None else str(UUID(bytes=correlation_id)),
        "payload": {"number": number, **payload},
    }
    return Record(event_id, event_type, source, correlation_id, time, None, None, json.dumps(body).encode())


def records(count: int, **same: Any) -> list[Record]:
    """That many events, numbered from 0."""
    return [record(number, **same) for number in range(count)]


async def until(condition: Callable[[], object]) -> None:
    """Look again and again until a condition holds; fail where it never does."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


async def together(log: EventLog, *works: Sequence[Record] | Callable[[Transaction], Any]) -> list[Any]:
    """Results or errors of appends and units that certainly share one commit, in the order given."""
    held, release = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        held.set()
        release.wait(PATIENCE)

    holding = asyncio.ensure_future(log.submit(hold))
    await until(held.is_set)
    waiting = [asyncio.ensure_future(log.submit(work) if callable(work) else log.append(work)) for work in works]
    await asyncio.sleep(0)
    release.set()
    await holding
    return await asyncio.gather(*waiting, return_exceptions=True)
