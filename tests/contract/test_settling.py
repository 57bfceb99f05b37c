"""Settling: a message leaves by ack after its effect, comes back, or becomes a letter."""

from __future__ import annotations

import pytest

from godtui.bloodbank.bus import AlreadySettledError, Delivery, QueueSpec
from tests.contract.harness import Harness
from tests.contract.messages import collect, drain, event, events, eventually, handed_out, ids, send

QUEUE = QueueSpec("q", ("#",))


async def test_what_is_settled_never_comes_back(harness: Harness) -> None:
    async with harness.bus.subscribe(QUEUE) as consumer:
        await send(harness.bus, events(5))
        batch = await consumer.batch(5, wait=harness.moment)
        await batch.settle()
        assert all(delivery.settled for delivery in batch.deliveries)
    await harness.restart()
    async with harness.bus.subscribe(QUEUE) as consumer:
        marker = event()
        await send(harness.bus, [marker])
        assert ids(await drain(consumer, 1)) == [marker.message_id]


async def test_a_batch_settles_in_order_what_was_not_decided_alone(harness: Harness) -> None:
    sent = events(5)
    async with harness.bus.subscribe(QUEUE) as consumer:
        await send(harness.bus, sent)
        batch = await consumer.batch(5, wait=harness.moment)
        assert ids(batch.deliveries) == ids(sent)
        batch.deliveries[3].retry("not yet")
        batch.deliveries[1].dead_letter("no use")
        await batch.settle()
        (again,) = await collect(consumer, 1)
        assert (again.message, again.attempt) == (sent[3], 2)
        again.ack()
    assert [letter.message_id for letter in await harness.letters()] == [sent[1].message_id]
    await harness.restart()
    async with harness.bus.subscribe(QUEUE) as consumer:
        assert (await harness.bus.statistics("q")).ready == 0


async def test_what_was_acked_stays_so_and_the_rest_comes_again_in_order(harness: Harness) -> None:
    sent = events(6)
    async with harness.bus.subscribe(QUEUE) as consumer:
        await send(harness.bus, sent)
        first, second, *_ = await collect(consumer, 5)
        second.ack()
        first.ack()
    async with harness.bus.subscribe(QUEUE) as consumer:
        again = await collect(consumer, 4)
        assert ids(again) == ids(sent[2:])
        assert handed_out(harness.bus, again, [2, 2, 2, 1])


async def test_every_hand_out_is_counted(harness: Harness) -> None:
    async with harness.bus.subscribe(QUEUE) as consumer:
        await send(harness.bus, [event()])
        for attempt in range(1, 6):
            (delivery,) = await collect(consumer, 1)
            assert delivery.attempt == attempt
            delivery.retry("once more")


async def test_settling_twice_is_an_error_and_changes_nothing(harness: Harness) -> None:
    async with harness.bus.subscribe(QUEUE) as consumer:
        await send(harness.bus, events(3))
        batch = await consumer.batch(3, wait=harness.moment)
        batch.deliveries[0].ack()
        batch.deliveries[1].retry("later")
        batch.deliveries[2].dead_letter("no use")
        for delivery in batch.deliveries:
            for decide in (delivery.ack, lambda d=delivery: d.retry("again"), lambda d=delivery: d.dead_letter("x")):
                with pytest.raises(AlreadySettledError):
                    decide()
        await batch.settle()
        await batch.settle()
        assert [each.attempt for each in await drain(consumer, 1)] == [2]
    assert [letter.reason for letter in await harness.letters()] == ["no use"]


async def test_settling_after_leaving_is_harmless(harness: Harness) -> None:
    async with harness.bus.subscribe(QUEUE) as consumer:
        await send(harness.bus, events(3))
        batch = await consumer.batch(3, wait=harness.moment)
    batch.deliveries[0].ack()
    batch.deliveries[1].dead_letter("too late")
    await batch.settle()
    async with harness.bus.subscribe(QUEUE) as consumer:
        assert [each.attempt for each in await drain(consumer, 3)] == [2, 2, 2]
    assert await harness.letters() == []


async def test_settling_after_the_end_of_the_bus_is_harmless(harness: Harness) -> None:
    consumer = harness.bus.subscribe(QUEUE)
    await harness.bus.declare(QUEUE)
    await send(harness.bus, events(2))
    batch = await consumer.batch(2, wait=harness.moment)
    await harness.restart()
    batch.deliveries[0].retry("too late")
    await batch.settle()
    async with harness.bus.subscribe(QUEUE) as again:
        assert [each.attempt for each in await drain(again, 2)] == [2, 2]


async def test_a_retry_waits_for_its_time_and_blocks_nobody(harness: Harness) -> None:
    sent = events(2)
    async with harness.bus.subscribe(QUEUE) as consumer:
        await send(harness.bus, sent)
        late, done = await collect(consumer, 2)
        late.retry("the other side is away", after=harness.moment)
        done.ack()
        others = events(5)
        await send(harness.bus, others)
        assert ids(await drain(consumer, 5, most=1)) == ids(others)
        await harness.pass_time(harness.moment)
        (again,) = await collect(consumer, 1)
        assert (again.message, again.attempt) == (sent[0], 2)
        again.ack()


async def test_retries_come_by_their_own_times(harness: Harness) -> None:
    sent = events(3)
    async with harness.bus.subscribe(QUEUE) as consumer:
        await send(harness.bus, sent)
        for delivery, moments in zip(await collect(consumer, 3), (3, 1, 2), strict=True):
            delivery.retry("later", after=moments * harness.moment)
        marker = event()
        await send(harness.bus, [marker])
        assert ids(await drain(consumer, 1)) == [marker.message_id]
        for expected in (sent[1], sent[2], sent[0]):
            await harness.pass_time(harness.moment)
            assert ids(await drain(consumer, 1)) == [expected.message_id]


async def test_a_retry_waits_across_a_restart(harness: Harness) -> None:
    async with harness.bus.subscribe(QUEUE) as consumer:
        await send(harness.bus, [sent := event()])
        (delivery,) = await collect(consumer, 1)
        delivery.retry("later", after=harness.moment)
    await harness.restart()
    async with harness.bus.subscribe(QUEUE) as consumer:
        marker = event()
        await send(harness.bus, [marker])
        assert ids(await drain(consumer, 1)) == [marker.message_id]
        await harness.pass_time(harness.moment)
        (again,) = await drain(consumer, 1)
        assert (again.message, again.attempt) == (sent, 2)


async def test_a_message_retried_without_end_does_not_keep_others_out(harness: Harness) -> None:
    stubborn, others = event(), events(10)
    async with harness.bus.subscribe(QUEUE) as consumer:
        await send(harness.bus, [stubborn, *others])
        done: list[str] = []
        for _ in range(3 * len(others)):
            (delivery,) = await collect(consumer, 1)
            if delivery.message == stubborn:
                delivery.retry("never content")
            else:
                done += ids([delivery])
                delivery.ack()
            if len(done) == len(others):
                break
        assert done == ids(others)


async def test_a_dead_letter_tells_all(harness: Harness) -> None:
    sent = event("agent.task.failed", headers={"x": 1, "y": "ü"}, text="ü")
    async with harness.bus.subscribe(QUEUE) as consumer:
        await send(harness.bus, [sent])
        (delivery,) = await collect(consumer, 1)
        delivery.retry("first try")
        (delivery,) = await collect(consumer, 1)
        delivery.dead_letter("no such ticket \ud800")
    await eventually(lambda: has_letters(harness, 1))
    (letter,) = await harness.letters()
    assert (letter.queue, letter.attempts, letter.message_id) == ("q", 2, sent.message_id)
    assert letter.reason.startswith("no such ticket")
    assert (letter.routing_key, letter.headers, letter.body) == (sent.routing_key, sent.headers, sent.body)


async def test_a_dead_letter_of_one_queue_is_alive_in_another(harness: Harness) -> None:
    other = QueueSpec("other", ("#",))
    async with harness.bus.subscribe(QUEUE) as consumer, harness.bus.subscribe(other) as neighbour:
        await send(harness.bus, [sent := event()])
        (delivery,) = await collect(consumer, 1)
        delivery.dead_letter("not for me")
        assert ids(await drain(neighbour, 1)) == [sent.message_id]


async def test_a_delivery_says_whether_it_is_settled(harness: Harness) -> None:
    async with harness.bus.subscribe(QUEUE) as consumer:
        await send(harness.bus, events(1))
        (delivery,) = await collect(consumer, 1)
        assert settled(delivery) is False
        delivery.ack()
        assert settled(delivery) is True


def settled(delivery: Delivery) -> bool:
    return delivery.settled


async def has_letters(harness: Harness, number: int) -> bool:
    return len(await harness.letters()) == number
