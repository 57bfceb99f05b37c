"""Damaged files: never an empty log in silence, and always what is wrong, where, and what to do."""

from __future__ import annotations

import re
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from godtui.eventlog import DamagedError, DataDirectoryError, EventLog, LogUnavailableError, Migrations
from godtui.eventlog.damage import examine
from tests.eventlog.conftest import OpenLog
from tests.eventlog.records import record, records, until

PAGE = 4096
WAL_HEADER, FRAME = 32, 24 + PAGE


@pytest.fixture
async def killed(tmp_path: Path, open_log: OpenLog) -> Path:
    """The log of a godtui that was killed: events in the file and in twenty commits of its write-ahead log."""
    (tmp_path / "running").mkdir()
    log = open_log(tmp_path / "running")
    await log.append(records(400))
    for _ in range(20):
        await log.append([record()])
    (tmp_path / "data").mkdir()
    for suffix in ("", "-wal", "-shm"):
        shutil.copy(f"{log.path}{suffix}", tmp_path / "data")
    await log.close()
    return tmp_path / "data" / "events.sqlite"


@pytest.fixture
async def closed(tmp_path: Path, open_log: OpenLog) -> Path:
    """The log of a godtui that was stopped."""
    (tmp_path / "data").mkdir()
    log = open_log(tmp_path / "data")
    await log.append(records(400))
    await log.close()
    return log.path


def wal(path: Path) -> Path:
    return path.with_name("events.sqlite-wal")


def shm(path: Path) -> Path:
    return path.with_name("events.sqlite-shm")


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def root(path: Path, name: str) -> int:
    """Where a table's or index's first page begins."""
    with closing(sqlite3.connect(path)) as opened:
        page: int = opened.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
    return (page - 1) * PAGE


def cut_short(path: Path) -> None:
    overwrite(path, 0, b"")
    with path.open("r+b") as file:
        file.truncate(PAGE * 7 + 100)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def headless(path: Path) -> None:
    overwrite(path, 0, bytes(100))


def first_page(path: Path) -> None:
    overwrite(path, 100, b"\xff" * (PAGE - 100))


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def another_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("CREATE TABLE events (seq)")


AT_START: list[tuple[Callable[[Path], None], str]] = [
    (cut_short, r"it was cut short: 28,772 bytes of [0-9,]+"),
    (emptied, "is empty .0 bytes., which a log never is"),
    (headless, "its first page is not that of an SQLite database"),
    (first_page, "its list of tables, which begins on page 1, cannot be read"),
    (a_directory, "is not a file"),
    (another_program, "is another program's database"),
]


@pytest.mark.parametrize(("spoil", "sentence"), AT_START, ids=lambda one: getattr(one, "__name__", ""))
async def test_a_log_that_cannot_be_opened_is_refused_and_left_as_it_is(
    closed: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    spoil(closed)
    before = closed.read_bytes() if closed.is_file() else None
    log = EventLog(closed.parent)
    with pytest.raises(DataDirectoryError, match=sentence) as raised:
        log.start()
    await log.close()
    assert re.search("godtui salvage|restore a backup|move it away", str(raised.value))
    assert (closed.read_bytes() if closed.is_file() else None) == before


def wal_is_gone(path: Path) -> None:
    wal(path).unlink()


def wal_without_its_log(path: Path) -> None:
    path.unlink()
    shm(path).unlink()


def wal_header(path: Path) -> None:
    overwrite(wal(path), 0, bytes(32))


def wal_salt(path: Path) -> None:
    overwrite(wal(path), 16, b"other")


def wal_frame(path: Path) -> None:
    overwrite(wal(path), wal(path).stat().st_size // 2, b"\xff" * 64)


def wal_frame_header(path: Path) -> None:
    frames = (wal(path).stat().st_size - WAL_HEADER) // FRAME
    overwrite(wal(path), WAL_HEADER + frames // 2 * FRAME, b"\xff" * 24)


def first_wal_frame(path: Path) -> None:
    overwrite(wal(path), WAL_HEADER + 100, b"\xff" * 64)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (wal_is_gone, "events.sqlite-wal is gone, and with it what was stored last"),
        (wal_without_its_log, "events.sqlite is gone, while its write-ahead log events.sqlite-wal is there"),
        (wal_header, "events.sqlite-wal is damaged .its header is not as it was written"),
        (wal_salt, "events.sqlite-wal is damaged .its header is not as it was written"),
        (wal_frame, "events.sqlite-wal is damaged .frame [0-9]+ is not as it was written, and commits follow it"),
        (wal_frame_header, "events.sqlite-wal is damaged .frame [0-9]+ is not as it was written"),
        (first_wal_frame, "events.sqlite-wal is damaged .frame 1 is not as it was written"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
async def test_commits_that_are_lost_with_the_write_ahead_log_are_not_passed_over(
    killed: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    spoil(killed)
    before = {path.name: path.read_bytes() for path in killed.parent.iterdir() if not path.name.endswith("-shm")}
    log = EventLog(killed.parent)
    with pytest.raises(DamagedError, match=sentence):
        log.start()
    await log.close()
    after = {path.name: path.read_bytes() for path in killed.parent.iterdir() if not path.name.endswith("-shm")}
    assert after == before


def untouched(_: Path) -> None:
    pass


def shm_garbage(path: Path) -> None:
    shm(path).write_bytes(b"\xff" * 32768)


def shm_is_gone(path: Path) -> None:
    shm(path).unlink()


def shm_is_empty(path: Path) -> None:
    shm(path).write_bytes(b"")


def torn_end(path: Path) -> None:
    """What a power cut leaves of a commit that nobody was told of."""
    with wal(path).open("ab") as file:
        file.write(b"\xff" * 5000)


@pytest.mark.parametrize("spoil", [untouched, shm_garbage, shm_is_gone, shm_is_empty, torn_end])
async def test_what_a_crash_may_leave_is_opened_whole(
    killed: Path, open_log: OpenLog, spoil: Callable[[Path], None]
) -> None:
    spoil(killed)
    log = open_log(killed.parent)
    assert [event.seq for event in await log.after(0)] == list(range(1, 421))
    assert (await log.append([record()]))[0].seq == 421


async def test_killed_between_its_last_two_steps(closed: Path, open_log: OpenLog) -> None:
    """Who closes a log saves and removes the write-ahead log, and then its index."""
    shm(closed).write_bytes(bytes(16) + struct.pack("=I", 7) + bytes(76) + struct.pack("=I", 7) + bytes(32668))
    assert open_log(closed.parent).last_seq == 400


async def test_the_last_commit_torn_is_a_crash(killed: Path, open_log: OpenLog) -> None:
    size = wal(killed).stat().st_size
    overwrite(wal(killed), size - 100, b"\xff" * 50)
    log = open_log(killed.parent)
    assert log.last_seq == 419


async def test_after_its_log_was_begun_again(tmp_path: Path, open_log: OpenLog) -> None:
    """A write-ahead log that is written over from its start holds valid frames of before behind its end."""
    (tmp_path / "running").mkdir()
    log = open_log(tmp_path / "running")
    for _ in range(20):
        await log.append([record()])
    await log.submit(lambda transaction: None)
    with closing(sqlite3.connect(log.path)) as opened:
        opened.execute("PRAGMA wal_checkpoint(RESTART)")
    await log.append([record()])
    (tmp_path / "data").mkdir()
    for suffix in ("", "-wal", "-shm"):
        shutil.copy(f"{log.path}{suffix}", tmp_path / "data")
    again = open_log(tmp_path / "data")
    assert again.last_seq == 21


@pytest.mark.parametrize(
    ("name", "said"), [("events", "table events"), ("events_by_time", "index events_by_time"), ("types", "table types")]
)
def test_a_check_says_which_table_or_index(closed: Path, name: str, said: str) -> None:
    assert examine(closed) == (True, "")
    overwrite(closed, root(closed, name), b"\xff" * PAGE)
    found = examine(closed)
    assert found.sound is False
    assert said in found.text


def test_a_check_ends_in_time(closed: Path) -> None:
    found = examine(closed, seconds=-1)
    assert found.sound is None
    assert "did not find" in found.text


async def test_a_log_that_could_not_be_begun_leaves_no_empty_file(
    tmp_path: Path, open_log: OpenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, **_: object) -> sqlite3.Connection:
        assert path.name == "events.sqlite.new"
        assert not (tmp_path / "events.sqlite").exists(), "killed here, it would be taken for one that lost everything"
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("godtui.eventlog.database.sqlite3.connect", full)
        log = EventLog(tmp_path)
        log.start()
        assert "full" in (log.fault or "")
        await log.close()
    assert not list(tmp_path.iterdir())
    (tmp_path / "events.sqlite.new").write_text("left by one that was killed")
    assert open_log(tmp_path).last_seq == 0
    assert not (tmp_path / "events.sqlite.new").exists()


async def test_damage_that_a_reader_meets_stops_the_writing_and_nothing_else(tmp_path: Path, open_log: OpenLog) -> None:
    log = await spoiled_while_open(tmp_path, open_log, "events_by_time")
    with pytest.raises(LogUnavailableError, match="malformed"):
        await log.rows("SELECT count(time) FROM events INDEXED BY events_by_time WHERE time > 0", purpose="test")
    await until(lambda: log.fault)
    assert "events.sqlite is damaged" in str(log.fault)
    assert "index events_by_time of table events: " in str(log.fault)
    assert "; end this godtui, then godtui salvage" in str(log.fault)
    for _ in range(2):
        with pytest.raises(LogUnavailableError, match="is damaged"):
            await log.append([record()])
    assert len(await log.rows("SELECT body FROM events WHERE seq < 51", purpose="test")) == 50, "what can be read is"
    assert log.last_seq == 400


async def test_damage_that_a_commit_meets(tmp_path: Path, open_log: OpenLog) -> None:
    log = await spoiled_while_open(tmp_path, open_log, "positions_held")
    with pytest.raises(LogUnavailableError, match="table positions_held"):
        await log.submit(lambda transaction: transaction.execute("INSERT INTO positions_held VALUES (7)"))
    with pytest.raises(LogUnavailableError, match="is damaged"):
        await log.append([record()])
    assert len(await log.after(350)) == 50


async def spoiled_while_open(tmp_path: Path, open_log: OpenLog, name: str) -> EventLog:
    """A log with one broken page that nothing has read yet."""
    log = open_log(tmp_path, rooms=[Migrations("room", ("CREATE TABLE positions_held (id INTEGER PRIMARY KEY)",))])
    await log.append(records(400))
    await log.close()
    page = root(log.path, name)
    log = open_log(tmp_path, rooms=[Migrations("room", ("CREATE TABLE positions_held (id INTEGER PRIMARY KEY)",))])
    overwrite(log.path, page, b"\xff" * PAGE)
    return log
