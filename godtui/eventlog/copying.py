"""A log copied while it is written: its events page by page, all else in one last short read."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from godtui.clock import Clock, SystemClock
from godtui.eventlog.database import APPLICATION_ID
from godtui.eventlog.errors import CopyError, DamagedError, is_damage

PAGE_SECONDS: Final = 0.1
"""About how long one page of events is read."""
FIRST_PAGE_EVENTS: Final = 64
LAST_PAGE_EVENTS: Final = 16_384
SYNC_BYTES: Final = 8 * 1024 * 1024
MAX_FAULTS: Final = 10

_CACHE_KIBIBYTES: Final = 8_192
_SETTINGS: Final = (
    # A copy that fails is thrown away, and one that is whole is synced once.
    "PRAGMA main.journal_mode = OFF",
    "PRAGMA main.synchronous = OFF",
    f"PRAGMA main.cache_size = -{_CACHE_KIBIBYTES}",
    "PRAGMA cell_size_check = ON",
)
_PAGE: Final = (
    "INSERT INTO main.events SELECT * FROM source.events WHERE seq > (SELECT coalesce(max(seq), 0) FROM main.events)"
    " ORDER BY seq LIMIT ?"
)
_REST: Final = (
    "INSERT INTO main.events SELECT * FROM source.events WHERE seq > (SELECT coalesce(max(seq), 0) FROM main.events)"
    " ORDER BY seq"
)
_SCHEMA: Final = (
    "SELECT type, name, sql FROM source.sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    " ORDER BY rowid"
)
_EXTENT: Final = "SELECT count(*), min(seq), max(seq) FROM main.events"
_STAGES: Final = {"index": "indexes", "view": "views", "trigger": "triggers"}
"""What is made once the rows are there, and how that is told."""

Progress = Callable[[str, int, int], None]
"""Is told what is being done, how far it is, and of how much."""


class Copied(NamedTuple):
    """What a copy holds: events, the positions of the first and the last (None without any), and its bytes."""

    events: int
    first_seq: int | None
    last_seq: int | None
    size: int


class LogCopy:
    """One copy of a log into a new file. It stands in nobody's way: the source is only ever read.

    Whatever else runs goes on: `run` takes as long as it takes and belongs on a thread of its own, from any other
    `stop` ends it.
    """

    def __init__(
        self,
        source: Path,
        *,
        settle: Callable[[sqlite3.Connection], None] = lambda _: None,
        progress: Progress = lambda *_: None,
        clock: Clock | None = None,
    ) -> None:
        """`settle` may change what was copied before it is checked."""
        self._source = source.resolve()
        self._target = self._source
        self._settle = settle
        self._progress = progress
        self._clock = clock or SystemClock()
        self._connection: sqlite3.Connection | None = None
        self._guard = threading.Lock()
        self._stopped = False
        self._written: _Written

    def run(self, target: Path) -> Copied:
        """Copy into an empty file, check and sync it.

        Raises CopyError, and DamagedError where the source cannot be read to its end.
        """
        self._target = target
        try:
            return self._run()
        except sqlite3.Error as error:
            raise self._explained(error) from None
        except OSError as error:
            raise CopyError(f"{self._target} cannot be written ({error.strerror})") from None

    def stop(self) -> None:
        """Give up: `run` raises as soon as it can."""
        with self._guard:
            self._stopped = True
            if self._connection is not None:
                self._connection.interrupt()

    def needed(self) -> int:
        """About how many bytes the copy will have. Raises CopyError, DamagedError."""
        try:
            connection = sqlite3.connect(f"{self._source.as_uri()}?mode=ro", uri=True, isolation_level=None)
            try:
                pages, free, size = (
                    int(connection.execute(f"PRAGMA {name}").fetchone()[0])
                    for name in ("page_count", "freelist_count", "page_size")
                )
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise self._explained(error) from None
        return (pages - free) * size

    def _run(self) -> Copied:
        connection = sqlite3.connect(
            f"{self._target.as_uri()}?mode=rw&nolock=1", uri=True, isolation_level=None, check_same_thread=False
        )
        descriptor = os.open(self._target, os.O_RDONLY)
        self._written = _Written(descriptor)
        with self._guard:
            self._connection = connection
        try:
            connection.execute("ATTACH ? AS source", (f"{self._source.as_uri()}?mode=ro",))
            self._require_log(connection)
            copied = self._fill(connection)
        finally:
            with self._guard:
                self._connection = None
                connection.close()
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return copied._replace(size=self._target.stat().st_size)

    def _require_log(self, connection: sqlite3.Connection) -> None:
        if _pragma(connection, "source.application_id") != APPLICATION_ID:
            raise CopyError(f"{self._source} is no event log of godtui")

    def _fill(self, connection: sqlite3.Connection) -> Copied:
        for setting in _SETTINGS:
            connection.execute(setting)
        for mark in ("page_size", "application_id", "user_version"):
            connection.execute(f"PRAGMA main.{mark} = {_pragma(connection, f'source.{mark}')}")
        layout = _pragma(connection, "source.schema_version")
        schema = connection.execute(_SCHEMA).fetchall()
        tables = [name for kind, name, _ in schema if kind == "table"]
        if "events" not in tables:
            raise CopyError(f"{self._source} is a log that never held anything")
        for sql in (sql for kind, _, sql in schema if kind == "table"):
            connection.execute(sql)
        self._copy_events(connection)
        lowest = self._copy_rest(connection, [name for name in tables if name != "events"], layout)
        connection.execute("DELETE FROM main.events WHERE ?1 IS NULL OR seq < ?1", (lowest,))
        connection.execute("DETACH source")
        for kind in _STAGES:
            self._create(connection, schema, kind)
        self._settle(connection)
        self._progress("checking", 0, 1)
        faults = [str(row[0]) for row in connection.execute(f"PRAGMA main.quick_check({MAX_FAULTS})")]
        if faults != ["ok"]:
            raise CopyError(f"the copy is not sound, so it was thrown away ({faults[0]})")
        self._progress("checking", 1, 1)
        events, first, last = connection.execute(_EXTENT).fetchone()
        return Copied(events, first, last, 0)

    def _copy_events(self, connection: sqlite3.Connection) -> None:
        """Page by page, each a read of its own, until the end is near."""
        first, last = connection.execute("SELECT min(seq) FROM source.events").fetchone()[0] or 0, 0
        size = FIRST_PAGE_EVENTS
        while not self._stopped:
            started = self._clock.monotonic()
            taken = connection.execute(_PAGE, (size,)).rowcount
            seconds = self._clock.monotonic() - started
            last = connection.execute("SELECT max(seq) FROM source.events").fetchone()[0] or last
            reached = connection.execute("SELECT max(seq) FROM main.events").fetchone()[0] or 0
            self._written.sync()
            self._progress("events", max(reached - first, 0), max(last - first, 1))
            if taken < size:
                return
            if seconds < PAGE_SECONDS / 2:
                size = min(size * 2, LAST_PAGE_EVENTS)
            elif seconds > PAGE_SECONDS * 2:
                size = max(size // 2, 1)
        raise _stopped()

    def _copy_rest(self, connection: sqlite3.Connection, tables: list[str], layout: int) -> int | None:
        """Everything as it is at one moment; the lowest position that is still stored then, None without any."""
        connection.execute("BEGIN")
        if _pragma(connection, "source.schema_version") != layout:
            raise CopyError(f"{self._source} was changed to another version meanwhile; begin again")
        connection.execute(_REST)
        for number, name in enumerate(tables):
            self._progress("tables", number, len(tables))
            connection.execute(f"INSERT INTO main.{_quoted(name)} SELECT * FROM source.{_quoted(name)}")  # noqa: S608
        connection.execute("DELETE FROM main.sqlite_sequence")
        connection.execute("INSERT INTO main.sqlite_sequence SELECT * FROM source.sqlite_sequence")
        lowest: int | None = connection.execute("SELECT min(seq) FROM source.events").fetchone()[0]
        connection.execute("COMMIT")
        return lowest

    def _create(self, connection: sqlite3.Connection, schema: list[tuple[str, str, str]], kind: str) -> None:
        wanted = [sql for each, _, sql in schema if each == kind]
        for number, sql in enumerate(wanted):
            if self._stopped:
                raise _stopped()
            self._progress(_STAGES[kind], number, len(wanted))
            connection.execute(sql)
            self._written.sync()

    def _explained(self, error: sqlite3.Error) -> CopyError | DamagedError:
        code = getattr(error, "sqlite_errorcode", None)
        if self._stopped or code == sqlite3.SQLITE_INTERRUPT:
            return _stopped()
        if is_damage(error):
            return DamagedError(
                f"{self._source} is damaged ({error}), so no copy was made; godtui salvage saves what can be read of"
                " the log in a data directory"
            )
        if code == sqlite3.SQLITE_FULL:
            return CopyError(f"there is no room for {self._target.name} in {self._target.parent}; free some and repeat")
        if code == sqlite3.SQLITE_CANTOPEN and not self._source.is_file():
            return CopyError(f"{self._source} is not there")
        return CopyError(f"{self._source} cannot be copied ({error})")


class _Written:
    """What is written goes to disk bit by bit: much of it at once would keep the log's own commits waiting."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._synced = 0

    def sync(self) -> None:
        """Wait for the disk once enough was written. Raises OSError."""
        size = os.fstat(self._descriptor).st_size
        if size - self._synced >= SYNC_BYTES:
            os.fsync(self._descriptor)
            self._synced = size


def _stopped() -> CopyError:
    return CopyError("stopped before it was whole; nothing is left of it")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
