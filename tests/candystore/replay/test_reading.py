"""What a replay comprises is read in steps that get smaller where events are large."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from godtui import filters
from godtui.candystore.replay.reading import Stored
from godtui.candystore.ways import Direction
from tests.candystore.replay.rig import CREATED, Rig


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize(("step_bytes", "largest"), [(4 << 20, 100), (3_000, 32), (1, 16)])
async def test_every_event_comes_once_in_order(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, direction: Direction, step_bytes: int, largest: int
) -> None:
    monkeypatch.setattr("godtui.eventlog.pages.PAGE_BYTES", step_bytes)
    await rig.publish(range(100))
    wanted = filters.parse(f"type:{CREATED}", now=0)
    async with aclosing(Stored(rig.log).scan(wanted, direction, 0, 101)) as steps:
        found = [[event.seq for event in step.events] async for step in steps]
    seqs = [seq for step in found for seq in step]
    assert seqs == (list(range(1, 101)) if direction == "asc" else list(range(100, 0, -1)))
    assert max(map(len, found)) <= largest
    if step_bytes == 1:
        assert {len(step) for step in found[1:]} <= {0, 1}
