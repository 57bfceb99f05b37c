"""How much may be on its way to the broker at once: so many messages, and so many bytes."""

from __future__ import annotations

import asyncio
from collections import deque

BYTES_A_PLACE = 32 * 1024


class Window:
    """Places for messages, big ones taking several; who waits is served in order."""

    def __init__(self, places: int) -> None:
        self._places = self._free = places
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def places(self, size: int) -> int:
        """What a body of so many bytes takes."""
        return min(1 + size // BYTES_A_PLACE, self._places)

    def enter_at_once(self, places: int) -> bool:
        """Take places if they are free and nobody waits; else nothing."""
        if self._waiting or self._free < places:
            return False
        self._free -= places
        return True

    async def enter(self, places: int) -> None:
        """Take places as soon as it is our turn."""
        if self.enter_at_once(places):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((places, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(places)
            else:
                self._waiting.remove((places, turn))
                self._admit()
            raise

    def leave(self, places: int) -> None:
        """Give places back."""
        self._free += places
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            places, turn = self._waiting.popleft()
            if not turn.done():
                self._free -= places
                turn.set_result(None)
