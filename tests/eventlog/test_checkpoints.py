"""The write-ahead log: moved into the file between commits, and held back by nothing but a reader that is named."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from godtui.eventlog import EventLog, checkpoints
from tests.clock import ManualClock
from tests.eventlog.conftest import OpenLog
from tests.eventlog.records import records, until

KEPT = 256 * 1024
DRAW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT (SELECT count(*) FROM events), i FROM n"


@pytest.fixture(autouse=True)
def small_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "WAL_BYTES_KEPT", KEPT)
    monkeypatch.setattr(
        "godtui.eventlog.database._SETTINGS",
        ("PRAGMA synchronous = FULL", "PRAGMA wal_autocheckpoint = 0", f"PRAGMA journal_size_limit = {KEPT}"),
    )


async def grow(log: EventLog, megabytes: float) -> None:
    for _ in range(int(megabytes * 20)):
        await log.append(records(25, filler="x" * 2000))


async def test_the_log_stays_small_and_the_file_grows(log: EventLog, tmp_path: Path) -> None:
    largest = 0
    for _ in range(40):
        await grow(log, 0.1)
        largest = max(largest, log.wal_bytes)
    await log.append(records(1))
    assert largest < 4 * KEPT
    assert (tmp_path / "events.sqlite").stat().st_size > 3_000_000


async def test_a_pinned_reader_holds_it_back_and_is_named(open_log: OpenLog) -> None:
    clock = ManualClock()
    log = open_log(clock=clock)
    await grow(log, 0.1)
    reading = asyncio.ensure_future(log.rows(f"SELECT max(i) FROM ({DRAW})", purpose="export"))
    await until(lambda: log.oldest_reader() is not None)
    other = sqlite3.connect(f"{log.path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM events").fetchone()
    await grow(log, 3)
    pinned = log.wal_bytes
    assert pinned > 3_000_000
    clock.advance(5)
    assert log.oldest_reader() == (5, "export")
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    other.execute("ROLLBACK")
    other.close()
    clock.advance(checkpoints.RETRY_SECONDS)
    await log.append(records(1))  # checkpoints
    await log.append(records(1))  # begins the log anew
    await log.append(records(1))
    assert log.wal_bytes <= KEPT


async def test_readers_always_at_work_do_not_make_every_commit_checkpoint(open_log: OpenLog) -> None:
    log = open_log(clock=ManualClock())
    statements: list[str] = []
    other = sqlite3.connect(f"{log.path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM events").fetchone()
    await log.submit(lambda transaction: transaction.connection.set_trace_callback(statements.append))
    await grow(log, 3)
    other.close()
    tried = sum("wal_checkpoint" in statement for statement in statements)
    assert 1 <= tried <= log.wal_bytes // KEPT < sum("COMMIT" in statement for statement in statements)


async def test_answers_come_before_the_checkpoint(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    before = checkpoints.Checkpoints.after_commit

    def after_commit(self: checkpoints.Checkpoints, connection: sqlite3.Connection) -> None:
        order.append("checkpoint")
        before(self, connection)

    monkeypatch.setattr(checkpoints.Checkpoints, "after_commit", after_commit)
    loop = asyncio.get_running_loop()
    scheduled = loop.call_soon_threadsafe

    def call_soon_threadsafe(*arguments: object) -> asyncio.Handle:
        order.append("answer")
        return scheduled(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "call_soon_threadsafe", call_soon_threadsafe)
    await log.append(records(1))
    await until(lambda: "checkpoint" in order)
    assert order == ["answer", "checkpoint"]


async def test_a_checkpoint_that_fails_stops_no_commit(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "WAL_BYTES_KEPT", -1)
    await log.submit(
        lambda transaction: transaction.connection.set_authorizer(
            lambda action, name, *_: (
                sqlite3.SQLITE_DENY
                if action == sqlite3.SQLITE_PRAGMA and name == "wal_checkpoint"
                else sqlite3.SQLITE_OK
            )
        )
    )
    assert [outcome.seq for outcome in await log.append(records(3))] == [1, 2, 3]
    assert [outcome.seq for outcome in await log.append(records(1))] == [4]
    assert log.fault is None


async def test_closing_leaves_one_file(log: EventLog, tmp_path: Path) -> None:
    await log.append(records(50))
    assert await log.rows("SELECT 1", purpose="test") == [(1,)]
    await log.close()
    assert [path.name for path in tmp_path.iterdir()] == ["events.sqlite"]
