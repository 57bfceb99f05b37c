"""Reading the log beside its writer: connections that can neither write nor checkpoint."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

import aiosqlite

from godtui.clock import Clock
from godtui.eventlog.errors import LogUnavailableError, is_damage, is_disk_fault

CONNECTIONS: Final = 2
INTERRUPT_SECONDS: Final = 0.02

_REFUSED: Final = (ValueError, OverflowError, sqlite3.InterfaceError, sqlite3.ProgrammingError)

Rows = list[tuple[Any, ...]]


class Readers:
    """A few read-only connections; one statement at a time on each, so no read transaction outlives its page."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        connections: int = CONNECTIONS,
        on_damage: Callable[[sqlite3.Error], None] = lambda _: None,
    ) -> None:
        """`on_damage` is told of an error that says that the file is broken."""
        self._uri = f"{path.as_uri()}?mode=ro"
        self._clock = clock
        self._limit = connections
        self._turns = asyncio.Semaphore(connections)
        self._free = [Reader(self._uri, on_damage) for _ in range(connections)]
        self._running: dict[Reader, tuple[float, str]] = {}
        self._closed = False

    async def rows(self, statement: str, parameters: Sequence[Any] = (), *, purpose: str) -> Rows:
        """Run one SELECT and return all its rows.

        Raises LogUnavailableError where the file cannot be read, ValueError or OverflowError on parameters that SQLite
        does not take.
        """
        async with self._turns:
            if self._closed:
                raise LogUnavailableError("the log is closed")
            reader = self._free.pop()
            self._running[reader] = (self._clock.monotonic(), purpose)
            try:
                return await reader.rows(statement, parameters)
            finally:
                del self._running[reader]
                self._free.append(reader)

    def oldest(self) -> tuple[float, str] | None:
        """How many seconds the oldest running read has taken, and what it is for; from any thread."""
        running = list(self._running.values())
        if not running:
            return None
        since, purpose = min(running)
        return self._clock.monotonic() - since, purpose

    async def close(self) -> None:
        """Refuse new reads, wait for those that run, and close every connection."""
        self._closed = True
        for _ in range(self._limit):
            await self._turns.acquire()
        for reader in self._free:
            await reader.close()
        for _ in range(self._limit):
            self._turns.release()


class Reader:
    """One connection, opened when it is first needed and again after the file failed."""

    def __init__(self, uri: str, on_damage: Callable[[sqlite3.Error], None] = lambda _: None) -> None:
        self._uri = uri
        self._on_damage = on_damage
        self._connection: aiosqlite.Connection | None = None

    async def rows(self, statement: str, parameters: Sequence[Any]) -> Rows:
        """Run one statement. Cancelled, it is interrupted and its end awaited: nobody inherits a busy connection."""
        try:
            found: Rows = await self._uncancelled(self._fetch(statement, parameters))
        except sqlite3.Error as error:
            if _is_mistaken(error):
                raise ValueError(f"the query cannot be run: {error.__context__ or error}") from error
            if is_disk_fault(error):
                await self._uncancelled(self.close())
            if is_damage(error):
                self._on_damage(error)
            raise LogUnavailableError(f"the log cannot be read: {error}") from error
        return found

    async def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _uncancelled(self, work: Coroutine[Any, Any, Any]) -> Any:
        task = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            while not task.done():
                # Again and again: the statement may not have begun when it was first interrupted.
                if self._connection is not None:
                    await self._connection.interrupt()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([task], timeout=INTERRUPT_SECONDS)
            if not task.cancelled():
                task.exception()
            raise

    async def _fetch(self, statement: str, parameters: Sequence[Any]) -> Rows:
        if self._connection is None:
            # `query_only` alone would let a reader checkpoint, and the last to close remove the WAL.
            connection = await aiosqlite.connect(self._uri, uri=True)
            self._connection = connection
            await connection.execute_fetchall("PRAGMA query_only = ON")
        return list(await self._connection.execute_fetchall(statement, parameters))  # type: ignore[arg-type]


def _is_mistaken(error: sqlite3.Error) -> bool:
    """Whether a parameter was refused; sqlite3 may hide that behind whatever error the connection met before."""
    return isinstance(error, _REFUSED) or isinstance(error.__context__, _REFUSED)
