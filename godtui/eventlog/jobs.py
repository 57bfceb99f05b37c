"""What waits for the next group commit, and how its answers find their way to the loops that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from godtui.eventlog.tail import Tail
from godtui.eventlog.transaction import Record, Transaction, Unit


class Job:
    """Records to append, or a unit to run, and who waits for the answer."""

    __slots__ = ("answer", "error", "loop", "records", "result", "rows", "size", "unit")

    def __init__(
        self, work: Sequence[Record] | Unit, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Any]
    ) -> None:
        self.records: Sequence[Record] | None = None
        self.unit: Unit | None = None
        self.rows = self.size = 0
        if callable(work):
            self.unit = work
        else:
            self.records = work
            self.rows = len(work)
            self.size = _size(work)
        self.loop = loop
        self.answer = answer
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self, transaction: Transaction) -> None:
        """Do the work in a savepoint of its own."""
        if self.records is not None:
            self.result = transaction.append(self.records)
        elif self.unit is not None:
            with transaction.unit():
                self.result = self.unit(transaction)

    def settle(self) -> None:
        """Give the waiter, if it still waits, its answer; called on its loop."""
        if self.answer.done():
            return
        if self.error is None:
            self.answer.set_result(self.result)
        else:
            self.answer.set_exception(_raisable(self.error))


def deliver(jobs: Sequence[Job], tail: Tail) -> None:
    """Answer every job and wake who follows the tail: one call per waiting loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop in tail.waiting_loops():
        by_loop.setdefault(loop, [])
    for loop, answered in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, loop, answered, tail)
        except RuntimeError:  # that loop is closed, nobody waits there any more
            tail.forget(loop)


def _settle(loop: asyncio.AbstractEventLoop, jobs: Sequence[Job], tail: Tail) -> None:
    for job in jobs:
        job.settle()
    tail.wake(loop)


def _raisable(error: BaseException) -> Exception:
    """What a future may carry: an exit, a cancellation or the end of an iteration would mean something else there."""
    if isinstance(error, Exception) and not isinstance(error, (StopIteration, StopAsyncIteration)):
        return error
    wrapped = RuntimeError(f"a unit raised {type(error).__name__}")
    wrapped.__cause__ = error
    return wrapped


def _size(records: Sequence[Record]) -> int:
    try:
        return sum(len(record.body) for record in records)
    except (AttributeError, TypeError):
        return 0  # no record at all, which the transaction will say
