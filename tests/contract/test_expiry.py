"""Time to live: a queue's own, for what waits there."""

from __future__ import annotations

import pytest

from godtui.bloodbank.bus import QueueSpec
from tests.contract.harness import Harness
from tests.contract.messages import collect, drain, event, events, eventually, ids, send


async def expired(harness: Harness, number: int) -> bool:
    return len([letter for letter in await harness.letters() if letter.reason == "expired"]) == number


async def test_what_waits_too_long_becomes_a_letter_in_its_queue_alone(harness: Harness) -> None:
    short = QueueSpec("short", ("#",), message_ttl=harness.moment)
    longer = QueueSpec("longer", ("#",), message_ttl=3 * harness.moment)
    for queue in (short, longer):
        await harness.bus.declare(queue)
    sent = event(headers={"x": 1})
    await send(harness.bus, [sent])
    await harness.pass_time(harness.moment)
    await eventually(lambda: expired(harness, 1))
    await harness.pass_time(2 * harness.moment)
    await eventually(lambda: expired(harness, 2))
    first, second = await harness.letters()
    assert (first.queue, second.queue) == ("short", "longer")
    assert (first.message_id, first.headers, first.body) == (sent.message_id, sent.headers, sent.body)
    async with harness.bus.subscribe(longer) as consumer:
        await send(harness.bus, [marker := event()])
        assert ids(await drain(consumer, 1)) == [marker.message_id]


@pytest.mark.parametrize("never", [None, 0])
async def test_without_a_time_to_live_nothing_expires(harness: Harness, never: float | None) -> None:
    queue = QueueSpec("q", ("#",), message_ttl=never)
    await harness.bus.declare(queue)
    sent = events(3)
    await send(harness.bus, sent)
    await harness.pass_time(3 * harness.moment)
    async with harness.bus.subscribe(queue) as consumer:
        assert ids(await drain(consumer, 3)) == ids(sent)
    assert await harness.letters() == []


async def test_what_a_consumer_holds_does_not_expire(harness: Harness) -> None:
    queue = QueueSpec("q", ("#",), message_ttl=harness.moment)
    async with harness.bus.subscribe(queue) as consumer:
        await send(harness.bus, [event()])
        (held,) = await collect(consumer, 1)
        waiting = event()
        await send(harness.bus, [waiting])
        await harness.pass_time(2 * harness.moment)
        await eventually(lambda: expired(harness, 1))
        held.ack()
    assert [letter.message_id for letter in await harness.letters()] == [waiting.message_id]


async def test_an_expired_message_is_not_handed_out(harness: Harness) -> None:
    queue = QueueSpec("q", ("#",), message_ttl=harness.moment)
    await harness.bus.declare(queue)
    await send(harness.bus, events(3))
    await harness.pass_time(harness.moment)
    fresh = event()
    await send(harness.bus, [fresh])
    async with harness.bus.subscribe(queue) as consumer:
        assert ids(await drain(consumer, 1)) == [fresh.message_id]
    await eventually(lambda: expired(harness, 3))


async def test_what_was_put_into_one_queue_expires_there(harness: Harness) -> None:
    await harness.bus.declare(QueueSpec("q", ("nothing",), message_ttl=harness.moment))
    await send(harness.bus, events(2), queue="q")
    await harness.pass_time(harness.moment)
    await eventually(lambda: expired(harness, 2))


async def test_expiry_is_remembered_across_a_restart(harness: Harness) -> None:
    await harness.bus.declare(QueueSpec("q", ("#",), message_ttl=harness.moment))
    await send(harness.bus, events(2))
    await harness.restart()
    await harness.pass_time(harness.moment)
    await eventually(lambda: expired(harness, 2))
