"""What was cut never comes back, and what was imported is known as history."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from godtui.eventlog import EventLog, Outcome, Record, Stretches, Transaction, Verdict, Walked
from tests.clock import MORNING
from tests.eventlog.conftest import OpenLog
from tests.eventlog.records import record, records, together

DAY = 86_400_000_000


def cut(below: int, now: int = MORNING) -> Callable[[Transaction], None]:
    """A unit that cuts as retention does."""

    def unit(transaction: Transaction) -> None:
        transaction.cut_ids.remember(transaction.connection, below, now)
        transaction.execute("UPDATE retention SET floor = ?", (below,))
        transaction.execute("DELETE FROM events WHERE seq < ?", (below,))

    return unit


def forgetting(after: bytes, before: int) -> Callable[[Transaction], Walked]:
    return lambda transaction: transaction.cut_ids.forget(transaction.connection, after, before, 2)


async def seqs(log: EventLog) -> list[int]:
    return [row[0] for row in await log.rows("SELECT seq FROM events ORDER BY seq", purpose="test")]


async def test_what_was_cut_is_held_already(log: EventLog) -> None:
    old = records(3)
    await log.append(old)
    await log.submit(cut(3))
    outcomes = await log.append([old[0], record(9), old[1], old[2], old[0]])
    assert outcomes == [
        Outcome(Verdict.ALREADY, 0),
        Outcome(Verdict.STORED, 4),
        Outcome(Verdict.ALREADY, 0),
        Outcome(Verdict.ALREADY, 3),
        Outcome(Verdict.ALREADY, 0),
    ]
    other = old[0]._replace(body=record(77, event_id=old[0].event_id).body)
    assert await log.append([other]) == [Outcome(Verdict.ALREADY, 0)]
    assert await log.submit(lambda transaction: transaction.held(other)) == Outcome(Verdict.ALREADY, 0)
    assert await log.submit(lambda transaction: transaction.held(record())) is None
    assert await seqs(log) == [3, 4]
    assert await log.cut_at(old[0].event_id) == MORNING
    assert await log.cut_at(old[2].event_id) is None


async def test_cut_ids_outlive_the_process(open_log: OpenLog) -> None:
    log = open_log()
    old = records(2)
    await log.append(old)
    await log.submit(cut(3))
    await log.close()
    again = open_log()
    assert [outcome.verdict for outcome in await again.append(old)] == [Verdict.ALREADY] * 2


async def test_a_cut_that_is_taken_back_has_cut_nothing(log: EventLog) -> None:
    old = records(2)
    await log.append(old)

    def fail(transaction: Transaction) -> None:
        cut(3)(transaction)
        raise RuntimeError("taken back")

    with pytest.raises(RuntimeError, match="taken back"):
        await log.submit(fail)
    assert await log.append(old) == [Outcome(Verdict.ALREADY, 1), Outcome(Verdict.ALREADY, 2)]


async def test_cut_ids_are_forgotten_in_steps(log: EventLog) -> None:
    first, second = records(5), records(3)
    await log.append(first)
    await log.submit(cut(6, MORNING))
    await log.append(second)
    await log.submit(cut(9, MORNING + DAY))

    async def walk(before: int) -> int:
        forgotten, after = 0, b""
        while True:
            walked = await log.submit(forgetting(after, before))
            forgotten += walked.forgotten
            if walked.reached is None:
                return forgotten
            after = walked.reached

    assert await walk(MORNING) == 0
    assert await walk(MORNING + 1) == 5
    assert {outcome.verdict for outcome in await log.append(first)} == {Verdict.STORED}
    assert {outcome.verdict for outcome in await log.append(second)} == {Verdict.ALREADY}
    assert await walk(MORNING + 2 * DAY) == 3
    assert {outcome.verdict for outcome in await log.append(second)} == {Verdict.STORED}


async def test_forgetting_that_is_taken_back_forgets_nothing(log: EventLog) -> None:
    old = records(2)
    await log.append(old)
    await log.submit(cut(3))

    def fail(transaction: Transaction) -> None:
        assert transaction.cut_ids.forget(transaction.connection, b"", MORNING + DAY, 10).forgotten == 2
        raise RuntimeError("taken back")

    failed, outcomes = await together(log, fail, old)
    assert isinstance(failed, RuntimeError)
    assert {outcome.verdict for outcome in outcomes} == {Verdict.ALREADY}
    assert {outcome.verdict for outcome in await log.append(old)} == {Verdict.ALREADY}


async def test_nothing_asks_for_cut_ids_where_nothing_was_cut(log: EventLog) -> None:
    asked: list[str] = []
    await log.submit(lambda transaction: transaction.connection.set_trace_callback(asked.append))
    await log.append(records(3))
    await log.submit(cut(2))
    assert not [statement for statement in asked if statement.startswith("SELECT") and "cut_ids" in statement]
    await log.append(records(300))
    assert len([statement for statement in asked if statement.startswith("SELECT") and "cut_ids" in statement]) == 3


def history(some: list[Record]) -> Callable[[Transaction], list[Outcome]]:
    return lambda transaction: transaction.append_history(some)


async def test_imports_are_known_by_their_positions(open_log: OpenLog) -> None:
    log = open_log()
    await log.append(records(2))
    assert not log.imported
    held = records(4)
    await log.submit(history(held))
    await log.submit(history(records(3)))
    await log.append(records(1))
    await log.submit(history([held[0], record(), held[1], record()]))
    assert await log.submit(history(held)) == [Outcome(Verdict.ALREADY, seq) for seq in (3, 4, 5, 6)]
    assert await log.rows("SELECT * FROM imported", purpose="test") == [(3, 9), (11, 12)]
    for same in (log, await reopened(log, open_log)):
        assert [seq for seq in range(14) if same.imported.holds(seq)] == [*range(3, 10), 11, 12]


async def reopened(log: EventLog, open_log: OpenLog) -> EventLog:
    await log.close()
    return open_log()


async def test_an_import_that_is_taken_back_was_none(log: EventLog) -> None:
    def fail(transaction: Transaction) -> None:
        transaction.append_history(records(3))
        raise RuntimeError("taken back")

    failed, _ = await together(log, fail, records(3))
    assert isinstance(failed, RuntimeError)
    assert not log.imported
    assert await log.rows("SELECT * FROM imported", purpose="test") == []


def test_stretches_are_passed_over() -> None:
    stretches = Stretches([(3, 5), (7, 7), (8, 9)])
    assert [stretches.beyond(seq) for seq in range(11)] == [0, 1, 5, 5, 5, 5, 7, 9, 9, 9, 10]
    assert list(stretches.around(0, 12)) == [(0, 2), (5, 6), (9, 12)]
    assert list(stretches.around(3, 8)) == [(5, 6)]
    assert list(stretches.around(3, 5)) == []
    assert list(Stretches().around(2, 9)) == [(2, 9)]
    assert list(stretches.around(9, 9)) == []
