"""The newest of what came, for a reader that may be slow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final, Generic, TypeVar

MAX_BYTES: Final = 32 * 1024 * 1024

Item = TypeVar("Item")


class Newest(Generic[Item]):
    """Keeps so many items and bytes; what falls out at the old end unread is counted in `missed`."""

    def __init__(self, capacity: int, max_bytes: int = MAX_BYTES) -> None:
        self.missed = 0
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._kept: deque[tuple[Item, int]] = deque()
        self._size = 0
        self._arrived = asyncio.Event()
        self._closed = False

    def add(self, item: Item, size: int) -> None:
        """Keep an item of so many bytes."""
        self._kept.append((item, size))
        self._size += size
        while len(self._kept) > self._capacity or (self._size > self._max_bytes and len(self._kept) > 1):
            self._next()
            self.missed += 1
        self._arrived.set()

    def close(self) -> None:
        """Readers end once they have read what is kept."""
        self._closed = True
        self._arrived.set()

    def _next(self) -> Item:
        item, size = self._kept.popleft()
        self._size -= size
        return item

    async def __aiter__(self) -> AsyncIterator[Item]:
        while True:
            while self._kept:
                yield self._next()
            if self._closed:
                return
            self._arrived.clear()
            await self._arrived.wait()
