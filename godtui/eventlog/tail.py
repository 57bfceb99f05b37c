"""The log's newest events in memory, and waiting for more: what every live reader follows."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from godtui.envelope import StoredEvent
from godtui.eventlog.errors import LogUnavailableError

MAX_EVENTS: Final = 8192
MAX_BYTES: Final = 8 * 1024 * 1024

_UNKNOWN: Final = -1


class Tail:
    """A bounded window on the end of the log, written once a commit by the writer's thread, read from any loop."""

    def __init__(self, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._events: list[StoredEvent] = []
        self._bytes = 0
        self._last_seq = self._began_at = _UNKNOWN
        self._closed = False
        self._changes: Counter[str] = Counter()
        self._doubts = 0
        self._waiters: dict[asyncio.AbstractEventLoop, set[asyncio.Future[None]]] = {}

    @property
    def opened(self) -> bool:
        """Whether it is known where the log ends; once it is, it remains so."""
        return self._last_seq != _UNKNOWN

    @property
    def last_seq(self) -> int:
        """The last committed position; 0 for an empty log. Raises LogUnavailableError while it was never opened."""
        self._require_opened()
        return self._last_seq

    def start_at(self, seq: int) -> None:
        """The log was opened and ends at this position; what is older is read from the file."""
        with self._lock:
            self._restart(seq)

    def extend(self, events: Sequence[StoredEvent]) -> None:
        """Take what was just committed."""
        with self._lock:
            if events[0].seq != self._last_seq + 1:
                self._restart(events[0].seq - 1)
            self._events += events
            self._bytes += sum([len(event.body) for event in events])
            self._last_seq = events[-1].seq
            self._trim()

    def after(self, seq: int, limit: int) -> list[StoredEvent] | None:
        """Up to `limit` events beyond a position; None where they are no longer in memory.

        Raises LogUnavailableError while the log was never opened.
        """
        with self._lock:
            self._require_opened()
            if seq >= self._last_seq:
                return []
            if not self._events or self._events[0].seq > seq + 1:
                return None
            start = seq + 1 - self._events[0].seq
            return self._events[start : start + limit]

    async def beyond(self, seq: int, otherwise: Callable[[], bool] = lambda: False) -> None:
        """Wait until the log has grown past a position, or something else holds when whoever waits is woken.

        Raises LogUnavailableError once the log is closed.
        """
        await self._until(lambda: self._last_seq > seq or otherwise())

    async def beginning(self) -> int:
        """Wait until the log is opened; the position at which it ended then. Raises LogUnavailableError once closed."""
        await self.beyond(_UNKNOWN)
        return self._began_at

    def touch(self, names: Iterable[str]) -> None:
        """A commit changed something that has a name."""
        with self._lock:
            self._changes.update(names)

    def doubt(self) -> None:
        """A commit failed and the file is back: whoever waits for anything by its name looks again."""
        with self._lock:
            self._doubts += 1

    def changes(self, name: str) -> int:
        """A number that grows whenever what has this name may have changed."""
        return self._changes[name] + self._doubts

    async def changed(self, name: str, since: int) -> None:
        """Wait until `changes` is no longer that number. Raises LogUnavailableError once the log is closed."""
        await self._until(lambda: self.changes(name) != since)

    def waiting_loops(self) -> list[asyncio.AbstractEventLoop]:
        """The loops on which someone waits for the log to grow."""
        with self._lock:
            return list(self._waiters)

    def wake(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the waiters of one loop look again; called on that loop."""
        with self._lock:
            waiters = self._waiters.pop(loop, set())
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def forget(self, loop: asyncio.AbstractEventLoop) -> None:
        """That loop has ended, and with it whoever waited there."""
        with self._lock:
            self._waiters.pop(loop, None)

    def close(self) -> None:
        """Nothing follows any more; those who wait are told when they are next woken."""
        with self._lock:
            self._closed = True

    async def _until(self, reached: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with self._lock:
                if reached():
                    return
                if self._closed:
                    raise LogUnavailableError("the log is closed")
                waiter: asyncio.Future[None] = loop.create_future()
                self._waiters.setdefault(loop, set()).add(waiter)
            try:
                await waiter
            finally:
                self._dismiss(loop, waiter)

    def _require_opened(self) -> None:
        if self._last_seq == _UNKNOWN:
            raise LogUnavailableError("the log has not been opened yet")

    def _restart(self, seq: int) -> None:
        if self._began_at == _UNKNOWN:
            self._began_at = seq
        self._events.clear()
        self._bytes = 0
        self._last_seq = seq

    def _trim(self) -> None:
        excess = len(self._events) - self._max_events
        if excess <= 0 and self._bytes <= self._max_bytes:
            return
        # An eighth more than needed goes at once, so that trimming is rare.
        count = max(excess, 0) + self._max_events // 8
        freed = 0
        for index, event in enumerate(self._events):
            if index >= count and self._bytes - freed <= self._max_bytes:
                count = index
                break
            freed += len(event.body)
        else:
            count = len(self._events)
        del self._events[:count]
        self._bytes -= freed

    def _dismiss(self, loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[None]) -> None:
        with self._lock:
            waiters = self._waiters.get(loop)
            if waiters is None:
                return
            waiters.discard(waiter)
            if not waiters:
                del self._waiters[loop]
