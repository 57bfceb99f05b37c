"""The bus with nothing installed: publishing is appending to the log, queues are cursors over it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from godtui.bloodbank import tables
from godtui.bloodbank.admission import answer, record_of
from godtui.bloodbank.bus import (
    Confirmed,
    Features,
    Message,
    PublishOutcome,
    QueueSpec,
    QueueStatistics,
    Refused,
    SubscriptionClosedError,
    Unconfirmed,
    UnknownQueueError,
)
from godtui.bloodbank.declaration import Declare, Declared, Drop, Put, take_up
from godtui.bloodbank.embedded_queue import EmbeddedQueue
from godtui.bloodbank.embedded_subscription import EmbeddedSubscription
from godtui.bloodbank.embedded_tap import EmbeddedTap
from godtui.bloodbank.redelivery import Again, Redeliver
from godtui.clock import Clock, SystemClock
from godtui.eventlog import EventLog, LogUnavailableError, PoisonError, Record, Transaction, Verdict

SWEEP_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 0.5

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class EmbeddedBus:
    """The Bus protocol over an EventLog that was given this room's MIGRATIONS and the same clock."""

    features = Features(knows_duplicates=True, confirms_position=True, keeps_history=True, sends_ahead=False)

    def __init__(self, log: EventLog, clock: Clock | None = None, standing: Sequence[QueueSpec] = ()) -> None:
        """`standing` queues are there before anything is published, whether or not anybody consumes from them."""
        self._log = log
        self._standing = tuple(standing)
        self._clock = clock or SystemClock()
        self._queues: dict[str, EmbeddedQueue] = {}
        self._open: set[EmbeddedSubscription | EmbeddedTap] = set()
        self._declaring = asyncio.Lock()
        self._ready = asyncio.Event()
        self._closed = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def fault(self) -> str | None:
        """Why nothing can be published now: what ails the log."""
        return self._log.fault

    async def start(self) -> None:
        """Take up the queues that were declared before; while the disk refuses, that is tried again."""
        self._tasks.append(asyncio.create_task(self._take_up()))
        self._tasks.append(asyncio.create_task(self._sweep_often()))
        # One turn, and the standing queues are in the log's line before whatever is published next.
        await asyncio.sleep(0)

    async def close(self) -> None:
        self._closed = True
        await asyncio.gather(*(each.close() for each in list(self._open)))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._ready.set()
        await asyncio.gather(*(queue.close() for queue in self._queues.values()))

    async def publish(self, messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
        if self._closed:
            return [Unconfirmed("the bus is closed")] * len(messages)
        if queue is None:
            known = [message.record for message in messages if message.record is not None and not message.headers]
            if len(known) == len(messages):
                return await self._append(known)
        records = [record_of(message) for message in messages]
        sound = [number for number, record in enumerate(records) if isinstance(record, Record)]
        if queue is None:
            answers = await self._append([record for record in records if isinstance(record, Record)])
        else:
            answers = await self._put([messages[number] for number in sound], queue)
        outcomes = dict(zip(sound, answers, strict=True))
        return [outcomes[number] if isinstance(record, Record) else record for number, record in enumerate(records)]

    async def put(self, message: Message, queue: str, beside: Callable[[Transaction], None]) -> PublishOutcome:
        """As `publish` with `queue`, doing something else in the same commit; what that raises is raised here."""
        if self._closed:
            return Unconfirmed("the bus is closed")
        record = record_of(message)
        return record if isinstance(record, Refused) else (await self._put([message], queue, beside))[0]

    async def redeliver(
        self, events: Sequence[Again], queue: str | None, beside: Callable[[Transaction], bool]
    ) -> bool:
        """Hand stored events out once more, in one commit with `beside`; False where that refused and nothing was done.

        To one queue, or to all that are bound to them now. Raises UnknownQueueError, LogUnavailableError.
        """
        await self._ready.wait()
        if self._closed:
            raise LogUnavailableError("the bus is closed")
        reached = await self._log.submit(Redeliver(events, queue, self._clock.now(), beside))
        # Where it was refused, an earlier commit that nobody heard of may have been the reason.
        for name in self._queues if reached is None else reached:
            if name in self._queues:
                self._queues[name].wake()
        return reached is not None

    async def declare(self, spec: QueueSpec) -> None:
        """Raises LogUnavailableError."""
        await self._declare(spec)

    async def delete(self, queue: str) -> None:
        """Raises LogUnavailableError."""
        await self._ready.wait()
        await _to_the_end(self._delete(queue))

    def subscribe(self, spec: QueueSpec, *, ahead: int = 0) -> EmbeddedSubscription:
        consumer = EmbeddedSubscription(self._declare, spec, self._clock, self._open.discard)
        self._open.add(consumer)
        return consumer

    def tap(self, bindings: Sequence[str], capacity: int = 1000) -> EmbeddedTap:
        tap = EmbeddedTap(self._log, bindings, capacity, self._clock, self._open.discard)
        self._open.add(tap)
        return tap

    async def statistics(self, queue: str) -> QueueStatistics:
        """Raises UnknownQueueError, LogUnavailableError."""
        await self._ready.wait()
        found = self._queues.get(queue)
        if found is None:
            raise UnknownQueueError(f"no queue named {queue} is declared")
        return await found.statistics()

    def queues(self) -> list[str]:
        """The names of all declared queues."""
        return sorted(self._queues)

    async def lowest_needed(self) -> int | None:
        """The first position that a queue may still hand out, None where no queue needs the log's past.

        Raises LogUnavailableError.
        """
        rows = await self._log.rows(tables.LOWEST_NEEDED, purpose="what retention must keep")
        lowest: int | None = rows[0][0]
        return lowest

    async def _declare(self, spec: QueueSpec) -> EmbeddedQueue:
        await self._ready.wait()
        return await _to_the_end(self._declare_one(spec))

    async def _declare_one(self, spec: QueueSpec) -> EmbeddedQueue:
        async with self._declaring:
            if self._closed:
                raise SubscriptionClosedError("the bus is closed")
            queue = self._queues.get(spec.name)
            if queue is not None:
                with contextlib.suppress(UnknownQueueError):
                    await queue.declare(spec)
                    return queue
            declared = await self._log.submit(Declare(spec))
            queue = self._queues[spec.name] = EmbeddedQueue(self._log, self._clock, spec.name, declared)
            return queue

    async def _delete(self, name: str) -> None:
        async with self._declaring:
            queue = self._queues.get(name)
            if queue is None:
                await self._log.submit(Drop(name))
                return
            with contextlib.suppress(UnknownQueueError):
                await queue.delete()
            del self._queues[name]

    async def _append(self, records: Sequence[Record]) -> list[PublishOutcome]:
        try:
            outcomes = await self._log.append(records)
        except LogUnavailableError as error:
            return [Unconfirmed(str(error))] * len(records)
        except PoisonError as error:
            if len(records) == 1:
                return [Refused(str(error))]
            middle = len(records) // 2
            return [*await self._append(records[:middle]), *await self._append(records[middle:])]
        stored = Verdict.STORED
        return [Confirmed(outcome.seq) if outcome.verdict is stored else answer(outcome) for outcome in outcomes]

    async def _put(
        self, messages: Sequence[Message], queue: str, beside: Callable[[Transaction], None] | None = None
    ) -> list[PublishOutcome]:
        if not messages:
            return []
        try:
            declared = await self._log.submit(Put(queue, messages, self._clock.now(), beside))
        except LogUnavailableError as error:
            return [Unconfirmed(str(error))] * len(messages)
        if not declared:
            return [Refused(f"no queue named {queue} is declared")] * len(messages)
        if queue in self._queues:
            self._queues[queue].wake()
        return [Confirmed(None)] * len(messages)

    async def _take_up(self) -> None:
        while True:
            try:
                found = await self._log.submit(self._take_up_all)
                break
            except LogUnavailableError:
                await self._clock.sleep(RETRY_SECONDS)
        for name, declared in found:
            self._queues[name] = EmbeddedQueue(self._log, self._clock, name, declared)
        self._ready.set()

    def _take_up_all(self, transaction: Transaction) -> list[tuple[str, Declared]]:
        for spec in self._standing:
            Declare(spec)(transaction)
        return take_up(transaction)

    async def _sweep_often(self) -> None:
        while True:
            await self.sweep()
            await self._clock.sleep(SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Turn what waited longer than its queue allows into letters, also where nobody consumes."""
        await self._ready.wait()
        for queue in list(self._queues.values()):
            try:
                await queue.sweep()
            except (LogUnavailableError, UnknownQueueError):
                logger.debug("queue %s is swept the next time", queue.name)
            except Exception:
                logger.exception("queue %s cannot be swept", queue.name)


async def _to_the_end(work: Awaitable[Result]) -> Result:
    """Do it whole even if the caller goes away: what is in memory has to follow what is on disk."""
    doing = asyncio.ensure_future(work)
    doing.add_done_callback(lambda done: done.cancelled() or done.exception())
    return await asyncio.shield(doing)
