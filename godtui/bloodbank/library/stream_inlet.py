"""Events from the store of a running godtui, in the order in which they were stored."""

from __future__ import annotations

import asyncio
from collections import deque
from uuid import UUID

from godtui.bloodbank.frames import Position, Replayed
from godtui.bloodbank.http.connection import Connection
from godtui.bloodbank.library.delivery import Delivery
from godtui.bloodbank.library.follower import Follower
from godtui.bloodbank.library.patience import Patience
from godtui.bloodbank.library.state import State
from godtui.clock import Clock, SystemClock
from godtui.envelope import StoredEvent
from godtui.racing import first_of


class StreamInlet:
    """An Inlet over `/stream`, from which nothing is missed. An event that fails is tried again in its place, and
    skipped when it is given up. What a replay sends once more comes as it goes and never moves the position.
    """

    def __init__(
        self,
        connection: Connection,
        wanted: str,
        patience: Patience,
        *,
        after: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.position = after
        self._connection = connection
        self._clock = clock or SystemClock()
        self._patience = patience
        self._follower = Follower(connection, wanted, after, self._clock)
        self._waiting: deque[tuple[StoredEvent, UUID | None]] = deque()
        self._again: tuple[Delivery, float] | None = None
        self._closed = asyncio.Event()

    @property
    def state(self) -> State:
        return self._follower.state

    async def open(self) -> None:
        await self._follower.start()
        self.position = self._follower.begins

    async def close(self) -> None:
        self._closed.set()
        await self._follower.close()
        await self._connection.close()

    async def next(self) -> Delivery | None:
        if self._again is not None:
            failed, pause = self._again
            if await self._paused(pause):
                self._again = None
                return Delivery(
                    failed.event, failed.attempt + 1, self._settle, seq=failed.seq, replay_id=failed.replay_id
                )
        while not self._closed.is_set():
            if self._waiting:
                event, replay_id = self._waiting.popleft()
                if replay_id is not None or self.position is None or event.seq > self.position:
                    return Delivery(event.envelope(), 1, self._settle, seq=event.seq, replay_id=replay_id)
                continue
            frame = await self._follower.frame()
            if isinstance(frame, Position):
                self.position = frame.seq
            elif isinstance(frame, Replayed):
                self._waiting.append((frame.event, frame.replay_id))
            elif frame is not None:
                self._waiting.extend((event, None) for event in frame.events)
        return None

    async def _paused(self, seconds: float) -> bool:
        """Let so much time pass; False where it was closed meanwhile."""
        await first_of(self._clock.sleep(seconds), self._closed.wait())
        return not self._closed.is_set()

    async def _settle(self, delivery: Delivery, error: Exception | None) -> None:
        if error is not None:
            pause = await self._patience.pause(delivery, error)
            if pause is not None:
                self._again = delivery, pause
                return
        if delivery.replay_id is None:
            self.position = delivery.seq
