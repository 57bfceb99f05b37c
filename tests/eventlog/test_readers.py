"""Reading beside the writer: never writing, never checkpointing, never left busy."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from godtui.clock import SystemClock
from godtui.eventlog import EventLog, LogUnavailableError
from godtui.eventlog.readers import CONNECTIONS, Readers
from tests.clock import ManualClock
from tests.eventlog.conftest import OpenLog
from tests.eventlog.records import records, until

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
FILES = ("events.sqlite", "events.sqlite-wal")


def digests(directory: Path) -> list[tuple[str, int]]:
    """The files' contents and times of change, seen from a process that holds no lock which reading would drop."""
    program = "import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], 'rb').read()).hexdigest())"
    found = []
    for name in FILES:
        ended = subprocess.run(
            [sys.executable, "-c", program, str(directory / name)], capture_output=True, text=True, check=True
        )
        found.append((ended.stdout, (directory / name).stat().st_mtime_ns))
    return found


async def test_neither_a_readers_checkpoint_nor_its_close_touches_the_file(log: EventLog, tmp_path: Path) -> None:
    await log.append(records(500))
    before = digests(tmp_path)
    readers = Readers(log.path, SystemClock())
    assert await readers.rows("SELECT count(*) FROM events", purpose="test") == [(500,)]
    for mode in ("PASSIVE", "FULL", "RESTART", "TRUNCATE"):
        with pytest.raises(LogUnavailableError):
            await readers.rows(f"PRAGMA wal_checkpoint({mode})", purpose="test")
    await readers.close()
    assert digests(tmp_path) == before
    await log.append(records(1))
    assert len(await log.after(0, 1000)) == 501


async def test_the_last_reader_to_close_leaves_the_write_ahead_log(tmp_path: Path) -> None:
    """As after a crash: no writer has the file open, and readers come and go."""
    program = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from godtui.eventlog import EventLog\n"
        "from tests.eventlog.records import records\n"
        "async def main():\n"
        "    log = EventLog(Path(sys.argv[1]))\n"
        "    log.start()\n"
        "    await log.append(records(500))\n"
        "    os._exit(0)\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=60)
    before = digests(tmp_path)
    assert (tmp_path / FILES[1]).stat().st_size > 0
    readers = Readers(tmp_path / FILES[0], SystemClock())
    counts = await asyncio.gather(
        *(readers.rows("SELECT count(*) FROM events", purpose="test") for _ in range(CONNECTIONS))
    )
    assert counts == [[(500,)]] * CONNECTIONS
    await readers.close()
    assert digests(tmp_path) == before


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM events",
        "CREATE TABLE mine (id)",
        "PRAGMA user_version = 5",
        "INSERT INTO meta VALUES ('a', 'b')",
        "UPDATE retention SET floor = 9",
    ],
)
async def test_a_reader_cannot_write(log: EventLog, statement: str) -> None:
    for prefix in ("", "PRAGMA query_only = OFF"):
        if prefix:
            await log.rows(prefix, purpose="test")
        with pytest.raises(LogUnavailableError, match="readonly"):
            await log.rows(statement, purpose="test")


async def test_reading_an_empty_log(log: EventLog) -> None:
    assert await log.rows("SELECT * FROM stored_events", purpose="test") == []
    assert await log.event(bytes(16)) is None
    assert await log.after(0) == []
    assert log.last_seq == 0


async def test_reading_what_cannot_be_opened(tmp_path: Path) -> None:
    readers = Readers(tmp_path / "nowhere.sqlite", SystemClock())
    for _ in range(CONNECTIONS + 1):
        with pytest.raises(LogUnavailableError, match="cannot be read"):
            await readers.rows("SELECT 1", purpose="test")
    (tmp_path / "nowhere.sqlite").touch()
    assert await readers.rows("SELECT 1", purpose="test") == [(1,)]
    await readers.close()


async def test_a_mistake_in_a_query_is_told_and_leaves_the_readers_well(log: EventLog) -> None:
    for _ in range(CONNECTIONS + 1):
        with pytest.raises(LogUnavailableError, match="no such table"):
            await log.rows("SELECT * FROM nowhere", purpose="test")
        for unfit in ("\ud800", 1 << 70, object()):
            with pytest.raises((ValueError, OverflowError)):
                await log.rows("SELECT ?", (unfit,), purpose="test")
    assert await log.rows("SELECT 1", purpose="test") == [(1,)]
    assert log.oldest_reader() is None


async def test_more_reads_than_connections(log: EventLog) -> None:
    await log.append(records(100))
    pages = await asyncio.gather(
        *(log.rows("SELECT seq FROM events WHERE seq > ? LIMIT 10", (start,), purpose="test") for start in range(90))
    )
    assert pages == [[(seq,) for seq in range(start + 1, start + 11)] for start in range(90)]


async def test_a_cancelled_read_is_stopped_and_its_connection_is_well(log: EventLog) -> None:
    for _ in range(CONNECTIONS + 1):
        endless = asyncio.ensure_future(log.rows(ENDLESS, purpose="endless"))
        await until(lambda: log.oldest_reader() is not None)
        endless.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(endless, 30)
        assert log.oldest_reader() is None
    results = await asyncio.gather(*(log.rows("SELECT 1", purpose="test") for _ in range(5)))
    assert results == [[(1,)]] * 5


async def test_a_read_cancelled_at_any_moment(log: EventLog) -> None:
    await log.append(records(10))
    for turns in range(40):
        reading = asyncio.ensure_future(log.rows("SELECT seq FROM events", purpose="test"))
        for _ in range(turns % 7):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert await log.rows("SELECT count(*) FROM events", purpose="test") == [(10,)]


async def test_cancelled_twice(log: EventLog) -> None:
    endless = asyncio.ensure_future(log.rows(ENDLESS, purpose="endless"))
    await until(lambda: log.oldest_reader() is not None)
    endless.cancel()
    await asyncio.sleep(0)
    endless.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(endless, 30)
    assert await log.rows("SELECT 1", purpose="test") == [(1,)]


async def test_closing_waits_for_reads_and_refuses_those_in_line(log: EventLog) -> None:
    counting = f"{ENDLESS.replace('FROM n) SELECT', 'FROM n WHERE i < 300000) SELECT')}"
    running = [asyncio.ensure_future(log.rows(counting, purpose="test")) for _ in range(CONNECTIONS)]
    await until(lambda: log.oldest_reader() is not None)
    late = [asyncio.ensure_future(log.rows("SELECT 1", purpose="test")) for _ in range(3)]
    await asyncio.sleep(0)
    await log.close()
    assert await asyncio.gather(*running) == [[(300_000,)]] * CONNECTIONS
    for result in await asyncio.gather(*late, return_exceptions=True):
        assert isinstance(result, LogUnavailableError)


async def test_the_oldest_read_is_named(open_log: OpenLog) -> None:
    clock = ManualClock()
    log = open_log(clock=clock)
    first = asyncio.ensure_future(log.rows(ENDLESS, purpose="export"))
    await until(lambda: log.oldest_reader() is not None)
    clock.advance(3)
    second = asyncio.ensure_future(log.rows(ENDLESS, purpose="page"))
    await asyncio.sleep(0)
    clock.advance(4)
    assert log.oldest_reader() == (7, "export")
    for reading in (first, second):
        reading.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert log.oldest_reader() is None
