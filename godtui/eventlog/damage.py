"""What is wrong with a log's file, where, and what to do about it."""

from __future__ import annotations

import re
import sqlite3
import stat
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from godtui.eventlog.errors import DamagedError, DataDirectoryError, is_damage
from godtui.eventlog.frames import HEADER_BYTES, fault_of, has_unsaved_frames, recovered_frames

CHECK_SECONDS: Final = 2.0
"""How long a file is searched for its damage."""
ADVICE: Final = (
    "nothing was changed; godtui salvage saves what can still be read, or move the file away and restore a backup, or "
    "name another --data-dir"
)

_MAGIC: Final = b"SQLite format 3\0"
_SIZE_OFFSET: Final = 28
_INSTRUCTIONS: Final = 1000
_LARGEST: Final = "events"
"""What is checked last."""
_NUMBER: Final = re.compile(r"\d+")
_ROOTS: Final = "SELECT rootpage, type, name FROM sqlite_master WHERE rootpage > 0"

_Roots = Mapping[int, tuple[str, str]]
"""Kind and name of what begins on a page."""


class Finding(NamedTuple):
    """What a check found: `text` says what and where; `sound` is None where time was up before anything was found."""

    sound: bool | None
    text: str


def examine(path: Path, seconds: float = CHECK_SECONDS) -> Finding:
    """Look for the damage in a log's file for so many seconds, table by table, by SQLite alone and reading only."""
    deadline = time.monotonic() + seconds
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _INSTRUCTIONS)
            roots = _roots(connection)
            if roots is None:
                return Finding(False, "its list of tables, which begins on page 1, cannot be read")
            tables = [name for kind, name in roots.values() if kind == "table"]
            for table in sorted(tables, key=lambda name: name == _LARGEST):
                fault = _fault_of(connection, table, roots)
                if fault is not None:
                    return Finding(False, fault)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            return Finding(None, f"where, a check of {seconds:g} s did not find")
        return Finding(False, str(error))
    return Finding(True, "")


def damaged(path: Path, error: BaseException) -> DamagedError:
    """The error that says what and where, after SQLite said its own of a file that nothing in this process has open."""
    said = _header_fault(path) or examine(path).text or "a check of the whole file finds nothing more"
    return DamagedError(f"{path} is damaged ({error}; {said}); {ADVICE}")


def damage_found(path: Path, error: BaseException) -> str | None:
    """The same of a file that is open here, None where a check of all of it finds it sound after all."""
    found = examine(path)
    if found.sound:
        return None
    return (
        f"{path} is damaged ({error}; {found.text}), so nothing is written to it any more; end this godtui, then "
        "godtui salvage saves what can still be read, or move the file away and restore a backup"
    )


def require_intact(path: Path) -> None:
    """Before a log is opened: refuse what SQLite would silently take for an empty or a shorter one.

    Raises DamagedError, and DataDirectoryError where no file can be there.
    """
    wal, index = path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
    try:
        found = path.stat()
    except FileNotFoundError:
        if _size(wal):
            raise DamagedError(
                f"{path} is gone, while its write-ahead log {wal.name} is there; put the file back, or move {wal.name}"
                " away and restore a backup"
            ) from None
        return
    except OSError:
        return  # opening it says it better
    if not stat.S_ISREG(found.st_mode):
        raise DataDirectoryError(f"{path} is not a file; move it away or name another --data-dir")
    if found.st_size == 0:
        raise DamagedError(
            f"{path} is empty (0 bytes), which a log never is; remove it, then restore a backup or begin anew"
        )
    if not wal.exists() and _has_lost_commits(index):
        raise DamagedError(
            f"{wal} is gone, and with it what was stored last before godtui was ended; put it back, or have godtui "
            "salvage go on with what is left"
        )
    if _size(wal) > HEADER_BYTES:
        _require_frames(path, wal, index)


def _require_frames(path: Path, wal: Path, index: Path) -> None:
    """Let SQLite take what it can of the write-ahead log, and see whether that is all."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        # Not before it is closed: closing another descriptor of these files drops this process's locks on them.
        fault = fault_of(wal, recovered_frames(index))
    except (sqlite3.Error, OSError):
        return  # opening it for writing says it better
    if fault is not None:
        raise DamagedError(f"{wal} is damaged ({fault}), so what was stored last cannot be read; {ADVICE}")


def _has_lost_commits(index: Path) -> bool:
    try:
        return has_unsaved_frames(index)
    except OSError:
        return False


def _header_fault(path: Path) -> str | None:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    if header[:16] != _MAGIC:
        return f"its first page is not that of an SQLite database, of {size:,} bytes"
    page_size = int.from_bytes(header[16:18])
    whole = int.from_bytes(header[_SIZE_OFFSET : _SIZE_OFFSET + 4]) * (65536 if page_size == 1 else page_size)
    if size < whole and not _size(path.with_name(path.name + "-wal")):
        return f"it was cut short: {size:,} bytes of {whole:,}"
    return None


def _roots(connection: sqlite3.Connection) -> _Roots | None:
    """Tables and indexes by the numbers of their first pages, None where not even those can be read."""
    try:
        return {root: (kind, name) for root, kind, name in connection.execute(_ROOTS)}
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return None
        raise


def _fault_of(connection: sqlite3.Connection, table: str, roots: _Roots) -> str | None:
    """What is wrong with a table and its indexes."""
    try:
        found = [str(row[0]) for row in connection.execute(f'PRAGMA quick_check("{table}")')]
    except sqlite3.DatabaseError as error:
        if is_damage(error):
            return f"table {table}: {error}"
        raise
    if found == ["ok"]:
        return None
    lines = [line for fault in found for line in fault.splitlines() if line and not line.startswith("***")]
    # The first number is that of the tree's first page, or of the page itself.
    number = _NUMBER.search(lines[0])
    kind, name = roots.get(int(number[0]), ("", "")) if number else ("", "")
    place = f"index {name} of table {table}" if kind == "index" else f"table {table}"
    return f"{place}: {lines[0]}" + (f", and {len(lines) - 1} more faults" if len(lines) > 1 else "")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
