"""Dead letters in the log: how they are shown, found, put back and thrown away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godtui.bloodbank.bus import Bus, Confirmed, Conflict, Message, PublishOutcome, QueueSpec, Unconfirmed
from godtui.bloodbank.deadletters import DeadLetter, dead_letters, decoded, encoded
from godtui.bloodbank.errors import NotRequeuedError, RequeueRefusedError, TooLargeError, UnknownLetterError
from godtui.bloodbank.letterbox import PREVIEW_BYTES, Letterbox
from godtui.bloodbank.outbox import Outbox
from godtui.bloodbank.publisher import PublishingRules
from godtui.bloodbank.requeue import PutBackInOneCommit, PutBackOverBroker, Requeue
from godtui.cursors import BadCursorError
from godtui.envelope import InvalidEventError
from godtui.eventlog import LogUnavailableError
from godtui.filters import Filter, parse
from godtui.holyfields import Contracts, Registry
from godtui.settings import packaged
from tests.bloodbank.conftest import Room
from tests.bloodbank.faulty import Fault
from tests.bloodbank.letters import ENVELOPE, Write, row
from tests.clock import MORNING
from tests.contract.messages import collect, event, eventually, ids, send

QUEUE = QueueSpec("q", ("#",))
OTHER = QueueSpec("other", ("#",))
EVERYTHING = Filter()


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return Contracts(Registry.load(packaged("schemas")))


def requeue_of(room: Room, contracts: Contracts, **rules: Any) -> Requeue:
    return Requeue(Letterbox(room.log), PutBackInOneCommit(room.bus), contracts, PublishingRules(**rules))


async def bury(room: Room, messages: Sequence[Message], reason: str = "no use") -> None:
    """Let messages die in QUEUE."""
    before = len(await dead_letters(room.log, limit=1000))
    async with room.bus.subscribe(QUEUE) as consumer:
        await send(room.bus, messages)
        for each in await collect(consumer, len(messages)):
            each.dead_letter(reason)
    assert len(await dead_letters(room.log, limit=1000)) == before + len(messages)


# How they are shown


@given(st.binary(max_size=40) | st.text(max_size=20).map(str.encode) | st.integers().map(lambda n: b"[%d, 1.50]" % n))
def test_a_body_is_shown_as_what_it_is(body: bytes) -> None:
    encoding, shown = encoded(body)
    assert json.loads(json.dumps(shown)) == shown
    if encoding == "json":
        assert json.loads(body) == shown
    else:
        assert decoded(encoding, shown) == body


@pytest.mark.parametrize(
    ("body", "encoding", "shown"),
    [
        (b'{"a":1}', "json", {"a": 1}),
        (b"null", "json", None),
        (b"", "text", ""),
        (b'{"a":1,"a":2}', "text", '{"a":1,"a":2}'),
        (b'"\\ud800"', "text", '"\\ud800"'),
        (b"\0", "text", "\0"),
        (b"[" * 300, "text", "[" * 300),
        (b"\xff\x00", "base64", "/wA="),
    ],
)
def test_shapes_of_bodies(body: bytes, encoding: str, shown: Any) -> None:
    assert encoded(body) == (encoding, shown)


def test_a_beginning_is_never_a_value_and_may_end_within_a_letter() -> None:
    assert encoded(b"12", is_whole=False) == ("text", "12")
    assert encoded("aü".encode()[:2], is_whole=False) == ("text", "a")
    assert encoded("aü".encode()[:2])[0] == "base64"


async def test_a_letter_of_the_embedded_bus_is_whole(room: Room) -> None:
    sent = event("agent.task.failed", headers={"mine": 1, "x-death": [{"queue": "z"}]}, text="\0")
    await bury(room, [sent])
    (letter,) = await dead_letters(room.log)
    assert letter == DeadLetter(
        1, "q", "no use", "agent.task.failed", sent.message_id, "agent.task.failed", 1, 0, MORNING, MORNING,
        {"mine": 1}, [{"queue": "z"}], sent.body, len(sent.body), True,
    )  # fmt: skip
    assert await Letterbox(room.log).letter(1) == letter
    assert await Letterbox(room.log).letter(2) is None


async def test_the_type_is_that_of_the_body(room: Room) -> None:
    sent = event("agent.task.failed")
    await room.bus.declare(QUEUE)
    await send(room.bus, [Message(sent.body, "another.key", sent.message_id)], queue="q")
    async with room.bus.subscribe(QUEUE) as consumer:
        (delivery,) = await collect(consumer, 1)
        delivery.dead_letter("no use" + "!" * 5000)
    (letter,) = await dead_letters(room.log)
    assert (letter.event_type, letter.routing_key, len(letter.reason)) == ("agent.task.failed", "another.key", 1000)


# How they are found


async def pages(room: Room, text: str = "", **options: Any) -> list[int]:
    """The ids on all pages."""
    wanted, found, cursor = parse(text, now=MORNING), [], None
    while True:
        page = await Letterbox(room.log).page(wanted, cursor=cursor, **options)
        assert len(page.letters) <= options.get("limit", 100)
        found += [letter.id for letter in page.letters]
        cursor = page.next_cursor
        if cursor is None:
            return found


async def test_pages_are_newest_first_and_follow_their_cursor(room: Room) -> None:
    await room.log.submit(Write([row(event(number=n).body, queue="q" if n % 3 else "r") for n in range(1, 31)]))
    assert await pages(room) == list(range(30, 0, -1))
    assert await pages(room, limit=7) == list(range(30, 0, -1))
    assert await pages(room, limit=4, queue="r") == list(range(30, 0, -3))
    assert await pages(room, "payload.number>20", limit=3) == list(range(30, 20, -1))
    assert await pages(room, queue="nobody") == await pages(room, reason="nothing") == []
    page = await Letterbox(room.log).page(EVERYTHING, limit=3)
    for options in ({"queue": "r"}, {"reason": "x"}):
        with pytest.raises(BadCursorError):
            await Letterbox(room.log).page(EVERYTHING, cursor=page.next_cursor, **options)  # type: ignore[arg-type]
    with pytest.raises(BadCursorError):
        await Letterbox(room.log).page(parse("x", now=MORNING), cursor=page.next_cursor)


async def test_pages_stay_stable_while_letters_come_and_go(room: Room) -> None:
    await room.log.submit(Write([row(b"x")] * 9))
    box = Letterbox(room.log)
    page = await box.page(EVERYTHING, limit=4)
    await room.log.submit(Write([row(b"x")] * 3))
    await box.discard(6)
    await box.discard(5)
    rest = await box.page(EVERYTHING, limit=9, cursor=page.next_cursor)
    assert [letter.id for letter in page.letters + rest.letters] == [9, 8, 7, 6, 4, 3, 2, 1]


async def test_sparse_letters_are_found_beyond_a_window(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("godtui.bloodbank.letterbox.WINDOW_LETTERS", 5)
    monkeypatch.setattr("godtui.bloodbank.letterbox.STEP_LETTERS", 2)
    monkeypatch.setattr("godtui.bloodbank.letterbox.STEP_BYTES", 300)
    await room.log.submit(Write([row(event(number=n).body, queue="r" if n in (2, 40) else "q") for n in range(1, 41)]))
    assert await pages(room, queue="r", limit=1) == [40, 2]
    assert await pages(room, "payload.number=2,39", limit=1) == [39, 2]
    assert await pages(room, limit=3) == list(range(40, 0, -1))


async def test_a_page_carries_little_of_large_letters(room: Room) -> None:
    large = event(text="x" * 1_048_576).body
    headers = {"big": "h" * 100_000, "x-godtui-requeues": 3}
    await room.log.submit(Write([row(large, headers=headers)] * 8 + [row(b"\xff" * 2_000_000)] * 4))
    for text in ("", "-nothing"):
        page = await Letterbox(room.log).page(parse(text, now=MORNING), limit=1000)
        assert len(page.letters) == 12
        assert all(len(letter.body) == PREVIEW_BYTES and letter.headers == {} for letter in page.letters)
        assert sum(len(json.dumps(letter.listed())) for letter in page.letters) < 12 * 2 * (PREVIEW_BYTES + 500)
    first = page.letters[-1]
    assert (first.requeues, first.body_bytes, first.listed()["body_encoding"]) == (3, len(large), "text")
    whole = await Letterbox(room.log).letter(1)
    assert whole is not None
    assert (whole.body, whole.headers) == (large, {"big": "h" * 100_000})


async def test_the_filter_asks_about_the_event(room: Room) -> None:
    sound = event("agent.task.failed", text="disk full")
    naive = json.loads(sound.body) | {"timestamp": "2026-02-12T12:00:00", "event_type": "meeting.started"}
    await room.log.submit(
        Write(
            [
                row(sound.body, message_id=sound.message_id),
                row(json.dumps(naive).encode(), key="x", event_type="meeting.started", at=MORNING + 1_000_000),
                row(b"{", message_id="0198c5a2-8f3b-7c41-9d2e-5b6f7a8091c2"),
                row(b"\xff", key="no type", event_type=None),
            ]
        )
    )
    answers = {
        "": [4, 3, 2, 1],
        "type:#": [3, 2, 1],
        "type:agent.#": [3, 1],
        "-type:agent.#": [4, 2],
        "source:contract": [2, 1],
        "-source:contract": [4, 3],
        "since:2026-02-12": [2, 1],
        "until:2027-01-01": [2, 1],
        "-since:2026-02-12": [4, 3],
        "-until:2027-01-01": [4, 3],
        "since:2026-02-12 is:invalid": [2],
        "is:invalid": [4, 3, 2],
        "-is:invalid": [1],
        "disk": [2, 1],
        "failed": [3, 1],
        "payload.text~full": [2, 1],
        "-payload.text~full": [4, 3],
        f"id:{sound.message_id}": [2, 1],
        "id:0198c5a2-8f3b-7c41-9d2e-5b6f7a8091c2": [3],
        "stored-since:2026-02-12T14:02:12Z": [2],
        "is:replayed": [],
        "type:agent.# -type:agent.task.*": [],
    }
    for text, expected in answers.items():
        assert await pages(room, text) == expected, text


# How they are put back


async def test_a_letter_goes_back_into_its_queue_alone(room: Room, contracts: Contracts) -> None:
    sent = event("agent.task.failed", headers={"mine": 1})
    await room.bus.declare(OTHER)
    await bury(room, [sent])
    requeued = await requeue_of(room, contracts)(1)
    assert requeued == (1, "q", sent.message_id, "agent.task.failed", 1)
    assert await dead_letters(room.log) == []
    async with room.bus.subscribe(QUEUE) as consumer:
        (again,) = await collect(consumer, 1)
        assert (again.attempt, again.message.body, again.message.routing_key) == (1, sent.body, sent.routing_key)
        assert again.message.headers == {"mine": 1, "x-godtui-requeues": 1}
        again.dead_letter("still no use")
    assert (await room.bus.statistics("other")).ready == 1
    (letter,) = await dead_letters(room.log)
    assert (letter.id, letter.attempts, letter.requeues, letter.headers) == (2, 1, 1, {"mine": 1})
    assert (await requeue_of(room, contracts)(2)).requeues == 2


async def test_a_letter_that_expired_is_handed_out_at_once(room: Room, contracts: Contracts) -> None:
    spec = QueueSpec("q", ("#",), message_ttl=60)
    async with room.bus.subscribe(spec) as consumer:
        waiting = asyncio.create_task(consumer.batch(1))
        await room.clock.sleepers()
        await room.log.submit(Write([row(event("agent.task.failed").body)]))
        await requeue_of(room, contracts)(1)
        assert len((await room.meanwhile(waiting)).deliveries) == 1


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_disk_that_fails_leaves_the_letter_or_requeues_it_whole(
    room: Room, contracts: Contracts, fault: Fault
) -> None:
    await bury(room, [event("agent.task.failed")])
    room.log.faults.append(("Put", fault))
    requeue = requeue_of(room, contracts)
    with pytest.raises(NotRequeuedError, match="the disk is full"):
        await requeue(1)
    if fault is Fault.KEPT_UNHEARD:
        with pytest.raises(UnknownLetterError):
            await requeue(1)
    else:
        await requeue(1)
    assert (await room.bus.statistics("q")).ready == 1
    assert await dead_letters(room.log) == []


async def test_of_two_requests_one_requeues(room: Room, contracts: Contracts) -> None:
    await bury(room, [event("agent.task.failed")])
    requeue, other = requeue_of(room, contracts), requeue_of(room, contracts)
    outcomes = await asyncio.gather(requeue(1), requeue(1), other(1), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "RequeueRefusedError", "Requeued", "UnknownLetterError",
    ]  # fmt: skip
    assert (await room.bus.statistics("q")).ready == 1


async def test_a_queue_that_is_gone_keeps_the_letter(room: Room, contracts: Contracts) -> None:
    await bury(room, [event("agent.task.failed")])
    await room.bus.delete("q")
    requeue = requeue_of(room, contracts)
    with pytest.raises(RequeueRefusedError, match=r"no queue named q.*start what consumes"):
        await requeue(1)
    await room.log.submit(Write([row(event().body, queue="")]))
    with pytest.raises(RequeueRefusedError, match=r"nothing tells which queue.*publish its body anew"):
        await requeue(2)
    assert len(await dead_letters(room.log)) == 2
    with pytest.raises(UnknownLetterError):
        await requeue(3)


async def test_a_correction_takes_the_place_of_the_body(room: Room, contracts: Contracts) -> None:
    sent = event("test.event.created", wrong=1)
    await bury(room, [sent])
    envelope = json.loads(sent.body) | {"payload": {"message": "right"}, "peers": [10**30]}
    requeue = requeue_of(room, contracts, max_event_bytes=1000)
    refusals = {
        "/payload/message": envelope | {"payload": {"message": 7}},
        "/event_type": envelope | {"event_type": "test.event.creatd"},
        "/version": envelope | {"version": "v7"},
        "/timestamp": envelope | {"timestamp": "2026-02-12T12:00:00"},
        "/source": {name: value for name, value in envelope.items() if name != "source"},
    }
    for path, wrong in refusals.items():
        with pytest.raises(InvalidEventError) as caught:
            await requeue(1, wrong)
        assert [fault.path for fault in caught.value.faults] == [path]
    with pytest.raises(TooLargeError):
        await requeue(1, envelope | {"payload": {"message": "x" * 1000}})
    assert (await requeue(1, envelope)).message_id == sent.message_id
    async with room.bus.subscribe(QUEUE) as consumer:
        (again,) = await collect(consumer, 1)
        assert json.loads(again.message.body) == envelope


async def test_unknown_types_are_requeued_where_they_are_allowed(room: Room, contracts: Contracts) -> None:
    await bury(room, [event("nobody.knows.this")])
    envelope = json.loads(event("nobody.knows.this").body)
    await requeue_of(room, contracts, allow_unknown_types=True)(1, envelope)
    assert await dead_letters(room.log) == []


class Answering:
    """A broker that gives one answer."""

    def __init__(self, outcome: PublishOutcome) -> None:
        self.outcome = outcome
        self.sent: list[tuple[Message, str | None]] = []

    async def publish(self, messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
        self.sent += [(message, queue) for message in messages]
        return [self.outcome] * len(messages)


async def test_over_a_broker_the_letter_goes_after_the_confirm(room: Room, contracts: Contracts) -> None:
    await room.log.submit(Write([row(b"\xff", key="no type", message_id="m", headers={"a": 1})] * 2))
    broker: Any = Answering(Unconfirmed("connection lost"))
    bus: Bus = broker
    requeue = Requeue(Letterbox(room.log), PutBackOverBroker(bus, room.log), contracts, PublishingRules())
    with pytest.raises(NotRequeuedError, match=r"connection lost.*delivered twice"):
        await requeue(1)
    assert len(await dead_letters(room.log)) == 2
    broker.outcome = Conflict(None)
    with pytest.raises(RequeueRefusedError, match="other content"):
        await requeue(1)
    assert len(await dead_letters(room.log)) == 2
    broker.outcome = Confirmed(None)
    assert (await requeue(1)).queue == "q"
    assert broker.sent[-1] == (Message(b"\xff", "no type", "m", {"a": 1, "x-godtui-requeues": 1}), "q")
    room.log.faults.append(("RemoveLetter", Fault.NOT_KEPT))
    with pytest.raises(NotRequeuedError):
        await requeue(2)
    assert [letter.id for letter in await dead_letters(room.log)] == [2]


async def test_what_the_outbox_could_not_send_goes_back_there(room: Room, contracts: Contracts) -> None:
    body = json.dumps(ENVELOPE).encode()
    await room.log.submit(Write([row(body, key="test.event.created", queue="outbox"), row(b"\xff", queue="outbox")]))
    bus: Any = Answering(Confirmed(None))
    requeue = Requeue(Letterbox(room.log), PutBackOverBroker(bus, room.log), contracts, PublishingRules())
    assert (await requeue(1)).queue == "outbox"
    assert (await Outbox(room.log).waiting()).number == 1
    with pytest.raises(RequeueRefusedError, match="not an event"):
        await requeue(2)
    assert [letter.id for letter in await dead_letters(room.log)] == [2]
    assert bus.sent == []


async def test_what_is_discarded_is_gone(room: Room) -> None:
    await bury(room, [event(), event()])
    box = Letterbox(room.log)
    await box.discard(1)
    with pytest.raises(UnknownLetterError, match="no dead letter 1"):
        await box.discard(1)
    assert [letter.id for letter in await dead_letters(room.log)] == [2]
    room.log.broken = True
    with pytest.raises(LogUnavailableError):
        await box.discard(2)
    room.log.broken = False


async def test_letters_outlive_a_restart_of_their_bus(room: Room, contracts: Contracts) -> None:
    await bury(room, [sent := event("agent.task.failed")])
    await room.reopen()
    await requeue_of(room, contracts)(1)
    await room.reopen()
    async with room.bus.subscribe(QUEUE) as consumer:
        assert ids(await collect(consumer, 1)) == [sent.message_id]


async def test_sweeping_wakes_those_who_follow_letters(room: Room) -> None:
    spec = QueueSpec("q", ("#",), message_ttl=60)
    await room.bus.declare(spec)
    await send(room.bus, [event()])
    before = room.log.tail.changes("bloodbank.dead-letters")
    room.clock.advance(61)
    await room.bus.sweep()

    async def changed() -> bool:
        return room.log.tail.changes("bloodbank.dead-letters") > before

    await eventually(changed)
