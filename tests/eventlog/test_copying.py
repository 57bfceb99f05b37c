"""Copies of a log that is being written: whole, of one moment, and in nobody's way."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from godtui.eventlog import Copied, CopyError, EventLog, LogCopy, Migrations, Transaction, placed, require_room
from tests.eventlog.conftest import OpenLog
from tests.eventlog.records import record, records
from tests.eventlog.test_disk import can_mount, small_disk

THINGS = """
CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, said TEXT UNIQUE) STRICT;
CREATE TABLE keyed (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE INDEX things_half ON things (said) WHERE id > 2;
"""
ROOM = Migrations("room", (THINGS,))


def copied(source: Path, target: Path, **options: object) -> Copied:
    target.touch()
    return LogCopy(source, **options).run(target)  # type: ignore[arg-type]


def contents(path: Path) -> dict[str, object]:
    """All rows of all tables, the schema and the marks of a database."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as opened:
        schema = set(opened.execute("SELECT type, name, sql FROM sqlite_master").fetchall())
        tables = [name for kind, name, _ in schema if kind == "table" and name != "meta"]
        rows: dict[str, object] = {
            name: opened.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall() for name in tables
        }
        marks = [
            opened.execute(f"PRAGMA {mark}").fetchone() for mark in ("application_id", "user_version", "page_size")
        ]
        assert opened.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return {**rows, "schema": schema, "marks": marks}


async def filled(log: EventLog) -> None:
    await log.append(records(300, correlation_id=bytes(16)))

    def more(transaction: Transaction) -> None:
        for number in range(5):
            transaction.execute("INSERT INTO things (said) VALUES (?)", (f"thing {number}",))
        transaction.execute("DELETE FROM things WHERE id = 5")
        transaction.execute("INSERT INTO keyed VALUES ('key', x'00')")
        transaction.execute("UPDATE retention SET floor = 11")
        transaction.execute("DELETE FROM events WHERE seq < 11")

    await log.submit(more)


async def test_every_table_index_trigger_and_counter_is_copied(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(rooms=[ROOM])
    await filled(log)
    told = copied(log.path, tmp_path / "copy")
    assert told == Copied(290, 11, 300, (tmp_path / "copy").stat().st_size)
    assert contents(tmp_path / "copy") == contents(log.path)


async def test_a_copy_can_be_written_on(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(rooms=[ROOM])
    await filled(log)
    await log.close()
    (tmp_path / "other").mkdir()
    copied(log.path, tmp_path / "other" / "events.sqlite")
    again = open_log(tmp_path / "other", rooms=[ROOM])
    assert [outcome.seq for outcome in await again.append([record()])] == [301]
    await again.submit(lambda transaction: transaction.execute("INSERT INTO things (said) VALUES ('new')"))
    assert await again.rows("SELECT max(id) FROM things", purpose="test") == [(6,)]
    with pytest.raises(sqlite3.IntegrityError, match="never change"):
        await again.submit(lambda transaction: transaction.execute("UPDATE events SET time = 0"))


async def test_reading_it_neither_checkpoints_nor_removes_the_write_ahead_log(
    open_log: OpenLog, tmp_path: Path
) -> None:
    log = open_log()
    await log.append(records(50))
    wal = log.path.with_name("events.sqlite-wal")
    before = (log.path.read_bytes(), wal.read_bytes())
    assert len(before[1]) > 4096
    code = (
        "import sys; from pathlib import Path; from godtui.eventlog import LogCopy\n"
        "target = Path(sys.argv[2]); target.touch(); print(LogCopy(Path(sys.argv[1])).run(target).events)"
    )
    target = tmp_path / "copy"
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, log.path, target], capture_output=True, check=True, timeout=60
    )
    assert ended.stdout == b"50\n"
    assert (log.path.read_bytes(), wal.read_bytes()) == before
    await log.append([record()])
    assert contents(target)["events"] == (await log.rows("SELECT * FROM events ORDER BY 1 LIMIT 50", purpose="test"))


async def test_what_is_written_and_cut_meanwhile_is_as_in_the_last_moment(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(rooms=[ROOM])
    await filled(log)
    loop = asyncio.get_running_loop()
    pages = 0

    def cut(transaction: Transaction) -> None:
        transaction.execute("UPDATE retention SET floor = 101")
        transaction.execute("DELETE FROM events WHERE seq < 101")
        transaction.execute("DELETE FROM things WHERE id < 3")

    async def go_on() -> None:
        await log.append(records(100))
        await log.submit(cut)

    def progress(stage: str, done: int, whole: int) -> None:
        nonlocal pages
        pages += stage == "events"
        if stage == "events" and pages == 1:
            asyncio.run_coroutine_threadsafe(go_on(), loop).result(60)

    told = await asyncio.to_thread(copied, log.path, tmp_path / "copy", progress=progress)
    assert pages > 1
    assert (told.events, told.first_seq, told.last_seq) == (300, 101, 400)
    assert contents(tmp_path / "copy") == contents(log.path)


async def test_a_log_that_is_cut_empty_meanwhile(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(rooms=[ROOM])
    await filled(log)
    loop = asyncio.get_running_loop()

    def cut(transaction: Transaction) -> None:
        transaction.execute("UPDATE retention SET floor = 999")
        transaction.execute("DELETE FROM events")

    def progress(stage: str, done: int, whole: int) -> None:
        if stage == "events":
            asyncio.run_coroutine_threadsafe(log.submit(cut), loop).result(60)

    told = await asyncio.to_thread(copied, log.path, tmp_path / "copy", progress=progress)
    assert (told.events, told.first_seq, told.last_seq) == (0, None, None)
    assert contents(tmp_path / "copy") == contents(log.path)


async def test_a_layout_that_changes_meanwhile_is_no_mixture(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(rooms=[ROOM])
    await filled(log)
    loop = asyncio.get_running_loop()

    def progress(stage: str, done: int, whole: int) -> None:
        if stage == "events" and done < 100:
            change = log.submit(lambda transaction: transaction.execute(f"CREATE TABLE IF NOT EXISTS new{done} (a)"))
            asyncio.run_coroutine_threadsafe(_awaited(change), loop).result(60)

    async def _awaited(change: object) -> None:
        await change  # type: ignore[misc]

    with pytest.raises(CopyError, match="begin again"):
        await asyncio.to_thread(copied, log.path, tmp_path / "copy", progress=progress)


@pytest.mark.parametrize("stage", ["events", "tables", "indexes", "triggers"])
async def test_it_can_be_stopped_anywhere(open_log: OpenLog, tmp_path: Path, stage: str) -> None:
    log = open_log(rooms=[ROOM])
    await filled(log)

    def progress(now: str, done: int, whole: int) -> None:
        if now == stage:
            copy.stop()

    copy = LogCopy(log.path, progress=progress)
    with pytest.raises(CopyError, match="stopped"), placed(tmp_path / "copy") as partial:
        copy.run(partial)
    assert not list(tmp_path.glob("copy*"))


def another_programs(path: Path) -> None:
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("CREATE TABLE events (seq)")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "is not there"),
        (another_programs, "is no event log of godtui"),
        (lambda path: path.write_bytes(b"words" * 999), "is damaged"),
        (lambda path: path.touch(), "is no event log of godtui"),
    ],
)
def test_what_is_no_log_is_not_copied(tmp_path: Path, make: Callable[[Path], None], sentence: str) -> None:
    make(tmp_path / "events.sqlite")
    with pytest.raises(Exception, match=sentence) as raised:
        copied(tmp_path / "events.sqlite", tmp_path / "copy")
    assert type(raised.value).__name__ in ("CopyError", "DamagedError")


def test_a_file_takes_its_place_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(CopyError, match="is there already"), placed(path):
        pass
    with pytest.raises(FileNotFoundError), placed(path, replace=True) as partial:
        _ = partial.write_text("half") and (tmp_path / "none").read_text()
    assert path.read_text() == "old"
    (tmp_path / "file.partial").write_text("left by one that was killed, and longer")
    with placed(path, replace=True) as partial:
        assert partial.read_text() == ""
        with pytest.raises(CopyError, match="written by another godtui"), placed(path, replace=True):
            pass
        partial.write_text("new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("none/file", "directory .* is not there"), ("folder", "is not a file"), ("null", "not a file")],
)
def test_where_no_file_can_be_put(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "null").symlink_to("/dev/null")
    with pytest.raises(CopyError, match=sentence), placed(tmp_path / name, replace=True):
        pass


def test_room_is_asked_for_before(tmp_path: Path) -> None:
    require_room(tmp_path, 1)
    with pytest.raises(CopyError, match=r"bytes free, and about 1,000,000,000,000,000,000 are needed"):
        require_room(tmp_path, 10**18)


if can_mount():

    async def test_a_disk_that_fills_leaves_what_was_there(open_log: OpenLog, tmp_path: Path) -> None:
        log = open_log()
        await log.append(records(800, filling="x" * 4000))
        with small_disk(tmp_path / "disk") as disk:
            (disk / "kept").write_text("of before")
            with (
                pytest.raises(CopyError, match=r"there is no room for kept\.partial"),
                placed(disk / "kept", replace=True),
            ):
                LogCopy(log.path).run(disk / "kept.partial")
            assert [(one.name, one.read_text()) for one in disk.iterdir()] == [("kept", "of before")]
