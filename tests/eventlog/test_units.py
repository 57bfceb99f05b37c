"""Units of other rooms in the group commit: whole or not at all, and never at another's cost."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from godtui.eventlog import EventLog, LogUnavailableError, Migrations, Outcome, PoisonError, Transaction, Verdict
from tests.eventlog.conftest import OpenLog
from tests.eventlog.records import record, records, together, until

NOTES = Migrations("notes", ("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE) STRICT;",))


@pytest.fixture
async def log(open_log: OpenLog) -> EventLog:
    return open_log(rooms=[NOTES])


def note(text: str) -> Callable[[Transaction], int]:
    def unit(transaction: Transaction) -> int:
        return transaction.execute("INSERT INTO notes (text) VALUES (?)", (text,)).lastrowid or 0

    return unit


async def notes(log: EventLog) -> list[str]:
    return [row[0] for row in await log.rows("SELECT text FROM notes ORDER BY id", purpose="test")]


async def test_a_unit_answers_what_it_returns(log: EventLog) -> None:
    assert await log.submit(note("one")) == 1
    assert await notes(log) == ["one"]


async def test_events_and_statements_are_one(log: EventLog) -> None:
    def unit(transaction: Transaction) -> list[Outcome]:
        outcomes = transaction.append(records(3))
        transaction.execute("INSERT INTO notes (text) VALUES (?)", (str(outcomes[-1].seq),))
        return outcomes

    assert [outcome.seq for outcome in await log.submit(unit)] == [1, 2, 3]
    assert await notes(log) == ["3"]
    assert [event.seq for event in await log.after(0)] == [1, 2, 3]


async def test_a_unit_that_raises_is_rolled_back_alone(log: EventLog) -> None:
    lost, kept = record(event_type="lost.type", source="lost"), record()

    def failing(transaction: Transaction) -> None:
        transaction.append([lost])
        note("lost")(transaction)
        raise KeyError("mine")

    results = await together(log, note("before"), failing, [kept], note("after"))
    assert isinstance(results[1], KeyError)
    assert results[2] == [Outcome(Verdict.STORED, 1)]
    assert await notes(log) == ["before", "after"]
    assert [event.event_id for event in await log.after(0)] == [kept.event_id]
    assert await log.event(lost.event_id) is None
    await log.append([lost])
    again = await log.event(lost.event_id)
    assert again is not None
    assert (again.seq, again.event_type, again.source) == (2, "lost.type", "lost")


async def test_a_name_that_an_earlier_unit_added_survives_a_later_failure(log: EventLog) -> None:
    def failing(transaction: Transaction) -> None:
        transaction.append([record(event_type="shared.type")])
        raise KeyError("mine")

    await together(
        log,
        lambda transaction: transaction.append([record(event_type="shared.type")]),
        failing,
        [record(event_type="shared.type")],
    )
    assert await log.rows("SELECT event_type FROM stored_events", purpose="test") == [("shared.type",)] * 2
    assert await log.rows("SELECT count(*) FROM types", purpose="test") == [(1,)]


def bad_sql(transaction: Transaction) -> None:
    transaction.execute("SELECT nothing FROM nowhere")


def broken_rule(transaction: Transaction) -> None:
    note("twice")(transaction)
    note("twice")(transaction)


def change_history(transaction: Transaction) -> None:
    transaction.execute("UPDATE events SET time = 0")


MISTAKES: dict[str, tuple[Callable[[Transaction], Any], type[Exception]]] = {
    "bad SQL": (bad_sql, sqlite3.OperationalError),
    "a constraint": (broken_rule, sqlite3.IntegrityError),
    "too few parameters": (lambda one: one.execute("SELECT ?"), sqlite3.ProgrammingError),
    "changing history": (change_history, sqlite3.IntegrityError),
    "division": (lambda _: 1 // 0, ZeroDivisionError),
    "memory": (lambda _: _raise(MemoryError()), MemoryError),
    "an exit": (lambda _: _raise(SystemExit(3)), RuntimeError),
    "an interrupt": (lambda _: _raise(KeyboardInterrupt()), RuntimeError),
    "a cancellation": (lambda _: _raise(asyncio.CancelledError()), RuntimeError),
    "the end of an iteration": (lambda _: _raise(StopIteration(1)), RuntimeError),
    "endless recursion": (lambda _: _recurse(), RecursionError),
}


def _raise(error: BaseException) -> None:
    raise error


def _recurse() -> None:
    _recurse()


@pytest.mark.parametrize(("unit", "expected"), MISTAKES.values(), ids=MISTAKES.keys())
async def test_a_units_own_mistake_is_its_owners_alone(
    log: EventLog, unit: Callable[[Transaction], Any], expected: type[Exception]
) -> None:
    await log.append([record()])
    results = await together(log, records(2), unit, note("kept"))
    assert isinstance(results[1], expected)
    assert [outcome.seq for outcome in results[0]] == [2, 3]
    assert await notes(log) == ["kept"]
    assert log.fault is None


async def test_a_unit_may_catch_what_an_append_refused(log: EventLog) -> None:
    def unit(transaction: Transaction) -> str:
        transaction.append([record(1)])
        try:
            transaction.append([record(2), record(3)._replace(time=1 << 63)])
        except PoisonError:
            return "caught"
        return "stored"

    assert await log.submit(unit) == "caught"
    assert [event.envelope().payload["number"] for event in await log.after(0)] == [1]
    assert await log.rows("SELECT count(*) FROM events", purpose="test") == [(1,)]


async def test_a_unit_within_a_unit(log: EventLog) -> None:
    def unit(transaction: Transaction) -> None:
        note("outer")(transaction)
        with contextlib.suppress(KeyError), transaction.unit():
            note("inner")(transaction)
            raise KeyError("inner")
        note("outer again")(transaction)

    await log.submit(unit)
    assert await notes(log) == ["outer", "outer again"]


@pytest.mark.parametrize("statement", ["ROLLBACK", "COMMIT"])
async def test_a_unit_that_ends_the_transaction_costs_one_commit_and_no_more(log: EventLog, statement: str) -> None:
    results = await together(log, lambda transaction: transaction.execute(statement).fetchall(), [record()])
    assert all(isinstance(result, LogUnavailableError) for result in results)
    kept = record()
    assert (await log.append([kept]))[0].verdict is Verdict.STORED
    assert log.fault is None
    assert (await log.after(0))[-1].event_id == kept.event_id


async def test_a_dead_writer_answers_everyone(open_log: OpenLog, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: list[str | None] = []
    log = open_log(on_change=lambda: changes.append(log.fault))
    following = asyncio.ensure_future(log.tail.beyond(100))
    await asyncio.sleep(0)
    healthy = log.tail.waiting_loops
    calls = iter([_raise, lambda _: healthy()])
    monkeypatch.setattr(log.tail, "waiting_loops", lambda: next(calls)(MemoryError("no room")))
    results = await asyncio.gather(*(log.append([record()]) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, LogUnavailableError) for result in results)
    with pytest.raises(LogUnavailableError):
        await log.append([record()])
    with pytest.raises(LogUnavailableError):
        await following
    assert log.fault is not None
    assert "no room" in log.fault
    assert changes == [log.fault]


async def test_an_announcement_that_raises_stops_nothing(open_log: OpenLog, monkeypatch: pytest.MonkeyPatch) -> None:
    announced = []

    def announce() -> None:
        announced.append(1)
        raise ValueError("nobody listens")

    log = open_log(on_change=announce)
    await asyncio.gather(log.submit(lambda one: one.execute("ROLLBACK").fetchall()), return_exceptions=True)
    assert (await log.append([record()]))[0].verdict is Verdict.STORED
    await until(lambda: len(announced) == 2)


async def test_what_is_held_under_an_id(log: EventLog) -> None:
    first = record(1)
    await log.append([first])
    same, other = first._replace(source="elsewhere"), record(2, event_id=first.event_id)

    def look(transaction: Transaction) -> list[Outcome | None]:
        return [transaction.held(each) for each in (same, other, record(3))]

    assert await log.submit(look) == [Outcome(Verdict.ALREADY, 1), Outcome(Verdict.CONFLICT, 1), None]
