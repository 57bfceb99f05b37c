"""The log's newest events in memory, and waiting for more: what every live reader follows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Final

from godtui.envelope import StoredEvent

MAX_EVENTS: Final = 8192
MAX_BYTES: Final = 8 * 1024 * 1024


class Tail:
    """A bounded window on the end of the log, written once a commit by the writer's thread, read from any loop."""

    def __init__(self, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._events: list[StoredEvent] = []
        self._bytes = 0
        self._last_seq = 0
        self._waiters: dict[asyncio.AbstractEventLoop, set[asyncio.Future[None]]] = {}

    @property
    def last_seq(self) -> int:
        """The last committed position; 0 for an empty log."""
        return self._last_seq

    def start_at(self, seq: int) -> None:
        """The log was opened and ends at this position."""
        with self._lock:
            self._events.clear()
            self._bytes = 0
            self._last_seq = seq

    def extend(self, events: Sequence[StoredEvent]) -> None:
        """Take what was just committed."""
        with self._lock:
            self._events += events
            self._bytes += sum(len(event.body) for event in events)
            self._last_seq = events[-1].seq
            self._trim()

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

    def after(self, seq: int, limit: int) -> list[StoredEvent] | None:
        """Up to `limit` events beyond a position; None where they are no longer in memory."""
        with self._lock:
            if seq >= self._last_seq:
                return []
            if not self._events or self._events[0].seq > seq + 1:
                return None
            start = seq + 1 - self._events[0].seq
            return self._events[start : start + limit]

    async def beyond(self, seq: int) -> None:
        """Wait until the log has grown past a position."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._last_seq > seq:
                return
            waiter: asyncio.Future[None] = loop.create_future()
            self._waiters.setdefault(loop, set()).add(waiter)
        try:
            await waiter
        finally:
            with self._lock:
                self._waiters.get(loop, set()).discard(waiter)

    def waiting_loops(self) -> list[asyncio.AbstractEventLoop]:
        """The loops on which someone waits for the log to grow."""
        with self._lock:
            return [loop for loop, waiters in self._waiters.items() if waiters]

    def wake(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the waiters of one loop look again; called on that loop."""
        with self._lock:
            waiters = self._waiters.pop(loop, set())
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
