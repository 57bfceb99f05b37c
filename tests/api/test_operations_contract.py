"""What holds of operations holds in process, over a port and over a Unix socket."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest

from godtui import filters, jsontext
from godtui.api.application import create_application
from godtui.api.client import HttpOperations
from godtui.api.configuration import ApiConfig
from godtui.api.server import serve
from godtui.bloodbank.bus import Unconfirmed
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.clock import to_microseconds
from godtui.envelope import EventDraft, InvalidEventError, StoredEvent, new_id, read_draft, read_timestamp
from godtui.estate import Estate
from godtui.filters import Filter
from godtui.holyfields import Contracts, Registry
from godtui.operations import (
    BadCursorError,
    ConflictError,
    DispatcherOperations,
    DispatcherUnavailableError,
    Events,
    Frame,
    NotRequeuedError,
    Operations,
    Position,
    RequeueRefusedError,
    StoreUnavailableError,
    TicketState,
    TicketStateError,
    TooLargeError,
    UnknownLetterError,
    UnknownTicketError,
    Welcome,
)
from godtui.operations.absent import AbsentDispatcher
from godtui.operations.engine import EngineContracts
from godtui.runtime.engine import Engine
from godtui.settings import packaged
from tests.api.conftest import Bury, Waiting
from tests.api.test_publish import TYPE
from tests.api.test_stream import BOUND
from tests.bloodbank.letters import ENVELOPE, PLANE, row
from tests.clock import MORNING, ManualClock
from tests.dispatching import EVENT, MemoryDispatcher
from tests.dispatching import HOSTILE as TEXT

EVERYTHING = Filter()
TOKEN = "abc"


@pytest.fixture(params=["in process", "port", "socket"])
async def ways(request: pytest.FixtureRequest, operations: Operations, clock: ManualClock) -> AsyncIterator[Operations]:
    """The same engine, reached in one of the ways there are."""
    if request.param == "in process":
        yield operations
        return
    application = create_application(operations, ApiConfig(token=TOKEN), clock)
    with tempfile.TemporaryDirectory(prefix="g") as folder:
        path = Path(folder) / "api.sock"
        async with await serve(application, "127.0.0.1", 0, socket_path=path) as service:
            is_port = request.param == "port"
            async with HttpOperations(service.url if is_port else path, token=TOKEN if is_port else None) as client:
                yield client


def draft(text: str = "test", **fields: Any) -> EventDraft:
    return read_draft({"event_type": TYPE, "payload": {"message": text}, **fields})


def wanted(text: str) -> Filter:
    return filters.parse(text, now=MORNING)


def texts(events: list[StoredEvent]) -> list[str]:
    return [event.envelope().payload["message"] for event in events]


async def test_a_publish_is_answered_and_stored(ways: Operations) -> None:
    event_id, chain, cause = new_id(), new_id(), new_id()
    stamp = "2026-02-12T14:02:11.000001Z"
    receipt = await ways.bus.publish(
        draft(
            event_id=str(event_id),
            timestamp=stamp,
            version="v1",
            source={"app": "mine", "host": "a"},
            correlation_id=str(chain),
            causation_id=str(cause),
            agent_context={"big": 10**30, "deep": [{"nul": "\0"}], "seq": 1},
            seq="foreign",
            extra={"violations": []},
        )
    )
    assert receipt == (event_id, TYPE, "v1", chain, to_microseconds(read_timestamp(stamp)[0]))
    event = await ways.store.event(event_id)
    assert event is not None
    assert (event.seq, event.stored_at, event.event_type, event.source) == (1, MORNING, TYPE, "mine")
    assert (event.event_id, event.correlation_id, event.time) == (event_id.bytes, chain.bytes, receipt.timestamp)
    assert event.faults() == []
    envelope = event.envelope()
    assert envelope.source | {"instance": ""} == {
        "app": "mine",
        "host": "a",
        "causation_id": str(cause),
        "instance": "",
    }
    assert envelope.extra == {
        "agent_context": {"big": 10**30, "deep": [{"nul": "\0"}], "seq": 1},
        "seq": "foreign",
        "extra": {"violations": []},
    }


async def test_a_stored_event_is_the_same_everywhere(ways: Operations, operations: Operations) -> None:
    receipt = await operations.bus.publish(draft(note={"big": 10**30, "half": 0.5, "seq": []}, violations=1))
    there, here = await ways.store.event(receipt.event_id), await operations.store.event(receipt.event_id)
    assert there is not None
    assert here is not None
    assert jsontext.parse(there.to_json()) == jsontext.parse(here.to_json())
    assert there._replace(body=b"", headers=None) == here._replace(body=b"", headers=None)


async def test_what_is_left_out_is_completed(ways: Operations) -> None:
    receipt = await ways.bus.publish(draft())
    assert receipt.correlation_id == receipt.event_id
    assert receipt.version == "v1"
    assert receipt.timestamp == MORNING
    event = await ways.store.event(receipt.event_id)
    assert event is not None
    assert event.source


async def test_an_event_that_is_not_stored_is_none(ways: Operations) -> None:
    assert await ways.store.event(new_id()) is None


async def test_an_invalid_event_lists_its_faults(ways: Operations) -> None:
    with pytest.raises(InvalidEventError) as caught:
        await ways.bus.publish(read_draft({"event_type": TYPE, "payload": {"message": 7}}))
    assert [(fault.path, fault.keyword) for fault in caught.value.faults] == [("/payload/message", "type")]
    with pytest.raises(InvalidEventError, match=TYPE) as caught:
        await ways.bus.publish(read_draft({"event_type": "test.event.creatd", "payload": {}}))
    assert [fault.path for fault in caught.value.faults] == ["/event_type"]


async def test_other_content_is_a_conflict(ways: Operations) -> None:
    event_id = new_id()
    first = await ways.bus.publish(draft("a", event_id=str(event_id)))
    assert (await ways.bus.publish(draft("a", event_id=str(event_id)))).event_id == first.event_id
    with pytest.raises(ConflictError) as caught:
        await ways.bus.publish(draft("b", event_id=str(event_id)))
    assert caught.value.event_id == event_id
    assert len((await ways.store.query(EVERYTHING)).events) == 1


@pytest.mark.parametrize("size", [1_048_500, 2_000_000])
async def test_too_large_is_too_large(ways: Operations, size: int) -> None:
    event = draft("x" * size)
    with pytest.raises(TooLargeError, match="1,048,576") as caught:
        await ways.bus.publish(event)
    assert caught.value.event_id == event.event_id


async def test_a_batch_has_an_outcome_for_each(ways: Operations) -> None:
    event_id = str(new_id())
    drafts = [
        draft("a", event_id=event_id),
        read_draft({"event_type": TYPE, "payload": {}}),
        draft("b", event_id=event_id),
        draft("c"),
    ]
    report = await ways.bus.publish_batch(drafts)
    assert report.accepted == 2
    assert report.unconfirmed == []
    assert [one.index for one in report.rejected] == [1, 2]
    assert [[fault.keyword for fault in one.faults] for one in report.rejected] == [["required"], ["conflict"]]
    assert texts((await ways.store.query(EVERYTHING, order="asc")).events) == ["a", "c"]


async def test_an_empty_batch_is_done(ways: Operations) -> None:
    report = await ways.bus.publish_batch([])
    assert (report.accepted, report.rejected, report.unconfirmed) == (0, [], [])


async def test_pages_follow_their_cursor(ways: Operations) -> None:
    await ways.bus.publish_batch(
        [draft(str(number), source={"app": "odd" if number % 2 else "even"}) for number in range(9)]
    )
    first = await ways.store.query(wanted("source:odd since:15m"), limit=3)
    assert texts(first.events) == ["7", "5", "3"]
    assert first.next_cursor is not None
    second = await ways.store.query(wanted("source:odd since:15m"), limit=3, cursor=first.next_cursor)
    assert texts(second.events) == ["1"]
    assert second.next_cursor is None
    upwards = await ways.store.query(wanted('source:even payload.message!="4"'), order="asc")
    assert texts(upwards.events) == ["0", "2", "6", "8"]
    for other in (wanted("source:even since:15m"), EVERYTHING):
        with pytest.raises(BadCursorError):
            await ways.store.query(other, cursor=first.next_cursor)


async def test_a_page_begins_at_a_position_in_either_direction(ways: Operations) -> None:
    await ways.bus.publish_batch([draft(str(number)) for number in range(6)])
    third = (await ways.store.query(EVERYTHING, order="asc", limit=3)).events[-1].seq
    assert texts((await ways.store.query(EVERYTHING, from_seq=third)).events) == ["2", "1", "0"]
    upwards = await ways.store.query(EVERYTHING, order="asc", from_seq=third, limit=2)
    assert texts(upwards.events) == ["2", "3"]
    rest = await ways.store.query(EVERYTHING, order="asc", cursor=upwards.next_cursor)
    assert texts(rest.events) == ["4", "5"]
    assert texts((await ways.store.query(EVERYTHING, from_seq=third + 1000, limit=1)).events) == ["5"]
    assert (await ways.store.query(EVERYTHING, order="asc", from_seq=third + 1000)).events == []
    assert (await ways.store.query(EVERYTHING, from_seq=0)).events == []


async def gather(frames: AsyncIterator[Frame], count: int) -> list[StoredEvent]:
    """So many events, in however many frames they come."""
    found: list[StoredEvent] = []
    async with asyncio.timeout(BOUND):
        while len(found) < count:
            one = await anext(frames)
            assert isinstance(one, Events)
            found += one.events
    return found


async def test_a_stream_catches_up_and_goes_on(ways: Operations) -> None:
    await ways.bus.publish_batch([draft(text) for text in ("red a", "blue", "red b")])
    async with aclosing(ways.store.stream(wanted("red"), after=1)) as frames:
        assert await anext(frames) == Welcome(3)
        found = await gather(frames, 1)
        await ways.bus.publish_batch([draft("blue"), draft("red c")])
        found += await gather(frames, 1)
    assert texts(found) == ["red b", "red c"]
    assert [event.seq for event in found] == [3, 5]


async def test_a_stream_without_after_is_live_only(ways: Operations) -> None:
    await ways.bus.publish(draft("before"))
    async with aclosing(ways.store.stream(EVERYTHING)) as frames:
        assert await anext(frames) == Welcome(1)
        await ways.bus.publish(draft("after"))
        assert texts(await gather(frames, 1)) == ["after"]


async def test_positions_are_told(ways: Operations) -> None:
    async with aclosing(ways.store.stream(wanted("nothing"), positions=True)) as frames:
        assert await anext(frames) == Welcome(0)
        await ways.bus.publish(draft())
        async with asyncio.timeout(BOUND):
            assert await anext(frames) == Position(1)


async def test_contracts_are_listed_and_shown(ways: Operations) -> None:
    listed = await ways.schemas.contracts()
    assert TYPE in [contract["event_type"] for contract in listed]
    shown = await ways.schemas.contract(TYPE)
    assert shown is not None
    assert shown == await ways.schemas.contract(TYPE, "v1")
    assert await ways.schemas.contract(TYPE, "v9") is None
    assert await ways.schemas.contract("test.event.missing") is None


async def test_contracts_have_services_and_an_example(ways: Operations, engine: Engine) -> None:
    contracts = Contracts(Registry.load(packaged("schemas")))
    estates = [Estate.load(packaged("registry.yaml"))]
    engine.operations.schemas = EngineContracts(contracts, lambda: estates[-1])
    listed = {contract["event_type"]: contract for contract in await ways.schemas.contracts()}
    assert set(listed) == set(contracts.current.types())
    for shown in (listed["worktree.created"], await ways.schemas.contract("worktree.created")):
        assert shown is not None
        assert shown["versions"] == ["v1"]
        assert shown["producers"] == ["workspace-management"]
        assert {"bloodbank", "candybar", "candystore"} <= set(shown["consumers"])
        assert contracts.current.valid("worktree.created", None, shown["example"])
    served = await ways.schemas.contract("worktree.dlq")
    assert served is not None
    assert served["producers"] == ["bloodbank", "workspace-management"]
    estates.append(Estate())
    assert [one["producers"] for one in await ways.schemas.contracts()] == [[]] * len(listed)


async def test_health_is_told(ways: Operations, operations: Operations) -> None:
    assert (await ways.monitor.health()).document() == (await operations.monitor.health()).document()


STRANGE = jsontext.dumps({**ENVELOPE, "payload": {"message": 10**30, "nul": "\0"}})
HOSTILE = {"x-godtui-requeues": 4, "x-death": [{"queue": "q"}], "\u2028": {"deep": [1.5, "\0"]}}


async def test_letters_are_listed_and_shown_the_same_everywhere(
    ways: Operations, operations: Operations, bury: Bury
) -> None:
    bodies = [STRANGE, b"\xff\0", "no JSON \u2028 ü".encode(), b"", b"null", b"x" * 3000, b"\xff" * 3000]
    await bury(*(row(body, headers=HOSTILE, event_type=None) for body in bodies))
    there, here = await ways.letters.page(EVERYTHING), await operations.letters.page(EVERYTHING)
    assert [each.listed() for each in there.letters] == [each.listed() for each in here.letters]
    assert [each.id for each in there.letters] == [7, 6, 5, 4, 3, 2, 1]
    assert [each.is_whole for each in there.letters] == [False, False, True, True, True, True, True]
    assert there.next_cursor is None
    for number, body in enumerate(bodies, 1):
        one, other = await ways.letters.letter(number), await operations.letters.letter(number)
        assert one is not None
        assert other is not None
        assert one.document() == other.document()
        assert (one.headers, one.requeues, one.deaths) == ({"\u2028": {"deep": [1.5, "\0"]}}, 4, [{"queue": "q"}])
        assert one._replace(body=b"") == other._replace(body=b"")
        assert one.body == body or jsontext.parse(one.body) == jsontext.parse(body)
    assert await ways.letters.letter(99) is None


async def test_letters_are_found(ways: Operations, bury: Bury) -> None:
    await bury(*(row(STRANGE, queue="q" if number % 2 else "r", reason=f"ü {number % 3}") for number in range(1, 10)))
    first = await ways.letters.page(wanted("source:contract since:15m"), queue="q", limit=2)
    assert [each.id for each in first.letters] == [9, 7]
    second = await ways.letters.page(wanted("source:contract since:15m"), queue="q", cursor=first.next_cursor)
    assert [each.id for each in second.letters] == [5, 3, 1]
    assert [each.id for each in (await ways.letters.page(EVERYTHING, queue="r", reason="ü 1")).letters] == [4]
    for other in ({"queue": "r"}, {"reason": "q"}):
        with pytest.raises(BadCursorError):
            await ways.letters.page(wanted("source:contract since:15m"), cursor=first.next_cursor, **other)  # type: ignore[arg-type]


async def test_a_letter_is_requeued_once(ways: Operations, bury: Bury, waiting: Waiting) -> None:
    await bury(row(STRANGE, queue=PLANE, message_id="m"))
    assert await ways.letters.requeue(1) == (1, PLANE, "m", "agent.task.failed", 1)
    assert await waiting(PLANE) == 1
    with pytest.raises(UnknownLetterError, match="no dead letter 1"):
        await ways.letters.requeue(1)


async def test_a_correction_is_judged(ways: Operations, bury: Bury, waiting: Waiting) -> None:
    await bury(row(b"{", queue=PLANE))
    wrong = {**ENVELOPE, "payload": {"message": 7}}
    with pytest.raises(InvalidEventError) as caught:
        await ways.letters.requeue(1, wrong)
    assert [(fault.path, fault.keyword) for fault in caught.value.faults] == [("/payload/message", "type")]
    for size in (1_048_500, 2_000_000):
        with pytest.raises(TooLargeError, match=r"1,048,576|1,049,600"):
            await ways.letters.requeue(1, {**ENVELOPE, "payload": {"message": "x" * size}})
    assert (await ways.letters.requeue(1, ENVELOPE)).message_id == ENVELOPE["event_id"]
    assert await waiting(PLANE) == 1


async def test_a_letter_whose_queue_does_not_take_it_stays(ways: Operations, bury: Bury) -> None:
    await bury(row(STRANGE, queue="gone"), row(b"{", queue=PLANE))
    with pytest.raises(RequeueRefusedError, match="no queue named gone"):
        await ways.letters.requeue(1)
    with pytest.raises(RequeueRefusedError, match="not an event"):
        await ways.letters.requeue(2)
    assert len((await ways.letters.page(EVERYTHING)).letters) == 2


async def test_a_letter_is_not_requeued_without_a_confirm(
    ways: Operations, bury: Bury, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bury(row(STRANGE, queue=PLANE))

    async def unconfirmed(*_: object) -> Unconfirmed:
        return Unconfirmed("the disk is full")

    monkeypatch.setattr(EmbeddedBus, "put", unconfirmed)
    with pytest.raises(NotRequeuedError, match="the disk is full"):
        await ways.letters.requeue(1)
    assert await ways.letters.letter(1) is not None


async def test_a_letter_is_discarded_once(ways: Operations, bury: Bury) -> None:
    await bury(row(b"x"), row(b"y"))
    await ways.letters.discard(1)
    with pytest.raises(UnknownLetterError):
        await ways.letters.discard(1)
    assert [each.id for each in (await ways.letters.page(EVERYTHING)).letters] == [2]


async def test_many_at_once(ways: Operations) -> None:
    receipts = await asyncio.gather(*(ways.bus.publish(draft(str(number))) for number in range(50)))
    assert len({receipt.event_id for receipt in receipts}) == 50
    page = await ways.store.query(EVERYTHING, limit=1000)
    assert {UUID(bytes=event.event_id) for event in page.events} == {receipt.event_id for receipt in receipts}


@pytest.fixture
def dispatcher(engine: Engine) -> MemoryDispatcher:
    """What stands behind every way to the dispatcher."""
    found = engine.operations.dispatcher = MemoryDispatcher()
    return found


async def test_the_dispatcher_is_told_whole(ways: Operations, dispatcher: MemoryDispatcher) -> None:
    assert await ways.dispatcher.status() == await dispatcher.status()
    blocked = await ways.dispatcher.status(state="blocked", limit=1000)
    assert [each.reference for each in blocked.tickets] == ["INFRA-1"]
    assert dispatcher.calls[-1] == ("status", "blocked", 1000)
    assert len((await ways.dispatcher.status(limit=2)).tickets) == 2


async def test_a_ticket_is_named_by_id_or_reference(ways: Operations, dispatcher: MemoryDispatcher) -> None:
    for one in dispatcher.tickets.values():
        assert await ways.dispatcher.ticket(one.id) == await ways.dispatcher.ticket(one.reference) == one


async def test_the_dispatcher_is_paused_and_resumed(ways: Operations, dispatcher: MemoryDispatcher) -> None:
    paused = await ways.dispatcher.pause("ü" * 500)
    assert (paused.state, paused.reason) == ("paused", "ü" * 500)
    assert (await ways.dispatcher.pause()).reason == ""
    assert (await ways.dispatcher.resume()).state == "running"
    assert dispatcher.calls == [("pause", "ü" * 500), ("pause", ""), ("resume",)]


async def test_a_ticket_is_acted_on(ways: Operations, dispatcher: MemoryDispatcher) -> None:
    assert (await ways.dispatcher.retry("INFRA-1")).state == "checking"
    assert (await ways.dispatcher.withdraw("INFRA-1")).state == "withdrawn"
    assert (await ways.dispatcher.withdraw("INFRA-1", "no more")).reason == "no more"
    forced = await ways.dispatcher.dispatch("INFRA 4?#ü", TEXT)
    assert (forced.state, forced.forced) == ("sending", TEXT)
    assert dispatcher.calls == [
        ("retry", "INFRA-1"),
        ("withdraw", "INFRA-1", ""),
        ("withdraw", "INFRA-1", "no more"),
        ("dispatch", "INFRA 4?#ü", TEXT),
    ]


@pytest.mark.parametrize("name", ["INFRA-9", "../../etc", "a/b", "", ".", "..", "%2F", "x\0y", "日本"])
async def test_what_was_never_seen_is_unknown(ways: Operations, dispatcher: MemoryDispatcher, name: str) -> None:
    asked = ways.dispatcher
    for call in (asked.ticket(name), asked.retry(name), asked.withdraw(name), asked.dispatch(name, "why")):
        with pytest.raises(UnknownTicketError, match="ticket"):
            await call
    if name:
        with pytest.raises(UnknownTicketError, match="was ever seen"):
            await asked.explain_ticket(name)


async def test_a_state_that_does_not_allow_it(ways: Operations, dispatcher: MemoryDispatcher) -> None:
    asked = ways.dispatcher
    for call in (asked.retry("INFRA-2"), asked.withdraw("INFRA-2"), asked.dispatch("INFRA-2", "why")):
        with pytest.raises(TicketStateError, match="INFRA-2 is dispatched, which ended its episode"):
            await call


async def test_what_is_explained(ways: Operations, dispatcher: MemoryDispatcher) -> None:
    body = {"event": "issue", "data": [10**30, TEXT, None, 0.5, {"": {}}]}
    assert await ways.dispatcher.explain_body(body) == await dispatcher.explain_body(body)
    assert dispatcher.calls[0] == dispatcher.calls[1]
    for other in (None, [], "", 0, False):
        await ways.dispatcher.explain_body(other)
        assert dispatcher.calls[-1] == ("explain_body", other)
    assert await ways.dispatcher.explain_event(EVENT) == await dispatcher.explain_event(EVENT)
    assert await ways.dispatcher.explain_event(new_id()) is None
    explained = await ways.dispatcher.explain_ticket("INFRA 4?#ü")
    assert explained == await dispatcher.explain_ticket("INFRA 4?#ü")


ASKED: dict[str, Callable[[DispatcherOperations], Awaitable[Any]]] = {
    "status": lambda asked: asked.status(),
    "ticket": lambda asked: asked.ticket("INFRA-1"),
    "pause": lambda asked: asked.pause(),
    "resume": lambda asked: asked.resume(),
    "retry": lambda asked: asked.retry("INFRA-1"),
    "withdraw": lambda asked: asked.withdraw("INFRA-1"),
    "dispatch": lambda asked: asked.dispatch("INFRA-1", "why"),
    "explain_body": lambda asked: asked.explain_body({}),
    "explain_event": lambda asked: asked.explain_event(EVENT),
    "explain_ticket": lambda asked: asked.explain_ticket("INFRA-1"),
    "watch": lambda asked: anext(asked.watch("bloodbank")),
}
"""One call of every operation of the dispatcher."""


async def test_errors_of_the_dispatcher_are_the_same_everywhere(ways: Operations, dispatcher: MemoryDispatcher) -> None:
    for error in (DispatcherUnavailableError("it is elsewhere"), StoreUnavailableError("the disk is gone")):
        dispatcher.error = error
        for ask in ASKED.values():
            with pytest.raises(type(error), match=f"^{error}$"):
                await ask(ways.dispatcher)


@pytest.mark.parametrize("asked", [name for name in ASKED if name != "status"])
async def test_without_a_dispatcher_all_but_its_status_is_refused(ways: Operations, engine: Engine, asked: str) -> None:
    engine.operations.dispatcher = AbsentDispatcher("another dispatches", state="standing by", active="host-7")
    with pytest.raises(DispatcherUnavailableError, match="another dispatches"):
        await ASKED[asked](ways.dispatcher)
    status = await ways.dispatcher.status(state="held", limit=1)
    assert (status.state, status.reason, status.active) == ("standing by", "another dispatches", "host-7")
    assert set(status.counts) == set(get_args(TicketState))


async def test_output_is_watched_until_it_ends(ways: Operations, dispatcher: MemoryDispatcher) -> None:
    assert [piece async for piece in ways.dispatcher.watch("bloodbank")] == []
    output = dispatcher.output = asyncio.Queue()
    async with asyncio.timeout(BOUND), aclosing(ways.dispatcher.watch("bloodbank")) as pieces:
        output.put_nowait("日本\r\n")
        assert await anext(pieces) == "日本\r\n"
        output.put_nowait("\x1b[31m\0" + "x" * 100_000)
        output.put_nowait(None)
        assert "".join([piece async for piece in pieces]) == "\x1b[31m\0" + "x" * 100_000
    for component in ("comp/../é?#", "..", ".", ""):
        assert [piece async for piece in ways.dispatcher.watch(component)] == []
        assert dispatcher.calls[-1] == ("watch", component)


@pytest.mark.parametrize("begun", [False, True])
async def test_watching_can_be_left(ways: Operations, dispatcher: MemoryDispatcher, begun: bool) -> None:
    output = dispatcher.output = asyncio.Queue()
    async with aclosing(ways.dispatcher.watch("bloodbank")) as pieces:
        stepping = asyncio.ensure_future(anext(pieces))
        while not dispatcher.calls:
            await asyncio.sleep(0)
        if begun:
            output.put_nowait("x")
            assert await stepping == "x"
        else:
            stepping.cancel()
            await asyncio.gather(stepping, return_exceptions=True)
    await asyncio.wait_for(dispatcher.left.wait(), BOUND)
