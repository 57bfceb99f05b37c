"""Reading the log beside its writer: connections that can neither write nor checkpoint."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import aiosqlite

from godtui.clock import Clock
from godtui.eventlog.errors import LogUnavailableError

CONNECTIONS: Final = 2


class Readers:
    """A few read-only connections; one statement at a time on each, so no read transaction outlives its page."""

    def __init__(self, path: Path, clock: Clock, connections: int = CONNECTIONS) -> None:
        self._path = path
        self._clock = clock
        self._limit = connections
        self._free: asyncio.LifoQueue[aiosqlite.Connection | None] | None = None
        self._open: list[aiosqlite.Connection] = []
        self._running: dict[int, tuple[float, str]] = {}
        self._next = 0

    async def rows(self, statement: str, parameters: Sequence[Any] = (), *, purpose: str) -> list[tuple[Any, ...]]:
        """Run one SELECT and return all its rows. Raises LogUnavailableError where the file cannot be read."""
        free = self._pool()
        connection = await free.get()
        self._next += 1
        ticket = self._next
        self._running[ticket] = (self._clock.monotonic(), purpose)
        try:
            connection = connection or await self._connect()
            return [tuple(row) for row in await connection.execute_fetchall(statement, parameters)]
        except sqlite3.Error as error:
            raise LogUnavailableError(f"the log cannot be read: {error}") from error
        finally:
            del self._running[ticket]
            free.put_nowait(connection)

    def oldest(self) -> tuple[float, str] | None:
        """How many seconds the oldest running read has taken, and what it is for."""
        if not self._running:
            return None
        since, purpose = min(self._running.values())
        return self._clock.monotonic() - since, purpose

    async def close(self) -> None:
        """Close every connection; reads that run are finished first."""
        while self._open:
            await self._open.pop().close()
        self._free = None

    def _pool(self) -> asyncio.LifoQueue[aiosqlite.Connection | None]:
        if self._free is None:
            self._free = asyncio.LifoQueue()
            for _ in range(self._limit):
                self._free.put_nowait(None)
        return self._free

    async def _connect(self) -> aiosqlite.Connection:
        # `query_only` alone would let a reader checkpoint, and the last to close remove the WAL.
        connection = await aiosqlite.connect(f"{self._path.as_uri()}?mode=ro", uri=True)
        await connection.execute("PRAGMA query_only = ON")
        self._open.append(connection)
        return connection
