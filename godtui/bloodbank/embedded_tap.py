"""A transient, bounded view of the log's tail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Final, Self

from godtui.bloodbank.bus import Message
from godtui.bloodbank.handed import message_of
from godtui.bloodbank.newest import Newest
from godtui.clock import Clock
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog, LogUnavailableError
from godtui.topics import Matcher

RETRY_SECONDS: Final = 0.5


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
        self._log = log
        self._clock = clock
        self._on_close = on_close
        self._position = log.last_seq if log.tail.opened else None
        self._matcher = Matcher(bindings)
        self._kept: Newest[StoredEvent] = Newest(capacity)
        self._following: asyncio.Task[None] | None = None

    @property
    def missed(self) -> int:
        return self._kept.missed

    async def _follow(self) -> None:
        while True:
            try:
                if self._position is None:
                    self._position = await self._log.tail.beginning()
                async for events in self._log.follow(self._position):
                    imported = self._log.imported
                    for event in events:
                        if self._matcher.matches(event.event_type) and not imported.holds(event.seq):
                            self._kept.add(event, len(event.body))
                    self._position = events[-1].seq
            except LogUnavailableError:
                await self._clock.sleep(RETRY_SECONDS)

    async def __aiter__(self) -> AsyncIterator[Message]:
        async for event in self._kept:
            yield message_of(event)

    async def close(self) -> None:
        self._on_close(self)
        self._kept.close()
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
