"""What the outbox accepts is durable at once, once, and with whatever else its commit does."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from godtui.bloodbank.bus import Already, Confirmed, Conflict, Message, Refused, Unconfirmed
from godtui.bloodbank.errors import ConflictError, NotConfirmedError
from godtui.bloodbank.outbox import Append, Outbox, Put, Waiting
from godtui.bloodbank.publisher import Publisher
from godtui.envelope import EventDraft
from godtui.eventlog import LogUnavailableError, Transaction
from godtui.holyfields import Contracts, Registry
from tests.bloodbank.conftest import Room
from tests.bloodbank.faulty import Fault
from tests.contract.messages import event, events, ids, send

SCHEMAS = Path(__file__).parents[2] / "schemas"

LONE_SURROGATE = "\ud800"


async def rows(room: Room) -> list[str]:
    """The ids in the outbox, in order."""
    found = await room.log.rows("SELECT event_id FROM outbox ORDER BY id", purpose="test")
    return [str(UUID(bytes=event_id)) for (event_id,) in found]


async def test_what_is_put_waits_in_order_and_is_in_no_log(room: Room) -> None:
    outbox = Outbox(room.log)
    assert await outbox.waiting() == Waiting(0, None)
    sent = events(3)
    assert await outbox.publish(sent[:2]) == [Confirmed(None)] * 2
    entered = room.clock.now()
    room.clock.advance(60)
    assert await outbox.publish(sent[2:]) == [Confirmed(None)]
    assert await outbox.waiting() == Waiting(3, entered)
    assert await rows(room) == ids(sent)
    assert room.log.last_seq == 0


async def test_what_is_put_survives_a_restart(room: Room) -> None:
    sent = events(2)
    await Outbox(room.log).publish(sent)
    await room.reopen()
    assert await rows(room) == ids(sent)


async def test_an_id_that_waits_is_held(room: Room) -> None:
    outbox = Outbox(room.log)
    first = event(number=1)
    await outbox.publish([first])
    later = replace(first, body=first.body.replace(b"2026-02-12", b"2026-02-13"), record=None)
    other = event(event_id=UUID(first.message_id), number=2)
    assert await outbox.publish([first, later, other]) == [Already(None), Already(None), Conflict(None)]
    assert await rows(room) == [first.message_id]


async def test_an_id_that_is_stored_is_held(room: Room) -> None:
    first = event(number=1)
    await send(room.bus, [first])
    other = event(event_id=UUID(first.message_id), number=2)
    assert await Outbox(room.log).publish([first, other]) == [Already(1), Conflict(1)]
    assert await rows(room) == []


@pytest.mark.parametrize("accept", [Put, Append])
async def test_one_id_twice_in_one_call(room: Room, accept: Any) -> None:
    first = event(number=1)
    other = event(event_id=UUID(first.message_id), number=2)
    outcomes = await Outbox(room.log, accept).publish([first, first, other])
    assert [type(outcome) for outcome in outcomes] == [Confirmed, Already, Conflict]


async def test_of_a_bus_over_the_log_the_log_is_the_outbox(room: Room) -> None:
    outbox = Outbox(room.log, Append)
    sent = [event(headers={"a": 1}), event()]
    assert await outbox.publish(sent) == [Confirmed(1), Confirmed(2)]
    assert await outbox.publish([sent[0], event(event_id=UUID(sent[1].message_id), n=1)]) == [Already(1), Conflict(2)]
    assert await outbox.waiting() == Waiting(0, None)
    stored = await room.log.after(0)
    assert [(one.body, one.headers) for one in stored] == [(sent[0].body, b'{"a":1}'), (sent[1].body, None)]


@pytest.mark.parametrize("accept", [Put, Append])
async def test_it_is_one_commit_with_the_unit_that_calls_it(room: Room, accept: Any) -> None:
    sent = events(2)

    def ledger(transaction: Transaction) -> list[Any]:
        outcomes: list[Any] = accept(sent)(transaction)
        transaction.execute("INSERT INTO positions VALUES ('ledger', 7)")
        return outcomes

    def fails(transaction: Transaction) -> None:
        ledger(transaction)
        raise KeyError("ledger")

    async def kept() -> tuple[int, int]:
        count = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM events), (SELECT count(*) FROM positions)"
        found: tuple[int, int] = (await room.log.rows(count, purpose="test"))[0]
        return found

    with pytest.raises(KeyError):
        await room.log.submit(fails)
    assert await kept() == (0, 0)
    assert [type(outcome) for outcome in await room.log.submit(ledger)] == [Confirmed, Confirmed]
    assert await kept() == (2, 1)


@pytest.mark.parametrize("accept", [Put, Append])
async def test_what_goes_along_is_the_same_commit(room: Room, accept: Any) -> None:
    outbox = Outbox(room.log, accept)
    counts = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM events)"

    def count(transaction: Transaction) -> None:
        assert transaction.execute(counts).fetchone() == (2,)

    def refuse(transaction: Transaction) -> None:
        raise KeyError("no")

    with pytest.raises(KeyError):
        await outbox.publish(events(2), along=refuse)
    await outbox.publish(events(2), along=count)
    assert (await room.log.rows(counts, purpose="test"))[0] == (2,)


@pytest.mark.parametrize("accept", [Put, Append])
@pytest.mark.parametrize(
    "hostile",
    [
        Message(b"no event", "a.b", "no id"),
        Message(b'{"event_id": 1}', "a.b", "1"),
        event(headers={"a": LONE_SURROGATE}),
        event(headers={LONE_SURROGATE: 1}),
        event(headers={"a": float("nan")}),
        event(headers={"a": b"bytes"}),
        replace(event(), routing_key=LONE_SURROGATE),
    ],
    ids=lambda message: f"{message.message_id[:5]} {message.headers!r}",
)
async def test_what_cannot_be_kept_is_refused_alone(room: Room, accept: Any, hostile: Message) -> None:
    before, after = events(2)
    outcomes = await Outbox(room.log, accept).publish([before, hostile, after])
    assert [type(outcome) for outcome in outcomes] == [Confirmed, Refused, Confirmed]


@pytest.mark.parametrize("accept", [Put, Append])
async def test_what_is_too_large_for_the_file_is_refused_alone(room: Room, accept: Any) -> None:
    limit = sqlite3.SQLITE_LIMIT_LENGTH
    await room.log.submit(lambda transaction: transaction.connection.setlimit(limit, 100_000))
    huge, (before, after) = event(filler="x" * 200_000), events(2)
    outcomes = await Outbox(room.log, accept).publish([before, huge, after])
    assert [type(outcome) for outcome in outcomes] == [Confirmed, Refused, Confirmed]


async def test_a_log_that_cannot_be_written_confirms_nothing(room: Room) -> None:
    outbox, sent = Outbox(room.log), events(2)
    room.log.faults += [("Put", Fault.NOT_KEPT), ("Put", Fault.KEPT_UNHEARD)]
    assert await outbox.publish(sent) == [Unconfirmed("the disk is full")] * 2
    assert await rows(room) == []
    assert await outbox.publish(sent) == [Unconfirmed("the disk is full")] * 2
    assert await outbox.publish(sent) == [Already(None)] * 2
    assert await rows(room) == ids(sent)
    room.log.broken = True
    with pytest.raises(LogUnavailableError):
        await outbox.waiting()


async def test_a_publisher_may_send_to_it(room: Room) -> None:
    publisher = Publisher(Outbox(room.log), Contracts(Registry.load(SCHEMAS)), clock=room.clock)
    draft = EventDraft(event_type="test.event.created", payload={"message": "one"})
    receipt = await publisher.publish(draft)
    assert await publisher.publish(draft) == receipt
    with pytest.raises(ConflictError):
        await publisher.publish(draft.model_copy(update={"payload": {"message": "two"}}))
    room.log.broken = True
    with pytest.raises(NotConfirmedError):
        await publisher.publish(draft)
    room.log.broken = False
    assert await rows(room) == [str(receipt.event_id)]
