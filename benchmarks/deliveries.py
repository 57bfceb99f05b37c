"""Plane's deliveries about many tickets, each made of the contract's sample."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from benchmarks.programs import ROOT

SAMPLE: Final = ROOT / "tests/dispatcher/plane/issue_updated_state.json"


def delivered(ticket: int, edit: int, *, group: str = "unstarted") -> dict[str, Any]:
    """A delivery of the ticket of a number, edited for so many times, in a state of a group; ready in `unstarted`."""
    sample = _sample()
    data = sample["data"] | {
        "id": str(uuid5(NAMESPACE_URL, f"ticket {ticket}")),
        "sequence_id": ticket,
        "name": f"Ticket {ticket}",
        "updated_at": f"2026-02-07T{13 + edit // 3600:02d}:{edit // 60 % 60:02d}:{edit % 60:02d}.000000Z",
        "state": sample["data"]["state"] | {"name": group, "group": group},
    }
    return sample | {"data": data}


@cache
def _sample() -> dict[str, Any]:
    body: dict[str, Any] = json.loads(SAMPLE.read_bytes())
    return body
