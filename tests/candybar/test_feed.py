"""The feed: from the engine's stream into the ring, through interruptions."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from godtui.candybar.feed import EVERYTHING, Feed
from godtui.candybar.ring import Ring
from godtui.operations import Dropped, Events, Gap, Position, Welcome
from tests.candybar.fakes import MemoryOperations, elsewhere, event, unavailable
from tests.clock import ManualClock


@asynccontextmanager
async def running(operations, wanted=EVERYTHING):
    clock = ManualClock()
    feed = Feed(lambda: operations, wanted, clock, Ring(1000))
    task = asyncio.create_task(feed.run())
    try:
        yield feed, clock
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0)


def seqs(feed: Feed) -> list[int]:
    return [feed.ring.row(row).seq for row in range(feed.ring.first, feed.ring.end)]


async def test_history_then_live_each_once():
    operations = MemoryOperations()
    operations.store.append([event() for _ in range(3)])
    async with running(operations) as (feed, _):
        await until(lambda: feed.ready)
        operations.store.append([event() for _ in range(2)])
        await until(lambda: feed.ring.end == 5)
        assert seqs(feed) == [1, 2, 3, 4, 5]
        assert (feed.history, feed.live, feed.seen, feed.position) == (3, 2, 5, 5)


async def test_history_is_the_newest_only():
    operations = MemoryOperations()
    operations.store.append([event() for _ in range(1200)])
    async with running(operations) as (feed, _):
        await until(lambda: feed.ready)
        assert seqs(feed) == list(range(701, 1201))


async def test_a_break_is_said_retried_later_and_later_and_loses_nothing():
    operations = MemoryOperations()
    operations.store.append([event()])
    async with running(operations) as (feed, clock):
        await until(lambda: feed.ready)
        operations.store.break_with = unavailable("the disk is full")
        operations.store.wake()
        waits = []
        for _ in range(7):
            await until(lambda: feed.retry_at > clock.monotonic())
            assert feed.fault == "the disk is full"
            waits.append(feed.retry_at - clock.monotonic())
            clock.advance(waits[-1])
        assert waits == [1, 2, 4, 8, 16, 30, 30]
        await until(lambda: feed.retry_at > clock.monotonic())
        operations.store.break_with = None
        operations.store.append([event() for _ in range(3)])
        clock.advance(30)
        await until(lambda: feed.fault is None and feed.ring.end == 4)
        assert seqs(feed) == [1, 2, 3, 4]
        assert [after for _, after in operations.store.streams] == [1, 1]


async def test_a_store_without_history_still_gives_what_comes(monkeypatch):
    operations = MemoryOperations()

    async def query(*_args, **_rest):
        raise unavailable("node-2 holds it")

    monkeypatch.setattr(operations.store, "query", query)
    async with running(operations) as (feed, _):
        await until(lambda: feed.ready)
        assert feed.elsewhere == "no history here: node-2 holds it"
        operations.store.append([event()])
        await until(lambda: feed.ring.end == 1)


def types(feed: Feed) -> list[str]:
    return [feed.ring.row(row).event_type for row in range(feed.ring.first, feed.ring.end)]


def arrivals(*names: str) -> list:
    return [event(f"agent.task.{name}") for name in names]


async def test_what_arrives_while_standing_by_is_not_shown_again_after_the_takeover():
    operations = MemoryOperations()
    store = operations.store
    store.turn(elsewhere("node-2"))
    async with running(operations) as (feed, clock):
        await until(lambda: feed.ready)
        assert (feed.numbered, feed.elsewhere) == (False, "the history is with node-2")
        one, two, three = arrivals("one", "two", "three")
        store.tell([one, two])
        await until(lambda: feed.ring.end == 2)
        assert (seqs(feed), feed.live) == ([0, 0], 2)
        before = event("agent.task.before", time=clock.now() - 60_000_000)
        store.append([before, two, three._replace(stored_at=clock.now())])
        store.turn(None)
        await until(lambda: feed.fault)
        clock.advance(1)
        await until(lambda: feed.fault is None)
        assert (feed.numbered, feed.elsewhere) == (True, None)
        store.append(arrivals("four"))
        await until(lambda: feed.ring.end == 4)
        assert types(feed) == [f"agent.task.{name}" for name in ("one", "two", "three", "four")]
        assert feed.seen == 4


async def test_a_takeover_after_a_while_is_no_break():
    operations = MemoryOperations()
    operations.store.turn(elsewhere("node-2"))
    async with running(operations) as (feed, clock):
        await until(lambda: feed.ready)
        clock.advance(5)
        operations.store.turn(None)
        await until(lambda: feed.numbered)
        assert (feed.fault, feed.elsewhere, clock.monotonic()) == (None, None, 5)


async def test_losing_the_history_to_another_instance_goes_on_live_and_back_again():
    operations = MemoryOperations()
    store = operations.store
    store.append(arrivals("one"))
    async with running(operations) as (feed, clock):
        await until(lambda: feed.ready)
        store.turn(elsewhere("node-2"))
        await until(lambda: feed.fault)
        clock.advance(1)
        await until(lambda: feed.fault is None)
        assert (feed.numbered, feed.elsewhere) == (False, "the history is with node-2")
        (two,) = arrivals("two")
        store.tell([two])
        await until(lambda: feed.ring.end == 2)
        store.append([two, *arrivals("three")])
        store.turn(None)
        await until(lambda: feed.fault)
        clock.advance(1)
        await until(lambda: feed.ring.end == 3)
        assert types(feed) == ["agent.task.one", "agent.task.two", "agent.task.three"]
        assert (feed.elsewhere, feed.seen, feed.position) == (None, 3, 3)


async def test_a_store_that_is_back_by_the_time_is_asked_for_what_was_missed(monkeypatch):
    operations = MemoryOperations()
    store, real = operations.store, operations.store.stream
    refusals = [unavailable("busy")]
    store.append(arrivals("one"))

    def stream(wanted, *, after=None, positions=False):
        if after is not None and len(store.streams) == 1 and refusals:
            raise refusals.pop()
        return real(wanted, after=after, positions=positions)

    async with running(operations) as (feed, clock):
        await until(lambda: feed.ready)
        monkeypatch.setattr(store, "stream", stream)
        store.break_with = unavailable("busy")
        store.wake()
        await until(lambda: feed.fault)
        store.break_with = None
        store.append(arrivals("two"))
        clock.advance(1)
        await until(lambda: feed.retry_at == clock.monotonic() + 2)
        assert (feed.fault, feed.ring.end) == ("busy", 1)
        clock.advance(2)
        await until(lambda: feed.ring.end == 2)
        assert [after for _, after in store.streams] == [1, None, 1]


@pytest.mark.parametrize(
    ("frames", "figures"),
    [
        ([Welcome(9), Position(20)], (11, 0)),
        ([Welcome(9), Dropped(5, 10, 20)], (11, 5)),
        ([Welcome(9), Events([event()._replace(seq=12)]), Position(12)], (3, 0)),
        ([Welcome(9), Gap(10, 30), Position(31)], (1, 0)),
        ([Welcome(None), Events([event(), event()]), Dropped(5, None, None)], (2, 5)),
    ],
)
async def test_figures_follow_the_frames(monkeypatch, frames, figures):
    operations = MemoryOperations()

    async def stream(*_args, **_rest):
        for frame in frames:
            yield frame
        await asyncio.Event().wait()

    async def query(*_args, **_rest):
        raise unavailable()

    monkeypatch.setattr(operations.store, "stream", stream)
    monkeypatch.setattr(operations.store, "query", query)
    async with running(operations) as (feed, _):
        await until(lambda: (feed.live, feed.dropped) == figures)
