"""What a disk can do to the log: every waiter is told, nothing acknowledged is lost, and it mends without a restart."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401 - loaded late, which another user might not be permitted to
import contextlib
import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from godtui.eventlog import EventLog, LogUnavailableError, Outcome, Verdict
from godtui.eventlog.database import open_database
from tests.eventlog.conftest import OpenLog
from tests.eventlog.records import record, records, together, until

NOBODY = 65534


class Disk:
    """A disk whose room and faults are the test's, laid under the writer's connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pages: int | None = None
        monkeypatch.setattr("godtui.eventlog.log.open_database", self._open)
        self._connections: list[sqlite3.Connection] = []

    def _open(self, *arguments: Any) -> sqlite3.Connection:
        connection = open_database(*arguments)
        self._connections.append(connection)
        if self.pages is not None:
            connection.execute(f"PRAGMA max_page_count = {self.pages}")
        return connection

    async def fill(self, log: EventLog) -> None:
        """Leave no room beyond what is used."""
        self.pages = 1
        await log.submit(lambda transaction: transaction.execute("PRAGMA max_page_count = 1").fetchall())

    async def empty(self, log: EventLog) -> None:
        """Make room again."""
        self.pages = None
        await log.submit(lambda transaction: transaction.execute("PRAGMA max_page_count = 1000000000").fetchall())


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


async def events(log: EventLog) -> list[tuple[int, bytes]]:
    return [(row[0], row[1]) for row in await log.rows("SELECT seq, event_id FROM events ORDER BY seq", purpose="test")]


async def append_until_refused(log: EventLog) -> tuple[list[bytes], str]:
    """Append until the log refuses; the ids that it confirmed, and why it refused."""
    confirmed: list[bytes] = []
    for _ in range(10_000):
        batch = records(20, filler="x" * 500)
        try:
            outcomes = await log.append(batch)
        except LogUnavailableError as error:
            return confirmed, str(error)
        assert all(outcome.verdict is Verdict.STORED for outcome in outcomes)
        confirmed += [one.event_id for one in batch]
    raise AssertionError("the disk never filled")


async def test_a_full_disk(open_log: OpenLog, disk: Disk) -> None:
    changes: list[str | None] = []
    log = open_log(on_change=lambda: changes.append(log.fault))
    await log.append(records(50))
    await disk.fill(log)
    confirmed, reason = await append_until_refused(log)
    assert "full" in reason
    assert changes[:1] == ["database or disk is full"]
    results = await asyncio.gather(*(log.append(records(500)) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(result, LogUnavailableError) for result in results)
    assert len(await events(log)) == 50 + len(confirmed), "what was stored can still be read"
    await disk.empty(log)
    assert (await log.append([record()]))[0] == Outcome(Verdict.STORED, 51 + len(confirmed))
    assert log.fault is None
    assert changes[-1] is None
    assert [one for _, one in await events(log)][50:-1] == confirmed


async def test_what_a_full_disk_refused_may_be_repeated(open_log: OpenLog, disk: Disk) -> None:
    log = open_log()
    await disk.fill(log)
    batch = records(300, filler="x" * 500)
    with pytest.raises(LogUnavailableError):
        await log.append(batch)
    await disk.empty(log)
    outcomes = await log.append(batch)
    assert [outcome.seq for outcome in outcomes] == list(range(1, 301))
    assert [one for _, one in await events(log)] == [one.event_id for one in batch]


async def test_a_full_disk_spares_nobody_in_the_commit_and_interns_nothing(open_log: OpenLog, disk: Disk) -> None:
    log = open_log()
    await disk.fill(log)
    small, large = record(event_type="small.type"), records(300, filler="x" * 500)
    results = await together(log, [small], large)
    assert all(isinstance(result, LogUnavailableError) for result in results)
    await disk.empty(log)
    await log.append([small])
    kept = await log.event(small.event_id)
    assert kept is not None
    assert kept.event_type == "small.type"


async def test_a_disk_that_stays_quiet_is_probed(open_log: OpenLog, disk: Disk) -> None:
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()
    log = open_log(on_change=lambda: loop.call_soon_threadsafe(changed.set) and None)
    await disk.fill(log)
    await append_until_refused(log)
    await asyncio.wait_for(changed.wait(), 30)
    await until(lambda: log.fault is None)  # small writes still fit: the probe found that by itself


LIMITED = """
import asyncio, resource, signal, sys
from pathlib import Path
from godtui.eventlog import EventLog, LogUnavailableError, Verdict
from tests.eventlog.records import records, until

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    log = EventLog(Path(sys.argv[1]))
    log.start()
    batch = records(100)
    await log.append(batch)
    confirmed = [one.event_id for one in batch]
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    try:
        while True:
            batch = records(50, filler="x" * 300)
            await log.append(batch)
            confirmed += [one.event_id for one in batch]
    except LogUnavailableError as error:
        print("refused", error)
    assert log.fault
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await until(lambda: log.fault is None)
    outcomes = await log.append(batch)
    assert {one.verdict for one in outcomes} <= {Verdict.STORED, Verdict.ALREADY}
    confirmed += [one.event_id for one in batch]
    assert [event.event_id for event in await log.after(0, 100_000)] == confirmed
    rows = await log.rows("SELECT event_id FROM events ORDER BY seq", purpose="test")
    assert [row[0] for row in rows] == confirmed
    await log.close()
    print("mended")

asyncio.run(main())
"""


def test_a_write_error_of_the_operating_system(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[0].startswith("refused the log cannot be written:")
    assert ended.stdout.splitlines()[1] == "mended"


@contextlib.contextmanager
def as_nobody() -> Iterator[Path]:
    """A directory of its own, and no right to break its permissions, which root has."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(directory, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield directory
        finally:
            if is_root:
                os.seteuid(0)
            directory.chmod(0o700)


async def test_a_read_only_directory_at_start() -> None:
    with as_nobody() as directory:
        directory.chmod(0o500)
        log = EventLog(directory)
        log.start()
        try:
            assert log.fault
            with pytest.raises(LogUnavailableError, match="cannot be written"):
                await log.append([record()])
            with pytest.raises(LogUnavailableError, match="cannot be read"):
                await log.event(bytes(16))
            with pytest.raises(LogUnavailableError, match="cannot be read"):
                await anext(log.follow(0))
            directory.chmod(0o700)
            await until(lambda: log.fault is None)
            await log.append([record()])
            assert [event.seq for event in await anext(log.follow(0))] == [1]
        finally:
            await log.close()


async def test_a_read_only_file_at_start() -> None:
    with as_nobody() as directory:
        first = EventLog(directory)
        first.start()
        await first.append(records(3))
        await first.close()
        path = directory / "events.sqlite"
        path.chmod(0o400)
        log = EventLog(directory)
        log.start()
        try:
            assert log.fault
            with pytest.raises(LogUnavailableError):
                await log.append([record()])
            waiting = asyncio.ensure_future(log.tail.beyond(0))
            path.chmod(0o600)
            await asyncio.wait_for(waiting, 30)  # opening late wakes who waits
            assert [event.seq for event in await anext(log.follow(0))] == [1, 2, 3]
            await until(lambda: log.fault is None)
            assert (await log.append([record()]))[0].seq == 4
        finally:
            await log.close()


async def test_a_missing_directory_at_start(tmp_path: Path) -> None:
    directory = tmp_path / "later"
    log = EventLog(directory)
    log.start()
    assert log.fault
    with pytest.raises(LogUnavailableError):
        await log.append([record()])
    directory.mkdir()
    await until(lambda: log.fault is None)
    assert (await log.append([record()]))[0].seq == 1
    await log.close()


async def test_a_directory_moved_away_and_back(open_log: OpenLog, tmp_path: Path) -> None:
    directory, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    directory.mkdir()
    log = open_log(directory)
    batch = records(100)
    await log.append(batch)
    directory.rename(elsewhere)
    with pytest.raises(LogUnavailableError, match="moved or deleted"):
        await log.append([record()])
    assert log.fault
    elsewhere.rename(directory)
    await until(lambda: log.fault is None)
    await log.append([record()])
    assert [one for _, one in await events(log)][:100] == [one.event_id for one in batch]


async def test_a_deleted_directory_is_a_fault_and_no_new_log(open_log: OpenLog, tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    log = open_log(directory)
    await log.append(records(3))
    shutil.rmtree(directory)
    for _ in range(2):
        with pytest.raises(LogUnavailableError, match="put it back or restart godtui"):
            await log.append([record()])
    directory.mkdir()
    with pytest.raises(LogUnavailableError, match="put it back or restart godtui"):
        await log.append([record()])
    await log.close()
    assert list(directory.iterdir()) == []


async def test_a_deleted_write_ahead_log_confirms_nothing_more(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log()
    batch = records(100)
    await log.append(batch)
    (tmp_path / "events.sqlite-wal").unlink()
    for _ in range(2):
        with pytest.raises(LogUnavailableError, match="wal was moved or deleted"):
            await log.append([record()])
    await log.close()
    again = open_log()
    assert again.last_seq >= 100
    assert [one for _, one in await events(again)][:100] == [one.event_id for one in batch]


async def test_another_program_holding_the_file(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log()
    await log.submit(lambda transaction: transaction.execute("PRAGMA busy_timeout = 1").fetchall())
    other = sqlite3.connect(tmp_path / "events.sqlite", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LogUnavailableError, match="locked"):
            await log.append([record()])
        other.execute("ROLLBACK")
    finally:
        other.close()
    assert (await log.append([record()]))[0].verdict is Verdict.STORED


async def test_damage_while_running_is_a_fault(open_log: OpenLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log = open_log()
    await log.append(records(3))

    def damaged(_: Any) -> None:
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    results = await together(log, [record()], damaged)
    assert all(isinstance(result, LogUnavailableError) for result in results)
    await until(lambda: log.fault is None)
    assert (await log.append([record()]))[0].seq == 4


class Shut:
    """A file that cannot be opened until the test lets it be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shut = False
        monkeypatch.setattr("godtui.eventlog.log.open_database", self._open)

    def _open(self, *arguments: Any) -> sqlite3.Connection:
        if self.shut:
            raise OSError(errno.ENOSPC, "No space left on device", "events.sqlite-shm")
        return open_database(*arguments)


async def test_a_log_that_was_never_opened_does_not_pass_for_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_log: OpenLog
) -> None:
    file = Shut(monkeypatch)
    log = open_log(tmp_path)
    await log.append(records(3))
    await log.close()
    file.shut = True
    log = open_log(tmp_path)
    assert not log.tail.opened
    with pytest.raises(LogUnavailableError, match="No space left"):
        _ = log.last_seq
    for asking in (log.after(0), log.after(5), anext(log.follow(0))):
        with pytest.raises(LogUnavailableError, match="No space left"):
            await asking
    waiting = [asyncio.ensure_future(each) for each in (log.tail.beginning(), log.tail.beyond(0), log.tail.beyond(3))]
    await until(log.tail.waiting_loops)
    file.shut = False
    assert await asyncio.wait_for(waiting[0], 30) == 3
    await asyncio.wait_for(waiting[1], 30)
    assert log.last_seq == 3
    assert len(await log.after(0)) == 3
    assert not waiting[2].done(), "there was nothing new"
    await log.append([record()])
    await asyncio.wait_for(waiting[2], 30)
    assert await log.tail.beginning() == 3


@contextlib.contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    """Two mebibytes, mounted."""
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", directory], check=True, capture_output=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def can_mount() -> bool:
    with tempfile.TemporaryDirectory() as name:
        try:
            with small_disk(Path(name) / "disk"):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False


def fill(path: Path, size: int) -> None:
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while size > 0:
            size -= file.write(bytes(min(size, 4096)))


if can_mount():  # elsewhere the limits above stand for a full disk

    async def test_a_disk_that_fills_while_running(tmp_path: Path) -> None:
        with small_disk(tmp_path / "disk") as directory:
            ballast = directory / "ballast"
            fill(ballast, 1_000_000)
            log = EventLog(directory)
            log.start()
            confirmed, reason = await append_until_refused(log)
            assert "full" in reason
            await log.close()
            log = EventLog(directory)
            log.start()
            assert [one for _, one in await events(log)] == confirmed
            ballast.unlink()
            await until(lambda: log.fault is None)
            assert {outcome.verdict for outcome in await log.append(records(100))} == {Verdict.STORED}
            assert [one for _, one in await events(log)][: len(confirmed)] == confirmed
            await log.close()

    async def test_a_disk_that_is_full_at_start(tmp_path: Path) -> None:
        with small_disk(tmp_path / "disk") as directory:
            ballast = directory / "ballast"
            fill(ballast, 4_000_000)
            log = EventLog(directory)
            log.start()
            assert log.fault
            with pytest.raises(LogUnavailableError):
                await log.append([record()])
            ballast.unlink()
            await until(lambda: log.fault is None)
            assert await log.append([record()]) == [Outcome(Verdict.STORED, 1)]
            await log.close()

    async def test_a_log_on_a_disk_that_is_full_at_start_is_not_an_empty_one(tmp_path: Path) -> None:
        with small_disk(tmp_path / "disk") as directory:
            log = EventLog(directory)
            log.start()
            await log.append(records(3))
            await log.close()
            ballast = directory / "ballast"
            fill(ballast, 4_000_000)
            log = EventLog(directory)
            log.start()
            with pytest.raises(LogUnavailableError, match="cannot be read"):
                _ = log.last_seq
            ballast.unlink()
            assert await asyncio.wait_for(log.tail.beginning(), 30) == 3
            assert len(await log.after(0)) == log.last_seq == 3
            await log.close()
