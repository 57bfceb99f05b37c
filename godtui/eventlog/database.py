"""The log's SQLite file as its one writer opens it."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from godtui.eventlog.errors import DataDirectoryError
from godtui.eventlog.migrations import Migrations, migrate
from godtui.eventlog.notes import sync_directory

APPLICATION_ID: Final = 0x676F6474
"""Marks the file as ours (`godt`): no other program's database is ever migrated."""
WAL_BYTES_KEPT: Final = 8 * 1024 * 1024
"""The WAL is written over up to this size: a commit that does not lengthen the file syncs faster."""
OLDEST_SQLITE: Final = (3, 37, 0)

_MODE: Final = 0o600
_CACHE_KIBIBYTES: Final = 32_768
_SETTINGS: Final = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",  # on macOS a plain fsync stops at the drive's cache
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA wal_autocheckpoint = 0",
    f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT}",
    f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA secure_delete = OFF",
    "PRAGMA recursive_triggers = ON",  # or INSERT OR REPLACE would delete stored events unseen by their trigger
)

_FORBIDDEN: Final = frozenset(
    {
        sqlite3.SQLITE_ALTER_TABLE,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_DROP_INDEX,
        sqlite3.SQLITE_DROP_TABLE,
        sqlite3.SQLITE_DROP_TRIGGER,
        sqlite3.SQLITE_DROP_VIEW,
    }
)
_LASTING_SETTINGS: Final = frozenset({"recursive_triggers", "writable_schema", "synchronous", "journal_mode"})


def open_database(path: Path, rooms: Sequence[Migrations]) -> sqlite3.Connection:
    """The writing connection, every room's tables at their newest version.

    Raises sqlite3.Error, OSError, and DataDirectoryError where the file is not ours to write.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise DataDirectoryError(
            f"this Python comes with SQLite {sqlite3.sqlite_version}; use one that comes with 3.37 or newer"
        )
    _make(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        _claim(connection, path)
        if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise DataDirectoryError(f"the file system of {path} cannot hold a write-ahead log; use a local --data-dir")
        for setting in _SETTINGS:
            connection.execute(setting)
        migrate(connection, rooms)
        connection.set_authorizer(_permit)
    except BaseException:
        connection.close()
        raise
    return connection


def _permit(action: int, name: str | None, value: str | None, _database: str | None, _trigger: str | None) -> int:
    """What a statement may do once the tables are there: nothing that takes away what guards stored events."""
    if action in _FORBIDDEN:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_PRAGMA and value is not None and name in _LASTING_SETTINGS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def identity(path: str) -> tuple[int, int] | None:
    """Which file stands at a path: device and inode, or None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - twice a commit, and pathlib costs as much again
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _make(path: Path) -> None:
    """Make the file readable only by its user; SQLite gives the WAL and its index the same mode.

    It is marked as ours before it has its name: an empty file is one that lost everything.
    """
    if path.exists():
        _require_writable(path)
        return
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    try:
        os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, _MODE))
        with contextlib.closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        fresh.rename(path)
        sync_directory(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise


def _require_writable(path: Path) -> None:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        with contextlib.suppress(OSError):
            path.chmod(_MODE)
    # SQLite would open it for reading and leave an index that stays read-only when the file no longer is.
    if not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, "the file is read-only", str(path))
    with contextlib.suppress(OSError):
        path.with_name(path.name + "-shm").chmod(_MODE)


def _claim(connection: sqlite3.Connection, path: Path) -> None:
    """Mark an empty file as ours, and refuse another program's."""
    mark: int = connection.execute("PRAGMA application_id").fetchone()[0]
    if mark == APPLICATION_ID:
        return
    if mark or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise DataDirectoryError(f"{path} is another program's database; move it away or name another --data-dir")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
