"""A damaged log replaced by what can be read of it, the damaged one kept aside."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from godtui.candystore.backup import forget_search, settle_restored
from godtui.clock import Clock, SystemClock
from godtui.eventlog import (
    FILE_NAME,
    CopyError,
    DataDirectoryError,
    Migrations,
    Progress,
    Salvage,
    Saved,
    examine,
    placed,
    require_intact,
    require_room,
)

ASIDE: Final = ".damaged-"

_RECOUNT: Final = (
    "DELETE FROM tallies",
    "DELETE FROM tallied",
    "INSERT INTO tallied (counted_to, version) VALUES (0, 0)",
)


class Salvaged(NamedTuple):
    """What was saved, and where the damaged log is now."""

    saved: Saved
    aside: Path


class Salvaging:
    """The salvage of a data directory's log, for the directory's owner.

    `run` belongs on a thread of its own, from any other `stop` ends it; what was there stays until all is done.
    """

    def __init__(
        self,
        directory: Path,
        rooms: Sequence[Migrations],
        *,
        force: bool,
        progress: Progress,
        clock: Clock | None = None,
    ) -> None:
        """With `force` a log that a check finds sound is salvaged as well."""
        self._path = directory.resolve() / FILE_NAME
        self._force = force
        self._progress = progress
        self._clock = clock or SystemClock()
        self._salvage = Salvage(self._path, rooms, settle=_settle, progress=progress)

    def run(self) -> Salvaged:
        """Write a new log, then put it in the place of the damaged one. Raises CopyError, DataDirectoryError."""
        if not self._path.is_file() or not self._path.stat().st_size:
            raise CopyError(f"{self._path} holds nothing to salvage; restore a backup")
        if not self._force and self._is_sound():
            raise CopyError(f"a check finds {self._path} sound; salvage it all the same with --force")
        require_room(self._path.parent, self._path.stat().st_size)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock.now() / 1_000_000))
        aside = self._path.with_name(f"{FILE_NAME}{ASIDE}{stamp}")
        if aside.exists():
            raise CopyError(f"{aside} is there already; repeat in a second")
        with placed(self._path, replace=True) as partial:
            saved = self._salvage.run(partial)
            forget_search(self._path.parent)
            self._keep_aside(aside)
        with suppress(OSError):
            _beside(self._path, "-shm").rename(_beside(aside, "-shm"))
        return Salvaged(saved, aside)

    def stop(self) -> None:
        """Give up: `run` raises as soon as it can; everything is where it was."""
        self._salvage.stop()

    def _is_sound(self) -> bool:
        self._progress("looking for the damage", 0, 1)
        try:
            require_intact(self._path)
        except DataDirectoryError:
            return False
        return examine(self._path, seconds=float("inf")).sound is True

    def _keep_aside(self, aside: Path) -> None:
        """Give the damaged file a second name, and its write-ahead log, which must not meet the new one, another.

        The first name is never free, so that no start finds an empty directory.
        """
        try:
            os.link(self._path, aside)
            with suppress(FileNotFoundError):
                _beside(self._path, "-wal").rename(_beside(aside, "-wal"))
        except OSError as error:
            raise CopyError(f"{aside} cannot be made ({error.strerror}); the damaged log is where it was") from None


def _settle(connection: sqlite3.Connection) -> None:
    """As for one that is restored; and what is counted is counted anew, since events may be lost."""
    settle_restored(connection)
    if connection.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('tallies', 'tallied')").fetchone()[0] == 2:
        for statement in _RECOUNT:
            connection.execute(statement)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
