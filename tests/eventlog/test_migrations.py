"""The file's versions: brought up whole or not at all, and refused in a sentence where they cannot be."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from godtui.eventlog import DataDirectoryError, EventLog, Migrations
from godtui.eventlog.migrations import EVENTS
from tests.eventlog.conftest import OpenLog
from tests.eventlog.records import record, records

ONE = "CREATE TABLE one (id INTEGER PRIMARY KEY) STRICT;\nINSERT INTO one VALUES (1);\n"
TWO = "ALTER TABLE one ADD COLUMN text TEXT;\nUPDATE one SET text = 'a;\nb' -- a comment; with a semicolon\n;"
BROKEN = "INSERT INTO one VALUES (2, 'lost');\nINSERT INTO nowhere VALUES (1);\n"


async def versions(log: EventLog) -> dict[str, int]:
    return dict(await log.rows("SELECT room, version FROM schema_versions", purpose="test"))


async def test_each_step_once(open_log: OpenLog) -> None:
    first = open_log(rooms=[Migrations("room", (ONE,))])
    assert await versions(first) == {"eventlog": len(EVENTS.scripts), "room": 1}
    await first.close()
    for _ in range(2):
        again = open_log(rooms=[Migrations("room", (ONE, TWO))])
        assert await versions(again) == {"eventlog": len(EVENTS.scripts), "room": 2}
        assert await again.rows("SELECT id, text FROM one", purpose="test") == [(1, "a;\nb")]
        await again.close()


async def test_a_step_that_fails_leaves_the_one_before(tmp_path: Path, open_log: OpenLog) -> None:
    failing = EventLog(tmp_path, rooms=[Migrations("room", (ONE, TWO, BROKEN))])
    with pytest.raises(DataDirectoryError, match="nowhere"):
        failing.start()
    await failing.close()
    log = open_log(rooms=[Migrations("room", (ONE, TWO))])
    assert await versions(log) == {"eventlog": len(EVENTS.scripts), "room": 2}
    assert await log.rows("SELECT id FROM one", purpose="test") == [(1,)]


async def test_a_script_whose_last_statement_has_no_semicolon(open_log: OpenLog) -> None:
    log = open_log(rooms=[Migrations("room", (f"{ONE}INSERT INTO one VALUES (5)\n\n",))])
    assert await log.rows("SELECT id FROM one", purpose="test") == [(1,), (5,)]


async def test_a_newer_file_is_refused(tmp_path: Path, open_log: OpenLog) -> None:
    await open_log(rooms=[Migrations("room", (ONE, TWO))]).close()
    older = EventLog(tmp_path, rooms=[Migrations("room", (ONE,))])
    with pytest.raises(DataDirectoryError, match="room tables are version 2, this godtui knows 1; use a newer godtui"):
        older.start()
    await older.close()


def garbage(path: Path) -> None:
    path.write_bytes(b"this is no database at all, and never was one" * 100)


def damaged(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))


def foreign(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE places (id INTEGER PRIMARY KEY)")
    connection.close()


def marked_by_another(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA application_id = 7")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            garbage,
            "is damaged .file is not a database; its first page is not that of an SQLite database.*; nothing was",
        ),
        (damaged, "is damaged .*; its list of tables, which begins on page 1, cannot be read.*; nothing was changed"),
        (foreign, "is another program's database; move it away"),
        (marked_by_another, "is another program's database; move it away"),
    ],
)
async def test_what_is_not_a_log_is_refused_and_left_alone(
    tmp_path: Path, open_log: OpenLog, spoil: Callable[[Path], None], sentence: str
) -> None:
    log = open_log()
    await log.append(records(3))
    await log.close()
    path = tmp_path / "events.sqlite"
    spoil(path)
    before = path.read_bytes()
    refused = EventLog(tmp_path)
    with pytest.raises(DataDirectoryError, match=sentence):
        refused.start()
    await refused.close()
    assert path.read_bytes() == before


async def test_an_old_sqlite_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(DataDirectoryError, match=r"use one that comes with 3\.37 or newer"):
        EventLog(tmp_path).start()


async def test_the_file_is_its_users_alone(tmp_path: Path, open_log: OpenLog) -> None:
    log = open_log()
    await log.append([record()])
    assert await log.rows("SELECT 1", purpose="test") == [(1,)]
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("events.sqlite", "events.sqlite-wal", "events.sqlite-shm"), 0o600)
    await log.close()
    log.path.chmod(0o644)
    open_log()
    assert log.path.stat().st_mode & 0o777 == 0o600


async def test_positions_go_on_where_they_ended(open_log: OpenLog) -> None:
    log = open_log()
    await log.append(records(5))
    await log.submit(lambda transaction: transaction.execute("UPDATE retention SET floor = 100"))
    await log.submit(lambda transaction: transaction.execute("DELETE FROM events"))
    await log.close()
    again = open_log()
    assert again.last_seq == 5
    assert (await again.append([record()]))[0].seq == 6


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE events SET time = 0 WHERE seq = 1", "stored events never change"),
        ("UPDATE events SET body = x'00'", "stored events never change"),
        ("DELETE FROM events WHERE seq = 2", "only events below the retention floor"),
        ("INSERT OR REPLACE INTO events SELECT * FROM events WHERE seq = 2", "only events below the retention floor"),
        ("REPLACE INTO events SELECT * FROM events WHERE seq = 2", "only events below the retention floor"),
        ("DELETE FROM retention", "the retention floor stays"),
        ("INSERT INTO retention (floor) VALUES (100)", "there is one retention floor"),
        ("UPDATE retention SET floor = -1", "the retention floor only rises"),
        ("INSERT OR REPLACE INTO retention (rowid, floor) VALUES (1, 100)", "the retention floor|one retention floor"),
    ],
)
async def test_stored_events_never_change(log: EventLog, statement: str, sentence: str) -> None:
    await log.append(records(3))
    before = await log.rows("SELECT * FROM events", purpose="test")
    with pytest.raises(sqlite3.IntegrityError, match=sentence):
        await log.submit(lambda transaction: transaction.execute(statement))
    assert await log.rows("SELECT * FROM events", purpose="test") == before


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER events_never_change",
        "DROP TRIGGER events_never_vanish",
        "DROP TABLE events",
        "DROP INDEX events_by_id",
        "DROP VIEW stored_events",
        "ALTER TABLE events RENAME TO others",
        "ALTER TABLE events DROP COLUMN headers",
        "ALTER TABLE events ADD COLUMN more TEXT",
        "CREATE TRIGGER other AFTER INSERT ON events BEGIN SELECT 1; END",
        "PRAGMA recursive_triggers = OFF",
        "PRAGMA writable_schema = ON",
        "DELETE FROM sqlite_master",
        "UPDATE sqlite_master SET sql = ''",
    ],
)
async def test_nothing_takes_away_what_guards_stored_events(log: EventLog, statement: str) -> None:
    await log.append(records(3))
    before = await log.rows("SELECT * FROM sqlite_master", purpose="test")
    with pytest.raises(sqlite3.DatabaseError):
        await log.submit(lambda transaction: transaction.execute(statement))
    assert await log.rows("SELECT * FROM sqlite_master", purpose="test") == before
    with pytest.raises(sqlite3.IntegrityError):
        await log.submit(lambda transaction: transaction.execute("INSERT OR REPLACE INTO events SELECT * FROM events"))
    assert (await log.append(records(1)))[0].seq == 4
    assert log.fault is None


async def test_only_what_lies_below_the_floor_may_go(log: EventLog) -> None:
    await log.append(records(5))

    def cut(transaction: object) -> None:
        transaction.execute("UPDATE retention SET floor = 3")  # type: ignore[attr-defined]
        transaction.execute("DELETE FROM events WHERE seq < 3")  # type: ignore[attr-defined]

    await log.submit(cut)
    with pytest.raises(sqlite3.IntegrityError):
        await log.submit(lambda transaction: transaction.execute("DELETE FROM events WHERE seq = 3"))
    assert await log.rows("SELECT seq FROM events", purpose="test") == [(3,), (4,), (5,)]
