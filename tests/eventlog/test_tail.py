"""The end of the log in memory: the window, waiting, and following from any position."""

from __future__ import annotations

import asyncio
import random
import threading

import pytest

from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog, LogUnavailableError, Transaction
from godtui.eventlog.tail import Tail
from tests.eventlog.records import PATIENCE, record, records, until


def events(first: int, count: int, size: int = 10) -> list[StoredEvent]:
    return [
        StoredEvent(seq, 0, bytes(16), "a.b", "s", None, 0, None, None, bytes(size))
        for seq in range(first, first + count)
    ]


def seqs(found: list[StoredEvent] | None) -> list[int]:
    assert found is not None
    return [event.seq for event in found]


def test_within_and_beyond_the_window() -> None:
    tail = Tail()
    tail.start_at(100)
    assert tail.after(99, 10) is None
    assert tail.after(100, 10) == []
    tail.extend(events(101, 20))
    assert tail.last_seq == 120
    assert seqs(tail.after(100, 5)) == [101, 102, 103, 104, 105]
    assert seqs(tail.after(118, 5)) == [119, 120]
    assert tail.after(120, 5) == []
    assert tail.after(500, 5) == []
    assert tail.after(99, 5) is None


def test_trimming_by_count() -> None:
    tail = Tail(max_events=80)
    for first in range(1, 1001, 10):
        tail.extend(events(first, 10))
        kept = tail.after(max(tail.last_seq - 60, 0), 1000)
        assert len(seqs(kept)) == min(tail.last_seq, 60)
    assert tail.after(1000 - 81, 1) is None


def test_trimming_by_bytes() -> None:
    tail = Tail(max_events=10_000, max_bytes=1000)
    for seq in range(1, 101):
        tail.extend(events(seq, 1, size=100))
    assert tail.after(100 - 11, 1) is None
    assert tail._bytes <= 1000
    assert tail._bytes == sum(len(event.body) for event in tail._events)


def test_one_event_larger_than_the_window_is_read_from_the_file() -> None:
    tail = Tail(max_bytes=1000)
    tail.extend(events(1, 1, size=5000))
    assert tail.after(0, 1) is None
    tail.extend(events(2, 1))
    assert seqs(tail.after(1, 1)) == [2]


def test_a_commit_larger_than_the_window() -> None:
    tail = Tail(max_events=80)
    tail.extend(events(1, 1000))
    kept = seqs(tail.after(999 - 60, 1000))
    assert kept == list(range(940, 1001))
    assert tail.after(0, 10) is None


def test_a_gap_begins_the_window_anew() -> None:
    tail = Tail()
    tail.extend(events(1, 5))
    tail.extend(events(9, 2))
    assert seqs(tail.after(8, 10)) == [9, 10]
    assert tail.after(5, 10) is None


async def test_waiting_ends_only_with_growth() -> None:
    tail = Tail()
    waiting = asyncio.ensure_future(tail.beyond(5))
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    tail.extend(events(1, 5))
    tail.wake(loop)
    await asyncio.sleep(0)
    assert not waiting.done()
    tail.extend(events(6, 1))
    tail.wake(loop)
    await waiting
    assert tail.waiting_loops() == []
    await tail.beyond(5)


async def test_a_waiter_that_went_away_leaves_nothing() -> None:
    tail = Tail()
    waiting = [asyncio.ensure_future(tail.beyond(5)) for _ in range(3)]
    await asyncio.sleep(0)
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert tail.waiting_loops() == []


async def test_closing_tells_who_waits(log: EventLog) -> None:
    following = asyncio.ensure_future(anext(log.follow(0)))
    await until(log.tail.waiting_loops)
    await log.close()
    with pytest.raises(LogUnavailableError, match="closed"):
        await following
    assert log.tail.waiting_loops() == []


async def test_no_wake_up_is_lost_on_any_loop(log: EventLog) -> None:
    """Every waiter asks for exactly the next event, so that one missed wake-up would stop it for ever."""
    total, failures = 400, []

    async def wait_for_each() -> None:
        for seq in range(total):
            await asyncio.wait_for(log.tail.beyond(seq), 30)

    def own_loop() -> None:
        try:
            asyncio.run(wait_for_each())
        except (TimeoutError, LogUnavailableError) as error:
            failures.append(error)

    threads = [threading.Thread(target=own_loop) for _ in range(3)]
    for thread in threads:
        thread.start()
    here = asyncio.ensure_future(wait_for_each())
    for number in range(total):
        await log.append([record(number)])
    await here
    await until(lambda: not any(thread.is_alive() for thread in threads))
    assert failures == []
    assert log.tail.waiting_loops() == []


async def follow(log: EventLog, after: int, last: int, limit: int) -> list[int]:
    seen: list[int] = []
    stream = log.follow(after, limit)
    async for batch in stream:
        assert 0 < len(batch) <= limit
        seen += [event.seq for event in batch]
        if seen[-1] >= last:
            break
    await stream.aclose()
    return seen


async def test_catching_up_and_live_are_one(log: EventLog) -> None:
    chance = random.Random(7)
    log.tail._max_events = 64  # so that followers fall out of the window and come back into it
    await log.append(records(500))
    last = 3000
    positions = [0, 250, 499, 500, *(chance.randrange(500) for _ in range(4))]
    following = [asyncio.ensure_future(follow(log, at, last, chance.choice((1, 10, 512)))) for at in positions]

    async def publish() -> None:
        while log.last_seq < last:
            await log.append(records(chance.randrange(1, 40)))

    await asyncio.gather(publish(), publish(), publish())
    for after, one in zip(positions, following, strict=True):
        seen = await asyncio.wait_for(one, 30)
        assert seen == list(range(after + 1, after + 1 + len(seen)))
        assert seen[-1] >= last


async def test_outside_the_window_the_same_events_come_from_the_file(log: EventLog) -> None:
    batch = records(100)
    await log.append(batch)
    remembered = await log.after(0, 100)
    log.tail.start_at(100)
    assert await log.after(0, 100) == remembered
    assert await log.after(40, 7) == remembered[40:47]
    assert await log.after(100) == []


async def test_what_was_touched_by_name_is_waited_for(log: EventLog) -> None:
    before = log.tail.changes("box")
    waiting = asyncio.create_task(log.tail.changed("box", before))
    other = asyncio.create_task(log.tail.changed("other", log.tail.changes("other")))
    await until(log.tail.waiting_loops)
    await log.append([record()])
    await log.submit(lambda transaction: transaction.touched.add("other things"))
    assert not waiting.done()
    await log.submit(lambda transaction: transaction.touched.add("box"))
    await asyncio.wait_for(waiting, PATIENCE)
    assert log.tail.changes("box") > before
    assert not other.done()
    other.cancel()


async def test_a_file_that_is_back_makes_everyone_look_again(log: EventLog) -> None:
    waiting = asyncio.create_task(log.tail.changed("box", log.tail.changes("box")))
    await until(log.tail.waiting_loops)

    def fail(transaction: Transaction) -> None:
        raise OSError(5, "the disk is away")

    def lose(transaction: Transaction) -> None:
        transaction.execute("ROLLBACK")
        fail(transaction)

    with pytest.raises(LogUnavailableError):
        await log.submit(lose)
    await asyncio.wait_for(waiting, PATIENCE)
    assert log.fault is None


async def test_who_waits_for_a_name_is_told_of_the_end(log: EventLog) -> None:
    waiting = asyncio.create_task(log.tail.changed("box", log.tail.changes("box")))
    await until(log.tail.waiting_loops)
    await log.close()
    with pytest.raises(LogUnavailableError):
        await asyncio.wait_for(waiting, PATIENCE)
