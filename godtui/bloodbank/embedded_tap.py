"""A transient, bounded view of the log's tail."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Self

from godtui.bloodbank.bus import Message
from godtui.bloodbank.units import from_log
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog, LogUnavailableError
from godtui.topics import Matcher


class EmbeddedTap:
    """Follows from the moment it is made; keeps the newest `capacity` messages for a reader that is slow."""

    def __init__(self, log: EventLog, bindings: Sequence[str], capacity: int) -> None:
        self.missed = 0
        self._log = log
        self._position = log.last_seq
        self._matcher = Matcher(bindings)
        self._kept: deque[StoredEvent] = deque()
        self._capacity = capacity
        self._arrived = asyncio.Event()
        self._closed = False
        self._following: asyncio.Task[None] | None = None

    async def _follow(self) -> None:
        with contextlib.suppress(LogUnavailableError):
            async for events in self._log.follow(self._position):
                for event in events:
                    if self._matcher.matches(event.event_type):
                        self._keep(event)
        self._closed = True
        self._arrived.set()

    def _keep(self, event: StoredEvent) -> None:
        if len(self._kept) == self._capacity:
            self._kept.popleft()
            self.missed += 1
        self._kept.append(event)
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[Message]:
        while True:
            while self._kept:
                yield from_log(self._kept.popleft(), 1, 0).message
            if self._closed:
                return
            self._arrived.clear()
            await self._arrived.wait()

    async def close(self) -> None:
        self._closed = True
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
