"""A broker's dead letters on their way into the log, on a bus that stands in for the broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from godtui.bloodbank.bus import Message, QueueSpec
from godtui.bloodbank.collector import Arrival, Collector
from godtui.bloodbank.deadletters import DeadLetter, dead_letters
from godtui.bloodbank.deaths import DEAD_LETTERS
from godtui.envelope import new_id
from tests.bloodbank.conftest import Room
from tests.bloodbank.faulty import Fault
from tests.clock import MORNING
from tests.contract.messages import event, events, eventually, ids, send

QUEUE = QueueSpec(DEAD_LETTERS, ())
DIED = "2026-02-12T13:00:00.000000Z"
DIED_AT = 1_770_901_200_000_000


def death(**fields: Any) -> dict[str, Any]:
    """One entry of x-death as RabbitMQ writes it."""
    plain = {
        "queue": "theirs",
        "reason": "expired",
        "count": 3,
        "time": DIED,
        "exchange": "ex",
        "routing-keys": ["a.b"],
    }
    return {**plain, **fields}


def ours(message: Message, **fields: Any) -> Message:
    """A message as this program dead-letters it."""
    headers = {
        "x-godtui-reason": "no use",
        "x-godtui-queue": "q",
        "x-godtui-attempts": 5,
        "x-godtui-first-at": DIED_AT,
        "x-godtui-last-at": DIED_AT + 7,
        "x-godtui-letter": str(new_id()),
    }
    return Message(message.body, message.routing_key, message.message_id, {**message.headers, **headers, **fields})


@asynccontextmanager
async def collecting(room: Room, count: int = 1) -> AsyncGenerator[list[Collector]]:
    collectors = [Collector(room.bus, room.log, room.clock, QUEUE) for _ in range(count)]
    running = [asyncio.create_task(each.run()) for each in collectors]
    try:
        yield collectors
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def arrived(room: Room, number: int) -> list[DeadLetter]:
    """The letters, once there are so many and their queue is empty."""

    async def done() -> bool:
        room.clock.advance(0.5)
        statistics = await room.bus.statistics(DEAD_LETTERS)
        return statistics.ready == statistics.unsettled == 0 and len(await dead_letters(room.log, limit=1000)) >= number

    await eventually(done)
    return await dead_letters(room.log, limit=1000)


async def collected(room: Room, messages: list[Message], number: int | None = None) -> list[DeadLetter]:
    await room.bus.declare(QUEUE)
    await send(room.bus, messages, queue=DEAD_LETTERS)
    async with collecting(room):
        return await arrived(room, len(messages) if number is None else number)


async def test_a_letter_of_ours_tells_what_it_says_itself(room: Room) -> None:
    sent = event("agent.task.failed", headers={"mine": {"deep": [1, None]}})
    (letter,) = await collected(room, [ours(sent, **{"x-death": [death()], "x-godtui-requeues": 2})])
    assert letter == DeadLetter(
        1, "q", "no use", "agent.task.failed", sent.message_id, "agent.task.failed", 5, 2, DIED_AT, DIED_AT + 7,
        {"mine": {"deep": [1, None]}}, [death()], sent.body, len(sent.body), True,
    )  # fmt: skip


@pytest.mark.parametrize("reason", ["expired", "rejected", "maxlen", "delivery_limit"])
async def test_a_foreign_letter_is_read_from_x_death(room: Room, reason: str) -> None:
    earlier = death(queue="before", reason="rejected", time="2026-02-12T12:00:00Z", count=1)
    headers = {"x-death": [death(reason=reason), earlier], "x-first-death-queue": "before", "x-last-death-queue": "t"}
    sent = event("agent.task.failed", headers={**headers, "theirs": "kept"})
    (letter,) = await collected(room, [sent])
    assert (letter.queue, letter.reason, letter.attempts) == ("theirs", reason, 3)
    assert (letter.routing_key, letter.event_type) == ("a.b", "agent.task.failed")
    assert (letter.first_at, letter.last_at) == (DIED_AT - 3_600_000_000, DIED_AT)
    assert letter.headers == {"theirs": "kept"}
    assert letter.deaths == [death(reason=reason), earlier]


async def test_a_letter_that_was_put_into_its_queue_by_name_keeps_its_routing_key(room: Room) -> None:
    by_name = death(exchange="", **{"routing-keys": ["theirs"]})
    messages = [
        event("agent.task.failed", headers={"x-death": [by_name]}),
        event("agent.task.failed", headers={"x-death": [death()], "x-original-routing-key": "agent.task.lost"}),
    ]
    letters = await collected(room, messages)
    assert [letter.routing_key for letter in letters] == ["agent.task.failed", "agent.task.lost"]
    assert [letter.headers for letter in letters] == [{}, {}]


async def test_what_nothing_tells_is_unknown_and_now(room: Room) -> None:
    (letter,) = await collected(room, [event()])
    assert (letter.queue, letter.reason, letter.attempts) == ("", "unknown", 0)
    assert MORNING <= letter.first_at == letter.last_at <= room.clock.now()


async def test_a_letter_that_is_delivered_again_is_kept_once(room: Room) -> None:
    """A process that ended between commit and ack."""
    sent = [ours(each) for each in events(3)] + [event(headers={"x-death": [death()]}) for _ in range(3)]
    await room.bus.declare(QUEUE)
    await send(room.bus, sent, queue=DEAD_LETTERS)
    room.log.faults.append(("Collect", Fault.KEPT_UNHEARD))
    async with collecting(room):
        letters = await arrived(room, 6)
    assert sorted(letter.message_id for letter in letters) == sorted(ids(sent))
    assert len(letters) == 6


async def test_a_log_that_cannot_commit_leaves_the_letters_in_their_queue(room: Room) -> None:
    await room.bus.declare(QUEUE)
    await send(room.bus, sent := [ours(each) for each in events(4)], queue=DEAD_LETTERS)
    room.log.faults += [("Collect", Fault.NOT_KEPT), ("Collect", Fault.NOT_KEPT)]
    async with collecting(room) as (collector,):

        async def said() -> bool:
            room.clock.advance(0.06)
            return collector.fault is not None and "the disk is full" in collector.fault

        await eventually(said)
        assert await dead_letters(room.log) == []
        letters = await arrived(room, 4)
        assert collector.fault is None
    assert sorted(letter.message_id for letter in letters) == sorted(ids(sent))


async def test_the_same_letter_published_twice_is_kept_once(room: Room) -> None:
    letter = ours(event())
    other = ours(event())
    letters = await collected(room, [letter, letter, other], 2)
    assert [each.message_id for each in letters] == ids([letter, other])


async def test_two_collectors_share_the_work(room: Room) -> None:
    await room.bus.declare(QUEUE)
    async with collecting(room, 2):
        await send(room.bus, sent := [ours(each) for each in events(300)], queue=DEAD_LETTERS)
        letters = await arrived(room, 300)
    assert sorted(letter.message_id for letter in letters) == sorted(ids(sent))


async def test_messages_that_are_equal_in_everything_are_several(room: Room) -> None:
    body = event().body
    equal = Message(body, "a.b", "", {"x-death": [death()]})
    await room.bus.declare(QUEUE)
    await send(room.bus, [equal] * 3, queue=DEAD_LETTERS)
    room.log.faults.append(("Collect", Fault.KEPT_UNHEARD))
    async with collecting(room):
        assert len(await arrived(room, 3)) == 3
        await send(room.bus, [equal] * 2, queue=DEAD_LETTERS)
        assert len(await arrived(room, 5)) == 5


async def test_a_queue_that_is_deleted_is_consumed_again(room: Room) -> None:
    await room.bus.declare(QUEUE)
    async with collecting(room):
        await room.clock.sleepers()
        await room.bus.delete(DEAD_LETTERS)
        await room.clock.sleepers()
        await room.bus.declare(QUEUE)
        await send(room.bus, [ours(event())], queue=DEAD_LETTERS)
        assert len(await arrived(room, 1)) == 1


class Handed:
    """A delivery of anything at all, as a broker may bring it."""

    attempt = 1
    settled = False

    def __init__(self, message: Message) -> None:
        self.message = message


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = (
    "x-death", "x-godtui-queue", "x-godtui-reason", "x-godtui-attempts", "x-godtui-first-at", "x-godtui-last-at",
    "x-godtui-letter", "x-godtui-requeues", "x-first-death-queue", "x-first-death-reason", "x-original-routing-key",
)  # fmt: skip
DEATHS = st.lists(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("queue", "reason", "count", "time", "exchange", "routing-keys"), ANY)
    ),
    max_size=3,
)
HEADERS = st.dictionaries(st.sampled_from(NAMES) | st.text(st.characters(), max_size=9), ANY | DEATHS, max_size=8)


@given(
    headers=HEADERS,
    body=st.binary(max_size=60) | st.text(max_size=20).map(lambda text: json.dumps({"payload": text}).encode()),
    key=st.text(st.characters(), max_size=20),
    identity=st.text(st.characters(), max_size=20),
)
@settings(max_examples=100, deadline=None)
def test_whatever_arrives_can_be_kept_and_shown(headers: dict[str, Any], body: bytes, key: str, identity: str) -> None:
    arrival = Arrival.of(Handed(Message(body, key, identity, headers)), MORNING)  # type: ignore[arg-type]
    queue, reason, message_id, routing_key, attempts, first, last, kept, kept_body, event_type, token = arrival.row(
        arrival.token
    )
    row = (1, queue, reason, event_type, message_id, routing_key, attempts, first, last, kept, kept_body, len(body))
    letter = DeadLetter.from_row(row)
    shown = json.dumps(letter.document(), ensure_ascii=False, allow_nan=False).encode()
    assert DeadLetter.from_document(json.loads(shown)).document() == letter.document()
    assert letter.body == body
    again = Arrival.of(Handed(Message(body, key, identity, headers)), MORNING + 1)  # type: ignore[arg-type]
    assert again.token == token
