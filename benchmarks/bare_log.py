"""The least that a durable log can be: a table without indexes, a thread, group commit."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

MAX_ROWS_A_STATEMENT = 512


class _Job(NamedTuple):
    bodies: Sequence[bytes]
    written: asyncio.Future[None]


def open_bare(path: Path) -> sqlite3.Connection:
    """A durable connection to a table of bodies."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=1024)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    return connection


class BareLog:
    """`append` answers when the commit that took its bodies is on disk; for one loop."""

    def __init__(self, path: Path) -> None:
        self._connection = open_bare(path)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    async def append(self, bodies: Sequence[bytes]) -> None:
        written = self._loop.create_future()
        self._jobs.put(_Job(bodies, written))
        await written

    def close(self) -> None:
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        running = True
        while running:
            taken = [self._jobs.get()]
            while not self._jobs.empty():
                taken.append(self._jobs.get_nowait())
            running = None not in taken
            jobs = [job for job in taken if job is not None]
            if jobs:
                self._write([body for job in jobs for body in job.bodies])
                self._loop.call_soon_threadsafe(_settle, jobs)

    def _write(self, bodies: list[bytes]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for start in range(0, len(bodies), MAX_ROWS_A_STATEMENT):
            chunk = bodies[start : start + MAX_ROWS_A_STATEMENT]
            marks = ", ".join(["(?)"] * len(chunk))
            self._connection.execute(f"INSERT INTO events (body) VALUES {marks}", chunk)
        self._connection.execute("COMMIT")


def _settle(jobs: list[_Job]) -> None:
    for job in jobs:
        if not job.written.done():
            job.written.set_result(None)
