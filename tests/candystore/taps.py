"""A view of a bus that the test fills, loses and counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Self

from godtui.bloodbank.bus import Message
from godtui.bloodbank.newest import Newest


class HandTap:
    """A tap over a buffer of so many messages."""

    def __init__(self, capacity: int, on_break: Callable[[], None]) -> None:
        self.on_break = on_break
        self.entered = self.closed = False
        self._kept: Newest[Message] = Newest(capacity)

    @property
    def missed(self) -> int:
        return self._kept.missed

    def bring(self, *messages: Message) -> None:
        for message in messages:
            self._kept.add(message, len(message.body))

    async def __aiter__(self) -> AsyncIterator[Message]:
        async for message in self._kept:
            yield message

    async def close(self) -> None:
        self.closed = True
        self._kept.close()

    async def __aenter__(self) -> Self:
        self.entered = True
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


class Taps:
    """What was opened, in order."""

    def __init__(self, capacity: int = 1000) -> None:
        self.opened: list[HandTap] = []
        self._capacity = capacity

    def __call__(self, on_break: Callable[[], None]) -> HandTap:
        self.opened.append(HandTap(self._capacity, on_break))
        return self.opened[-1]

    @property
    def last(self) -> HandTap:
        return self.opened[-1]
