"""What can be wrong with the log or its directory."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

_DISK_CODES: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
_DAMAGE_CODES: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class LogUnavailableError(Exception):
    """The log cannot be written or read now; the message says why. What was being written may or may not be kept."""


class PoisonError(Exception):
    """What was to be appended cannot be stored at all: nothing of it was, everything beside it in the commit was.

    `positions` are the indexes of the records that SQLite refuses; without them, the rest can be appended.
    """

    def __init__(self, message: str, positions: Sequence[int] = ()) -> None:
        super().__init__(message)
        self.positions = tuple(positions)


class DataDirectoryError(Exception):
    """The data directory cannot be used by this program; the message says what to do."""


class DamagedError(DataDirectoryError):
    """A log's file is broken; the message says what is known of where, and what to do."""


class CopyError(Exception):
    """No copy of a log could be made; the message says why and what to do. Nothing is left of it."""


class OwnedError(DataDirectoryError):
    """Another living process owns the data directory; `owner` is what that process said of itself."""

    def __init__(self, message: str, owner: dict[str, object]) -> None:
        super().__init__(message)
        self.owner = owner


def is_disk_fault(error: BaseException) -> bool:
    """Whether the file or its disk failed, as against a statement that is wrong in itself."""
    return _primary_code(error) in _DISK_CODES


def is_damage(error: BaseException) -> bool:
    """Whether the file is no SQLite database, or a broken one: waiting will not mend it."""
    return _primary_code(error) in _DAMAGE_CODES


def _primary_code(error: BaseException) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None
