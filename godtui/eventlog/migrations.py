"""The log's file carries every room's tables; each room brings its own migrations, numbered from 1."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from godtui.eventlog.errors import DataDirectoryError


class Migrations(NamedTuple):
    """A room's name and its scripts in order; a script that has shipped is never edited."""

    room: str
    scripts: tuple[str, ...]


EVENTS = Migrations(
    "eventlog",
    (
        """
        CREATE TABLE types (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE sources (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE events (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            stored_at INTEGER NOT NULL,
            event_id BLOB NOT NULL CHECK (length(event_id) = 16),
            type_id INTEGER NOT NULL,
            source_id INTEGER NOT NULL,
            correlation_id BLOB CHECK (length(correlation_id) = 16),
            time INTEGER NOT NULL,
            violations BLOB,
            headers BLOB,
            body BLOB NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX events_by_id ON events (event_id);
        CREATE INDEX events_by_type ON events (type_id);
        CREATE INDEX events_by_source ON events (source_id);
        CREATE INDEX events_by_time ON events (time);
        -- A chain's first event carries its own id as correlation; events_by_id finds it.
        CREATE INDEX events_by_correlation ON events (correlation_id) WHERE correlation_id <> event_id;
        CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE retention (floor INTEGER NOT NULL) STRICT;
        INSERT INTO retention VALUES (0);
        CREATE TRIGGER events_never_change BEFORE UPDATE ON events
            BEGIN SELECT RAISE(ABORT, 'stored events never change'); END;
        CREATE TRIGGER events_never_vanish BEFORE DELETE ON events
            WHEN OLD.seq >= (SELECT floor FROM retention)
            BEGIN SELECT RAISE(ABORT, 'only events below the retention floor may be deleted'); END;
        CREATE VIEW stored_events AS
            SELECT e.seq, e.stored_at, e.event_id, t.name AS event_type, s.name AS source, e.correlation_id, e.time,
                   e.violations, e.headers, e.body, e.type_id, e.source_id
            FROM events e JOIN types t ON t.id = e.type_id JOIN sources s ON s.id = e.source_id;
        """,
        """
        -- Ids of events that retention cut. They are forgotten by walking along them, so that no index is needed.
        CREATE TABLE cut_ids (
            event_id BLOB PRIMARY KEY CHECK (length(event_id) = 16),
            cut_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        -- Positions whose events were imported: history, which is handed to nobody.
        CREATE TABLE imported (first_seq INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL) STRICT;
        CREATE UNIQUE INDEX imported_by_end ON imported (last_seq);
        -- What was cut since that was last told.
        ALTER TABLE retention ADD COLUMN untold_first INTEGER;
        ALTER TABLE retention ADD COLUMN untold_count INTEGER NOT NULL DEFAULT 0;
        -- One floor, which only rises: without it, or with another beside it, nothing may be deleted.
        DROP TRIGGER events_never_vanish;
        CREATE TRIGGER events_never_vanish BEFORE DELETE ON events
            WHEN OLD.seq >= coalesce((SELECT min(floor) FROM retention), 0)
            BEGIN SELECT RAISE(ABORT, 'only events below the retention floor may be deleted'); END;
        CREATE TRIGGER retention_stays BEFORE DELETE ON retention
            BEGIN SELECT RAISE(ABORT, 'the retention floor stays'); END;
        CREATE TRIGGER retention_is_one BEFORE INSERT ON retention
            BEGIN SELECT RAISE(ABORT, 'there is one retention floor'); END;
        CREATE TRIGGER retention_only_rises BEFORE UPDATE OF floor ON retention WHEN NEW.floor < OLD.floor
            BEGIN SELECT RAISE(ABORT, 'the retention floor only rises'); END;
        """,
        """
        -- Every append paid for it; whoever asks by source is led by the search file.
        DROP INDEX events_by_source;
        """,
        """
        -- As that of sources.
        DROP INDEX events_by_type;
        """,
    ),
)

COLUMNS = "seq, stored_at, event_id, event_type, source, correlation_id, time, violations, headers, body"
"""The columns of `stored_events` in the order of StoredEvent's fields."""


def migrate(connection: sqlite3.Connection, rooms: Iterable[Migrations]) -> None:
    """Bring every room's tables to its newest version, each step whole or not at all.

    Raises DataDirectoryError where the file was written by a newer program.
    """
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_versions (room TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT"
    )
    for room, scripts in rooms:
        for number in range(known_version(connection, room, scripts), len(scripts)):
            _apply(connection, room, number + 1, scripts[number])


def known_version(connection: sqlite3.Connection, room: str, scripts: Sequence[str]) -> int:
    """The version of a room's tables. Raises DataDirectoryError where that is newer than its scripts."""
    row = connection.execute("SELECT version FROM schema_versions WHERE room = ?", (room,)).fetchone()
    version: int = row[0] if row else 0
    if version > len(scripts):
        raise DataDirectoryError(
            f"the log's {room} tables are version {version}, this godtui knows {len(scripts)}; use a newer godtui"
        )
    return version


def _apply(connection: sqlite3.Connection, room: str, version: int, script: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(script):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO schema_versions VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET version = excluded.version",
            (room, version),
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterable[str]:
    """The statements one by one: `executescript` would commit on its own."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
