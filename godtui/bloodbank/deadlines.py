"""One timeout for many waits that all last equally long: a timer for the oldest in place of a timer each."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Deadlines:
    """Bounds waits of one loop to `seconds` each; asyncio.timeout would cost as much as the rest of a publish."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: dict[Deadline, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def bound(self) -> Deadline:
        """A context manager for one wait, which raises TimeoutError when the time is up."""
        return Deadline(self)

    def add(self, deadline: Deadline, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to watch a wait; those added later end later."""
        self._waiting[deadline] = None
        if self._timer is None:
            self._timer = loop.call_at(deadline.due, self._expire, loop)

    def remove(self, deadline: Deadline) -> None:
        """The wait is over, in time or not."""
        self._waiting.pop(deadline, None)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        overdue = []
        for deadline in self._waiting:
            if deadline.due > now:
                self._timer = loop.call_at(deadline.due, self._expire, loop)
                break
            overdue.append(deadline)
        for deadline in overdue:
            del self._waiting[deadline]
            deadline.expire()


class Deadline:
    """One bounded wait, of the task that enters it."""

    __slots__ = ("_cancelling", "_deadlines", "_expired", "_task", "due")

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._expired = False

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is entered within a task")
        loop = task.get_loop()
        self._task = task
        self._cancelling = task.cancelling()
        self.due = loop.time() + self._deadlines.seconds
        self._deadlines.add(self, loop)
        return self

    def expire(self) -> None:
        """The time is up: end the wait."""
        self._expired = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.remove(self)
        # As asyncio.timeout does: a cancellation by someone else, at the same moment, stays one.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
