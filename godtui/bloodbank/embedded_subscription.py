"""A consumer of a queue over the log."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Final, Self, TypeAlias

from godtui.bloodbank.bus import AlreadySettledError, Message, QueueSpec, SubscriptionClosedError
from godtui.bloodbank.embedded_queue import EmbeddedQueue
from godtui.bloodbank.handed import Handed
from godtui.bloodbank.settlement import Ack, Bury, Settlement, TryAgain
from godtui.clock import Clock
from godtui.eventlog import LogUnavailableError

RETRY_SECONDS: Final = 0.5
CLOSE_SECONDS: Final = 5.0
LONGEST_DELAY: Final = 10 * 365 * 86_400.0

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
        self._settle(Ack(self.handed))

    def retry(self, reason: str, after: float = 0.0) -> None:
        self._settle(TryAgain(self.handed, self._consumer.moment(after), given_back=False))

    def dead_letter(self, reason: str) -> None:
        self._settle(Bury(self.handed, reason.encode(errors="backslashreplace").decode()))

    def _settle(self, settlement: Settlement) -> None:
        if self.settled:
            raise AlreadySettledError(f"message {self.message.message_id} is settled already")
        self.settled = True
        self._consumer.decide(settlement)


class EmbeddedBatch:
    """Messages handed out together."""

    def __init__(self, deliveries: Sequence[EmbeddedDelivery], consumer: EmbeddedSubscription) -> None:
        self.deliveries = deliveries
        self._consumer = consumer

    async def settle(self) -> None:
        for delivery in self.deliveries:
            if not delivery.settled:
                delivery.ack()
        await self._consumer.flush()


class EmbeddedSubscription:
    """A consumer. Decisions are written together soon after they were taken; a lost one is a redelivery."""

    def __init__(
        self,
        declare: DeclareQueue,
        spec: QueueSpec,
        clock: Clock,
        on_close: Callable[[EmbeddedSubscription], None] = lambda consumer: None,
    ) -> None:
        self._declare = declare
        self._spec = spec
        self._clock = clock
        self._on_close = on_close
        self._queue: EmbeddedQueue | None = None
        self._fetched: deque[Handed] = deque()
        self._held: dict[int, Handed] = {}
        self._fetching: asyncio.Task[bool] | None = None
        self._written: asyncio.Event | None = None
        self._busy = asyncio.Lock()
        self._closed = False

    async def batch(self, most: int = 100, wait: float = 0.0) -> EmbeddedBatch:
        if most < 1:
            raise ValueError(f"a batch has at least one message, not {most}")
        async with self._busy:
            queue = await self._joined()
            deadline: float | None = None
            while len(self._fetched) < most:
                if self._fetched:
                    deadline = self._clock.monotonic() + wait if deadline is None else deadline
                    if self._clock.monotonic() >= deadline:
                        break
                if not await self._fetch(queue, most - len(self._fetched)):
                    await queue.wait(deadline)
                self._refuse_if_closed()
            return self._hand_over(most)

    def _hand_over(self, most: int) -> EmbeddedBatch:
        handed = [self._fetched.popleft() for _ in range(min(most, len(self._fetched)))]
        self._held.update((each.row, each) for each in handed)
        return EmbeddedBatch([EmbeddedDelivery(each, self) for each in handed], self)

    async def _fetch(self, queue: EmbeddedQueue, most: int) -> bool:
        """Ask the queue for more; False where it had nothing. A cancelled caller leaves what comes to the next."""
        if self._fetching is None:
            self._fetching = asyncio.ensure_future(self._take(queue, most))
            self._fetching.add_done_callback(_look_at_error)
        fetching = self._fetching
        await asyncio.wait([fetching])
        self._fetching = None
        self._refuse_if_closed()
        try:
            return fetching.result()
        except LogUnavailableError:
            await queue.rest(RETRY_SECONDS)
            return True

    async def _take(self, queue: EmbeddedQueue, most: int) -> bool:
        taken = await queue.take(most)
        self._fetched += taken
        if self._closed:
            self._give_back(queue)
        return bool(taken)

    async def _joined(self) -> EmbeddedQueue:
        self._refuse_if_closed()
        while self._queue is None:
            try:
                queue = await self._declare(self._spec)
            except LogUnavailableError:
                await self._clock.sleep(RETRY_SECONDS)
                continue
            self._refuse_if_closed()
            if self._queue is None:
                self._queue = queue
                queue.consumers += 1
        return self._queue

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise SubscriptionClosedError(f"the consumer of {self._spec.name} is closed")

    def moment(self, after: float) -> int:
        """That many seconds from now, in microseconds since 1970."""
        return self._clock.now() + round(min(max(0.0, after), LONGEST_DELAY) * 1_000_000)

    def decide(self, settlement: Settlement) -> None:
        """Take a decision; it is written with its neighbours."""
        if self._queue is not None and self._held.pop(settlement.handed.row, None) is not None:
            self._written = self._queue.settle([settlement])

    async def flush(self) -> None:
        """Wait until every decision taken is durable, or can no longer become so."""
        if self._written is not None:
            await self._written.wait()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._on_close(self)
            self._leave()
        finishing = asyncio.ensure_future(self._finish())
        bound = asyncio.ensure_future(self._clock.sleep(CLOSE_SECONDS))
        try:
            # What is not written by then is written later, or delivered again.
            await asyncio.wait([finishing, bound], return_when=asyncio.FIRST_COMPLETED)
        finally:
            finishing.cancel()
            bound.cancel()
            await asyncio.gather(finishing, bound, return_exceptions=True)

    def _leave(self) -> None:
        if self._queue is not None:
            self._queue.consumers -= 1
            self._give_back(self._queue)
            self._queue.wake()

    def _give_back(self, queue: EmbeddedQueue) -> None:
        left = [*self._held.values(), *self._fetched]
        if left:
            self._held.clear()
            self._fetched.clear()
            self._written = queue.give_back(left)

    async def _finish(self) -> None:
        if self._fetching is not None:
            await asyncio.wait([self._fetching])
        await self.flush()

    async def __aenter__(self) -> Self:
        await self._joined()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _look_at_error(task: asyncio.Task[bool]) -> None:
    """Nobody may be waiting for it any more."""
    if not task.cancelled():
        task.exception()
