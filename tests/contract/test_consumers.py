"""Consumers: several on a queue, dying, cancelled, leaving."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from godtui.bloodbank.bus import Bus, Delivery, QueueSpec, SubscriptionClosedError
from tests.contract.harness import PATIENCE, Harness
from tests.contract.messages import collect, drain, event, events, eventually, handed_out, ids, send

QUEUE = QueueSpec("q", ("#",))


async def test_competing_consumers_never_hold_one_message_at_once(harness: Harness) -> None:
    sent = events(300)
    in_hand: set[str] = set()
    done: list[str] = []
    all_done = asyncio.Event()

    async def consume(most: int) -> None:
        async with harness.bus.subscribe(QUEUE) as consumer:
            while True:
                batch = await consumer.batch(most)
                taken = ids(batch.deliveries)
                assert in_hand.isdisjoint(taken)
                in_hand.update(taken)
                for _ in range(most):
                    await asyncio.sleep(0)
                await batch.settle()
                in_hand.difference_update(taken)
                done.extend(taken)
                if len(done) >= len(sent):
                    all_done.set()

    await harness.bus.declare(QUEUE)
    tasks = [asyncio.create_task(consume(most)) for most in (1, 3, 7, 20)]
    waiting = asyncio.create_task(all_done.wait())
    for start in range(0, len(sent), 30):
        await send(harness.bus, sent[start : start + 30])
    await asyncio.wait([*tasks, waiting], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    for task in (*tasks, waiting):
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [end for end in ends if not isinstance(end, asyncio.CancelledError)] == []
    assert sorted(done) == sorted(ids(sent))


class BoomError(Exception):
    """A consumer's own mistake."""


async def ack_one_of_five(bus: Bus, then: Callable[[], Awaitable[None]]) -> None:
    """Take five, ack the first, and go on with the rest in hand."""
    async with bus.subscribe(QUEUE) as consumer:
        first, *_ = (await consumer.batch(5, wait=PATIENCE)).deliveries
        first.ack()
        await then()


async def fails(bus: Bus) -> None:
    """Die of an exception."""

    async def boom() -> None:
        raise BoomError

    with pytest.raises(BoomError):
        await ack_one_of_five(bus, boom)


async def is_cancelled(bus: Bus, *, again_after: int | None = None) -> None:
    """Be cancelled, perhaps a second time while leaving."""
    working = asyncio.Event()

    async def work_for_ever() -> None:
        working.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(ack_one_of_five(bus, work_for_ever))
    await working.wait()
    task.cancel()
    if again_after is not None:
        for _ in range(again_after):
            await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("die", [fails, is_cancelled])
async def test_what_a_dying_consumer_holds_comes_again_in_order(
    harness: Harness, die: Callable[[Bus], Awaitable[None]]
) -> None:
    await harness.bus.declare(QUEUE)
    sent = events(8)
    await send(harness.bus, sent)
    await die(harness.bus)
    async with harness.bus.subscribe(QUEUE) as consumer:
        again = await collect(consumer, 7)
        assert ids(again) == ids(sent[1:])
        assert handed_out(harness.bus, again, [2, 2, 2, 2, 1, 1, 1])


@pytest.mark.parametrize("ticks", [0, 1, 2, 3, 5, 8])
async def test_a_consumer_cancelled_while_it_leaves_still_gives_back(harness: Harness, ticks: int) -> None:
    await harness.bus.declare(QUEUE)
    sent = events(5)
    await send(harness.bus, sent)
    await is_cancelled(harness.bus, again_after=ticks)
    async with harness.bus.subscribe(QUEUE) as consumer:
        assert ids(await drain(consumer, 4)) == ids(sent[1:])


async def test_another_consumer_gets_at_once_what_one_leaves(harness: Harness) -> None:
    async with harness.bus.subscribe(QUEUE) as leaving:
        await send(harness.bus, sent := events(3))
        await collect(leaving, 3)
        async with harness.bus.subscribe(QUEUE) as staying:
            waiting = asyncio.create_task(collect(staying, 3))
            await asyncio.sleep(0)
            await leaving.close()
            async with asyncio.timeout(PATIENCE):
                assert ids(await waiting) == ids(sent)


@pytest.mark.parametrize("ticks", range(0, 60, 3))
async def test_a_wait_cancelled_while_messages_come_loses_and_doubles_nothing(harness: Harness, ticks: int) -> None:
    sent = events(6)
    found: list[Delivery] = []
    async with harness.bus.subscribe(QUEUE) as consumer:
        for start in range(0, len(sent), 2):
            waiting = asyncio.create_task(consumer.batch(2))
            publishing = asyncio.create_task(send(harness.bus, sent[start : start + 2]))
            for _ in range(ticks):
                await asyncio.sleep(0)
            waiting.cancel()
            (end,) = await asyncio.gather(waiting, return_exceptions=True)
            found += [] if isinstance(end, BaseException) else end.deliveries
            await publishing
        found += await collect(consumer, len(sent) - len(found))
    assert ids(found) == ids(sent)
    assert [each.attempt for each in found] == [1] * len(sent)


async def test_a_cancelled_wait_leaves_a_hand_out_in_flight_to_the_next_batch(harness: Harness) -> None:
    await harness.bus.declare(QUEUE)
    sent = events(50)
    await send(harness.bus, sent)
    found: list[str] = []
    async with harness.bus.subscribe(QUEUE) as consumer:
        for ticks in range(40):
            waiting = asyncio.create_task(consumer.batch(1))
            for _ in range(ticks):
                await asyncio.sleep(0)
            waiting.cancel()
            (end,) = await asyncio.gather(waiting, return_exceptions=True)
            if not isinstance(end, BaseException):
                found += ids(end.deliveries)
                await end.settle()
        rest = await drain(consumer, len(sent) - len(found))
        assert [each.attempt for each in rest] == [1] * len(rest)
        assert found + ids(rest) == ids(sent)


async def test_waits_for_more_only_so_long(harness: Harness) -> None:
    sent = events(3)
    async with harness.bus.subscribe(QUEUE) as consumer:
        await send(harness.bus, sent[:1])
        waiting = asyncio.create_task(consumer.batch(3, wait=harness.moment))
        await send(harness.bus, sent[1:])
        async with asyncio.timeout(PATIENCE):
            assert ids((await waiting).deliveries) == ids(sent)
        await send(harness.bus, [last := event()])
        waiting = asyncio.create_task(consumer.batch(3, wait=harness.moment))
        async with asyncio.timeout(PATIENCE):
            while not waiting.done():
                await harness.pass_time(harness.moment)
                await asyncio.sleep(0)
        assert ids(waiting.result().deliveries) == [last.message_id]


async def test_never_hands_out_more_than_asked(harness: Harness) -> None:
    sent = events(20)
    async with harness.bus.subscribe(QUEUE) as first:
        await send(harness.bus, sent[:10])
        await collect(first, 10)
    await send(harness.bus, sent[10:])
    async with harness.bus.subscribe(QUEUE) as consumer:
        sizes: list[int] = []
        found: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while len(found) < 20:
                batch = await consumer.batch(6)
                sizes.append(len(batch.deliveries))
                found += ids(batch.deliveries)
        assert max(sizes) <= 6
        assert found == ids(sent)


async def test_a_batch_of_nothing_is_a_mistake(harness: Harness) -> None:
    async with harness.bus.subscribe(QUEUE) as consumer:
        with pytest.raises(ValueError, match="at least one"):
            await consumer.batch(0)


async def test_a_closed_consumer_hands_out_nothing_more(harness: Harness) -> None:
    consumer = harness.bus.subscribe(QUEUE)
    waiting = asyncio.create_task(consumer.batch())
    async with asyncio.timeout(PATIENCE):
        await harness.bus.declare(QUEUE)
        await consumer.close()
        with pytest.raises(SubscriptionClosedError):
            await waiting
    with pytest.raises(SubscriptionClosedError):
        await consumer.batch()
    await consumer.close()


async def test_the_end_of_the_bus_ends_its_consumers(harness: Harness) -> None:
    async with harness.bus.subscribe(QUEUE) as consumer:
        waiting = asyncio.create_task(consumer.batch())
        await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            await harness.bus.close()
            with pytest.raises(SubscriptionClosedError):
                await waiting
    with pytest.raises(SubscriptionClosedError):
        async with harness.bus.subscribe(QUEUE):
            pass


async def test_counts_what_waits_what_is_held_and_who_takes(harness: Harness) -> None:
    bus = harness.bus
    await bus.declare(QUEUE)
    await eventually(lambda: counts(bus, 0, 0, 0))
    await send(bus, events(10))
    await eventually(lambda: counts(bus, 10, 0, 0))
    async with bus.subscribe(QUEUE) as one, bus.subscribe(QUEUE) as other:
        held = await collect(one, 4)
        more = await collect(other, 1)
        await eventually(lambda: counts(bus, 5, 5, 2))
        await send(bus, events(2), queue="q")
        await send(bus, [event("else.where")])
        await eventually(lambda: counts(bus, 8, 5, 2))
        held[0].ack()
        held[1].dead_letter("no use")
        held[2].retry("later", after=harness.moment)
        more[0].ack()
        await other.close()
        await eventually(lambda: holds(bus, 10, 1))
    await eventually(lambda: holds(bus, 10, 0))
    await harness.restart()
    await eventually(lambda: counts(harness.bus, 10, 0, 0))


async def counts(bus: Bus, ready: int, unsettled: int, consumers: int) -> bool:
    return await bus.statistics("q") == (ready, unsettled, consumers)


async def holds(bus: Bus, messages: int, consumers: int) -> bool:
    """How many there are in all: some of them may have been sent ahead."""
    statistics = await bus.statistics("q")
    return (statistics.ready + statistics.unsettled, statistics.consumers) == (messages, consumers)


async def test_a_backlog_of_ten_thousand(harness: Harness) -> None:
    other = QueueSpec("other", ("odd.#",))
    await harness.bus.declare(QUEUE)
    await harness.bus.declare(other)
    sent = [event("odd.event" if number % 2 else "even.event", number=number) for number in range(10_000)]
    for start in range(0, len(sent), 1000):
        await send(harness.bus, sent[start : start + 1000])
    await eventually(lambda: counts(harness.bus, 10_000, 0, 0))
    async with harness.bus.subscribe(QUEUE) as consumer:
        assert ids(await drain(consumer, 10_000, most=500)) == ids(sent)
    async with harness.bus.subscribe(other) as consumer:
        assert ids(await drain(consumer, 100, most=1)) == ids(sent[1:200:2])
        assert ids(await drain(consumer, 4900, most=500)) == ids(sent[201::2])
    await eventually(lambda: counts(harness.bus, 0, 0, 0))
