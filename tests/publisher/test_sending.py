"""From the bus back to the publisher: receipts and reasons in order, and never two of one id under way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from godtui.bloodbank.bus import Already, Confirmed, Conflict, Message, PublishOutcome, Unconfirmed
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.bloodbank.errors import ConflictError, NotConfirmedError, TooLargeError
from godtui.bloodbank.publisher import Publisher
from godtui.bloodbank.receipt import Receipt
from godtui.envelope import InvalidEventError, new_id
from godtui.eventlog import EventLog
from tests.publisher.conftest import Bus, MakePublisher, draft


def under_way(publisher: Publisher) -> int:
    """How many ids the publisher believes to be in flight."""
    return len(publisher._in_flight)


class OneAtATime(Bus):
    """A bus that fails the test where an id is sent while it is under way."""

    def __init__(self) -> None:
        super().__init__()
        self._flying: set[str] = set()

    async def publish(self, messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
        ids = [message.message_id for message in messages]
        assert len(set(ids)) == len(ids)
        assert not self._flying & set(ids), "two of one id are under way"
        self._flying |= set(ids)
        try:
            await asyncio.sleep(0)
            return await super().publish(messages)
        finally:
            self._flying -= set(ids)


async def test_already_is_a_receipt_and_a_conflict_an_error(publisher: Publisher, bus: Bus) -> None:
    one = draft()
    bus.answer = lambda message: Already(7)
    assert (await publisher.publish(one)).event_id == one.event_id
    bus.answer = lambda message: Conflict(7)
    with pytest.raises(ConflictError) as caught:
        await publisher.publish(one)
    assert caught.value.event_id == one.event_id
    assert caught.value.keyword == "conflict"


async def test_unconfirmed_names_the_id_to_repeat(publisher: Publisher, bus: Bus) -> None:
    one = draft()
    bus.answer = lambda message: Unconfirmed("disk full")
    with pytest.raises(NotConfirmedError, match="disk full") as caught:
        await publisher.publish(one)
    assert caught.value.event_id == one.event_id
    assert caught.value.reason == "disk full"


async def test_outcomes_stand_in_the_order_of_the_drafts(publishing: MakePublisher, bus: Bus) -> None:
    answers: dict[str, PublishOutcome] = {"conflict": Conflict(1), "lost": Unconfirmed("?"), "held": Already(2)}
    bus.answer = lambda message: next((a for n, a in answers.items() if n.encode() in message.body), Confirmed(3))
    drafts = [
        draft("first"),
        draft(payload={"message": 5}),
        draft("a conflict"),
        draft("x" * 900),
        draft("was lost"),
        draft(event_type="not.known"),
        draft("was held"),
    ]
    outcomes = await publishing(bus, max_event_bytes=800).publish_batch(drafts)
    kinds = [type(outcome) for outcome in outcomes]
    invalid = InvalidEventError
    assert kinds == [Receipt, invalid, ConflictError, TooLargeError, NotConfirmedError, invalid, Receipt]
    assert [document["payload"]["message"] for document in bus.documents] == [
        "first", "a conflict", "was lost", "was held",
    ]  # fmt: skip
    assert len(bus.sent) == 1, "one call for what can be sent together"


async def test_an_empty_batch_is_no_call(publisher: Publisher, bus: Bus) -> None:
    assert await publisher.publish_batch([]) == []
    assert await publisher.publish_batch([draft(payload={})]) != []
    assert bus.sent == []


async def test_a_second_publish_of_an_id_waits_for_the_first(
    publishing: MakePublisher, embedded: EmbeddedBus, log: EventLog
) -> None:
    publisher = publishing(embedded)
    one, identity = draft("one"), new_id()
    same = [draft("one", event_id=one.event_id) for _ in range(4)]
    receipts = await asyncio.gather(publisher.publish(one), *(publisher.publish(each) for each in same))
    assert len({receipt.event_id for receipt in receipts}) == 1
    outcomes = await asyncio.gather(
        *(publisher.publish(draft(text, event_id=identity)) for text in ("first", "second")), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [Receipt, ConflictError]
    assert [event.envelope().payload["message"] for event in await log.after(0)] == ["one", "first"]


async def test_never_two_of_one_id_under_way(publishing: MakePublisher) -> None:
    bus = OneAtATime()
    publisher = publishing(bus)
    ids = [new_id() for _ in range(5)]
    batches = [[draft(event_id=ids[(start + step) % 5]) for step in range(4)] for start in range(25)]
    done = await asyncio.wait_for(asyncio.gather(*(publisher.publish_batch(batch) for batch in batches)), 30)
    assert all(isinstance(outcome, Receipt) for outcomes in done for outcome in outcomes)
    assert under_way(publisher) == 0


async def test_a_batch_may_hold_an_id_twice(publishing: MakePublisher, embedded: EmbeddedBus, log: EventLog) -> None:
    identity, other = new_id(), new_id()
    texts = [("a", identity), ("b", other), ("a", identity), ("c", new_id()), ("not a", identity)]
    outcomes = await publishing(embedded).publish_batch([draft(text, event_id=one) for text, one in texts])
    assert [type(outcome) for outcome in outcomes] == [Receipt, Receipt, Receipt, Receipt, ConflictError]
    assert [event.envelope().payload["message"] for event in await log.after(0)] == ["a", "b", "c"]


async def test_a_batch_that_holds_an_id_twice_is_parted_there(publishing: MakePublisher) -> None:
    bus = OneAtATime()
    identity = new_id()
    drafts = [draft("a"), draft("b", event_id=identity), draft("c", event_id=identity), draft("d")]
    await publishing(bus).publish_batch(drafts)
    assert [[each.message_id for each in sent] for sent in bus.sent] == [
        [str(drafts[0].event_id), str(identity)],
        [str(identity), str(drafts[3].event_id)],
    ]


@pytest.mark.parametrize("whose", ["the first", "the waiting"])
async def test_a_cancelled_publish_leaves_no_id_behind(publisher: Publisher, bus: Bus, whose: str) -> None:
    bus.open.clear()
    one = draft()
    first = asyncio.create_task(publisher.publish(one))
    await bus.sending(1)
    waiting = [asyncio.create_task(publisher.publish(one)) for _ in range(2)]
    await asyncio.sleep(0)
    victim, survivors = (first, waiting) if whose == "the first" else (waiting[0], [first, waiting[1]])
    victim.cancel()
    with pytest.raises(asyncio.CancelledError):
        await victim
    bus.open.set()
    receipts = await asyncio.wait_for(asyncio.gather(*survivors), 30)
    assert {receipt.event_id for receipt in receipts} == {one.event_id}
    assert under_way(publisher) == 0


async def test_a_cancelled_publish_is_stored_all_the_same(
    publishing: MakePublisher, embedded: EmbeddedBus, log: EventLog
) -> None:
    publisher = publishing(embedded)
    one = draft()
    task = asyncio.create_task(publisher.publish(one))
    while not under_way(publisher):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await publisher.publish(one)).event_id == one.event_id
    assert [event.event_id for event in await log.after(0)] == [one.event_id.bytes]


async def test_no_confirmation_in_time_names_the_id_to_repeat(publishing: MakePublisher, bus: Bus) -> None:
    publisher = publishing(bus, timeout=0.01)
    bus.open.clear()
    one = draft()
    with pytest.raises(NotConfirmedError, match=r"no confirmation within 0\.01 s") as caught:
        await publisher.publish(one)
    assert caught.value.event_id == one.event_id
    assert under_way(publisher) == 0
    bus.open.set()
    assert (await publisher.publish(one)).event_id == one.event_id


async def test_waiting_for_another_counts_as_waiting(publishing: MakePublisher, bus: Bus) -> None:
    patient, bus.answer = publishing(bus, timeout=0.05), lambda message: Confirmed(1)
    bus.open.clear()
    one = draft()
    outcomes = await asyncio.wait_for(
        asyncio.gather(*(patient.publish(one) for _ in range(200)), return_exceptions=True), 5
    )
    assert all(isinstance(outcome, NotConfirmedError) for outcome in outcomes)
    assert under_way(patient) == 0


async def test_a_batch_keeps_what_was_confirmed_before_time_was_up(publishing: MakePublisher) -> None:
    class Slowing(Bus):
        async def publish(self, messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
            outcomes = await super().publish(messages)
            self.open.clear()
            return outcomes

    identity = new_id()
    drafts = [draft("a"), draft("b", event_id=identity), draft("b", event_id=identity), draft("c")]
    outcomes = await publishing(Slowing(), timeout=0.01).publish_batch(drafts)
    assert [type(outcome) for outcome in outcomes] == [Receipt, Receipt, NotConfirmedError, NotConfirmedError]


async def test_deadlines_of_many_end_in_order_and_only_their_own(publishing: MakePublisher) -> None:
    class Half(Bus):
        async def publish(self, messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
            if b"hangs" in messages[0].body:
                await asyncio.Event().wait()
            return await super().publish(messages)

    publisher = publishing(Half(), timeout=0.02)

    async def one(number: int) -> Any:
        await asyncio.sleep(number * 0.001)
        return await publisher.publish(draft("hangs" if number % 2 else "lands"))

    outcomes = await asyncio.wait_for(asyncio.gather(*(one(n) for n in range(40)), return_exceptions=True), 30)
    assert [type(outcome) for outcome in outcomes] == [Receipt, NotConfirmedError] * 20


async def test_a_bus_that_raises_leaves_no_id_behind(publisher: Publisher, bus: Bus) -> None:
    def broken(message: Message) -> PublishOutcome:
        raise RuntimeError("a fault of ours")

    bus.answer = broken
    with pytest.raises(RuntimeError, match="a fault of ours"):
        await publisher.publish(draft())
    assert under_way(publisher) == 0


async def test_batches_keep_their_order_beside_others(
    publishing: MakePublisher, embedded: EmbeddedBus, log: EventLog
) -> None:
    publisher = publishing(embedded)

    async def publish(name: str) -> None:
        for start in range(0, 60, 20):
            await publisher.publish_batch([draft(f"{name} {number}") for number in range(start, start + 20)])

    await asyncio.gather(*(publish(name) for name in "abc"))
    stored = [event.envelope().payload["message"].split() for event in await log.after(0, 1000)]
    for name in "abc":
        assert [int(number) for one, number in stored if one == name] == list(range(60))
