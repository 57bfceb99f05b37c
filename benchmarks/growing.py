"""Appending to a log of three million events, against appending to an empty one.

`own` ids are made in the order of time (UUIDv7), `foreign` ones at random (UUIDv4). Nothing else of the events differs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

from benchmarks.measure import Figures, Place
from godtui.bloodbank import tables
from godtui.envelope import new_id
from godtui.eventlog import EventLog, Record

ROWS = 3_000_000
BATCH = 500
MakeId = Callable[[], bytes]

_FILL = """
    INSERT INTO events (stored_at, event_id, type_id, source_id, correlation_id, time, violations, headers, body)
    VALUES (?, ?, 1, 1, NULL, ?, NULL, NULL, ?)
"""


def fill_own(place: Place) -> None:
    """Make the log of three million events with ids in order."""
    _fill(place, _own)


def fill_foreign(place: Place) -> None:
    """Make the log of three million events with random ids."""
    _fill(place, _foreign)


def own_in_filled(place: Place) -> Figures:
    return asyncio.run(_appended(place.prepared, _own, place))


def own_in_empty(place: Place) -> Figures:
    return asyncio.run(_appended(place.folder, _own, place))


def foreign_in_filled(place: Place) -> Figures:
    return asyncio.run(_appended(place.prepared, _foreign, place))


def foreign_in_empty(place: Place) -> Figures:
    return asyncio.run(_appended(place.folder, _foreign, place))


def _own() -> bytes:
    return new_id().bytes


def _foreign() -> bytes:
    return uuid4().bytes


async def _appended(folder: Path, make_id: MakeId, place: Place) -> Figures:
    """Events a second in batches of 500, after as many batches as it takes to fill the caches."""
    warm_up, counted = place.choose((40, 120), (1, 2))
    batches = [[_record(make_id) for _ in range(BATCH)] for _ in range(warm_up + counted)]
    async with _log(folder) as log:
        before = log.last_seq
        for batch in batches[:warm_up]:
            await log.append(batch)
        started = time.perf_counter()
        for batch in batches[warm_up:]:
            await log.append(batch)
        seconds = time.perf_counter() - started
        return {"rate": counted * BATCH / seconds, "before": before}


def _fill(place: Place, make_id: MakeId) -> None:
    """The log makes its tables and its first event; the rest is written past it, fast and in one go."""
    asyncio.run(_begin(place.prepared, make_id))
    file = place.prepared / "events.sqlite"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for setting in ("journal_mode = DELETE", "journal_mode = OFF", "synchronous = OFF", "cache_size = -600000"):
            connection.execute(f"PRAGMA {setting}")
        connection.execute("BEGIN")
        connection.executemany(_FILL, _rows(place.choose(ROWS, 2_000), make_id))
        connection.execute("COMMIT")
    _sync(file)


def _sync(file: Path) -> None:
    """Have it on disk before anything is measured."""
    descriptor = os.open(file, os.O_RDWR)
    os.fsync(descriptor)
    os.close(descriptor)


async def _begin(folder: Path, make_id: MakeId) -> None:
    async with _log(folder) as log:
        await log.append([_record(make_id)])


def _rows(count: int, make_id: MakeId) -> Iterator[tuple[int, bytes, int, bytes]]:
    body = _record(make_id).body
    began = time.time_ns() // 1000 - count
    for number in range(count):
        yield began + number, make_id(), began + number, body


def _record(make_id: MakeId) -> Record:
    now = time.time_ns() // 1000
    return Record(make_id(), "test.event.created", "benchmark", None, now, None, None, _BODY)


_BODY = (
    b'{"event_id":"0198c5a2-6c1e-7000-8000-000000000001","event_type":"test.event.created",'
    b'"timestamp":"2026-02-12T14:02:11.482000Z","version":"v1","source":{"service":"benchmark","instance":"host-1"},'
    b'"correlation_id":"0198c5a2-6c1e-7000-8000-000000000001","payload":{"message":"event 123456"}}'
)


@contextlib.asynccontextmanager
async def _log(folder: Path) -> AsyncIterator[EventLog]:
    log = EventLog(folder, rooms=(tables.MIGRATIONS,))
    log.start()
    try:
        yield log
    finally:
        await log.close()
