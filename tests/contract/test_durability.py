"""What was confirmed or settled is so, whatever is killed and whenever."""

from __future__ import annotations

from godtui.bloodbank.bus import Already, Delivery, QueueSpec
from godtui.envelope import read_envelope
from tests.contract.harness import Harness
from tests.contract.messages import collect, drain, event, events, handed_out, ids, send

QUEUE = QueueSpec("q", ("#",))


async def test_confirmed_means_durable(harness: Harness) -> None:
    """Publishers in another process are killed in the middle of it: whatever they saw confirmed is delivered once."""
    await harness.bus.declare(QUEUE)
    async with harness.elsewhere("publish", "20") as other:
        confirmed = await other.says(400)
        confirmed += await other.kill()
    marker = event("marker.event.sent")
    await send(harness.bus, [marker])
    async with harness.bus.subscribe(QUEUE) as consumer:
        found: list[Delivery] = await drain(consumer, len(confirmed) + 1)
        while marker.message_id not in ids(found):
            found += await drain(consumer, 1)
    delivered = ids(found)
    assert set(confirmed) <= set(delivered)
    assert len(delivered) == len(set(delivered))
    for name in range(3):
        numbers = [
            read_envelope(each.message.body)[0].payload["number"]
            for each in found
            if each.message.routing_key == f"child.p{name}.sent"
        ]
        assert numbers == sorted(numbers)
    if harness.bus.features.knows_duplicates:
        outcomes = await harness.bus.publish([each.message for each in found])
        assert {type(outcome) for outcome in outcomes} == {Already}


async def test_a_hand_out_to_a_killed_process_is_counted(harness: Harness) -> None:
    await harness.bus.declare(QUEUE)
    sent = events(5)
    await send(harness.bus, sent)
    for attempt in (1, 2):
        async with harness.elsewhere("consume", "q", "#", "3") as other:
            assert await other.says(3) == [f"{identity} {attempt}" for identity in ids(sent[:3])]
    async with harness.bus.subscribe(QUEUE) as consumer:
        again = await collect(consumer, 5)
        assert ids(again) == ids(sent)
        assert [each.attempt for each in again] == [3, 3, 3, 1, 1]


async def test_what_a_killed_process_settled_stays_settled(harness: Harness) -> None:
    await harness.bus.declare(QUEUE)
    sent = events(6)
    await send(harness.bus, sent)
    async with harness.elsewhere("acknowledge", "q", "#", "2") as other:
        assert await other.says(2) == ids(sent[2:4])
    async with harness.bus.subscribe(QUEUE) as consumer:
        again = await collect(consumer, 4)
        again.sort(key=lambda each: ids(sent).index(each.message.message_id))
        assert ids(again) == ids(sent[:2] + sent[4:])
        assert handed_out(harness.bus, again, [2, 2, 1, 1])


async def test_nothing_is_lost_over_an_orderly_end(harness: Harness) -> None:
    await harness.bus.declare(QUEUE)
    sent = events(10)
    await send(harness.bus, sent)
    consumer = harness.bus.subscribe(QUEUE)
    held = await collect(consumer, 4)
    held[0].ack()
    held[1].dead_letter("no use")
    await harness.restart()
    assert [letter.message_id for letter in await harness.letters()] == ids(sent[1:2])
    async with harness.bus.subscribe(QUEUE) as again:
        found = await collect(again, 8)
        assert ids(found) == ids(sent[2:])
        assert handed_out(harness.bus, found, [2, 2, 1, 1, 1, 1, 1, 1])
