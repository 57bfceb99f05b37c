"""The search file: what it holds, and how it is told from what is not one of this version."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

FILE_NAME: Final = "search.sqlite"
APPLICATION_ID: Final = 0x676F6473
"""Marks the file as ours (`gods`)."""
FORMAT: Final = 1
"""Of another format the file is made anew; raise it with every change of a table or of what is indexed."""
SEGMENT: Final = 1_000_000
"""Positions a segment: what retention has passed over goes as whole tables."""
BLOCK: Final = 2_000
"""Positions whose earliest and latest times are kept in one row."""

_MODE: Final = 0o600
_CACHE_KIBIBYTES: Final = 8_192
_CHECKPOINT_PAGES: Final = 2_000
_SETTINGS: Final = (
    # What is lost of it with the power is indexed again.
    "PRAGMA synchronous = NORMAL",
    f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}",
    f"PRAGMA journal_size_limit = {8 * 1024 * 1024}",
    f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}",
    "PRAGMA temp_store = MEMORY",
)
_TABLES: Final = (
    # The position that is indexed last, and which event stood there: the mark of the log that was indexed.
    "CREATE TABLE state (indexed INTEGER NOT NULL, event_id BLOB) STRICT",
    "INSERT INTO state VALUES (0, NULL)",
    (
        "CREATE TABLE blocks (number INTEGER PRIMARY KEY, earliest INTEGER NOT NULL, latest INTEGER NOT NULL,"
        " stored_latest INTEGER NOT NULL) STRICT"
    ),
    # A path that is no longer declared has no name until its values are removed.
    "CREATE TABLE paths (id INTEGER PRIMARY KEY, path TEXT UNIQUE, upto INTEGER NOT NULL) STRICT",
)


class UnusableError(Exception):
    """The file cannot be gone on with and has to be made anew; the message says why."""


def open_search(path: Path) -> sqlite3.Connection:
    """The writing connection. Raises UnusableError, sqlite3.Error, OSError."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _MODE))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)
    try:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            _require_format(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        for setting in _SETTINGS:
            connection.execute(setting)
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            _create(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def discard(path: Path) -> None:
    """Remove the file and what SQLite keeps beside it. Raises OSError."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def segments(connection: sqlite3.Connection) -> tuple[int, ...]:
    """The numbers of the segments that there are, in order."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE name GLOB 'words_[0-9]*' AND type = 'table'")
    numbers = (name.removeprefix("words_") for (name,) in names)
    return tuple(sorted(int(number) for number in numbers if number.isdigit()))


def add_segment(connection: sqlite3.Connection, number: int) -> None:
    """Make the tables of a segment."""
    connection.execute(
        f"CREATE VIRTUAL TABLE words_{number:d}"
        " USING fts5(text, content = '', columnsize = 0, detail = none, tokenize = 'ascii')"
    )
    connection.execute(
        f"CREATE TABLE values_{number:d} (path INTEGER, kind INTEGER, value, seq INTEGER,"
        " PRIMARY KEY (path, kind, value, seq)) WITHOUT ROWID"
    )


def drop_segment(connection: sqlite3.Connection, number: int) -> None:
    """Remove what is kept of a segment's positions."""
    connection.execute(f"DROP TABLE words_{number:d}")
    connection.execute(f"DROP TABLE values_{number:d}")
    first = number * SEGMENT // BLOCK
    connection.execute("DELETE FROM blocks WHERE number >= ? AND number < ?", (first, first + SEGMENT // BLOCK))


def _require_format(connection: sqlite3.Connection) -> None:
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if mark != APPLICATION_ID:
        raise UnusableError("it is no search file")
    if version != FORMAT:
        raise UnusableError(f"it has format {version}, this godtui writes {FORMAT}")


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")
