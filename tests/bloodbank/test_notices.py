"""Notices of dead letters: few of many, each letter told of once, in the chain of what died."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from godtui.bloodbank.bus import Message
from godtui.bloodbank.collector import Arrival, Collect
from godtui.bloodbank.errors import PublishError
from godtui.bloodbank.notices import MAX_LISTED, MAX_NOTICES, Notices, domain_of, notices_out
from godtui.bloodbank.outbox import Append, Outbox
from godtui.bloodbank.publisher import Publisher
from godtui.bloodbank.receipt import Receipt
from godtui.envelope import EventDraft, EventEnvelope, InvalidEventError, StoredEvent, new_id
from godtui.holyfields import Contracts, Registry
from godtui.settings import packaged
from tests.bloodbank.conftest import Room
from tests.bloodbank.faulty import Fault
from tests.bloodbank.test_collector import Handed
from tests.clock import MORNING
from tests.contract.messages import NOON, event, eventually


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return Contracts(Registry.load(packaged("schemas")))


def dead(event_type: str = "agent.task.failed", *, chain: UUID | None = None, queue: str = "q") -> Message:
    """A message that died in a queue."""
    envelope = EventEnvelope(
        event_id=new_id(), event_type=event_type, timestamp=NOON, source={}, correlation_id=chain, payload={}
    )
    message = Message.of(envelope)
    return Message(message.body, event_type, message.message_id, {"x-godtui-queue": queue, "x-godtui-reason": "no use"})


async def bury(room: Room, messages: Sequence[Message]) -> None:
    arrivals = [Arrival.of(Handed(each), MORNING) for each in messages]  # type: ignore[arg-type]
    await room.log.submit(Collect(arrivals))


class Teller:
    """Notices of a room, with what they publish."""

    def __init__(self, room: Room, contracts: Contracts) -> None:
        self.rounds: list[list[EventDraft]] = []
        self.moments: list[float] = []
        self._clock = room.clock
        self.before = self.after = False
        self._publisher = Publisher(notices_out(Outbox(room.log, Append)), contracts, clock=room.clock)
        self.notices = Notices(room.log, self.publish, room.clock)

    async def publish(self, drafts: Sequence[EventDraft]) -> Sequence[Receipt | InvalidEventError | PublishError]:
        self.rounds.append(list(drafts))
        self.moments.append(self._clock.monotonic())
        if self.before:
            raise KilledError
        outcomes = await self._publisher.publish_batch(drafts)
        if self.after:
            raise KilledError
        return outcomes


class KilledError(Exception):
    """The process ends here."""


async def told(room: Room) -> list[StoredEvent]:
    return [each for each in await room.log.after(0, 100_000) if each.event_type.endswith(".dlq")]


def payloads(found: Sequence[StoredEvent], name: str = "bloodbank.message.dlq") -> list[dict[str, Any]]:
    return [each.envelope().payload for each in found if each.event_type == name]


@asynccontextmanager
async def telling(room: Room, contracts: Contracts) -> AsyncGenerator[Teller]:
    teller = Teller(room, contracts)
    running = asyncio.create_task(teller.notices.run())
    try:
        yield teller
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(
    ("event_type", "name"),
    [
        ("agent.task.failed", "agent.task.dlq"),
        ("webhook.plane.issue.updated", "webhook.plane.dlq"),
        ("worktree.created", "worktree.dlq"),
        ("tick", "tick.dlq"),
        ("bloodbank.message.lost", "bloodbank.message.dlq"),
        ("Not A Type", None),
        ("", None),
        ("a" * 251 + ".b.c", None),
    ],
)
def test_the_domain_is_named_by_the_first_words(event_type: str, name: str | None) -> None:
    assert domain_of(event_type) == name


async def test_a_letter_is_said_to_all_and_to_its_domain(room: Room, contracts: Contracts) -> None:
    chain = new_id()
    await bury(room, [message := dead(chain=chain)])
    teller = Teller(room, contracts)
    assert await teller.notices.step()
    assert not await teller.notices.step()
    found = await told(room)
    assert [each.event_type for each in found] == ["bloodbank.message.dlq", "agent.task.dlq"]
    for each in found:
        envelope = each.envelope()
        assert envelope.correlation_id == chain
        assert envelope.source["causation_id"] == message.message_id
        assert envelope.source["service"] == "bloodbank"
        assert envelope.payload == {
            "count": 1,
            "first_id": 1,
            "last_id": 1,
            "letters": [
                {
                    "id": 1,
                    "queue": "q",
                    "reason": "no use",
                    "event_id": message.message_id,
                    "event_type": "agent.task.failed",
                    "attempts": 0,
                    "first_at": "2026-02-12T14:02:11.482000Z",
                    "last_at": "2026-02-12T14:02:11.482000Z",
                }
            ],
        }


async def test_a_chain_is_inherited_where_all_letters_share_it(room: Room, contracts: Contracts) -> None:
    shared, other = new_id(), new_id()
    twice = dead("worktree.created", chain=shared)
    elsewhere = Message(twice.body, twice.routing_key, twice.message_id, {**twice.headers, "x-godtui-queue": "r"})
    await bury(
        room,
        [
            dead(chain=shared), dead(chain=shared),
            dead("meeting.started", chain=shared), dead("meeting.ended", chain=other),
            twice, elsewhere,
        ],
    )  # fmt: skip
    await Teller(room, contracts).notices.step()
    found = {each.event_type: each.envelope() for each in await told(room)}
    chains = {name: each.correlation_id for name, each in found.items()}
    causes = {name: each.source.get("causation_id") for name, each in found.items()}
    assert chains["agent.task.dlq"] == chains["worktree.dlq"] == shared
    assert chains["meeting.dlq"] == found["meeting.dlq"].event_id
    assert chains["bloodbank.message.dlq"] == found["bloodbank.message.dlq"].event_id
    assert causes == {
        "agent.task.dlq": None, "meeting.dlq": None, "bloodbank.message.dlq": None, "worktree.dlq": twice.message_id,
    }  # fmt: skip


async def test_what_is_no_event_is_said_too(room: Room, contracts: Contracts) -> None:
    headers = {"x-godtui-queue": "q"}
    await bury(
        room,
        [
            Message(b"\xff\0", "no type", "", headers),
            Message(b"{", "agent.task.lost", "", headers),
            Message(event("Foreign Name").body, "x", "", headers),
            Message(event("a.b." + "c" * 400).body, "x", "", headers),
        ],
    )
    await Teller(room, contracts).notices.step()
    found = await told(room)
    assert [each.event_type for each in found] == ["bloodbank.message.dlq", "agent.task.dlq", "a.b.dlq"]
    listed = payloads(found)[0]["letters"]
    assert [one.get("event_type") for one in listed] == [None, "agent.task.lost", "Foreign Name", None]
    assert ["event_id" in one for one in listed] == [False, False, True, True]


async def test_a_dead_notice_raises_none(room: Room, contracts: Contracts) -> None:
    await bury(
        room, [dead("bloodbank.message.dlq"), dead("agent.task.dlq"), dead(), Message(b"{", "worktree.dlq", "", {})]
    )
    teller = Teller(room, contracts)
    while await teller.notices.step():
        pass
    found = await told(room)
    assert [(one["count"], one["first_id"], one["last_id"]) for one in payloads(found)] == [(1, 3, 3)]
    assert Counter(each.event_type for each in found) == {"bloodbank.message.dlq": 1, "agent.task.dlq": 1}


async def test_a_storm_makes_few_notices(room: Room, contracts: Contracts) -> None:
    """10,000 letters within a minute, of five domains."""
    kinds = ["agent.task.failed", "meeting.started", "worktree.created", "session.ended", "infra.ticket.failed"]
    async with telling(room, contracts):
        for _ in range(10):
            await bury(room, [dead(kinds[number % 5]) for number in range(1000)])

        async def all_told() -> bool:
            room.clock.advance(1.0)
            counts = [one["count"] for one in payloads(await told(room))]
            return bool(sum(counts) == 10_000)

        await eventually(all_told)
    found = await told(room)
    assert len(found) <= 6 * 12
    assert all(len(one["letters"]) <= MAX_LISTED for one in payloads(found))
    spans = [(one["first_id"], one["last_id"]) for one in payloads(found)]
    assert all(first == before[1] + 1 for before, (first, _) in pairwise(spans))
    for kind in kinds:
        name = domain_of(kind)
        assert name is not None
        assert sum(one["count"] for one in payloads(found, name)) == 2000


async def test_a_storm_of_domains_waits_its_turn(room: Room, contracts: Contracts) -> None:
    await bury(room, [dead(f"a.b{number}.c") for number in range(3 * MAX_NOTICES)])
    teller = Teller(room, contracts)
    while await teller.notices.step():
        assert len(teller.rounds[-1]) <= MAX_NOTICES
    assert len(teller.rounds) == 4
    assert sum(one["count"] for one in payloads(await told(room))) == 3 * MAX_NOTICES
    assert len(await told(room)) == 4 + 3 * MAX_NOTICES


async def test_notices_come_at_most_once_a_second(room: Room, contracts: Contracts) -> None:
    async with telling(room, contracts) as teller:

        async def told_often() -> bool:
            await bury(room, [dead()])
            room.clock.advance(0.25)
            return len(teller.rounds) >= 5

        await eventually(told_often)
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(teller.moments))


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_end_in_between_tells_everything_once(room: Room, contracts: Contracts, when: str) -> None:
    await bury(room, [dead(), dead("meeting.started")])
    dying = Teller(room, contracts)
    setattr(dying, when, True)
    with pytest.raises(KilledError):
        await dying.notices.step()
    await bury(room, [dead()])
    teller = Teller(room, contracts)
    while await teller.notices.step():
        pass
    found = payloads(await told(room))
    assert [letter["id"] for one in found for letter in one["letters"]] == [1, 2, 3]
    assert [one["count"] for one in found] == ([3] if when == "before" else [2, 1])


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_disk_that_fails_is_waited_for(room: Room, contracts: Contracts, fault: Fault) -> None:
    await bury(room, [dead(), dead()])
    teller = Teller(room, contracts)
    room.log.faults.append(("_Together", fault))
    await room.meanwhile(teller.notices.step())
    assert [one["count"] for one in payloads(await told(room))] == [2]
    assert len({draft.event_id for drafts in teller.rounds for draft in drafts}) == 2
    later = Teller(room, contracts)
    assert not await later.notices.step()


async def test_reading_that_fails_is_waited_for(room: Room, contracts: Contracts) -> None:
    await bury(room, [dead()])
    room.log.broken = True
    async with telling(room, contracts) as teller:
        await room.clock.sleepers(2)
        room.log.broken = False

        async def told_of() -> bool:
            room.clock.advance(1.0)
            return len(teller.rounds) == 1

        await eventually(told_of)


async def test_what_is_refused_holds_up_nothing(room: Room, contracts: Contracts) -> None:
    class Refusing(Teller):
        async def publish(self, drafts: Sequence[EventDraft]) -> Sequence[Receipt | InvalidEventError | PublishError]:
            self.rounds.append(list(drafts))
            return [InvalidEventError([]) for _ in drafts]

    await bury(room, [dead()])
    teller = Refusing(room, contracts)
    assert await teller.notices.step()
    assert not await teller.notices.step()


async def test_a_letter_with_a_large_body_keeps_its_chain(room: Room, contracts: Contracts) -> None:
    chain = new_id()
    message = dead(chain=chain)
    body = json.dumps({**json.loads(message.body), "payload": {"text": "x" * 5_000_000}}).encode()
    await bury(room, [Message(body, message.routing_key, message.message_id, message.headers)])
    await Teller(room, contracts).notices.step()
    assert {each.envelope().correlation_id for each in await told(room)} == {chain}
