"""The log's one writing thread: it takes what waits, writes it in one transaction, commits, answers."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from godtui.clock import Clock
from godtui.eventlog.checkpoints import Checkpoints
from godtui.eventlog.cuts import CutIds
from godtui.eventlog.damage import damage_found
from godtui.eventlog.database import identity
from godtui.eventlog.errors import DataDirectoryError, LogUnavailableError, is_damage, is_disk_fault
from godtui.eventlog.imported import Stretches
from godtui.eventlog.intake import Intake
from godtui.eventlog.jobs import Job, deliver
from godtui.eventlog.tail import Tail
from godtui.eventlog.transaction import Names, Record, Transaction, Unit

MAX_ROWS_A_COMMIT: Final = 1024
"""Enough for its disk sync not to count; more would only keep those waiting who could go on."""
MAX_BYTES_A_COMMIT: Final = 16 * 1024 * 1024
PROBE_SECONDS: Final = 0.5

_LAST_SEQ: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'events'"
_PROBE: Final = "INSERT INTO meta VALUES ('probed_at', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"

logger = logging.getLogger(__name__)


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
        self._path = str(path)
        self._damage: str | None = None
        self._open = open_connection
        self._tail = tail
        self._clock = clock
        self._on_change = on_change
        self._intake = Intake()
        self._taken: list[Job] = []
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._checkpoints = Checkpoints(self._path + "-wal", clock)
        self._types = Names("types")
        self._sources = Names("sources")
        self._cut_ids = CutIds()
        self._imports_doubtful = False
        self.imported = Stretches()
        """What was imported, known no later than the tail knows the events."""
        self._thread: threading.Thread | None = None
        self.fault: str | None = None
        self.commit_seconds = 0.0

    @property
    def closed(self) -> bool:
        """Whether no more work is taken."""
        return self._intake.closed

    @property
    def wal_bytes(self) -> int:
        """The size of the write-ahead log after the last commit."""
        return self._checkpoints.wal_bytes

    def start(self) -> None:
        """Open the file and start the thread. A disk that cannot be written is a fault, not an error."""
        try:
            self._connection = self._connect()
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, sqlite3.Error) and (is_damage(error) or not is_disk_fault(error)):
                raise
            self._set_fault(_described(error))
        self._intake.open()
        self._thread = threading.Thread(target=self._run, name="eventlog-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Sequence[Record] | Unit) -> asyncio.Future[Any]:
        """Hand work to the next commit; the work is done even if the waiter goes away."""
        return self._intake.submit(work)

    def suspect(self, error: sqlite3.Error) -> None:
        """A reader met damage: as if a commit had met it. From any loop."""

        def meet(_: Transaction) -> None:
            raise error

        if self._damage is None and not self._intake.closed:
            self.submit(meet).add_done_callback(lambda met: met.cancelled() or met.exception())

    def stop(self) -> None:
        """Finish what was handed over, close the file and end the thread; blocks."""
        self._intake.close()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            while self._cycle():
                pass
        except BaseException as error:
            logger.exception("the log's writer ended")
            self._set_fault(f"the log's writer ended ({_described(error)}); restart godtui")
        finally:
            self._end()

    def _cycle(self) -> bool:
        """One commit, or one look whether the disk is back; False when the end was reached."""
        self._taken, stopping = self._take()
        try:
            if self._taken:
                self._write(self._taken)
            elif self.fault and not stopping:
                self._probe()
        except BaseException as error:  # noqa: BLE001 - nothing that is written may end the only writer
            self._give_up(self._taken, error)
        self._answer()
        if self._connection is not None and self.fault is None:
            self._checkpoints.after_commit(self._connection)
        return not stopping

    def _take(self) -> tuple[list[Job], bool]:
        """Wait for work and take what there is; the second value says that the end was reached."""
        jobs: list[Job] = []
        rows = size = 0
        try:
            more = self._intake.take(timeout=PROBE_SECONDS if self.fault else None)
            while more is not None:
                jobs += more
                rows += sum([job.rows for job in more])
                size += sum([job.size for job in more])
                if rows >= MAX_ROWS_A_COMMIT or size >= MAX_BYTES_A_COMMIT:
                    return jobs, False
                more = self._intake.take_more()
        except queue.Empty:
            return jobs, False
        return jobs, True

    def _write(self, jobs: list[Job]) -> None:
        started = self._clock.monotonic()
        connection = self._opened()
        transaction = Transaction(connection, self._clock.now(), self._types, self._sources, self._cut_ids)
        connection.execute("BEGIN IMMEDIATE")
        self._perform(jobs, transaction)
        connection.execute("COMMIT")
        self._require_in_place()
        self._types.committed()
        self._sources.committed()
        self._cut_ids.committed()
        if transaction.imports_changed or self._imports_doubtful:
            self._learn_imports(connection)
        if transaction.stored:
            self._tail.extend(transaction.stored)
        if transaction.touched:
            self._tail.touch(transaction.touched)
        self.commit_seconds = self._clock.monotonic() - started
        self._set_fault(None)

    def _perform(self, jobs: list[Job], transaction: Transaction) -> None:
        """Run every job; neighbouring appends share their statements, a job that fails is rolled back alone."""
        position = 0
        while position < len(jobs):
            end = position
            while end < len(jobs) and jobs[end].records is not None:
                end += 1
            if end > position + 1:
                self._append(jobs[position:end], transaction)
            else:
                end = position + 1
                self._run_alone(jobs[position], transaction)
            position = end

    def _append(self, jobs: list[Job], transaction: Transaction) -> None:
        try:
            outcomes = transaction.append([record for job in jobs for record in job.records or ()])
        except Exception as error:  # noqa: BLE001 - one of them is the cause, the others must not suffer
            self._raise_if_lost(error, transaction)
            for job in jobs:
                self._run_alone(job, transaction)
            return
        start = 0
        for job in jobs:
            job.result = outcomes[start : start + job.rows]
            start += job.rows

    def _run_alone(self, job: Job, transaction: Transaction) -> None:
        try:
            job.run(transaction)
        except BaseException as error:  # noqa: BLE001 - the unit's owner gets it, the commit goes on
            self._raise_if_lost(error, transaction)
            job.error = error

    def _raise_if_lost(self, error: BaseException, transaction: Transaction) -> None:
        """Raise again where not the unit but the whole commit has failed."""
        if is_disk_fault(error) or not transaction.connection.in_transaction:
            raise error

    def _give_up(self, jobs: list[Job], error: BaseException) -> None:
        self._types.rolled_back()
        self._sources.rolled_back()
        self._cut_ids.rolled_back()
        # It may be found kept all the same.
        self._imports_doubtful = True
        try:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if not self._keeps_connection(error):
                self._close()
        except sqlite3.Error:
            self._close()
        if not isinstance(error, (sqlite3.Error, OSError, LogUnavailableError, DataDirectoryError)):
            logger.error("a commit failed", exc_info=error)
        if is_damage(error) and self._damage is None:
            self._damage = damage_found(Path(self._path), error)
        self._set_fault(self._damage or _described(error))
        for job in jobs:
            job.error = LogUnavailableError(f"the log cannot be written: {self.fault}")

    def _keeps_connection(self, error: BaseException) -> bool:
        """Whether the connection is as good as a new one, or holds what only it can still reach."""
        if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY):
            return True
        return identity(self._path) == self._file and not self._checkpoints.in_place()

    def _answer(self) -> None:
        deliver(self._taken, self._tail)
        self._taken = []

    def _probe(self) -> None:
        """See whether the disk takes writes again."""
        self._write_probe(self._opened())
        self._require_in_place()
        self._set_fault(None)

    def _write_probe(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_PROBE, (str(self._clock.now()),))
        connection.execute("COMMIT")

    def _opened(self) -> sqlite3.Connection:
        if self._damage is not None:
            raise LogUnavailableError(self._damage)
        if self._connection is None:
            self._connection = self._connect()
        elif self.fault:
            self._require_in_place()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        """Open the file, see where it ends and that it takes writes. Raises sqlite3.Error, OSError."""
        if self._file is not None:
            self._require_same_file()
        connection = self._open()
        try:
            self._file = identity(self._path)
            self._cut_ids.opened(connection)
            self._learn_imports(connection)
            last = connection.execute(_LAST_SEQ).fetchone()
            self._tail.start_at(last[0] if last else 0)
            self._write_probe(connection)
            self._checkpoints.opened()
        except BaseException:
            connection.close()
            raise
        return connection

    def _learn_imports(self, connection: sqlite3.Connection) -> None:
        self.imported = Stretches.read(connection)
        self._imports_doubtful = False

    def _require_in_place(self) -> None:
        """A file that was moved or deleted goes on taking writes, which nobody would find again."""
        self._require_same_file()
        if not self._checkpoints.in_place():
            raise LogUnavailableError(f"{self._path}-wal was moved or deleted while it was open; restart godtui")

    def _require_same_file(self) -> None:
        if identity(self._path) != self._file:
            raise LogUnavailableError(
                f"{self._path} was moved or deleted while it was open; put it back or restart godtui"
            )

    def _set_fault(self, fault: str | None) -> None:
        if fault == self.fault:
            return
        self.fault = fault
        if fault is None:
            # A commit that failed may be found kept all the same when the file is opened again.
            self._tail.doubt()
        try:
            self._on_change()
        except Exception:
            logger.exception("a change of the log's state could not be announced")

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error as error:
                logger.warning("the log could not be closed: %s", error)

    def _end(self) -> None:
        """Refuse what comes, answer what waits, close the file."""
        unanswered = self._taken + self._intake.abandon(self.fault)
        for job in unanswered:
            job.error = LogUnavailableError(self.fault or "the log is closed")
        self._tail.close()
        deliver(unanswered, self._tail)
        self._close()


def _described(error: BaseException) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, (sqlite3.Error, LogUnavailableError, DataDirectoryError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
