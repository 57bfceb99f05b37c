"""The event log: one SQLite file, one writer, any number of readers."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from godtui.clock import Clock, SystemClock
from godtui.envelope import StoredEvent
from godtui.eventlog.cuts import CUT_AT
from godtui.eventlog.damage import damaged, require_intact
from godtui.eventlog.database import open_database
from godtui.eventlog.errors import DataDirectoryError, LogUnavailableError, is_damage
from godtui.eventlog.imported import Stretches
from godtui.eventlog.migrations import COLUMNS, EVENTS, Migrations
from godtui.eventlog.pages import Page, read_page
from godtui.eventlog.readers import Readers
from godtui.eventlog.tail import Tail
from godtui.eventlog.transaction import Outcome, Record, Transaction
from godtui.eventlog.writer import Writer

FILE_NAME: Final = "events.sqlite"
PAGE_EVENTS: Final = 512

Result = TypeVar("Result")

_BY_ID = f"SELECT {COLUMNS} FROM stored_events WHERE event_id = ?"  # noqa: S608


class EventLog:
    """Every event once, in commit order. `append` and `submit` may be awaited on any loop; readers live on one."""

    def __init__(
        self,
        directory: Path,
        *,
        rooms: Sequence[Migrations] = (),
        clock: Clock | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = directory.resolve() / FILE_NAME
        self._rooms = (EVENTS, *rooms)
        clock = clock or SystemClock()
        self.tail = Tail()
        self._writer = Writer(self.path, self._connect, self.tail, clock, on_change)
        self._readers = Readers(self.path, clock, on_damage=self._writer.suspect)

    @staticmethod
    def lies_in(directory: Path) -> bool:
        """Whether a directory has a log already."""
        return (directory / FILE_NAME).exists()

    def start(self) -> None:
        """Open or make the file; while the disk refuses, `fault` says so and opening is tried again.

        Raises DataDirectoryError where the file is not a log, is damaged, or was written by a newer program.
        """
        require_intact(self.path)
        try:
            self._writer.start()
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                raise damaged(self.path, error) from None
            raise DataDirectoryError(
                f"{self.path} cannot be opened as an event log ({error}); move it away or name another --data-dir"
            ) from None

    async def close(self) -> None:
        """Finish what was handed over and close; the writer closes last."""
        await self._readers.close()
        await asyncio.to_thread(self._writer.stop)

    async def append(self, records: Sequence[Record]) -> list[Outcome]:
        """Store events in order and wait until they are on disk: one outcome a record.

        Raises LogUnavailableError (nothing is known of these records, repeat them) and PoisonError (none was stored:
        those at its `positions` never can be).
        """
        if not records:
            return []
        outcomes: list[Outcome] = await self._writer.submit(records)
        return outcomes

    async def submit(self, unit: Callable[[Transaction], Result]) -> Result:
        """Run a unit in the next group commit, whole or not at all; what it raises is raised here."""
        result: Result = await self._writer.submit(unit)
        return result

    async def rows(self, statement: str, parameters: Sequence[Any] = (), *, purpose: str) -> list[tuple[Any, ...]]:
        """One page of a read-only query. Raises LogUnavailableError; ValueError on parameters SQLite does not take."""
        if self._writer.closed:
            raise LogUnavailableError(self._writer.fault or "the log is closed")
        return await self._readers.rows(statement, parameters, purpose=purpose)

    async def event(self, event_id: bytes) -> StoredEvent | None:
        """The event that holds an id."""
        found = await self.rows(_BY_ID, (event_id,), purpose="one event")
        return StoredEvent._make(found[0]) if found else None

    async def cut_at(self, event_id: bytes) -> int | None:
        """When (µs since 1970) retention cut the event of an id; None where it did not, or that is forgotten."""
        found = await self.rows(CUT_AT, (event_id,), purpose="one event")
        return int(found[0][0]) if found else None

    async def after(self, seq: int, limit: int = PAGE_EVENTS) -> list[StoredEvent]:
        """Up to `limit` events beyond a position, fewer where they are large; from memory where they are new.

        None at all only where none is stored. Raises LogUnavailableError.
        """
        self._require_opened()
        recent = self.tail.after(seq, limit)
        if recent is not None:
            return recent
        reached: int | None = seq
        events: list[StoredEvent] = []
        while not events and reached is not None:
            events, reached = await self.page("seq > ?", (reached,), "asc", limit, purpose="catching up")
        return events

    async def page(
        self,
        conditions: str,
        parameters: Sequence[Any],
        direction: Literal["asc", "desc"],
        limit: int,
        *,
        purpose: str,
    ) -> Page:
        """Events by `seq` that meet conditions on `stored_events`, `limit` at most and some 2 MiB of them.

        Raises as `rows` does.
        """
        return await read_page(partial(self.rows, purpose=purpose), conditions, parameters, direction, limit)

    async def follow(self, after: int, limit: int = PAGE_EVENTS) -> AsyncGenerator[list[StoredEvent]]:
        """Everything beyond a position, in batches, for as long as the caller listens. Raises LogUnavailableError."""
        while True:
            events = await self.after(after, limit)
            if events:
                yield events
                after = events[-1].seq
            else:
                await self.tail.beyond(after)

    @property
    def last_seq(self) -> int:
        """The last committed position; 0 for an empty log. Raises LogUnavailableError while it was never opened."""
        self._require_opened()
        return self.tail.last_seq

    @property
    def imported(self) -> Stretches:
        """Positions up to `last_seq` whose events were imported, and some beyond it perhaps."""
        return self._writer.imported

    @property
    def fault(self) -> str | None:
        """Why the log cannot be written now, or None."""
        return self._writer.fault

    @property
    def commit_seconds(self) -> float:
        """How long the last group commit took."""
        return self._writer.commit_seconds

    @property
    def wal_bytes(self) -> int:
        """The size of the write-ahead log."""
        return self._writer.wal_bytes

    def oldest_reader(self) -> tuple[float, str] | None:
        """Seconds and purpose of the read that has run longest."""
        return self._readers.oldest()

    def _require_opened(self) -> None:
        """A log that could not be opened yet may hold anything: it must not pass for an empty one."""
        if not self.tail.opened:
            raise LogUnavailableError(f"the log cannot be read: {self._writer.fault or 'it is not open yet'}")

    def _connect(self) -> sqlite3.Connection:
        return open_database(self.path, self._rooms)
