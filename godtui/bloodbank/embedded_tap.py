"""A transient, bounded view of the log's tail."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Final, Self

from godtui.bloodbank.bus import Message
from godtui.bloodbank.handed import message_of
from godtui.clock import Clock
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog, LogUnavailableError
from godtui.topics import Matcher

RETRY_SECONDS: Final = 0.5
MAX_BYTES: Final = 32 * 1024 * 1024


class EmbeddedTap:
    """Follows from the moment it is made; keeps the newest `capacity` messages for a reader that is slow."""

    def __init__(
        self,
        log: EventLog,
        bindings: Sequence[str],
        capacity: int,
        clock: Clock,
        on_close: Callable[[EmbeddedTap], None] = lambda tap: None,
    ) -> None:
        self.missed = 0
        self._log = log
        self._clock = clock
        self._on_close = on_close
        self._position = log.last_seq if log.tail.opened else None
        self._matcher = Matcher(bindings)
        self._kept: deque[StoredEvent] = deque()
        self._size = 0
        self._capacity = capacity
        self._arrived = asyncio.Event()
        self._closed = False
        self._following: asyncio.Task[None] | None = None

    async def _follow(self) -> None:
        while True:
            try:
                if self._position is None:
                    self._position = await self._log.tail.beginning()
                async for events in self._log.follow(self._position):
                    self._keep([event for event in events if self._matcher.matches(event.event_type)])
                    self._position = events[-1].seq
            except LogUnavailableError:
                await self._clock.sleep(RETRY_SECONDS)

    def _keep(self, events: Sequence[StoredEvent]) -> None:
        for event in events:
            self._kept.append(event)
            self._size += len(event.body)
            while len(self._kept) > self._capacity or (self._size > MAX_BYTES and len(self._kept) > 1):
                self._next()
                self.missed += 1
        if events:
            self._arrived.set()

    def _next(self) -> StoredEvent:
        event = self._kept.popleft()
        self._size -= len(event.body)
        return event

    async def __aiter__(self) -> AsyncIterator[Message]:
        while True:
            while self._kept:
                yield message_of(self._next())
            if self._closed:
                return
            self._arrived.clear()
            await self._arrived.wait()

    async def close(self) -> None:
        self._closed = True
        self._on_close(self)
        self._arrived.set()
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def __aenter__(self) -> Self:
        self._following = asyncio.ensure_future(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
