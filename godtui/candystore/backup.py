"""The memory in one file, taken while it is written, and put back into an empty data directory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from godtui import __version__
from godtui.candystore.search import FILE_NAME as SEARCH
from godtui.candystore.tenure import IDENTITY
from godtui.clock import Clock, SystemClock
from godtui.eventlog import (
    APPLICATION_ID,
    BUS_NOTE,
    FILE_NAME,
    Copied,
    CopyError,
    DamagedError,
    DataDirectoryError,
    LogCopy,
    Migrations,
    Progress,
    belonging,
    is_damage,
    known_version,
    placed,
    require_place,
    require_room,
    write_note,
)
from godtui.settings import BusIdentity

MARK: Final = "backup"
"""Where, in the log's `meta`, a backup says when and of what it was taken, as JSON."""

_KEEP_MARK: Final = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"
_MARK: Final = "SELECT value FROM meta WHERE key = ?"
_DROP_MARK: Final = "DELETE FROM meta WHERE key = ?"
_FORGET_IDENTITY: Final = "DELETE FROM positions WHERE name = ?"
_PAUSE_REPLAYS: Final = "UPDATE replays SET state = 'paused' WHERE state = 'running'"


class Backup:
    """One backup of a data directory's log. `run` belongs on a thread of its own, from any other `stop` ends it."""

    def __init__(
        self, directory: Path, file: Path, *, replace: bool, progress: Progress, clock: Clock | None = None
    ) -> None:
        """Raises CopyError where the file cannot, or may not, be made."""
        self._directory = directory.resolve()
        self._file = file.resolve()
        self._replace = replace
        self._clock = clock or SystemClock()
        self._copy = LogCopy(self._directory / FILE_NAME, settle=self._mark, progress=progress)
        if self._file.parent == self._directory:
            raise CopyError(f"{file} is in the data directory itself, and would be lost with it; name another place")
        require_place(self._file, replace=replace)

    def run(self) -> Copied:
        """Write the file, whole or not at all. Raises CopyError, DamagedError."""
        if not (self._directory / FILE_NAME).exists():
            raise CopyError(f"there is no event log in {self._directory}; name its directory with --data-dir")
        require_room(self._file.parent, self._copy.needed())
        with placed(self._file, replace=self._replace) as partial:
            return self._copy.run(partial)

    def stop(self) -> None:
        """Give up: `run` raises as soon as it can, and leaves nothing behind."""
        self._copy.stop()

    def _mark(self, connection: sqlite3.Connection) -> None:
        try:
            bus = belonging(self._directory)
        except (OSError, ValueError, RecursionError):  # a note that cannot be read is no reason to have no backup
            bus = None
        mark = {
            "taken_at": self._clock.now(),
            "godtui": __version__,
            "bus": None if bus is None else bus.document(),
        }
        connection.execute(_KEEP_MARK, (MARK, json.dumps(mark)))


class Restoration:
    """A backup put into a data directory that has no log, for the directory's owner; used like `Backup`.

    What is restored is of another moment: replays that ran are paused, and the log no longer passes for the one that
    was written last, so that instances on a broker see the hole behind the backup. The search file, which is made from
    the log, is removed.
    """

    def __init__(self, file: Path, directory: Path, rooms: Sequence[Migrations], *, progress: Progress) -> None:
        self._file = file.resolve()
        self._directory = directory.resolve()
        self._rooms = rooms
        self._copy = LogCopy(self._file, settle=settle_restored, progress=progress)

    def run(self) -> Copied:
        """Check the file and copy it. Raises CopyError, DamagedError, and DataDirectoryError where a log is there."""
        self._require_empty()
        bus = self._inspect()
        require_room(self._directory, self._copy.needed())
        with placed(self._directory / FILE_NAME) as partial:
            copied = self._copy.run(partial)
            forget_search(self._directory)
            if bus is not None and not write_note(self._directory / BUS_NOTE, bus.document(), lasting=True):
                raise CopyError(f"{self._directory / BUS_NOTE} cannot be written; free space or fix its permissions")
        return copied

    def stop(self) -> None:
        """Give up: `run` raises as soon as it can, and leaves nothing behind."""
        self._copy.stop()

    def _require_empty(self) -> None:
        for name in (FILE_NAME, f"{FILE_NAME}-wal"):
            if (self._directory / name).exists():
                raise DataDirectoryError(
                    f"{self._directory} has a log already ({name}); move {FILE_NAME} away together with {FILE_NAME}-wal"
                    f" and {FILE_NAME}-shm, or name another --data-dir"
                )

    def _inspect(self) -> BusIdentity | None:
        """Which bus the backup's log belongs to, None where the directory says that itself, or nobody knows."""
        if not self._file.is_file():
            raise CopyError(f"{self._file} is not there; name a file that godtui backup wrote")
        try:
            with closing(sqlite3.connect(f"{self._file.as_uri()}?mode=ro", uri=True, isolation_level=None)) as opened:
                if opened.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                    raise CopyError(f"{self._file} is no event log of godtui; name a file that godtui backup wrote")
                for room, scripts in self._rooms:
                    known_version(opened, room, scripts)
                row = opened.execute(_MARK, (MARK,)).fetchone()
        except sqlite3.Error as error:
            if is_damage(error):
                raise DamagedError(f"{self._file} is damaged ({error}); restore an older backup") from None
            raise CopyError(f"{self._file} cannot be read ({error})") from None
        theirs = None if row is None else _bus_of(row[0])
        return self._agreed(theirs)

    def _agreed(self, theirs: BusIdentity | None) -> BusIdentity | None:
        try:
            ours = belonging(self._directory)
        except (OSError, ValueError, RecursionError):
            ours = None
        if ours is not None and theirs is not None and not ours.is_same(theirs):
            raise DataDirectoryError(
                f"{self._directory} belongs to {ours}, the backup to {theirs}; name another --data-dir"
            )
        return theirs if ours is None or theirs is None else ours.widened(theirs)


def settle_restored(connection: sqlite3.Connection) -> None:
    """Make a log of another moment, just copied, fit to be continued."""
    connection.execute(_DROP_MARK, (MARK,))
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "positions" in tables:
        connection.execute(_FORGET_IDENTITY, (IDENTITY,))
    if "replays" in tables:
        connection.execute(_PAUSE_REPLAYS)


def forget_search(directory: Path) -> None:
    """Remove a search file of another log: it is made anew. Raises OSError."""
    for suffix in ("", "-wal", "-shm"):
        directory.joinpath(SEARCH + suffix).unlink(missing_ok=True)


def _bus_of(mark: str) -> BusIdentity | None:
    try:
        said = json.loads(mark)
        return BusIdentity.read(said["bus"])
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
