"""Publishing: an outcome a message, what is confirmed is delivered, in each publisher's order."""

from __future__ import annotations

import asyncio
from uuid import UUID

from godtui.bloodbank.bus import Already, Confirmed, Conflict, Message, QueueSpec, Refused, Unconfirmed
from tests.contract.harness import Harness
from tests.contract.messages import collect, drain, event, events, ids, read, send

ALL = QueueSpec("all", ("#",))


async def test_an_empty_publish_has_no_outcomes(harness: Harness) -> None:
    assert await harness.bus.publish([]) == []


async def test_delivers_a_message_as_it_was_sent(harness: Harness) -> None:
    sent = event(
        "agent.task.completed",
        headers={"text": "ü\n\u0000", "number": -(2**62), "yes": True, "no": False, "nothing": None},
        text="ü\u0000\u202e",
        big=10**30,
    )
    async with harness.bus.subscribe(ALL) as consumer:
        await send(harness.bus, [sent])
        (delivery,) = await collect(consumer, 1)
        assert delivery.message == sent
        assert delivery.message.headers == sent.headers
        assert delivery.attempt == 1


async def test_confirms_positions_where_it_knows_them(harness: Harness) -> None:
    positions = [outcome.seq for outcome in await send(harness.bus, events(3))]
    if harness.bus.features.confirms_position:
        assert positions == sorted(position for position in positions if position is not None)
        assert len(set(positions)) == 3
    else:
        assert positions == [None, None, None]


async def test_refuses_what_is_no_event_and_takes_its_neighbours(harness: Harness) -> None:
    good = events(3)
    bad = [Message(body, "test.event.created", "x") for body in (b"", b"garbage", b"[]", b'{"event_id": 1}')]
    async with harness.bus.subscribe(ALL) as consumer:
        outcomes = await harness.bus.publish([good[0], bad[0], bad[1], good[1], bad[2], bad[3], good[2]])
        assert [type(outcome) for outcome in outcomes] == [
            Confirmed, Refused, Refused, Confirmed, Refused, Refused, Confirmed,
        ]  # fmt: skip
        assert all(outcome.reason for outcome in outcomes if isinstance(outcome, Refused))
        assert ids(await drain(consumer, 3)) == ids(good)


async def test_refuses_headers_that_cannot_be_carried(harness: Harness) -> None:
    outcomes = await harness.bus.publish([event(headers={"lone": "\ud800"}), event()])
    assert [type(outcome) for outcome in outcomes] == [Refused, Confirmed]


async def test_a_repeated_id_is_known_and_not_delivered_again(harness: Harness) -> None:
    first = event(number=1)
    other = event(number=2)
    async with harness.bus.subscribe(ALL) as consumer:
        await send(harness.bus, [first])
        changed = event(number=3, event_id=UUID(first.message_id))
        outcomes = await harness.bus.publish([first, other, changed, first])
        if not harness.bus.features.knows_duplicates:
            assert all(isinstance(outcome, Confirmed) for outcome in outcomes)
            return
        assert [type(outcome) for outcome in outcomes] == [Already, Confirmed, Conflict, Already]
        assert ids(await drain(consumer, 2)) == ids([first, other])


async def test_a_repeat_within_one_publish_is_known(harness: Harness) -> None:
    message = event()
    async with harness.bus.subscribe(ALL) as consumer:
        outcomes = await harness.bus.publish([message, message])
        if harness.bus.features.knows_duplicates:
            assert [type(outcome) for outcome in outcomes] == [Confirmed, Already]
            marker = event()
            await send(harness.bus, [marker])
            assert ids(await drain(consumer, 2)) == ids([message, marker])
        else:
            assert [type(outcome) for outcome in outcomes] == [Confirmed, Confirmed]


async def test_keeps_the_order_of_each_of_several_publishers(harness: Harness) -> None:
    batches, size, publishers = 20, 7, 5
    sent = {name: events(batches * size, f"publisher.p{name}.sent") for name in range(publishers)}

    async def publish(name: int) -> None:
        for start in range(0, batches * size, size):
            await send(harness.bus, sent[name][start : start + size])

    async with harness.bus.subscribe(ALL) as consumer:
        publishing = asyncio.gather(*(publish(name) for name in sent))
        delivered = await drain(consumer, batches * size * publishers, most=50)
        await publishing
    for name, messages in sent.items():
        key = f"publisher.p{name}.sent"
        assert [each.message.message_id for each in delivered if each.message.routing_key == key] == ids(messages)


async def test_a_cancelled_publish_stores_whole_messages_once(harness: Harness) -> None:
    async with harness.bus.subscribe(ALL) as consumer:
        sent = events(40)
        for ticks, message in enumerate(sent):
            publishing = asyncio.create_task(harness.bus.publish([message]))
            for _ in range(ticks % 8):
                await asyncio.sleep(0)
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)
        marker = event("marker.event.sent")
        await send(harness.bus, [marker])
        found: list[str] = []
        while marker.message_id not in found:
            found += ids(await drain(consumer, 1))
    assert found[:-1] == [each for each in ids(sent) if each in found]


async def test_to_one_queue_alone(harness: Harness) -> None:
    bus = harness.bus
    one, other = QueueSpec("one", ("nothing.at.all",)), QueueSpec("other", ("#",))
    async with bus.subscribe(one) as mine, bus.subscribe(other) as theirs, bus.tap(("#",)) as tap:
        sent = event("agent.task.failed", headers={"x": 1})
        await send(bus, [sent, sent], queue="one")
        marker = event()
        await send(bus, [marker])
        assert [each.message for each in await drain(mine, 2)] == [sent, sent]
        assert ids(await drain(theirs, 1)) == ids(await read(tap, 1)) == [marker.message_id]


async def test_to_one_queue_goes_behind_what_waits_there(harness: Harness) -> None:
    await harness.bus.declare(ALL)
    waiting, put = events(5), events(2)
    await send(harness.bus, waiting)
    await send(harness.bus, put, queue="all")
    later = events(3)
    await send(harness.bus, later)
    async with harness.bus.subscribe(ALL) as consumer:
        found = ids(await drain(consumer, 10, most=2))
    assert found[:5] == ids(waiting)
    assert [each for each in found if each in ids(put)] == ids(put)
    assert [each for each in found if each in ids(later)] == ids(later)


async def test_to_a_queue_that_is_not_there_is_refused(harness: Harness) -> None:
    outcomes = await harness.bus.publish(events(2), queue="nowhere")
    assert [type(outcome) for outcome in outcomes] == [Refused, Refused]


async def test_big_messages(harness: Harness) -> None:
    sent = [event(text=str(number) * 1_048_576) for number in range(4)]
    async with harness.bus.subscribe(ALL) as consumer:
        await send(harness.bus, sent)
        assert [each.message.body for each in await drain(consumer, 4)] == [message.body for message in sent]


async def test_after_the_end_nothing_is_confirmed(harness: Harness) -> None:
    await harness.bus.close()
    (outcome,) = await harness.bus.publish([event()])
    assert isinstance(outcome, Unconfirmed)
