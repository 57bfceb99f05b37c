"""The one thread that writes the search file."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from godtui.candystore.search.tables import (
    BLOCK,
    SEGMENT,
    UnusableError,
    add_segment,
    discard,
    drop_segment,
    open_search,
    segments,
)
from godtui.candystore.search.text import indexed_texts
from godtui.candystore.search.values import PayloadIndex, rows_of
from godtui.envelope import StoredEvent
from godtui.eventlog import is_damage

ROWS_A_STATEMENT: Final = 500
ROWS_CLEARED: Final = 10_000
"""How many rows one transaction removes."""

_BLOCK: Final = (
    "INSERT INTO blocks VALUES (?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET earliest = min(earliest,"
    " excluded.earliest), latest = max(latest, excluded.latest), stored_latest = max(stored_latest,"
    " excluded.stored_latest)"
)

Result = TypeVar("Result")


class Extent(NamedTuple):
    """How far the file goes: the last position indexed and the event that stood there; the segments there are, the
    payload indexes, and whether values of former ones are still to be removed.
    """

    indexed: int = 0
    event_id: bytes | None = None
    segments: tuple[int, ...] = ()
    indexes: tuple[PayloadIndex, ...] = ()
    is_littered: bool = False

    @property
    def unbuilt(self) -> list[PayloadIndex]:
        """The payload indexes that are furthest behind, if any are."""
        least = min((index.upto for index in self.indexes), default=self.indexed)
        return [index for index in self.indexes if index.upto == least] if least < self.indexed else []


class SearchWriter:
    """Owns the only connection that writes. Every method but `perform` runs on its thread, by `perform`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="search-writer")
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._extent = Extent()
        self.opened = False

    async def perform(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run one of the methods; once begun it is finished, though its waiter goes away."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def open(self) -> tuple[Extent, str | None]:
        """Open or make the file; one that cannot be gone on with is made anew, and why that was is told.

        Raises sqlite3.Error, OSError.
        """
        reason = None
        try:
            extent = self._open()
        except (UnusableError, sqlite3.DatabaseError) as error:
            if not isinstance(error, UnusableError) and not _is_beyond_repair(error):
                raise
            reason = str(error)
            extent = self.rebuild()
        return extent, reason

    def rebuild(self) -> Extent:
        """Throw the file away and begin a new one. Raises sqlite3.Error, OSError."""
        self.close()
        discard(self._path)
        return self._open()

    def add(self, events: Sequence[StoredEvent]) -> Extent:
        """Index what of these is beyond what is indexed. Raises sqlite3.Error, OSError, UnusableError."""
        events = [event for event in events if event.seq > self._extent.indexed]
        if not events:
            return self._extent
        last, known = events[-1], self._extent.segments
        texts = indexed_texts(events)
        fresh = sorted({event.seq // SEGMENT for event in events}.difference(known))
        with self._transaction() as connection:
            for number in fresh:
                add_segment(connection, number)
            for number, part in groupby(zip(events, texts, strict=True), lambda pair: pair[0].seq // SEGMENT):
                _insert_words(connection, number, list(part))
            for number, within in groupby(events, lambda event: event.seq // BLOCK):
                _insert_block(connection, number, list(within))
            built = [index for index in self._extent.indexes if index.upto == self._extent.indexed]
            _insert_values(connection, events, built, last.seq)
            connection.execute("UPDATE state SET indexed = ?, event_id = ?", (last.seq, last.event_id))
        self._extent = self._extent._replace(
            indexed=last.seq, event_id=last.event_id, segments=(*known, *fresh), indexes=self._reached(built, last.seq)
        )
        return self._extent

    def build(self, events: Sequence[StoredEvent]) -> Extent:
        """Take the next events into the payload indexes that are behind; without any, nothing is left to be taken.

        Raises as `add` does.
        """
        behind = self._extent.unbuilt
        events = [event for event in events if event.seq <= self._extent.indexed]
        upto = events[-1].seq if events else self._extent.indexed
        with self._transaction() as connection:
            _insert_values(connection, events, behind, upto)
        self._extent = self._extent._replace(indexes=self._reached(behind, upto))
        return self._extent

    def declare(self, paths: Sequence[str]) -> Extent:
        """These paths and no others have an index. Raises as `add` does."""
        with self._transaction() as connection:
            former = [index for index in self._extent.indexes if index.path not in paths]
            for index in former:
                connection.execute("UPDATE paths SET path = NULL WHERE id = ?", (index.identity,))
            known = {index.path for index in self._extent.indexes}
            for path in paths:
                if path not in known:
                    connection.execute("INSERT INTO paths (path, upto) VALUES (?, 0)", (path,))
            found = _indexes(connection)
        self._extent = self._extent._replace(indexes=found, is_littered=self._extent.is_littered or bool(former))
        return self._extent

    def clear(self) -> Extent:
        """Remove some of the values of paths that are no longer declared. Raises as `add` does."""
        with self._transaction() as connection:
            for (identity,) in connection.execute("SELECT id FROM paths WHERE path IS NULL").fetchall():
                if not _clear(connection, identity, self._extent.segments):
                    connection.execute("DELETE FROM paths WHERE id = ?", (identity,))
                    continue
                break
            is_littered = bool(connection.execute("SELECT count(*) FROM paths WHERE path IS NULL").fetchone()[0])
        self._extent = self._extent._replace(is_littered=is_littered)
        return self._extent

    def _reached(self, indexes: Sequence[PayloadIndex], upto: int) -> tuple[PayloadIndex, ...]:
        moved = {index.identity for index in indexes}
        return tuple(index._replace(upto=upto) if index.identity in moved else index for index in self._extent.indexes)

    def skip(self, seq: int) -> Extent:
        """There is nothing left to index up to a position. Raises as `add` does."""
        with self._transaction() as connection:
            connection.execute("UPDATE state SET indexed = ?, event_id = NULL", (seq,))
            _insert_values(connection, [], self._extent.indexes, seq)
        indexes = self._reached(self._extent.indexes, seq)
        self._extent = self._extent._replace(indexed=seq, event_id=None, indexes=indexes)
        return self._extent

    def drop_below(self, first: int) -> Extent:
        """Remove the oldest segment if all of it lies below a position. Raises as `add` does."""
        known = self._extent.segments
        if known and (known[0] + 1) * SEGMENT <= first:
            with self._transaction() as connection:
                drop_segment(connection, known[0])
            self._extent = self._extent._replace(segments=known[1:])
        return self._extent

    def close(self) -> None:
        """Close the file."""
        connection, self._connection = self._connection, None
        self.opened = False
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def end(self) -> None:
        """Take nothing more; called from outside the thread, once nothing is being performed."""
        self._thread.shutdown(wait=True)

    def _open(self) -> Extent:
        self.close()
        connection = open_search(self._path)
        try:
            row = connection.execute("SELECT indexed, event_id FROM state").fetchone()
            found = segments(connection)
            indexes = _indexes(connection)
            littered = connection.execute("SELECT count(*) FROM paths WHERE path IS NULL").fetchone()[0]
            if row is None:
                raise UnusableError("it does not say how far it goes")
        except BaseException:
            connection.close()
            raise
        self._connection, self._file = connection, self._identity()
        self._extent = Extent(row[0], row[1], found, indexes, bool(littered))
        self.opened = True
        return self._extent

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        if connection is None or self._identity() != self._file:
            # A file that was moved or deleted goes on taking writes, which no reader would find.
            raise UnusableError("it was moved or deleted while it was open")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            raise


def _is_beyond_repair(error: sqlite3.Error) -> bool:
    """Whether the file is damaged, or lacks what one of this format has."""
    return is_damage(error) or error.sqlite_errorcode == sqlite3.SQLITE_ERROR


def _insert_words(connection: sqlite3.Connection, number: int, pairs: list[tuple[StoredEvent, str]]) -> None:
    for start in range(0, len(pairs), ROWS_A_STATEMENT):
        chunk = pairs[start : start + ROWS_A_STATEMENT]
        parameters: list[Any] = []
        for event, text in chunk:
            parameters += (event.seq, text)
        marks = ", ".join(["(?, ?)"] * len(chunk))
        connection.execute(f"INSERT INTO words_{number:d} (rowid, text) VALUES {marks}", parameters)  # noqa: S608


def _insert_block(connection: sqlite3.Connection, number: int, events: list[StoredEvent]) -> None:
    times = [event.time for event in events]
    stored = max(event.stored_at for event in events)
    connection.execute(_BLOCK, (number, min(times), max(times), stored))


def _indexes(connection: sqlite3.Connection) -> tuple[PayloadIndex, ...]:
    rows = connection.execute("SELECT id, path, upto FROM paths WHERE path IS NOT NULL ORDER BY id")
    return tuple(PayloadIndex._make(row) for row in rows)


def _insert_values(
    connection: sqlite3.Connection, events: Sequence[StoredEvent], indexes: Sequence[PayloadIndex], upto: int
) -> None:
    """Take events into these indexes, which then go to that position."""
    if not indexes:
        return
    for number, part in groupby(rows_of(events, indexes), lambda row: row[3] // SEGMENT):
        rows = list(part)
        for start in range(0, len(rows), ROWS_A_STATEMENT):
            chunk = rows[start : start + ROWS_A_STATEMENT]
            marks = ", ".join(["(?, ?, ?, ?)"] * len(chunk))
            flat = [value for row in chunk for value in row]
            connection.execute(f"INSERT OR IGNORE INTO values_{number:d} VALUES {marks}", flat)  # noqa: S608
    for index in indexes:
        connection.execute("UPDATE paths SET upto = ? WHERE id = ?", (upto, index.identity))


def _clear(connection: sqlite3.Connection, identity: int, numbers: Sequence[int]) -> bool:
    """Remove some values of a path; False where none were left."""
    for number in numbers:
        removed = connection.execute(
            f"DELETE FROM values_{number:d} WHERE (path, kind, value, seq) IN"  # noqa: S608 - all parts are ours
            f" (SELECT path, kind, value, seq FROM values_{number:d} WHERE path = ? LIMIT ?)",
            (identity, ROWS_CLEARED),
        )
        if removed.rowcount:
            return True
    return False
