"""The ledger: what it keeps through restarts, what it forgets after a month, and what must not stop it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from godtui.dispatcher import ledger as ledgers
from godtui.dispatcher.ledger import Ledger
from godtui.dispatcher.plane import read_ticket as read
from godtui.eventlog import EventLog, LogUnavailableError
from godtui.filters import Filter
from godtui.jsontext import Json
from tests.dispatcher.engine import STATES, World, edited, reference, ticket_id, world
from tests.dispatcher.samples import READY, TODO, newer
from tests.openclaw import Reply

DAY = 86_400
GO = "89c1c1d1-2f3c-5b3f-9d0c-5d1f6f4f7a11"


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


def by_ids(number: int, at: str, state: str = TODO) -> Json:
    """A delivery of version 2, which has nothing but ids."""
    return newer(
        id=ticket_id(number), sequence_id=number, updated_at=f"2026-02-07T{at}Z", state_id=state, label_ids=[READY, GO]
    )


def ledger_of(there: World) -> Ledger:
    ledger: Ledger = there.running.operations.dispatcher._dispatcher.parts.ledger  # type: ignore[attr-defined]
    return ledger


async def quiet() -> None:
    """Let everything come to where it waits for something."""
    for _ in range(30):
        await asyncio.sleep(0.005)


# Names.


async def test_names_that_deliveries_taught_serve_those_that_have_only_ids_also_after_a_restart(there: World) -> None:
    await there.start()
    await there.decided({**by_ids(1, "13:00:00"), "event_id": "a"})
    view = await there.desk.ticket(ticket_id(1))
    assert view.state == "rejected"
    assert view.reason.startswith(f"state unknown: the delivery has only the id {TODO}")
    assert "2 labels have no known name" in view.reason
    labels = [{"id": READY, "name": "Ready"}, {"id": GO, "name": "automation: Go"}]
    await there.decided(edited(2, 0, group="completed"))
    await there.decided(edited(3, 0, labels=labels))
    await there.reaches(3, "dispatched")
    await there.restart()
    await there.post({**by_ids(1, "14:00:00"), "event_id": "b"})
    view = await there.reaches(1, "dispatched")
    assert {one.name: one.observed for one in view.conditions}["labels"] == ["Ready", "automation: Go"]
    await there.decided({**by_ids(1, "15:00:00", STATES["completed"]["id"]), "event_id": "c"})
    view = await there.desk.ticket(ticket_id(1))
    assert {one.name: one.holds for one in view.conditions}["state"] is False


async def test_names_are_read_again_after_a_commit_of_which_nobody_knows_whether_it_was_made(
    there: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await there.start()
    await quiet()
    submit, fails = EventLog.submit, [True]

    async def kept_but_told_otherwise(log: EventLog, unit: object) -> object:
        result: Any = await submit(log, unit)  # type: ignore[arg-type]
        if type(unit).__name__ == "_Decide" and fails and result.number:
            fails.clear()
            raise LogUnavailableError("the disk is gone")
        return result

    monkeypatch.setattr(EventLog, "submit", kept_but_told_otherwise)
    labels = [{"id": READY, "name": "Ready"}, {"id": GO, "name": "automation: Go"}]
    await there.decided(edited(1, 0, labels=labels))
    await there.until(lambda: not fails)
    await there.post({**by_ids(2, "14:00:00"), "event_id": "b"})

    async def both_are_dispatched() -> bool:
        there.clock.advance(1)
        return (await there.desk.status(limit=1)).counts["dispatched"] == 2

    await there.until(both_are_dispatched)


# A month later.


async def test_what_ended_a_month_ago_is_forgotten_but_nothing_is_dispatched_again_for_it(there: World) -> None:
    there.claw.moods += [Reply(200), Reply(400)]
    await there.start()
    await there.post(edited(1, 0))
    await there.reaches(1, "dispatched")
    await there.post(edited(2, 0))
    await there.reaches(2, "failed")
    await there.desk.pause()
    for number in (3, 4):
        await there.decided(edited(number, 0))
    await there.desk.withdraw(reference(3), "never")
    await there.decided(edited(4, 9, group="completed"))
    await there.desk.resume()
    before = {number: (await there.desk.ticket(ticket_id(number))).state for number in (1, 2, 3, 4)}
    there.clock.advance(29 * DAY)
    await quiet()
    assert len(await there.rows("SELECT 1 FROM dispatch_episodes")) == 4
    there.clock.advance(2 * DAY)
    await there.until(lambda: _has(there, "dispatch_episodes", 2))
    await there.until(lambda: _has(there, "dispatch_decided", 0))
    assert {number: (await there.desk.ticket(ticket_id(number))).state for number in (1, 2, 3, 4)} == before
    counts = (await there.desk.status()).counts
    assert {state: number for state, number in counts.items() if number} == {
        "dispatched": 1, "failed": 1, "withdrawn": 2,
    }  # fmt: skip
    assert (await there.desk.ticket(reference(1))).reason == "so long ago that no more is kept of it"
    assert (await there.desk.explain_ticket(reference(1))).standing == [
        "it was dispatched in episode 1; once it has left ready and come back, it is again"
    ]
    await there.restart()
    for number in (1, 2, 3):
        await there.decided(edited(number, 32 * DAY))
        await there.decided(edited(number, 1))
    await quiet()
    assert len(there.claw.requests) == 2
    assert {number: (await there.desk.ticket(ticket_id(number))).state for number in (1, 2, 3, 4)} == before
    await there.post(edited(4, 32 * DAY))
    assert (await there.reaches(4, "dispatched")).episode == 2
    await there.decided(edited(1, 33 * DAY, group="completed"))
    await there.post(edited(1, 34 * DAY))
    await there.until(lambda: len(there.claw.requests) == 4)


async def _has(there: World, table: str, number: int) -> bool:
    return len(await there.rows(f"SELECT 1 FROM {table}")) == number


async def test_a_delivery_that_comes_again_after_its_id_is_forgotten_changes_nothing(there: World) -> None:
    await there.start()
    body = edited(1, 0)
    await there.post(body)
    await there.reaches(1, "dispatched")
    await there.decided(edited(1, 9, group="completed"))
    there.clock.advance(31 * DAY)
    await there.until(lambda: _has(there, "dispatch_decided", 0))
    ledger = ledger_of(there)
    ledger.facts["watermark"] = 0
    there.clock.advance(60)
    await there.until(lambda: _has(there, "dispatch_decided", 2))
    await quiet()
    assert len(there.claw.requests) == 1
    assert await there.said(1) == ["qualified", "dispatched", "rejected"]


# What must not stop it.


async def test_a_delivery_that_cannot_be_decided_holds_up_no_other_and_is_kept_as_a_dead_letter(
    there: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(body: Json, names: object) -> object:
        ticket = read(body, names)  # type: ignore[arg-type]
        if ticket[0] == ticket_id(2):
            raise RuntimeError("a bug")
        return ticket

    monkeypatch.setattr(ledgers, "read_ticket", broken)
    await there.start(openclaw_hook_token=None)
    with caplog.at_level(logging.CRITICAL, "godtui.dispatcher.ledger"):
        await there.flood(edited(number, 0) for number in (1, 2, 3))
        await there.counted(held=2)
        await there.until(lambda: _dead(there))
    (letter,) = (await there.running.operations.letters.page(Filter())).letters
    assert letter.reason == "it cannot be decided (RuntimeError)"


async def _dead(there: World) -> bool:
    return bool((await there.running.operations.letters.page(Filter())).letters)


async def test_what_is_said_survives_only_with_the_change_that_it_is_about(
    there: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change is one commit with what is said of it."""
    await there.start(openclaw_hook_token=None)
    await there.decided(edited(1, 0))
    monkeypatch.setattr(ledgers, "save", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await there.desk.withdraw(reference(1))
    monkeypatch.undo()
    assert await there.said(1) == ["qualified"]
    assert (await there.desk.ticket(reference(1))).state == "held"
