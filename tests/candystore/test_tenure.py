"""A log says from when on it misses nothing, and never less than the truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from godtui.bloodbank import tables
from godtui.bloodbank.holder import Holder
from godtui.candystore.tenure import Tenure
from godtui.eventlog import EventLog, LogUnavailableError
from tests.clock import MORNING, ManualClock


def tenure(log: EventLog, clock: ManualClock) -> Tenure:
    return Tenure(log, clock, lambda: Holder("one", "http://one:8000"))


async def test_who_was_always_the_only_one_holds_everything(log: EventLog, clock: ManualClock) -> None:
    first = tenure(log, clock)
    held = await first.take(None)
    assert held == Holder("one", "http://one:8000", MORNING, held.log)
    clock.advance(60)
    restarted = tenure(log, clock)
    await restarted.open()
    assert restarted.is_own(held)
    again = await restarted.take(held)
    assert (again.log, again.since) == (held.log, MORNING + 60_000_000)
    assert first.since is restarted.since is None


@pytest.mark.parametrize("before", [Holder("two", None, MORNING, "another log"), Holder()])
async def test_who_follows_another_holds_what_came_since(log: EventLog, clock: ManualClock, before: Holder) -> None:
    await tenure(log, clock).take(None)
    clock.advance(60)
    taking = tenure(log, clock)
    own = await taking.take(before)
    assert taking.since == MORNING + 60_000_000
    clock.advance(60)
    restarted = tenure(log, clock)
    await restarted.take(own)
    assert restarted.since == MORNING + 60_000_000, "it was there all the time since"
    await restarted.take(before)
    assert restarted.since == MORNING + 120_000_000


async def test_two_logs_are_never_taken_for_one(log: EventLog, clock: ManualClock, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = EventLog(tmp_path / "other", rooms=(tables.MIGRATIONS,), clock=clock)
    other.start()
    one, two = tenure(log, clock), tenure(other, clock)
    assert not one.is_own(Holder())
    held = await one.take(None)
    await two.open()
    assert not two.is_own(held)
    await other.close()


async def test_a_log_that_cannot_be_written_takes_nothing(log: EventLog, clock: ManualClock) -> None:
    taking = tenure(log, clock)
    await log.close()
    with pytest.raises(LogUnavailableError):
        await taking.take(None)
    assert not taking.is_own(Holder("one", None, None, None))
