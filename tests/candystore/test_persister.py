"""The memory takes what anyone publishes: each message is stored, stored with what is irregular, or a dead letter."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from godtui import jsontext
from godtui.bloodbank import judging, tables
from godtui.bloodbank.bus import Confirmed, Message, PublishOutcome, QueueSpec
from godtui.bloodbank.publisher import Publisher, PublishingRules
from godtui.candystore import persister
from godtui.candystore.persister import BATCH, Persister
from godtui.clock import Clock
from godtui.envelope import EventDraft, StoredEvent, new_id, read_own_form
from godtui.eventlog import EventLog, LogUnavailableError, Outcome, PoisonError, Record
from godtui.holyfields import Contracts, Registry
from godtui.settings import packaged
from tests.candystore.scripted import ScriptedQueue
from tests.clock import ManualClock
from tests.contract.harness import PATIENCE
from tests.contract.messages import event, eventually

QUEUE = QueueSpec("candystore.events", ("#",), single_active_consumer=True)
REGISTRY = Registry.load(packaged("schemas"))
ID = "0198c5a2-8f3b-7c41-9d2e-5b6f7a8091c2"
DOCUMENT: dict[str, Any] = {
    "event_id": ID,
    "event_type": "test.event.created",
    "timestamp": "2026-02-12T14:02:11.482000Z",
    "version": "v1",
    "source": {"service": "theirs"},
    "correlation_id": None,
    "payload": {"message": "hello"},
}


class Memory:
    """A persister over a queue and a log that are the test's."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self.log = log
        self.clock = clock
        self.queue = ScriptedQueue()
        self.persister = Persister(self.queue.bus, log, Contracts(REGISTRY), clock, QUEUE)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        task = asyncio.create_task(self.persister.run())
        try:
            yield
            assert not task.done(), "the memory ended by itself"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def taken(self, *messages: Message) -> list[StoredEvent]:
        """Everything stored, once the queue is empty."""
        self.queue.put(*messages)
        async with asyncio.timeout(PATIENCE), self.running():
            while not self.queue.empty:
                await asyncio.sleep(0)
        return await self.log.after(0, 10_000)

    @property
    def reasons(self) -> list[str]:
        return [reason for _, reason in self.queue.letters]


class UneasyLog(EventLog):
    """Does to each append what the test put down for it; poison is what has the word in it."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        super().__init__(directory, rooms=(tables.MIGRATIONS,), clock=clock)
        self.before: deque[Callable[[], None]] = deque()
        self.after_commit: deque[Callable[[], None]] = deque()
        self.gate = asyncio.Event()
        self.gate.set()
        self.finds_poison = True

    async def append(self, records: Sequence[Record]) -> list[Outcome]:
        await self.gate.wait()
        if self.before:
            self.before.popleft()()
        if poisoned := [index for index, record in enumerate(records) if b"poison" in record.body]:
            raise PoisonError("an event cannot be stored: too bad", poisoned if self.finds_poison else ())
        outcomes = await super().append(records)
        if self.after_commit:
            self.after_commit.popleft()()
        return outcomes


@pytest.fixture
async def memory(tmp_path: Path, clock: ManualClock) -> AsyncGenerator[Memory]:
    log = UneasyLog(tmp_path, clock)
    log.start()
    yield Memory(log, clock)
    await log.close()


def uneasy(memory: Memory) -> UneasyLog:
    assert isinstance(memory.log, UneasyLog)
    return memory.log


def unavailable() -> None:
    raise LogUnavailableError("the disk is away")


def raw(body: bytes, routing_key: str = "test.event.created", **headers: Any) -> Message:
    return Message(body, routing_key, "", headers)


def foreign(**fields: Any) -> Message:
    """An event as anyone may write it; None leaves a field out."""
    given = {**DOCUMENT, **fields}
    body = json.dumps({name: value for name, value in given.items() if value is not ...}, indent=1).encode()
    kind = given["event_type"]
    return raw(body, kind if isinstance(kind, str) else "test.event.created")


def paths(stored: StoredEvent) -> list[str]:
    return [fault.path for fault in stored.faults()]


async def test_what_is_stored_is_in_the_order_of_delivery(memory: Memory) -> None:
    sent = [event(message=str(number)) for number in range(2 * BATCH + 3)]
    stored = await memory.taken(*[raw(each.body) for each in sent])
    assert [each.body for each in stored] == [each.body for each in sent]
    assert all(each.violations is None for each in stored)
    assert [each.body for each in memory.queue.acked] == [each.body for each in sent]
    assert (memory.persister.stored, memory.persister.held, memory.persister.refused) == (len(sent), 0, 0)


async def test_nothing_is_settled_before_it_is_durable(memory: Memory) -> None:
    uneasy(memory).gate.clear()
    memory.queue.put(foreign())
    async with memory.running():
        await eventually(lambda: _true(memory.queue.handed))
        assert memory.queue.acked == []
        uneasy(memory).gate.set()
        await eventually(lambda: _true(memory.queue.acked))
    assert memory.log.last_seq == 1


async def _true(value: object) -> bool:
    return bool(value)


VIOLATIONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "regular": ({}, []),
    "no version": ({"version": ...}, []),
    "no correlation": ({"correlation_id": ...}, []),
    "a name of one word": ({"event_type": "created"}, ["/event_type"]),
    "a name in capitals": ({"event_type": "Test.Event"}, ["/event_type"]),
    "an empty name": ({"event_type": ""}, ["/event_type"]),
    "a name with a NUL": ({"event_type": "test.\0"}, ["/event_type"]),
    "a very long name": ({"event_type": "a." + "b" * 300}, ["/event_type"]),
    "an unknown type": ({"event_type": "test.event.forgotten"}, ["/event_type"]),
    "a peer's version": ({"version": "1.0.0"}, ["/version"]),
    "a peer's version of an unknown type": ({"version": "1", "event_type": "x.y"}, ["/version", "/event_type"]),
    "a version that is not registered": ({"version": "v9"}, ["/version"]),
    "a version that is no text": ({"version": 1}, ["/version"]),
    "a correlation that is no UUID": ({"correlation_id": "chain-7"}, ["/correlation_id"]),
    "a wrong payload": ({"payload": {"message": 5}}, ["/payload/message"]),
    "a naive timestamp": ({"timestamp": "2026-02-12T14:02:11"}, ["/timestamp"]),
    "an unknown field": ({"agent_context": {"deep": [1, None]}}, []),
    "an integer of any size": ({"extra": 10**60}, []),
    "a NUL": ({"payload": {"message": "\0"}}, []),
    "everything at once": (
        {"version": "1", "timestamp": "2026-02-12 14:02:11", "payload": {}, "event_type": "X"},
        ["/timestamp", "/event_type", "/version"],
    ),
}


@pytest.mark.parametrize("case", VIOLATIONS)
async def test_what_is_irregular_is_stored_and_said(memory: Memory, case: str) -> None:
    fields, expected = VIOLATIONS[case]
    (stored,) = await memory.taken(foreign(**fields))
    assert paths(stored) == expected
    assert memory.reasons == []
    read = stored.envelope()
    assert read.version == str(fields.get("version", "v1") if fields.get("version") is not ... else "v1")
    assert read.extra == {name: value for name, value in fields.items() if name not in DOCUMENT}


INVALID: dict[str, Any] = {
    "nothing": b"",
    "no JSON": b"hello",
    "an array": b"[]",
    "a text": b'"a"',
    "null": b"null",
    "a broken object": b'{"event_id": ',
    "two objects": b"{}{}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "no UTF-8": json.dumps(DOCUMENT).replace("hello", "\xff").encode("latin-1"),
    "UTF-16": json.dumps(DOCUMENT).encode("utf-16"),
    "a lone surrogate": json.dumps(DOCUMENT).replace("hello", "\\ud800").encode(),
    "a lone surrogate as bytes": json.dumps(DOCUMENT).replace("hello", "\ud800").encode("utf-8", "surrogatepass"),
    "a duplicate key": json.dumps(DOCUMENT).replace('"hello"', '"a","message":"b"').encode(),
    "NaN": json.dumps(DOCUMENT).replace('"hello"', "NaN").encode(),
    "Infinity": json.dumps(DOCUMENT).replace('"hello"', "-Infinity").encode(),
    "a number beyond all": json.dumps(DOCUMENT).replace('"hello"', "1e999").encode(),
    "deep": json.dumps(DOCUMENT).replace('"hello"', "[" * 201 + "]" * 201).encode(),
    "very deep": b"[" * 500_000,
    **{f"no {name}": {name: ...} for name in ("event_id", "event_type", "timestamp", "source", "payload")},
    **{f"null {name}": {name: None} for name in ("event_id", "event_type", "timestamp", "source", "payload")},
    **{f"{name} is 5": {name: 5} for name in ("event_id", "event_type", "timestamp", "source", "payload")},
    "an id that is no UUID": {"event_id": "7"},
    "a time that is none": {"timestamp": "noon"},
    "a year beyond all": {"timestamp": "9999-12-31T23:59:59-01:00"},
    "a payload in an array": {"payload": [{}]},
}


@pytest.mark.parametrize("case", INVALID)
async def test_what_names_no_event_becomes_a_dead_letter_with_its_raw_bytes(memory: Memory, case: str) -> None:
    given = INVALID[case]
    message = foreign(**given) if isinstance(given, dict) else raw(given)
    beside = [foreign(event_id=str(new_id())) for _ in range(2)]
    stored = await memory.taken(beside[0], message, beside[1])
    assert [str(each.envelope().event_id) for each in stored] == [json.loads(each.body)["event_id"] for each in beside]
    ((letter, reason),) = memory.queue.letters
    assert (letter.body, reason.split(":")[0]) == (message.body, "invalid_envelope")
    assert len(reason) <= 1000


async def test_the_body_wins_over_the_routing_key(memory: Memory) -> None:
    own = event(message="hello").body
    assert read_own_form(own)
    stored = await memory.taken(raw(own, "agent.task.created"), raw(foreign().body, "x" * 255), raw(b"{}", "\xff"))
    assert [each.event_type for each in stored] == ["test.event.created"] * 2
    assert [paths(each) for each in stored] == [["/event_type"]] * 2
    assert "'agent.task.created'" in stored[0].faults()[0].message


async def test_an_event_over_the_limit_for_publishing_is_kept(memory: Memory) -> None:
    (stored,) = await memory.taken(foreign(payload={"message": "x" * 3_000_000}))
    assert stored.violations is None
    assert len(stored.body) > 3_000_000


async def test_headers_of_any_kind_are_kept_as_json(memory: Memory) -> None:
    deep: Any = None
    for _ in range(300):
        deep = [deep]
    headers = {
        "nan": float("nan"),
        "bytes": b"\xff",
        "\ud800": "\udfff",
        "deep": deep,
        "x-death": [{}],
        "mine": {"a": 1},
    }
    (stored,) = await memory.taken(raw(foreign().body, **headers))
    kept = jsontext.parse(stored.headers or b"")
    assert kept["mine"] == {"a": 1}
    assert {"nan", "bytes", "deep", "\\ud800"} <= set(kept)
    assert "x-death" not in kept


async def test_what_is_delivered_again_is_stored_once(memory: Memory) -> None:
    one, other = foreign(), raw(json.dumps({**DOCUMENT, "timestamp": "2027-01-01T00:00:00Z"}).encode())
    stored = await memory.taken(one, one, other)
    assert len(stored) == 1
    assert len(memory.queue.acked) == 3
    assert (memory.persister.stored, memory.persister.held) == (1, 2)
    assert len(await memory.taken(one)) == 1


async def test_what_a_replay_sends_is_no_traffic_and_never_comes_back(memory: Memory) -> None:
    time = DOCUMENT["timestamp"]
    marks = {"x-godtui-replay": ID, "x-godtui-replay-target": "bus", "x-godtui-original-time": time}
    again = raw(foreign().body, **marks)
    assert await memory.taken(again) == []
    answer = {**DOCUMENT, "event_id": str(new_id()), "timestamp": "2027-01-01T00:00:00.000000Z"}
    no_replay = {**DOCUMENT, "event_id": str(new_id())}
    strangers = raw(json.dumps(no_replay).encode(), **{**marks, "x-godtui-replay": "theirs"})
    (copied, named) = await memory.taken(raw(json.dumps(answer).encode(), **marks), strangers)
    assert [str(UUID(bytes=each.event_id)) for each in (copied, named)] == [answer["event_id"], no_replay["event_id"]]
    counts = memory.persister
    assert (counts.stored, counts.held, counts.refused, counts.replayed) == (2, 0, 0, 1)
    assert len(memory.queue.acked) == 3


async def test_other_content_under_a_stored_id_becomes_a_dead_letter(memory: Memory) -> None:
    before = await memory.taken(foreign())
    other = foreign(payload={"message": "another"})
    assert await memory.taken(other, foreign()) == before
    ((letter, reason),) = memory.queue.letters
    assert letter.body == other.body
    assert reason.startswith("conflict: ")


async def test_other_content_in_one_batch_becomes_a_dead_letter(memory: Memory) -> None:
    stored = await memory.taken(foreign(), foreign(payload={"message": "another"}))
    assert [each.envelope().payload for each in stored] == [{"message": "hello"}]
    assert [reason.split(":")[0] for reason in memory.reasons] == ["conflict"]


@pytest.mark.parametrize("finds_poison", [True, False])
async def test_what_cannot_be_stored_holds_up_no_other(memory: Memory, finds_poison: bool) -> None:
    uneasy(memory).finds_poison = finds_poison
    texts = ["a", "poison 1", "b", "c", "poison 2", "poison 3", "d"]
    sent = [foreign(event_id=str(new_id()), payload={"message": text}) for text in texts]
    stored = await memory.taken(*sent)
    assert [each.envelope().payload["message"] for each in stored] == ["a", "b", "c", "d"]
    assert [letter.body for letter, _ in memory.queue.letters] == [sent[number].body for number in (1, 4, 5)]
    assert all(reason.startswith("unstorable: ") for reason in memory.reasons)


async def test_what_breaks_the_reader_becomes_a_dead_letter(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(message: Message, registry: Registry) -> Record:
        if message.body == b"monster":
            raise RecursionError
        return judging.judge(message, registry)

    monkeypatch.setattr(persister, "judge", judge)
    stored = await memory.taken(foreign(), raw(b"monster"), foreign(event_id=str(new_id())))
    assert len(stored) == 2
    assert memory.reasons == ["invalid_envelope: it cannot be read (RecursionError)"]


async def test_while_the_store_is_away_nothing_is_consumed(memory: Memory, clock: ManualClock) -> None:
    log = uneasy(memory)
    log.before += [unavailable] * 3
    sent = [event(message=str(number)) for number in range(700)]
    memory.queue.put(*sent)
    async with memory.running():
        for tries in (1, 2, 3):
            await clock.sleepers()
            assert memory.queue.consumers == 0
            assert [each.body for each, _ in memory.queue.waiting] == [each.body for each in sent]
            assert memory.queue.subscriptions == tries
            assert memory.persister.fault == "events stay in candystore.events: the disk is away"
            clock.advance(5)
        await eventually(lambda: _true(memory.queue.empty))
    assert [each.body for each in await log.after(0, 1000)] == [each.body for each in sent]
    assert memory.persister.fault is None
    assert memory.queue.letters == []


async def test_a_commit_that_nobody_heard_of_is_stored_once(memory: Memory, clock: ManualClock) -> None:
    uneasy(memory).after_commit += [unavailable]
    memory.queue.put(foreign())
    async with memory.running():
        await clock.sleepers()
        assert memory.queue.acked == []
        clock.advance(5)
        await eventually(lambda: _true(memory.queue.empty))
    assert memory.log.last_seq == 1
    assert (memory.persister.stored, memory.persister.held) == (0, 1)


async def test_a_log_that_says_it_is_faulty_is_not_tried(
    memory: Memory, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = uneasy(memory)
    log.before += [unavailable]
    memory.queue.put(foreign())
    with monkeypatch.context() as faulty:
        faulty.setattr(log._writer, "fault", "no disk")
        async with memory.running():
            for _ in range(20):
                await clock.sleepers()
                assert memory.queue.subscriptions == 1
                clock.advance(5)
            await clock.sleepers()
            faulty.undo()
            clock.advance(5)
            await eventually(lambda: _true(memory.queue.empty))


async def test_a_queue_that_was_deleted_is_declared_anew(memory: Memory, clock: ManualClock) -> None:
    async with memory.running():
        await eventually(lambda: _true(memory.queue.consumers))
        memory.queue.delete()
        await clock.sleepers()
        assert memory.persister.fault == "the queue was deleted"
        clock.advance(5)
        await eventually(lambda: _true(memory.persister.fault is None))
        memory.queue.put(foreign())
        await eventually(lambda: _true(memory.queue.empty))
    assert (memory.log.last_seq, memory.queue.subscriptions) == (1, 2)


async def test_the_publisher_and_the_memory_say_the_same_words(clock: ManualClock) -> None:
    """A type without a schema that was let through on publishing, and the same from a stranger."""
    sent: list[Message] = []

    class Sink:
        async def publish(self, messages: Sequence[Message]) -> list[PublishOutcome]:
            sent.extend(messages)
            return [Confirmed(None)] * len(messages)

    rules = PublishingRules(allow_unknown_types=True)
    publisher = Publisher(Sink(), Contracts(REGISTRY), rules, clock=clock)
    types = [("test.event.forgotten", None), ("x.y", "v7"), ("test.event.created", "v7")]
    await publisher.publish_batch([EventDraft(event_type=kind, version=version, payload={}) for kind, version in types])
    assert len(sent) == 3
    for each in sent:
        assert each.record
        assert each.record.violations
        assert judging.judge(raw(each.body, each.routing_key), REGISTRY) == each.record


TEXTS = st.text(st.characters(), max_size=8) | st.sampled_from(
    ["\0", "a.b", "v1", ID, "2026-02-12T14:02:11Z", "\ud800"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={name: VALUES | st.just(value) | st.just(value) for name, value in DOCUMENT.items()} | {"more": VALUES}
).map(lambda fields: {**DOCUMENT, **fields})
BODIES = st.one_of(
    st.binary(max_size=60),
    VALUES.map(lambda value: json.dumps(value).encode()),
    DOCUMENTS.map(lambda document: json.dumps(document).encode()),
    DOCUMENTS.map(lambda document: json.dumps(document, separators=(",", ":")).encode()),
)


@settings(max_examples=100)
@given(
    st.lists(st.tuples(BODIES, TEXTS, st.dictionaries(TEXTS, VALUES, max_size=2)), min_size=1, max_size=4),
)
def test_whatever_comes_ends_in_exactly_one_place(sent: list[tuple[bytes, str, dict[str, Any]]]) -> None:
    asyncio.run(_ends_in_one_place([Message(body, key, "", headers) for body, key, headers in sent]))


async def _ends_in_one_place(sent: list[Message]) -> None:
    with TemporaryDirectory() as folder:
        clock = ManualClock()
        log = EventLog(Path(folder), rooms=(tables.MIGRATIONS,), clock=clock)
        log.start()
        try:
            memory = Memory(log, clock)
            stored = await memory.taken(*sent)
        finally:
            await log.close()
    acked, dead = memory.queue.acked, [letter for letter, _ in memory.queue.letters]
    assert sorted(map(id, [*acked, *dead])) == sorted(map(id, sent))
    assert len(stored) == memory.persister.stored == len(acked) - memory.persister.held
    assert all(reason.startswith(("invalid_envelope: ", "conflict: ")) for reason in memory.reasons)
    for each in stored:
        assert jsontext.parse(each.to_json())["seq"] == each.seq


@given(DOCUMENTS, st.booleans())
@example({**DOCUMENT, "payload": {"message": 1e16, "a": -0.0, "b": 2**64, "c": None}}, True)
@example({**DOCUMENT, "timestamp": "0000-01-01T00:00:00.000000Z"}, True)
@example({**DOCUMENT, "timestamp": "2026-12-31T23:59:60.000000Z"}, True)
@example({**DOCUMENT, "version": "1.0.0", "seq": 7}, True)
def test_the_short_way_of_judging_says_what_the_long_way_says(document: dict[str, Any], compact: bool) -> None:
    """A body in our own form is judged as the same body with a space in it."""
    try:
        body = jsontext.dumps(document) if compact else json.dumps(document).encode()
    except jsontext.JsonError:
        return
    short = _judged(raw(body))
    long = _judged(raw(body[:1] + b" " + body[1:]))
    assert short == long


def _judged(message: Message) -> Record | None:
    try:
        return judging.judge(message, REGISTRY)
    except ValueError:
        return None
