"""The search file: it follows the log, is made anew where it must be, and never stands in the way of an answer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from godtui.candystore.queries import query
from godtui.candystore.search import FILE_NAME, Search, indexer, lookups, tables, writer
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog
from godtui.filters import parse
from tests.candystore.search.indexing import indexed
from tests.clock import MORNING, ManualClock
from tests.eventlog.records import record, records, until


@pytest.fixture
async def search(tmp_path: Path, log: EventLog, clock: ManualClock) -> AsyncIterator[Search]:
    found = Search(tmp_path, log, clock)
    yield found
    await found.close()


async def seqs(log: EventLog, search: Search, text: str) -> list[int]:
    page = await query(log, parse(text, now=MORNING), search=search)
    return [event.seq for event in page.events]


async def test_it_follows_the_log(log: EventLog, clock: ManualClock, search: Search) -> None:
    await log.append([record(1, word="first"), record(2, word="second")])
    await indexed(search, log, clock)
    assert await seqs(log, search, "second") == [2]
    await log.append([record(3, word="second")])
    assert search.look().figures["lag_events"] == 1
    clock.advance(3)
    assert search.look().figures["lag_seconds"] == 3.0
    assert await seqs(log, search, "second") == [3, 2], "what is not indexed yet is scanned"
    await indexed(search, log, clock)
    assert await seqs(log, search, "second") == [3, 2]
    look = search.look()
    assert (look.status, look.detail) == ("ok", "indexed up to 3")
    assert (look.figures["lag_events"], look.figures["lag_seconds"]) == (0, 0.0)


async def test_it_goes_on_where_it_ended(tmp_path: Path, log: EventLog, clock: ManualClock, search: Search) -> None:
    await log.append(records(10))
    await indexed(search, log, clock)
    await search.close()
    other = Search(tmp_path, log, clock)
    await other.open()
    assert other.look().figures["indexed"] == 10
    assert "rebuilt" not in other.look().figures
    await log.append([record(1, word="later")])
    assert await seqs(log, other, "later") == [11]
    await indexed(other, log, clock)
    assert await seqs(log, other, "later") == [11]
    await other.close()


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _garble(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)


def _execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


DAMAGE = {
    "a piece is missing": _truncate,
    "it is something else": _garble,
    "it is empty": lambda path: path.write_bytes(b""),
    "it is gone": lambda path: path.unlink(),
    "it has another format": lambda path: _execute(path, "PRAGMA user_version = 99"),
    "it is another program's": lambda path: _execute(path, "PRAGMA application_id = 7"),
    "a table is missing": lambda path: _execute(path, "DROP TABLE paths"),
    "it does not say how far it goes": lambda path: _execute(path, "DELETE FROM state"),
    "it goes further than the log": lambda path: _execute(path, "UPDATE state SET indexed = 1000"),
    "it is about another log": lambda path: _execute(path, "UPDATE state SET event_id = x'00'"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
async def test_what_cannot_be_gone_on_with_is_made_anew(
    tmp_path: Path, log: EventLog, clock: ManualClock, search: Search, damage: object
) -> None:
    await log.append([record(number, word=f"word{number % 3}") for number in range(30)])
    await indexed(search, log, clock)
    expected = await seqs(log, search, "word1")
    await search.close()
    damage(tmp_path / FILE_NAME)  # type: ignore[operator]
    other = Search(tmp_path, log, clock)
    await other.open()
    assert await seqs(log, other, "word1") == expected
    assert other.look().figures["indexed"] == 0
    await indexed(other, log, clock)
    assert await seqs(log, other, "word1") == expected
    assert other.look().status == "ok"
    await other.close()


async def test_a_log_that_was_set_back_is_indexed_again(
    tmp_path: Path, log: EventLog, clock: ManualClock, search: Search
) -> None:
    """A backup that was put back and went on from there has other events at the same positions."""
    await log.append(records(10))
    await indexed(search, log, clock)
    await search.close()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    restored = EventLog(elsewhere, clock=clock)
    restored.start()
    await restored.append([record(number, word="other") for number in range(20)])
    (tmp_path / FILE_NAME).rename(elsewhere / FILE_NAME)
    other = Search(elsewhere, restored, clock)
    await other.open()
    assert other.look().figures["rebuilt"] == "it was made of another log"
    await indexed(other, restored, clock)
    assert len(await seqs(restored, other, "other")) == 20
    await other.close()
    await restored.close()


async def test_a_file_that_goes_while_it_is_open_is_made_anew(
    tmp_path: Path, log: EventLog, clock: ManualClock, search: Search
) -> None:
    await log.append([record(1, word="early")])
    await indexed(search, log, clock)
    (tmp_path / FILE_NAME).unlink()
    await log.append([record(2, word="early")])
    await indexed(search, log, clock)
    assert await seqs(log, search, "early") == [2, 1]
    assert search.look().figures["rebuilt"].endswith("it was moved or deleted while it was open")


async def test_a_file_that_is_damaged_while_it_is_read_is_made_anew(
    tmp_path: Path, log: EventLog, clock: ManualClock, search: Search
) -> None:
    await log.append([record(number, word=f"word{number}") for number in range(3000)])
    await indexed(search, log, clock)
    await search.close()
    path = tmp_path / FILE_NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:16384] + b"\xa5" * (len(whole) - 16384))
    other = Search(tmp_path, log, clock)
    await other.open()
    assert await seqs(log, other, "word2345") == [2346], "the answer is found in the log"
    await indexed(other, log, clock)
    assert await seqs(log, other, "word2345") == [2346]
    assert "rebuilt" in other.look().figures
    await other.close()


async def test_a_disk_that_takes_nothing_costs_no_answer(
    log: EventLog, clock: ManualClock, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.append([record(1, word="before")])
    await indexed(search, log, clock)
    full = True

    def texts(events: object) -> list[str]:
        if full:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return indexed_texts(events)  # type: ignore[arg-type]

    indexed_texts = writer.indexed_texts
    monkeypatch.setattr(writer, "indexed_texts", texts)
    working = asyncio.ensure_future(search.run())
    await log.append([record(2, word="before")])

    def is_degraded() -> bool:
        clock.advance(1)
        return search.look().status == "degraded"

    await until(is_degraded)
    assert "disk is full" in search.look().detail
    assert await seqs(log, search, "before") == [2, 1]
    full = False

    def is_well() -> bool:
        clock.advance(40)
        return search.look().status == "ok" and search.look().figures["lag_events"] == 0

    await until(is_well)
    assert await seqs(log, search, "before") == [2, 1]
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def test_segments_go_with_what_retention_cuts(
    tmp_path: Path, log: EventLog, clock: ManualClock, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (lookups, tables, writer):
        monkeypatch.setattr(module, "SEGMENT", 10)
        monkeypatch.setattr(module, "BLOCK", 5)
    await log.append([record(number, word="kept") for number in range(35)])
    await indexed(search, log, clock)

    def cut(transaction: object) -> None:
        transaction.execute("UPDATE retention SET floor = 25")  # type: ignore[attr-defined]
        transaction.execute("DELETE FROM events WHERE seq < 25")  # type: ignore[attr-defined]

    await log.submit(cut)
    await search.close()
    other = Search(tmp_path, log, clock)
    await other.open()
    await log.append([record(36, word="kept")])
    await indexed(other, log, clock)
    assert other.state is not None
    assert list(other.state.segments) == [2, 3]
    assert await seqs(log, other, "kept") == list(range(36, 24, -1))
    await other.close()


async def test_large_events_are_taken_a_few_at_a_time(
    tmp_path: Path, log: EventLog, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.append([record(number, text=f"word{number} {'x ' * 5000}") for number in range(30)])
    monkeypatch.setattr("godtui.eventlog.pages.PAGE_BYTES", 35_000)
    monkeypatch.setattr(log.tail, "after", lambda seq, limit: None if seq < 30 else [])
    search = Search(tmp_path, log, clock)
    batches: list[int] = []
    add = search._writer.add

    def counting(events: list[StoredEvent]) -> object:
        batches.append(len(events))
        return add(events)

    monkeypatch.setattr(search._writer, "add", counting)
    await indexed(search, log, clock)
    assert batches == [3] * 10
    assert await seqs(log, search, "word17") == [18]
    await search.close()


async def test_other_payload_indexes_are_taken_up(log: EventLog, clock: ManualClock, search: Search) -> None:
    declared = ["number"]
    search.paths = lambda: declared
    await log.append(records(20))
    await indexed(search, log, clock)
    assert search.look().figures["payload_indexes"] == {"number": 20}
    assert await seqs(log, search, "payload.number=7") == [8]
    declared[:] = ["other", "number"]
    await log.append([record(20, other="x")])
    await indexed(search, log, clock)
    assert search.look().figures["payload_indexes"] == {"number": 21, "other": 21}
    assert await seqs(log, search, "payload.other=x") == [21]
    declared[:] = ["other"]
    await indexed(search, log, clock)
    assert search.look().figures["payload_indexes"] == {"other": 21}
    assert search.state is not None
    rows = await search.state.rows("SELECT count(*) FROM values_0", ())
    assert rows == [(1,)], "what is no longer declared takes no room"
    assert await seqs(log, search, "payload.number=7") == [8]


@pytest.mark.parametrize(
    ("grown", "behind", "pause"),
    [
        (0, 5_000, 1.0),
        (100, 5_000, indexer.BUSY_PAUSE),
        (5_000, 5_000, indexer.BURST_PAUSE),
        (5_000, indexer.BURST_EVENTS, indexer.BUSY_PAUSE),
    ],
    ids=["alone", "beside others", "in a burst", "too far behind one"],
)
def test_it_pauses_the_longer_the_more_others_write(
    tmp_path: Path, clock: ManualClock, grown: int, behind: int, pause: float
) -> None:
    log = SimpleNamespace(last_seq=behind)
    search = indexer.Search(tmp_path, log, clock)  # type: ignore[arg-type]
    assert search._pauses(grown, took=0.1) == pause
