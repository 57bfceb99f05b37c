"""A broker's queue in the test's hands: what was handed out, what became of it, and in which order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, cast

from godtui.bloodbank.bus import AlreadySettledError, Bus, Message, QueueSpec, UnknownQueueError


class ScriptedDelivery:
    """Decides at once; what it decides is written down by its queue."""

    def __init__(self, message: Message, attempt: int, queue: ScriptedQueue) -> None:
        self.message = message
        self.attempt = attempt
        self.settled = False
        self._queue = queue

    def ack(self) -> None:
        self._settle()
        self._queue.acked.append(self.message)

    def retry(self, reason: str, after: float = 0.0) -> None:
        raise AssertionError(f"nothing is to be tried again: {reason}")

    def dead_letter(self, reason: str) -> None:
        self._settle()
        self._queue.letters.append((self.message, reason))

    def _settle(self) -> None:
        if self.settled:
            raise AlreadySettledError
        self.settled = True


class ScriptedBatch:
    def __init__(self, deliveries: Sequence[ScriptedDelivery]) -> None:
        self.deliveries = deliveries

    async def settle(self) -> None:
        for each in self.deliveries:
            if not each.settled:
                each.ack()


class ScriptedQueue:
    """One queue and its one consumer at a time. What a consumer leaves unsettled goes back to the front."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Message, int]] = deque()
        self.acked: list[Message] = []
        self.letters: list[tuple[Message, str]] = []
        self.handed: list[ScriptedDelivery] = []
        self.subscriptions = 0
        self.consumers = 0
        self.deleted = False
        self._arrival = asyncio.Event()

    @property
    def bus(self) -> Bus:
        return cast("Bus", self)

    @property
    def empty(self) -> bool:
        return not self.waiting and all(each.settled for each in self.handed)

    def put(self, *messages: Message) -> None:
        self.waiting += [(message, 1) for message in messages]
        self._arrival.set()

    def delete(self) -> None:
        """The consumer is told; who subscribes then declares it anew."""
        self.deleted = True
        self._arrival.set()

    def subscribe(self, spec: QueueSpec, *, ahead: int = 0) -> Self:
        self.subscriptions += 1
        self.deleted = False
        return self

    async def batch(self, most: int = 100, wait: float = 0.0) -> ScriptedBatch:
        while not self.waiting:
            self._arrival.clear()
            if self.deleted:
                raise UnknownQueueError("the queue was deleted")
            await self._arrival.wait()
        taken = [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]
        deliveries = [ScriptedDelivery(message, attempt, self) for message, attempt in taken]
        self.handed = [each for each in self.handed if not each.settled] + deliveries
        return ScriptedBatch(deliveries)

    async def __aenter__(self) -> Self:
        assert not self.consumers
        self.consumers += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.consumers -= 1
        back = [(each.message, each.attempt + 1) for each in self.handed if not each.settled]
        self.waiting.extendleft(reversed(back))
        self.handed.clear()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the memory needs no {name} of its bus")
