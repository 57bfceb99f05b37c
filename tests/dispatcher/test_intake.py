"""Deliveries taken in: each is decided once, whether it comes by the queue or stood in the log before anyone looked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import pytest

from godtui import jsontext
from godtui.bloodbank.bus import Message, SubscriptionClosedError, UnknownQueueError
from godtui.bloodbank.queues import plane_queue
from godtui.clock import rfc3339
from godtui.dispatcher import intake as module
from godtui.dispatcher.intake import Intake
from godtui.dispatcher.ledger import Decided
from godtui.envelope import EventDraft, new_id, read_envelope
from godtui.eventlog import LogUnavailableError
from godtui.operations import ReplayRequest
from godtui.settings import MessageTtl
from tests.clock import ManualClock
from tests.dispatcher.checking import until
from tests.dispatcher.engine import World, edited, ticket_id, world
from tests.dispatcher.samples import issue


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


async def quiet() -> None:
    """Let everything come to where it waits for something."""
    for _ in range(30):
        await asyncio.sleep(0.005)


# The log.


async def test_what_was_stored_while_no_dispatcher_ran_is_decided_by_the_one_that_comes(there: World) -> None:
    await there.start(workers=("persister",))
    await there.flood(edited(number, 0) for number in range(1, 11))
    await there.flood(edited(number, 9, group="completed") for number in range(6, 11))
    await there.post({"event": "project", "action": "updated", "data": {"id": "p"}})
    await there.post([1, 2])
    await there.restart(workers=("persister", "dispatcher"))
    await there.counted(dispatched=5, withdrawn=5)
    assert len(there.claw.requests) == 5, "those that are ready now"
    status = await there.desk.status()
    assert status.watermark is not None
    assert status.watermark >= 17
    await quiet()
    figures = there.running.health().components["dispatcher"].figures
    assert figures["decided"] == 17, "what the queue brings again is not decided again"
    await there.restart()
    await quiet()
    assert there.running.health().components["dispatcher"].figures["decided"] == 0
    assert len(there.claw.requests) == 5


async def test_what_was_imported_is_history_and_not_decided(there: World) -> None:
    await there.start(workers=("persister",))
    await there.post(edited(1, 0))
    template = (await there.rows("SELECT body FROM stored_events WHERE event_type LIKE 'webhook.plane.%'"))[0][0]
    lines = [other(jsontext.dumps(edited_as(template, number))) for number in (2, 3, 4)]
    assert (await there.running.operations.archive.import_lines(lines)).stored == 3
    await there.post(edited(5, 0))
    await there.restart(workers=("persister", "dispatcher"))
    await there.counted(dispatched=2)
    assert (await there.running.operations.archive.import_lines([other(lines[0])])).stored == 1
    await there.decided(edited(6, 0))
    await there.restart()
    await there.counted(dispatched=3)
    assert len(there.claw.requests) == 3
    assert (await there.rows("SELECT count(*) FROM dispatch_decided"))[0][0] == 3


def edited_as(template: bytes, number: int) -> dict[str, Any]:
    """The stored delivery of one ticket, as if it had been another's."""
    text = template.decode().replace(ticket_id(1), ticket_id(number)).replace('"Ticket 1"', f'"Ticket {number}"')
    found: dict[str, Any] = jsontext.parse(text)
    return found


def other(line: bytes) -> bytes:
    """The same event under another id."""
    return jsontext.dumps({**jsontext.parse(line), "event_id": str(new_id())})


@pytest.mark.parametrize(("name", "value"), [("PAGE", 3), ("PAGE_BYTES", 1), ("STRETCH", 2)])
async def test_catching_up_goes_in_steps_that_are_bounded(
    there: World, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    monkeypatch.setattr(module, name, value)
    await there.start(workers=("persister",))
    await there.flood(edited(number, 0) for number in range(1, 9))
    await there.restart(workers=("persister", "dispatcher"))
    await there.counted(dispatched=8)
    assert len(there.claw.requests) == 8


async def test_the_watermark_moves_on_with_the_log(there: World) -> None:
    await there.start()
    await there.decided(edited(1, 0))
    await quiet()
    there.clock.advance(60)
    seq = (await there.events("type:webhook.plane.#"))[-1].seq
    await there.until(lambda: _watermark(there, seq))
    await there.stop()
    await there.start()
    assert await _watermark(there, seq)


async def _watermark(there: World, at_least: int) -> bool:
    return ((await there.desk.status()).watermark or 0) >= at_least


async def test_a_foreign_publisher_may_send_plane_s_body_as_the_payload(there: World) -> None:
    await there.start()
    draft = EventDraft(event_type="webhook.plane.issue.updated", payload=edited(1, 0))
    await there.running._transport.bus.publish([Message.of(read_envelope(_written(draft))[0])])
    await there.reaches(1, "dispatched")


async def replay(there: World, expression: str = "type:webhook.plane.#") -> UUID:
    """Replay what is stored to the bus, and wait until all of it is decided."""
    replays = there.running.operations.replays
    made = await replays.create(ReplayRequest(filter=expression, speed="max"))

    async def is_over() -> bool:
        view = await replays.replay(made.replay_id)
        return view is not None and view.state == "completed"

    await there.until(is_over)
    bus = there.running._transport.bus
    name = plane_queue(MessageTtl()).name

    async def is_empty() -> bool:
        ready, unsettled, _ = await bus.statistics(name)
        return ready + unsettled == 0

    await there.until(is_empty)
    await quiet()
    return made.replay_id


async def test_nothing_that_was_dispatched_is_dispatched_by_a_replay(there: World) -> None:
    await there.start()
    await there.post(edited(1, 0))
    await there.reaches(1, "dispatched")
    await there.decided(edited(2, 0))
    await there.reaches(2, "dispatched")
    await there.decided(edited(2, 9, group="completed"))
    before = await there.said(1), await there.said(2)
    await replay(there)
    assert len(there.claw.requests) == 2
    assert (await there.said(1), await there.said(2)) == before
    # Nor once everything that tells of it has been forgotten.
    there.clock.advance(60 * 86_400)
    await there.until(lambda: _is_forgotten(there))
    await replay(there)
    assert len(there.claw.requests) == 2


async def _is_forgotten(there: World) -> bool:
    return bool((await there.rows("SELECT count(*) FROM dispatch_decided"))[0][0] == 0)


async def test_a_replay_has_judged_again_what_was_never_dispatched(there: World) -> None:
    await there.start(infra_ready_labels="ready,approved")
    await there.decided(edited(1, 0))
    await there.reaches(1, "rejected")
    await there.restart(infra_ready_labels="ready,automation:go")
    replay_id = await replay(there)
    await there.reaches(1, "dispatched")
    qualified = (await there.events("type:infra.ticket.qualified is:replayed"))[0].envelope()
    assert qualified.source["replay_id"] == str(replay_id)
    await replay(there)
    assert len(there.claw.requests) == 1


async def test_a_delivery_that_says_no_more_than_a_header_of_a_replay_is_decided_already(there: World) -> None:
    await there.start()
    await there.post(edited(1, 0))
    await there.reaches(1, "dispatched")
    (event,) = await there.events("type:webhook.plane.#")
    replayed = replace(Message.of(event.envelope()), headers={"x-godtui-replay": "replay"})
    bus = there.running._transport.bus
    await bus.publish([replayed])
    await bus.publish([replayed], queue=plane_queue(MessageTtl()).name)
    await quiet()
    assert len(there.claw.requests) == 1


# The queue.


class Handed:
    """A delivery, and what became of it."""

    def __init__(self, body: bytes) -> None:
        self.message = Message(body, "webhook.plane.issue.updated", "")
        self.fate = ""

    def ack(self) -> None:
        self.fate = "acked"

    def dead_letter(self, reason: str) -> None:
        self.fate = reason


class Queue:
    """A bus that hands out these batches, or fails in between."""

    def __init__(self, *turns: Sequence[Handed] | Exception) -> None:
        self.turns = list(turns)
        self.subscribed = 0
        self.deliveries: Sequence[Handed] = ()

    def subscribe(self, *_: object, **__: object) -> Self:
        self.subscribed += 1
        return self

    async def batch(self, *_: object) -> Self:
        if not self.turns:
            await asyncio.Event().wait()
        turn = self.turns.pop(0)
        if isinstance(turn, Exception):
            raise turn
        self.deliveries = turn
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The subscription ends."""


class Log:
    last_seq = 0


class Book:
    """A ledger that decides nothing, but counts; `faults` come first."""

    def __init__(self, *faults: Exception, refused: dict[int, str] | None = None) -> None:
        self.faults = list(faults)
        self.refused = refused or {}
        self.decided = 0

    async def decide(self, deliveries: Sequence[object], watermark: int | None = None) -> Decided:
        if self.faults:
            raise self.faults.pop(0)
        self.decided += len(deliveries)
        return Decided(len(deliveries), 0, frozenset({"t"}), self.refused)


def intake(queue: Queue, book: Book, clock: ManualClock, decided: Callable[[frozenset[str]], None]) -> Intake:
    made: Any = Intake(
        queue,  # type: ignore[arg-type]
        Log(),  # type: ignore[arg-type]
        book,  # type: ignore[arg-type]
        plane_queue(MessageTtl()),
        clock,
        history_here=lambda: False,
        decided=decided,
    )
    assert isinstance(made, Intake)
    return made


def sound() -> Handed:
    draft = EventDraft(event_type="webhook.plane.issue.updated", payload={"provider": "plane", "body": issue()})
    return Handed(_written(draft))


def _written(draft: EventDraft) -> bytes:
    return jsontext.dumps({
        "event_id": str(draft.event_id),
        "event_type": draft.event_type,
        "timestamp": rfc3339(0),
        "version": "v1",
        "source": {"service": "plane"},
        "correlation_id": None,
        "payload": draft.payload,
    })  # fmt: skip


async def running(made: Intake, condition: Callable[[], object]) -> None:
    """Consume until it holds."""
    task = asyncio.create_task(made.consume())
    try:
        await until(condition)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"event_id": 1}', b"\xff" * 5000])
async def test_a_message_that_is_no_event_is_a_dead_letter_with_a_reason_and_the_others_go_on(body: bytes) -> None:
    bad, good = Handed(body), sound()
    book, told = Book(), list[frozenset[str]]()
    await running(intake(Queue([bad, good]), book, ManualClock(), told.append), lambda: good.fate)
    assert bad.fate.startswith("invalid_envelope: ")
    assert len(bad.fate) <= 1000
    assert (good.fate, book.decided, told) == ("acked", 1, [frozenset({"t"})])


async def test_what_cannot_be_decided_is_a_dead_letter_too() -> None:
    first, second = sound(), sound()
    await running(
        intake(Queue([first, second]), Book(refused={1: "it cannot be decided (KeyError)"}), ManualClock(), print),
        lambda: second.fate,
    )
    assert (first.fate, second.fate) == ("acked", "it cannot be decided (KeyError)")


async def test_while_the_log_cannot_commit_nothing_is_acked_and_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    first, clock = sound(), ManualClock()
    queue = Queue([first], [first])
    made = intake(queue, Book(LogUnavailableError("the disk is full")), clock, lambda _: None)
    task = asyncio.create_task(made.consume())
    await clock.sleepers(1)
    assert not first.fate
    assert made.fault == f"deliveries stay in {plane_queue(MessageTtl()).name}: the disk is full"
    assert [record.getMessage() for record in caplog.records] == [made.fault]
    clock.advance(5)
    await until(lambda: first.fate == "acked" and made.fault is None)
    assert queue.subscribed == 2
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("error", [SubscriptionClosedError("the bus is gone"), UnknownQueueError("no such queue")])
async def test_a_queue_that_goes_away_is_subscribed_to_again(error: Exception) -> None:
    good, clock = sound(), ManualClock()
    queue = Queue(error, [good])
    made = intake(queue, Book(), clock, lambda _: None)
    task = asyncio.create_task(made.consume())
    await clock.sleepers(1)
    assert made.fault == str(error)
    clock.advance(5)
    await until(lambda: good.fate == "acked")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_without_the_history_here_only_the_queue_counts() -> None:
    book = Book()
    await intake(Queue(), book, ManualClock(), lambda _: None).catch_up()
    assert book.decided == 0
