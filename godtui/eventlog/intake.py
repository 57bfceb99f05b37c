"""The way into the writer: what one turn of a loop asks for is handed over together."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Sequence
from typing import Any, Final

from godtui.eventlog.errors import LogUnavailableError
from godtui.eventlog.jobs import Job
from godtui.eventlog.transaction import Record, Unit

END: Final = None
GATHERED_BYTES: Final = 48 * 1024
"""So much is worth a commit of its own: the writer is at it while the loop still makes what comes next."""


class Intake:
    """Takes work on any loop; the writer gets it in lists.

    A writer that woke for the first of many publishers would commit it alone, and fight the others for the
    interpreter meanwhile. Whoever was alone the last time is not kept waiting for others.
    """

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._gathering: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        self._gathered_bytes = 0
        self._waiting: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self._abandoned = False
        self._alone = False
        self._latest: asyncio.Future[Any] | None = None
        self.closed = True
        self.reason: str | None = None

    def open(self) -> None:
        """Take work from now on."""
        self.closed = False

    def submit(self, work: Sequence[Record] | Unit) -> asyncio.Future[Any]:
        """Hand work to the next commit; the answer comes on the running loop. Raises LogUnavailableError."""
        loop = asyncio.get_running_loop()
        job = Job(work, loop, loop.create_future())
        with self._gate:
            if self.closed:
                raise self._refusal()
            alone, self._alone, self._latest = self._alone, False, job.answer
            gathered = self._gathering.get(loop)
            if gathered is not None:
                gathered.append(job)
                self._gathered_bytes += job.size
                if self._gathered_bytes >= GATHERED_BYTES:
                    self._waiting.put(gathered)
                    self._gathering[loop] = []
                    self._gathered_bytes = 0
                return job.answer
            job.answer.add_done_callback(self._note_company)
            if alone:
                self._waiting.put([job])
                return job.answer
            self._gathering[loop] = [job]
            self._gathered_bytes = job.size
        loop.call_soon(self._hand_over, loop)
        return job.answer

    def take(self, timeout: float | None = None) -> list[Job] | None:
        """What the next turn asked for, or END. Raises queue.Empty where nothing came in time."""
        return self._waiting.get(timeout=timeout)

    def take_more(self) -> list[Job] | None:
        """As `take`, but raises queue.Empty at once."""
        return self._waiting.get_nowait()

    def close(self) -> None:
        """Take nothing more; the writer finds END behind all that was taken."""
        with self._gate:
            if self.closed:
                return
            self.closed = True
            for loop in [loop for loop in self._gathering if not loop.is_running()]:
                self._waiting.put(self._gathering.pop(loop))
            if not self._gathering:
                self._waiting.put(END)

    def abandon(self, reason: str | None) -> list[Job]:
        """The writer is gone: refuse what comes, and give back what was handed over and never taken."""
        with self._gate:
            self.closed = self._abandoned = True
            self.reason = reason
        left: list[Job] = []
        while not self._waiting.empty():
            left += self._waiting.get_nowait() or []
        return left

    def _note_company(self, answer: asyncio.Future[Any]) -> None:
        """Whether anybody else came while this was under way."""
        self._alone = self._latest is answer

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._gate:
            jobs = self._gathering.pop(loop, [])
            if self._abandoned:
                refused = jobs
            else:
                refused = []
                if jobs:
                    self._waiting.put(jobs)
                if self.closed and not self._gathering:
                    self._waiting.put(END)
        for job in refused:
            job.error = self._refusal()
            job.settle()

    def _refusal(self) -> LogUnavailableError:
        return LogUnavailableError(self.reason or "the log is closed")
