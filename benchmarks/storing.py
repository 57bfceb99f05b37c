"""Appending to stores of several sizes with their indexes and their search file, against a bare table."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from benchmarks.bare_log import BareLog
from benchmarks.events import Events
from benchmarks.measure import Figures, Place
from godtui.candystore.search import FILE_NAME, Search
from godtui.clock import SystemClock
from godtui.eventlog import EventLog, Record
from godtui.runtime.interpreter import tune

BATCH: Final = 500
MILLION: Final = 1_000_000
LARGE: Final = 300
PROSE: Final = 900_000
STEADY_RATE: Final = 5_000
STEADY_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.01
LONGEST_SECONDS: Final = 600.0


def fill_one(place: Place) -> None:
    """A store of one million events, indexed."""
    asyncio.run(_fill(place, MILLION))


def fill_three(place: Place) -> None:
    """A store of three million."""
    asyncio.run(_fill(place, 3 * MILLION))


def fill_ten(place: Place) -> None:
    """A store of ten million."""
    asyncio.run(_fill(place, 10 * MILLION))


def fill_large(place: Place) -> None:
    """A store of few events with 900 kB each."""
    asyncio.run(_fill_large(place))


def appended(place: Place) -> Figures:
    """Events a second into the prepared store, or an empty one, while the search file follows."""
    return asyncio.run(_appended(_folder(place), place, search=True))


def appended_unsearched(place: Place) -> Figures:
    """The same without a search file."""
    return asyncio.run(_appended(_folder(place), place, search=False))


def bare(place: Place) -> Figures:
    """The same bodies into a table without indexes."""
    return asyncio.run(_bare(place))


def kept_up(place: Place) -> Figures:
    """How far search is behind, in seconds, while 5,000 events come every second."""
    return asyncio.run(_kept_up(place))


def weighed(place: Place) -> Figures:
    """Bytes an event of log and search file, and of the events' own JSON."""
    return asyncio.run(_weighed(place))


@asynccontextmanager
async def store(folder: Path, *, search: bool = True) -> AsyncIterator[tuple[EventLog, Search]]:
    """A log and what follows it."""
    clock = SystemClock()
    log = EventLog(folder, clock=clock)
    log.start()
    index = Search(folder, log, clock)
    if search:
        await index.open()
    following = asyncio.create_task(index.run()) if search else None
    try:
        yield log, index
    finally:
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        await index.close()
        await log.close()


async def caught_up(log: EventLog, index: Search) -> None:
    """Until everything stored is indexed."""
    async with asyncio.timeout(LONGEST_SECONDS):
        while behind(log, index):
            await asyncio.sleep(LOOK_SECONDS)


def behind(log: EventLog, index: Search) -> int:
    """How many events are not indexed yet."""
    return log.last_seq - (0 if index.state is None else index.state.indexed)


async def _fill(place: Place, count: int) -> None:
    count = place.choose(count, 2_000)
    events = Events(count)
    async with store(place.prepared) as (log, index):
        for _ in range(count // BATCH):
            await log.append(events.batch(BATCH))
        await caught_up(log, index)


async def _fill_large(place: Place) -> None:
    events = Events(LARGE, prose=PROSE)
    async with store(place.prepared) as (log, index):
        for _ in range(place.choose(LARGE, 4)):
            await log.append(events.batch(1))
        await caught_up(log, index)


async def _appended(folder: Path, place: Place, *, search: bool) -> Figures:
    batches = _batches(place)
    async with store(folder, search=search) as (log, index):
        if search:
            await caught_up(log, index)
        before = log.last_seq
        tune()
        started = time.perf_counter()
        for batch in batches:
            await log.append(batch)
        seconds = time.perf_counter() - started
        if search:
            await caught_up(log, index)
        searchable = time.perf_counter() - started - seconds
    return {"rate": len(batches) * BATCH / seconds, "searchable": searchable, "before": before}


async def _bare(place: Place) -> Figures:
    batches = [[record.body for record in batch] for batch in _batches(place)]
    log = BareLog(place.folder / "bare.sqlite")
    tune()
    started = time.perf_counter()
    for batch in batches:
        await log.append(batch)
    rate = len(batches) * BATCH / (time.perf_counter() - started)
    log.close()
    return {"rate": rate}


async def _kept_up(place: Place) -> Figures:
    seconds = place.choose(STEADY_SECONDS, 0.2)
    each = BATCH // 10
    events = Events(int(STEADY_RATE * seconds))
    batches = [events.batch(each) for _ in range(int(STEADY_RATE * seconds / each))]
    lags: list[float] = []
    async with store(place.prepared) as (log, index):
        await caught_up(log, index)
        tune()
        started = time.perf_counter()
        for number, batch in enumerate(batches):
            due = started + number * each / STEADY_RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await log.append(batch)
            lags.append(behind(log, index) / STEADY_RATE)
        rate = len(batches) * each / (time.perf_counter() - started)
        await caught_up(log, index)
    return {"lag": max(lags), "rate": rate}


async def _weighed(place: Place) -> Figures:
    async with store(place.prepared) as (log, index):
        await caught_up(log, index)
    log_bytes = _checkpointed(place.prepared / "events.sqlite")
    search_bytes = _checkpointed(place.prepared / FILE_NAME)
    with contextlib.closing(sqlite3.connect(place.prepared / "events.sqlite")) as connection:
        count, raw = connection.execute("SELECT count(*), sum(length(body)) FROM events").fetchone()
    return {
        "bytes": (log_bytes + search_bytes) / raw,
        "log": log_bytes / count,
        "search": search_bytes / count,
        "raw": raw / count,
    }


def _checkpointed(file: Path) -> int:
    """Bytes of a database once its write-ahead log is part of it; nobody else has it open."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return file.stat().st_size


def _folder(place: Place) -> Path:
    return place.prepared if (place.prepared / "events.sqlite").exists() else place.folder


def _batches(place: Place) -> list[list[Record]]:
    count = place.choose(200, 2)
    events = Events(count * BATCH, seed=2)
    return [events.batch(BATCH) for _ in range(count)]
