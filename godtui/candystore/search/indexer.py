"""The search file behind the log: followed, made anew where it cannot be gone on with, and asked."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from godtui.backoff import Backoff
from godtui.bloodbank.health import ComponentHealth
from godtui.candystore.search.lookups import SearchUnavailableError
from godtui.candystore.search.tables import FILE_NAME, UnusableError
from godtui.candystore.search.values import written_path
from godtui.candystore.search.writer import Extent, SearchWriter
from godtui.clock import Clock
from godtui.eventlog import EventLog, LogUnavailableError, Readers, is_damage
from godtui.filters import Segment
from godtui.racing import first_of

BATCH_EVENTS: Final = 2_000
GATHER_SECONDS: Final = 0.25
"""How long new events gather: one larger batch costs less, and lets the log's writer be meanwhile."""
PAUSES: Final = Backoff(0.5, 30.0)
DECLARED_SECONDS: Final = 5.0
"""How often it is looked whether other payload paths are declared."""
LOOK_EVENTS: Final = 100_000
"""After so many events it is seen again what retention has cut."""

BUSY_PAUSE: Final = 3.0
"""While others write, what catches up pauses so many times as long as it works; else as long."""
BURST_RATE: Final = 20_000
BURST_EVENTS: Final = 250_000
BURST_PAUSE: Final = 20.0
"""While more events a second are stored than that, up to so many of them are let pass: they are indexed soon after."""

_EVENT_AT: Final = "SELECT event_id, stored_at FROM events WHERE seq = ?"
_FIRST: Final = "SELECT seq, stored_at FROM events ORDER BY seq LIMIT 1"

logger = logging.getLogger(__name__)


class State:
    """One state of the file as readers see it: what is beyond it, they scan."""

    def __init__(self, search: Search, extent: Extent, readers: Readers) -> None:
        self._search = search
        self._readers = readers
        self.indexed = extent.indexed
        self.segments = extent.segments
        self._indexes = {index.path: index.identity for index in extent.indexes if index.upto == extent.indexed}

    def index_of(self, path: Sequence[Segment]) -> int | None:
        """The number of the payload index of a path, where there is one that goes as far as the words do."""
        return self._indexes.get(written_path(path))

    async def rows(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """One page of a read-only query. Raises SearchUnavailableError."""
        try:
            found = await self._readers.rows(statement, parameters, purpose="a search")
        except (LogUnavailableError, ValueError) as error:
            self._search.doubt(error)
            raise SearchUnavailableError(str(error)) from error
        if not self._search.reads_by(self._readers):
            raise SearchUnavailableError("the index was made anew")
        return found


class Search:
    """The index of one log, in a file of its own; `paths` says at any time which payload paths have an index."""

    def __init__(
        self, directory: Path, log: EventLog, clock: Clock, *, paths: Callable[[], Sequence[str]] = tuple
    ) -> None:
        self.path = directory.resolve() / FILE_NAME
        self._log = log
        self._clock = clock
        self.paths = paths
        self._writer = SearchWriter(self.path)
        self._extent = Extent()
        self._readers: Readers | None = None
        self._closed = False
        self._cut_looked_at = -LOOK_EVENTS
        self._stored_at = 0
        self._doubt: str | None = None
        self._fault: str | None = None
        self._remark: str | None = None

    @property
    def state(self) -> State | None:
        """What can be asked now, if anything."""
        if self._readers is None or not self._extent.indexed:
            return None
        return State(self, self._extent, self._readers)

    @property
    def is_building(self) -> bool:
        """Whether a payload index is not as far as the words are, or is still to be removed."""
        return self._is_behind() or set(self.paths()) != {index.path for index in self._extent.indexes}

    async def open(self) -> None:
        """Open the file where that is possible now; it can be asked then, though nobody follows the log."""
        if self._log.tail.opened:
            try:
                await self._open()
            except (sqlite3.Error, OSError, LogUnavailableError, UnusableError) as error:
                self._fail(error)

    async def run(self) -> None:
        """Follow the log until cancelled."""
        await self._log.tail.beginning()
        failures = 0
        while True:
            try:
                await self._open()
                await self._step()
                failures = 0
                self._fault = None
            except (sqlite3.Error, OSError, LogUnavailableError, UnusableError) as error:
                failures += 1
                self._fail(error)
                if not _passes(error):
                    await self._close_file()
                await self._clock.sleep(PAUSES.pause(failures))

    async def close(self) -> None:
        """Finish what is being written and close; nothing can be asked any more. May be called twice."""
        if self._closed:
            return
        self._closed = True
        await self._close_file()
        await asyncio.to_thread(self._writer.end)

    def look(self) -> ComponentHealth:
        """How far it is behind."""
        indexed, last = self._extent.indexed, self._log.last_seq if self._log.tail.opened else 0
        figures: dict[str, Any] = {
            "indexed": indexed,
            "lag_events": max(0, last - indexed),
            "lag_seconds": self._lag_seconds(indexed, last),
            "path": str(self.path),
        }
        if self._extent.indexes:
            figures["payload_indexes"] = {index.path: index.upto for index in self._extent.indexes}
        if self._remark is not None:
            figures["rebuilt"] = self._remark
        if self._fault is not None:
            sentence = f"{self.path} cannot be used ({self._fault}); answers stay whole, found by reading the log"
            return ComponentHealth("degraded", sentence, figures)
        behind = "" if indexed >= last else f" of {last:,}; what is beyond is searched by reading it"
        return ComponentHealth("ok", f"indexed up to {indexed:,}{behind}", figures)

    def doubt(self, error: Exception) -> None:
        """A reader could not read the file: where it is damaged it is made anew."""
        cause = error.__cause__
        if cause is not None and is_damage(cause):
            self._doubt = str(cause)

    def reads_by(self, readers: Readers) -> bool:
        """Whether the file is still the one that these read."""
        return self._readers is readers and self._doubt is None

    async def _open(self) -> None:
        if self._doubt is not None:
            await self._rebuild(f"it is damaged: {self._doubt}")
        if self._writer.opened:
            return
        extent, reason = await self._writer.perform(self._writer.open)
        if reason is not None:
            self._told(reason)
        elif reason := await self._mismatch(extent):
            await self._rebuild(reason)
            return
        await self._read_from(extent)

    async def _mismatch(self, extent: Extent) -> str | None:
        """Why the file is not about this log as it is now."""
        if not extent.indexed:
            return None
        if extent.indexed > self._log.last_seq:
            return f"it goes to {extent.indexed:,} and the log to {self._log.last_seq:,}"
        rows = await self._log.rows(_EVENT_AT, (extent.indexed,), purpose="what was indexed last")
        if not rows and extent.event_id is not None:
            return f"the event {extent.indexed:,}, to which it goes, is no longer stored"
        if rows and rows[0][0] != extent.event_id:
            return "it was made of another log"
        self._stored_at = rows[0][1] if rows else 0
        return None

    async def _step(self) -> None:
        """Index the next events, waiting for them where there are none yet."""
        await self._keep_indexes()
        indexed = self._extent.indexed
        if indexed >= self._log.last_seq:
            if not self._is_behind():
                # Now and then the declared paths are looked at, though nothing is stored.
                started = self._clock.monotonic()
                await first_of(self._log.tail.beyond(indexed), self._clock.sleep(DECLARED_SECONDS))
                if self._clock.monotonic() - started < DECLARED_SECONDS:
                    await self._log.tail.beyond(indexed)
                    await self._clock.sleep(GATHER_SECONDS)
            return
        if indexed - self._cut_looked_at >= LOOK_EVENTS:
            await self._drop_cut()
        started, last = self._clock.monotonic(), self._log.last_seq
        events = await self._log.after(indexed, BATCH_EVENTS)
        if events:
            self._extent = await self._writer.perform(self._writer.add, events)
            self._stored_at = events[-1].stored_at
        elif indexed < self._log.last_seq:
            self._extent = await self._writer.perform(self._writer.skip, self._log.last_seq)
        await self._rest(started, last)

    async def _rest(self, started: float, last: int) -> None:
        """Let others be who want the processor, the disk and the log's readers; the log ended at `last` before."""
        took = self._clock.monotonic() - started
        await self._clock.sleep(took * self._pauses(self._log.last_seq - last, took))

    def _pauses(self, grown: int, took: float) -> float:
        """How many times as long as it worked it pauses, where the log grew by so many events meanwhile."""
        if not grown:
            return 1.0
        is_burst = grown > took * BURST_RATE and self._log.last_seq - self._extent.indexed < BURST_EVENTS
        return BURST_PAUSE if is_burst else BUSY_PAUSE

    async def _keep_indexes(self) -> None:
        """Take up changes of what is declared, and bring the payload indexes a step nearer to it."""
        declared = tuple(dict.fromkeys(self.paths()))
        if set(declared) != {index.path for index in self._extent.indexes}:
            self._extent = await self._writer.perform(self._writer.declare, declared)
        started, last = self._clock.monotonic(), self._log.last_seq
        if behind := self._extent.unbuilt:
            events = await self._log.after(behind[0].upto, BATCH_EVENTS)
            self._extent = await self._writer.perform(self._writer.build, events)
        elif self._extent.is_littered:
            self._extent = await self._writer.perform(self._writer.clear)
        else:
            return
        await self._rest(started, last)

    def _is_behind(self) -> bool:
        return bool(self._extent.unbuilt) or self._extent.is_littered

    async def _drop_cut(self) -> None:
        """Remove the segments of which nothing is stored any more."""
        rows = await self._log.rows(_FIRST, (), purpose="where the log begins")
        if rows:
            first, stored_at = rows[0]
            self._stored_at = self._stored_at or stored_at
            while (extent := await self._writer.perform(self._writer.drop_below, first)) != self._extent:
                self._extent = extent
        self._cut_looked_at = self._extent.indexed

    async def _rebuild(self, reason: str) -> None:
        await self._close_readers()
        self._extent = Extent()
        extent = await self._writer.perform(self._writer.rebuild)
        self._doubt = None
        self._told(reason)
        await self._read_from(extent)

    async def _read_from(self, extent: Extent) -> None:
        await self._close_readers()
        self._readers = Readers(self.path, self._clock)
        self._extent = extent
        self._cut_looked_at = -LOOK_EVENTS

    async def _close_readers(self) -> None:
        readers, self._readers = self._readers, None
        if readers is not None:
            await readers.close()

    async def _close_file(self) -> None:
        await self._close_readers()
        await self._writer.perform(self._writer.close)

    def _told(self, reason: str) -> None:
        self._remark = reason
        logger.warning("%s is made anew from the log: %s", self.path, reason)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, UnusableError) or is_damage(error):
            self._doubt = str(error)
        if str(error) != self._fault:
            logger.warning("%s cannot be written (%s); searches read the log instead", self.path, error)
        self._fault = str(error)

    def _lag_seconds(self, indexed: int, last: int) -> float | None:
        """How long the first event that is not indexed has been stored, or the one before; None while unknown."""
        if indexed >= last:
            return 0.0
        waiting = self._log.tail.after(indexed, 1)
        stored_at = waiting[0].stored_at if waiting else self._stored_at
        if not stored_at:
            return None
        return round(max(0, self._clock.now() - stored_at) / 1_000_000, 3)


def _passes(error: Exception) -> bool:
    """Whether the open file is as good as one that is opened again."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, LogUnavailableError) or code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY)
