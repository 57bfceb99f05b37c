"""The feed: from the engine's stream into the ring, through interruptions."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from godtui.candybar.feed import EVERYTHING, Feed
from godtui.candybar.ring import Ring
from godtui.operations import Dropped, Events, Gap, Position, Welcome
from tests.candybar.fakes import MemoryOperations, event, unavailable
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
        assert feed.note == "no history here: node-2 holds it"
        operations.store.append([event()])
        await until(lambda: feed.ring.end == 1)


@pytest.mark.parametrize(
    ("frames", "figures"),
    [
        ([Welcome(9), Position(20)], (11, 0)),
        ([Welcome(9), Dropped(5, 10, 20)], (11, 5)),
        ([Welcome(9), Events([event()._replace(seq=12)]), Position(12)], (3, 0)),
        ([Welcome(9), Gap(10, 30), Position(31)], (1, 0)),
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
