"""Catch-up and live are one thing: every match once, in order, whoever publishes and however slow one reads."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from godtui.candystore import live
from godtui.candystore.live import Dropped, Events, Frame, Position, Welcome
from godtui.eventlog import EventLog
from godtui.filters import Filter, parse
from tests.clock import MORNING
from tests.eventlog.records import record, records

FEW = 40
"""Events that the tail of these tests holds."""


@pytest.fixture(autouse=True)
def short_tail(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log.tail, "_max_events", FEW)
    monkeypatch.setattr(live, "FAR_BEHIND", 100)


def wanted(text: str) -> Filter:
    return parse(text, now=MORNING)


async def publish(log: EventLog, total: int, seed: int) -> None:
    """Append in batches of all sizes, every third event an odd one."""
    chance = random.Random(seed)
    sent = 0
    while sent < total:
        size = min(chance.choice((1, 1, 2, 5, 30, 90)), total - sent)
        batch = [
            record(n, event_type="odd.one" if n % 3 == 0 else "test.event.created") for n in range(sent, sent + size)
        ]
        await log.append(batch)
        sent += size
        if chance.random() < 0.3:
            await asyncio.sleep(0)


async def seqs(frames: AsyncIterator[Frame], last: int, pause: bool = False) -> list[int]:
    """The positions told until the log's last one was looked at."""
    found: list[int] = []
    async for frame in frames:
        assert not isinstance(frame, Dropped), "a reader that said where it stands misses nothing"
        if isinstance(frame, Events):
            found += [event.seq for event in frame.events]
        if isinstance(frame, Position) and frame.seq >= last:
            return found
        if pause:
            await asyncio.sleep(0.002)
    return found


@pytest.mark.parametrize("text", ["", "type:odd.one"])
async def test_catching_up_and_live_are_one(log: EventLog, text: str) -> None:
    before, total, publishers = 333, 600, 3
    await publish(log, before, 0)
    last = before + total * publishers
    starts = [0, 1, 100, before - 1, before]

    async def read(after: int, pause: bool) -> list[int]:
        async with aclosing(live.stream(log, wanted(text), after=after, positions=True)) as frames:
            return await seqs(frames, last, pause)

    readers = [asyncio.create_task(read(after, pause)) for after in starts for pause in (False, True)]
    await asyncio.gather(*(publish(log, total, seed) for seed in range(1, publishers + 1)))
    told = await asyncio.wait_for(asyncio.gather(*readers), 60)
    predicate = wanted(text).predicate()
    matching = [event.seq for event in await log.after(0, last + 1) if predicate(event)]
    assert len(matching) >= last / 4
    for found, after in zip(told, (start for start in starts for _ in (False, True)), strict=True):
        assert found == [seq for seq in matching if seq > after]


async def test_without_a_position_it_begins_now(log: EventLog) -> None:
    await log.append(records(5))
    async with aclosing(live.stream(log, Filter())) as frames:
        assert await anext(frames) == Welcome(5)
        waiting = asyncio.ensure_future(anext(frames))
        await log.append(records(2))
        events = await waiting
        assert isinstance(events, Events)
        assert [event.seq for event in events.events] == [6, 7]


@pytest.mark.parametrize(("text", "missed"), [("", 190), ("type:odd.one", 64), ("type:not.there", 0)])
async def test_a_slow_reader_is_told_exactly_what_it_missed(log: EventLog, text: str, missed: int) -> None:
    async with aclosing(live.stream(log, wanted(text))) as frames:
        assert await anext(frames) == Welcome(0)
        for start in range(0, 190, 10):
            kinds = ["odd.one" if number % 3 == 0 else "test.event.created" for number in range(start, start + 10)]
            await log.append([record(event_type=kind) for kind in kinds])
        waiting = asyncio.ensure_future(anext(frames))
        if missed:
            assert await waiting == Dropped(missed, 1, 190)
            waiting = asyncio.ensure_future(anext(frames))
        await log.append([record(event_type=kind) for kind in ("not.there", "odd.one")])
        events = await waiting
        assert isinstance(events, Events)
        assert [event.seq for event in events.events] == {"": [191, 192], "type:odd.one": [192]}.get(text, [191])


async def test_a_reader_within_the_tail_misses_nothing(log: EventLog) -> None:
    async with aclosing(live.stream(log, Filter())) as frames:
        await anext(frames)
        await log.append(records(FEW))
        events = await anext(frames)
        assert isinstance(events, Events)
        assert len(events.events) == FEW


async def test_positions_follow_what_did_not_match(log: EventLog) -> None:
    async with aclosing(live.stream(log, wanted("type:not.there"), after=0, positions=True)) as frames:
        await anext(frames)
        await log.append(records(3))
        assert await anext(frames) == Position(3)


async def test_a_stretch_of_time_far_behind_does_not_hold_up_what_follows(log: EventLog) -> None:
    """The index says that nothing more can match of what is stored; the stream must go on to what is not."""
    await log.append(records(5, time=MORNING))
    await log.append(records(300, time=MORNING + 10_000_000))
    text = "until:2026-02-12T14:02:12Z"
    async with aclosing(live.stream(log, wanted(text), after=0)) as frames:
        await anext(frames)
        events = await asyncio.wait_for(anext(frames), 30)
        assert isinstance(events, Events)
        assert [event.seq for event in events.events] == [1, 2, 3, 4, 5]
        waiting = asyncio.ensure_future(anext(frames))
        await log.append(records(1, time=MORNING))
        events = await asyncio.wait_for(waiting, 30)
        assert isinstance(events, Events)
        assert [event.seq for event in events.events] == [306]


async def test_leaving_a_stream_leaves_no_waiter(log: EventLog) -> None:
    frames = live.stream(log, Filter())
    await anext(frames)
    task = asyncio.ensure_future(anext(frames))
    while not log.tail.waiting_loops():
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await frames.aclose()
    assert log.tail.waiting_loops() == []
