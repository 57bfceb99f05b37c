"""A consumer of a queue over the log."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from types import TracebackType
from typing import Final, Self, TypeAlias

from godtui.bloodbank.bus import AlreadySettledError, Message, QueueSpec
from godtui.bloodbank.embedded_queue import EmbeddedQueue
from godtui.bloodbank.units import Handed, Settlement
from godtui.clock import Clock
from godtui.eventlog import LogUnavailableError

RETRY_SECONDS: Final = 0.5
CLOSE_SECONDS: Final = 5.0

DeclareQueue: TypeAlias = Callable[[QueueSpec], Awaitable[EmbeddedQueue]]


class EmbeddedDelivery:
    """A message in a consumer's hands."""

    __slots__ = ("_consumer", "handed", "settled")

    def __init__(self, handed: Handed, consumer: EmbeddedSubscription) -> None:
        self.handed = handed
        self.settled = False
        self._consumer = consumer

    @property
    def message(self) -> Message:
        return self.handed.message

    @property
    def attempt(self) -> int:
        return self.handed.attempts

    def ack(self) -> None:
        self._settle(Settlement(self.handed))

    def retry(self, reason: str, after: float = 0.0) -> None:
        self._settle(Settlement(self.handed, reason, self._consumer.moment(after)))

    def dead_letter(self, reason: str) -> None:
        self._settle(Settlement(self.handed, reason))

    def _settle(self, settlement: Settlement) -> None:
        if self.settled:
            raise AlreadySettledError(f"message {self.message.message_id} is settled already")
        self.settled = True
        self._consumer.decide(settlement)


class EmbeddedBatch:
    """Messages handed out together."""

    def __init__(self, deliveries: list[EmbeddedDelivery], consumer: EmbeddedSubscription) -> None:
        self.deliveries = deliveries
        self._consumer = consumer

    async def settle(self) -> None:
        for delivery in self.deliveries:
            if not delivery.settled:
                delivery.ack()
        await self._consumer.flush()


class EmbeddedSubscription:
    """A consumer. Decisions are written together soon after they were taken; a lost one is a redelivery."""

    def __init__(self, declare: DeclareQueue, spec: QueueSpec, clock: Clock) -> None:
        self._declare = declare
        self._spec = spec
        self._clock = clock
        self._queue: EmbeddedQueue | None = None
        self._held: dict[int, Handed] = {}
        self._decided: list[Settlement] = []
        self._writing: asyncio.Task[None] | None = None
        self._closed = False
        self._busy = asyncio.Lock()

    async def batch(self, most: int = 100, wait: float = 0.0) -> EmbeddedBatch:
        async with self._busy:
            queue = await self._joined()
            handed: list[Handed] = []
            deadline: float | None = None
            try:
                while len(handed) < most:
                    taken = await self._take(queue, most - len(handed))
                    handed += taken
                    self._held.update((each.row, each) for each in taken)
                    if handed and deadline is None:
                        deadline = self._clock.monotonic() + wait
                    if deadline is not None and self._clock.monotonic() >= deadline:
                        break
                    if not taken:
                        await queue.wait(deadline)
            except asyncio.CancelledError:
                self._abandon(queue, handed)
                raise
            return EmbeddedBatch([EmbeddedDelivery(each, self) for each in handed], self)

    async def _take(self, queue: EmbeddedQueue, most: int) -> list[Handed]:
        taking = asyncio.ensure_future(queue.take(most))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            # The hand-out may be in its commit: let it end, then give back what nobody will see.
            taken = (await asyncio.gather(taking, return_exceptions=True))[0]
            if isinstance(taken, list):
                self._held.update((each.row, each) for each in taken)
                self._abandon(queue, taken)
            raise
        except LogUnavailableError:
            await self._clock.sleep(RETRY_SECONDS)
            return []

    def _abandon(self, queue: EmbeddedQueue, handed: Sequence[Handed]) -> None:
        rows = [each.row for each in handed if self._held.pop(each.row, None) is not None]
        if rows:
            self._writing = asyncio.ensure_future(_after(self._writing, queue.give_back(rows)))

    async def _joined(self) -> EmbeddedQueue:
        if self._closed:
            raise RuntimeError("the subscription is closed")
        while self._queue is None:
            try:
                self._queue = await self._declare(self._spec)
                self._queue.consumers += 1
            except LogUnavailableError:
                await self._clock.sleep(RETRY_SECONDS)
        return self._queue

    def moment(self, after: float) -> int:
        """That many seconds from now, in microseconds since 1970."""
        return self._clock.now() + round(after * 1_000_000)

    def decide(self, settlement: Settlement) -> None:
        """Take a decision; it is written with its neighbours."""
        if self._held.pop(settlement.handed.row, None) is None:
            return
        self._decided.append(settlement)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())

    async def flush(self) -> None:
        """Wait until every decision taken is durable."""
        while self._writing is not None and not self._writing.done():
            await asyncio.shield(self._writing)

    async def _write(self) -> None:
        while self._decided and self._queue is not None:
            decided, self._decided = self._decided, []
            try:
                await self._queue.settle(decided)
            except LogUnavailableError:
                self._decided = decided + self._decided
                await self._clock.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(TimeoutError):
            # What cannot be written by then is delivered again.
            await asyncio.wait_for(self.flush(), CLOSE_SECONDS)
        if self._writing is not None:
            self._writing.cancel()
        if self._queue is not None:
            self._queue.consumers -= 1
            rows, self._held = list(self._held), {}
            await self._queue.give_back(rows)

    async def __aenter__(self) -> Self:
        await self._joined()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def _after(first: asyncio.Task[None] | None, then: Coroutine[object, object, None]) -> None:
    if first is not None:
        await asyncio.gather(first, return_exceptions=True)
    await then
