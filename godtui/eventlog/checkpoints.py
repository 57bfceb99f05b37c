"""Moving the write-ahead log into the file, between commits and as far as readers allow."""

from __future__ import annotations

import logging
import os
import sqlite3
from typing import Final

from godtui.clock import Clock
from godtui.eventlog.database import WAL_BYTES_KEPT, identity

RETRY_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


class Checkpoints:
    """Watches the size of the WAL; the writer's connection is the only one that ever checkpoints."""

    def __init__(self, path: str, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._file: tuple[int, int] | None = None
        self._next_bytes = WAL_BYTES_KEPT
        self._last = 0.0
        self.wal_bytes = 0

    def opened(self) -> None:
        """The writer has a new connection, and with it perhaps a new WAL."""
        self._file = identity(self._path)
        self._next_bytes = WAL_BYTES_KEPT

    def in_place(self) -> bool:
        """Whether the WAL that is written is still the one at its path."""
        return identity(self._path) == self._file

    def after_commit(self, connection: sqlite3.Connection) -> None:
        """Checkpoint where the WAL has outgrown what is kept of it."""
        try:
            self.wal_bytes = os.stat(self._path).st_size  # noqa: PTH116 - once a commit
        except OSError:
            return
        if self.wal_bytes <= WAL_BYTES_KEPT:
            # It was begun anew, and cut: the frames beyond are in the file.
            self._next_bytes = WAL_BYTES_KEPT
            return
        now = self._clock.monotonic()
        if self.wal_bytes <= self._next_bytes and now - self._last < RETRY_SECONDS:
            return
        # While a reader holds frames back, try again when as much was added, or when it may have gone.
        self._next_bytes = self.wal_bytes + WAL_BYTES_KEPT
        self._last = now
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            logger.warning("the write-ahead log could not be moved into the file: %s", error)
