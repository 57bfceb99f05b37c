"""A new log of what can still be read of a damaged one."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from godtui import jsontext
from godtui.eventlog.copying import Progress
from godtui.eventlog.database import APPLICATION_ID
from godtui.eventlog.errors import CopyError
from godtui.eventlog.migrations import EVENTS, Migrations
from godtui.eventlog.wreck import Lost, Row, Table, Wreck

_SETTINGS: Final = ("PRAGMA journal_mode = MEMORY", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -8192")
_NAMES: Final = (("types", "type_id"), ("sources", "source_id"))
_ONCE: Final = "DELETE FROM events WHERE seq NOT IN (SELECT min(seq) FROM events GROUP BY event_id)"
_END: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'events'"
_KEEP_FLOOR: Final = (
    "INSERT INTO retention (floor) SELECT coalesce((SELECT min(seq) FROM events), 0)"
    " WHERE NOT EXISTS (SELECT 1 FROM retention)"
)
_KEEP_END: Final = (
    "INSERT INTO sqlite_sequence (name, seq)"
    " SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)"
)


class Saved(NamedTuple):
    """What a salvage saved, and what it lost: positions of events as stretches, tables by their names.

    `tables` says of each that lost rows how many, None where that cannot be known; `renamed` how many types and sources
    had lost their names, which events that carry them told again.
    """

    events: int
    lost_events: int
    lost: tuple[tuple[int, int], ...]
    tables: dict[str, int | None]
    renamed: int

    @property
    def whole(self) -> bool:
        """Whether nothing was lost."""
        return not self.lost and not self.tables


class Salvage:
    """Reads a damaged log and writes a sound one; used like `LogCopy`."""

    def __init__(
        self,
        source: Path,
        rooms: Sequence[Migrations],
        *,
        settle: Callable[[sqlite3.Connection], None] = lambda _: None,
        progress: Progress = lambda *_: None,
    ) -> None:
        """`settle` may change what was saved before it is checked."""
        self._source = source
        self._rooms = (EVENTS, *rooms)
        self._settle = settle
        self._progress = progress
        self._stopped = threading.Event()

    def run(self, target: Path) -> Saved:
        """Write what can be read into an empty file. Raises DamagedError where nothing can, CopyError."""
        try:
            with (
                Wreck(self._source) as wreck,
                closing(sqlite3.connect(f"{target.as_uri()}?nolock=1", uri=True, isolation_level=None)) as connection,
            ):
                saved = self._fill(wreck, connection)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                raise CopyError(f"there is no room beside {self._source}; free some and repeat") from None
            raise CopyError(f"{self._source} cannot be salvaged ({error})") from None
        except OSError as error:
            raise CopyError(f"nothing can be written beside {self._source} ({error.strerror})") from None
        descriptor = os.open(target, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return saved

    def stop(self) -> None:
        """Give up: `run` raises as soon as it can."""
        self._stopped.set()

    def _fill(self, wreck: Wreck, connection: sqlite3.Connection) -> Saved:
        for setting in _SETTINGS:
            connection.execute(setting)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {int(wreck.value('PRAGMA user_version') or 0)}")
        lost: dict[str, Lost] = {}
        for table in wreck.tables():
            connection.execute(table.sql)
            lost[table.name] = Lost()
            self._save(wreck, connection, table, lost[table.name])
        if "events" not in lost:
            raise CopyError(f"{self._source} is no event log of godtui, or has lost its events; restore a backup")
        self._keep_versions(connection, lost)
        connection.execute(_KEEP_FLOOR)
        _keep_counters(wreck, connection)
        renamed = _name_again(connection)
        self._settle(connection)
        self._finish(wreck, connection)
        events = lost.pop("events")
        tables = {name: None if each.unknown else len(each) for name, each in lost.items() if each}
        count = connection.execute("SELECT count(*) FROM events").fetchone()[0]
        return Saved(count, len(events), tuple(events.stretches), tables, renamed)

    def _save(self, wreck: Wreck, connection: sqlite3.Connection, table: Table, lost: Lost) -> None:
        last = wreck.value(_END) or 1
        for rows in wreck.rows(table, lost):
            if self._stopped.is_set():
                raise CopyError("stopped before it was done; the damaged log is where it was")
            if rows:
                _insert(connection, table.name, rows, lost)
                if table.name == "events":
                    self._progress("events", int(rows[-1][0]), int(last))

    def _keep_versions(self, connection: sqlite3.Connection, lost: dict[str, Lost]) -> None:
        """Where it is lost which version a room's tables are, they are taken for the newest."""
        if lost.get("schema_versions"):
            for room, scripts in self._rooms:
                connection.execute("INSERT OR IGNORE INTO schema_versions VALUES (?, ?)", (room, len(scripts)))

    def _finish(self, wreck: Wreck, connection: sqlite3.Connection) -> None:
        for _, name, sql in wreck.others():
            self._progress(f"making {name}", 0, 1)
            try:
                connection.execute(sql)
            except sqlite3.IntegrityError:
                # A broken page can bring the same id twice.
                connection.execute(_ONCE)
                connection.execute(sql)
        faults = [str(row[0]) for row in connection.execute("PRAGMA quick_check(1)")]
        if faults != ["ok"]:
            raise CopyError(f"what was saved is not sound, so it was thrown away ({faults[0]})")


def _insert(connection: sqlite3.Connection, name: str, rows: Sequence[Row], lost: Lost) -> None:
    statement = f'INSERT OR IGNORE INTO "{name}" VALUES ({", ".join("?" * len(rows[0]))})'  # noqa: S608
    connection.execute("BEGIN")
    for row in rows:
        try:
            connection.execute(statement, row)
        except (sqlite3.IntegrityError, sqlite3.DataError):  # what was read cannot be what was written
            lost.add(row[0]) if name == "events" else setattr(lost, "unknown", True)
    connection.execute("COMMIT")


def _keep_counters(wreck: Wreck, connection: sqlite3.Connection) -> None:
    """No number that was ever given is given again, as far as that is known."""
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'").fetchall():
        counted = wreck.value("SELECT seq FROM sqlite_sequence WHERE name = ?", name)
        if isinstance(counted, int):
            connection.execute(_KEEP_END, (name, counted))
            connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (counted, name))


def _name_again(connection: sqlite3.Connection) -> int:
    """Give types and sources that lost their rows the names that their events carry; how many."""
    renamed = 0
    for table, column in _NAMES:
        statement = (
            f"SELECT {column}, body FROM events WHERE {column} NOT IN (SELECT id FROM {table}) GROUP BY {column}"  # noqa: S608
        )
        for number, body in connection.execute(statement).fetchall():
            event_type, source = _names_in(body)
            name = event_type if table == "types" else source
            insert = f"INSERT OR IGNORE INTO {table} (id, name) VALUES (?, ?)"  # noqa: S608
            # A name that another number has already is kept apart by that number.
            if not connection.execute(insert, (number, name)).rowcount:
                connection.execute(insert, (number, f"{name} ({number})"))
            renamed += 1
    return renamed


def _names_in(body: bytes) -> tuple[str, str]:
    """Type and source as an event's own body says them."""
    try:
        said = jsontext.parse(body)
    except jsontext.JsonError:
        return "", ""
    if not isinstance(said, dict):
        return "", ""
    source = said.get("source")
    named: Any = source.get("service") or source.get("app") if isinstance(source, dict) else source
    return str(said.get("event_type") or ""), str(named or "")


def readable(path: Path, lost: Lost) -> Iterator[list[Row]]:
    """Events, as rows for StoredEvent, of a damaged log, or of one of another version, without changing anything.

    Raises DamagedError where nothing can be read, OSError.
    """
    with Wreck(path) as wreck:
        names: dict[str, dict[int, str]] = {}
        for table in wreck.tables():
            if table.name in ("types", "sources"):
                pairs = [row for rows in wreck.rows(table, Lost()) for row in rows]
                names[table.name] = {row[0]: row[1] for row in pairs}
        events = next((table for table in wreck.tables() if table.name == "events"), None)
        if events is None:
            raise CopyError(f"{path} is no event log of godtui")
        for rows in wreck.rows(events, lost):
            yield [_stored(row, names) for row in rows]


def _stored(row: Row, names: dict[str, dict[int, str]]) -> Row:
    seq, stored_at, event_id, type_id, source_id, correlation_id, time, violations, headers, body = row[:10]
    event_type, source = (
        _names_in(body) if type_id not in names["types"] or source_id not in names["sources"] else ("", "")
    )
    event_type, source = names["types"].get(type_id, event_type), names["sources"].get(source_id, source)
    return seq, stored_at, event_id, event_type, source, correlation_id, time, violations, headers, body
