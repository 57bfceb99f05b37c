"""The log's one writing thread: it takes what waits, writes it in one transaction, commits, answers."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from godtui.clock import Clock
from godtui.eventlog.errors import LogUnavailableError, PoisonError
from godtui.eventlog.tail import Tail
from godtui.eventlog.transaction import Names, Record, Transaction, Unit

MAX_ROWS_A_COMMIT: Final = 4096
MAX_BYTES_A_COMMIT: Final = 16 * 1024 * 1024
CHECKPOINT_BYTES: Final = 8 * 1024 * 1024
PROBE_SECONDS: Final = 0.5


@dataclass(slots=True, eq=False)
class Job:
    """Records to append, or a unit to run, and who waits for the answer."""

    work: Sequence[Record] | Unit
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Owns the only connection that writes or checkpoints. `open_connection` is called again while it fails."""

    def __init__(
        self,
        path: Path,
        open_connection: Callable[[], sqlite3.Connection],
        tail: Tail,
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        self._wal = path.with_name(path.name + "-wal")
        self._open = open_connection
        self._tail = tail
        self._clock = clock
        self._on_change = on_change
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._types = Names("types")
        self._sources = Names("sources")
        self._checkpoint_at = CHECKPOINT_BYTES
        self._thread = threading.Thread(target=self._run, name="eventlog-writer", daemon=True)
        self.fault: str | None = None
        self.commit_seconds = 0.0
        self.wal_bytes = 0
        self.closed = False

    def start(self) -> None:
        """Open the file and start the thread. A disk that cannot be written is a fault, not an error."""
        self._try_open()
        self._thread.start()

    async def submit(self, work: Sequence[Record] | Unit) -> Any:
        """Hand work to the next commit and wait for it; the work is done even if the waiter goes away."""
        if self.closed:
            raise LogUnavailableError("the log is closed")
        loop = asyncio.get_running_loop()
        job = Job(work, loop, loop.create_future())
        self._jobs.put(job)
        return await job.answer

    def stop(self) -> None:
        """Finish what was handed over, close the file and end the thread; blocks."""
        self.closed = True
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            jobs, stopping = self._take()
            if jobs:
                self._write(jobs)
                self._answer(jobs)
                self._checkpoint()
            elif self.fault and not stopping:
                self._probe()
        self._close()

    def _take(self) -> tuple[list[Job], bool]:
        """Wait for work and take what there is; the second value says that the end was reached."""
        try:
            job = self._jobs.get(timeout=PROBE_SECONDS if self.fault else None)
        except queue.Empty:
            return [], False
        jobs: list[Job] = []
        rows = size = 0
        while job is not None:
            jobs.append(job)
            if isinstance(job.work, Sequence):
                rows += len(job.work)
                size += sum(len(record.body) for record in job.work)
            if rows >= MAX_ROWS_A_COMMIT or size >= MAX_BYTES_A_COMMIT:
                return jobs, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, False
        return jobs, True

    def _write(self, jobs: list[Job]) -> None:
        started = self._clock.monotonic()
        try:
            connection = self._connection or self._try_open()
            if connection is None:
                raise LogUnavailableError(self.fault or "the log is not open")
            transaction = Transaction(connection, self._clock.now(), self._types, self._sources)
            connection.execute("BEGIN IMMEDIATE")
            self._perform(jobs, transaction)
            connection.execute("COMMIT")
        except (sqlite3.Error, LogUnavailableError) as error:
            self._give_up(jobs, error)
            return
        self._types.committed()
        self._sources.committed()
        if transaction.stored:
            self._tail.extend(transaction.stored)
        self.commit_seconds = self._clock.monotonic() - started
        self._set_fault(None)

    def _perform(self, jobs: list[Job], transaction: Transaction) -> None:
        """Run every job; neighbouring appends share their statements, a job that fails is rolled back alone."""
        position = 0
        while position < len(jobs):
            end = position
            while end < len(jobs) and isinstance(jobs[end].work, Sequence):
                end += 1
            if end > position:
                self._append(jobs[position:end], transaction)
                position = end
            else:
                self._run_alone(jobs[position], transaction)
                position += 1

    def _append(self, jobs: list[Job], transaction: Transaction) -> None:
        records = [record for job in jobs for record in job.work]  # type: ignore[union-attr]
        try:
            with transaction.unit():
                outcomes = transaction.append(records)
        except PoisonError:
            for job in jobs:
                self._run_alone(job, transaction)
            return
        start = 0
        for job in jobs:
            count = len(job.work)  # type: ignore[arg-type]
            job.result = outcomes[start : start + count]
            start += count

    def _run_alone(self, job: Job, transaction: Transaction) -> None:
        try:
            with transaction.unit():
                job.result = transaction.append(job.work) if isinstance(job.work, Sequence) else job.work(transaction)
        except (sqlite3.OperationalError, sqlite3.InternalError):
            raise
        except Exception as error:  # noqa: BLE001 - the unit's owner gets it, the commit goes on
            job.error = error

    def _give_up(self, jobs: list[Job], error: Exception) -> None:
        connection = self._connection
        if connection is not None and connection.in_transaction:
            try:
                connection.execute("ROLLBACK")
            except sqlite3.Error:
                self._close()
        self._types.rolled_back()
        self._sources.rolled_back()
        self._set_fault(str(error))
        for job in jobs:
            job.error = LogUnavailableError(f"the log cannot be written: {error}")

    def _answer(self, jobs: list[Job]) -> None:
        """One call per waiting loop, for the answers and for those who follow the tail."""
        by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = defaultdict(list)
        for job in jobs:
            by_loop[job.loop].append(job)
        for loop in self._tail.waiting_loops():
            by_loop.setdefault(loop, [])
        for loop, answered in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._deliver, loop, answered)
            except RuntimeError:  # that loop is closed, nobody waits there any more
                self._tail.wake(loop)

    def _deliver(self, loop: asyncio.AbstractEventLoop, jobs: list[Job]) -> None:
        for job in jobs:
            if job.answer.done():
                continue
            if job.error is not None:
                job.answer.set_exception(job.error)
            else:
                job.answer.set_result(job.result)
        self._tail.wake(loop)

    def _checkpoint(self) -> None:
        """Move the WAL into the file between commits, as far as readers allow."""
        try:
            self.wal_bytes = self._wal.stat().st_size
        except OSError:
            return
        if self.wal_bytes < self._checkpoint_at or self._connection is None:
            return
        try:
            busy, in_wal, moved = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            self._set_fault(str(error))
            return
        complete = not busy and in_wal == moved
        # A reader holds the rest: try again when as much has been added.
        self._checkpoint_at = CHECKPOINT_BYTES if complete else self.wal_bytes + CHECKPOINT_BYTES

    def _probe(self) -> None:
        """See whether the disk takes writes again."""
        try:
            connection = self._connection or self._try_open()
            if connection is None:
                return
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO meta VALUES ('probed_at', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (str(self._clock.now()),),
            )
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._give_up([], error)
            return
        self._set_fault(None)

    def _try_open(self) -> sqlite3.Connection | None:
        try:
            self._connection = self._open()
        except sqlite3.OperationalError as error:
            self._set_fault(str(error))
            return None
        row = self._connection.execute("SELECT max(seq) FROM events").fetchone()
        self._tail.start_at(max(row[0] or 0, self._tail.last_seq))
        self._set_fault(None)
        return self._connection

    def _set_fault(self, fault: str | None) -> None:
        changed = fault != self.fault
        self.fault = fault
        if changed:
            self._on_change()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error as error:
                self._set_fault(str(error))
