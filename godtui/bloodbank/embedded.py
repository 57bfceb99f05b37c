"""The bus with nothing installed: publishing is appending to the log, queues are cursors over it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from godtui.bloodbank import tables, units
from godtui.bloodbank.bindings import Binding
from godtui.bloodbank.bus import (
    Already,
    Confirmed,
    Conflict,
    Features,
    Message,
    PublishOutcome,
    QueueSpec,
    QueueStatistics,
    Refused,
    Unconfirmed,
    UnknownQueueError,
)
from godtui.bloodbank.embedded_queue import EmbeddedQueue
from godtui.bloodbank.embedded_subscription import EmbeddedSubscription
from godtui.bloodbank.embedded_tap import EmbeddedTap
from godtui.clock import Clock, SystemClock
from godtui.envelope import InvalidEventError, read_envelope, violations_text
from godtui.eventlog import EventLog, LogUnavailableError, Outcome, PoisonError, Record, Verdict

SWEEP_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 0.5

logger = logging.getLogger(__name__)


class EmbeddedBus:
    """The Bus protocol over an EventLog that was given this room's MIGRATIONS."""

    features = Features(knows_duplicates=True, confirms_position=True, keeps_history=True)

    def __init__(self, log: EventLog, clock: Clock | None = None) -> None:
        self._log = log
        self._clock = clock or SystemClock()
        self._queues: dict[str, EmbeddedQueue] = {}
        self._declaring = asyncio.Lock()
        self._ready = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def fault(self) -> str | None:
        """Why nothing can be published now: what ails the log."""
        return self._log.fault

    async def start(self) -> None:
        """Take up the queues that were declared before; while the disk refuses, that is tried again."""
        self._tasks.append(asyncio.create_task(self._take_up()))
        self._tasks.append(asyncio.create_task(self._sweep()))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def publish(self, messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
        if queue is not None:
            return await self._put(messages, queue)
        outcomes: list[PublishOutcome] = []
        records: list[Record] = []
        places: list[int] = []
        for message in messages:
            record = _record(message)
            if isinstance(record, Refused):
                outcomes.append(record)
            else:
                places.append(len(outcomes))
                outcomes.append(_NOT_YET)
                records.append(record)
        for place, outcome in zip(places, await self._append(records), strict=True):
            outcomes[place] = outcome
        return outcomes

    async def declare(self, spec: QueueSpec) -> None:
        await self._declare(spec)

    async def delete(self, queue: str) -> None:
        await self._log.submit(units.Drop(queue))
        self._queues.pop(queue, None)

    def subscribe(self, spec: QueueSpec) -> EmbeddedSubscription:
        return EmbeddedSubscription(self._declare, spec, self._clock)

    def tap(self, bindings: Sequence[str], capacity: int = 1000) -> EmbeddedTap:
        return EmbeddedTap(self._log, bindings, capacity)

    async def statistics(self, queue: str) -> QueueStatistics:
        await self._ready.wait()
        found = self._queues.get(queue)
        if found is None:
            raise UnknownQueueError(f"no queue named {queue} is declared")
        return await found.statistics()

    def queues(self) -> list[str]:
        """The names of all declared queues."""
        return sorted(self._queues)

    async def _declare(self, spec: QueueSpec) -> EmbeddedQueue:
        await self._ready.wait()
        async with self._declaring:
            declared = await self._log.submit(units.Declare(spec))
            return self._take(spec, declared)

    def _take(self, spec: QueueSpec, declared: units.Declared) -> EmbeddedQueue:
        queue = self._queues.get(spec.name)
        if queue is None:
            queue = self._queues[spec.name] = EmbeddedQueue(self._log, self._clock, spec, declared)
        else:
            queue.redeclare(spec, declared)
        return queue

    async def _append(self, records: Sequence[Record]) -> list[PublishOutcome]:
        if not records:
            return []
        try:
            return [_outcome(outcome) for outcome in await self._log.append(records)]
        except LogUnavailableError as error:
            return [Unconfirmed(str(error))] * len(records)
        except PoisonError as error:
            if len(records) == 1:
                return [Refused(str(error))]
            middle = len(records) // 2
            return [*await self._append(records[:middle]), *await self._append(records[middle:])]

    async def _put(self, messages: Sequence[Message], queue: str) -> list[PublishOutcome]:
        try:
            declared = await self._log.submit(units.Put(queue, messages, self._clock.now()))
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
                await self._log.submit(units.give_back_all)
                for name, cursor, ttl in await self._log.rows(tables.QUEUES, purpose="declared queues"):
                    rows = await self._log.rows(tables.BINDINGS, (name,), purpose="bindings")
                    bindings = [Binding(*row) for row in rows]
                    patterns = tuple(each.pattern for each in bindings if each.until_seq is None)
                    spec = QueueSpec(name, patterns, None if ttl is None else ttl / 1_000_000)
                    self._take(spec, units.Declared(cursor, bindings))
                break
            except LogUnavailableError:
                await self._clock.sleep(RETRY_SECONDS)
        self._ready.set()

    async def _sweep(self) -> None:
        """Turn what waited longer than its queue allows into letters, also where nobody consumes."""
        await self._ready.wait()
        while True:
            for queue in list(self._queues.values()):
                try:
                    await queue.sweep()
                except LogUnavailableError as error:
                    logger.warning("queue %s was not swept: %s", queue.name, error)
            await self._clock.sleep(SWEEP_SECONDS)


_NOT_YET: Final = Unconfirmed("not published yet")


def _record(message: Message) -> Record | Refused:
    record = message.record
    if record is None:
        try:
            envelope, faults = read_envelope(message.body)
        except InvalidEventError as error:
            return Refused(f"not an event: {error}")
        record = Record.of(envelope, envelope.to_json(), violations=violations_text(faults))
    return record._replace(headers=units.headers_text(message.headers)) if message.headers else record


def _outcome(outcome: Outcome) -> PublishOutcome:
    if outcome.verdict is Verdict.STORED:
        return Confirmed(outcome.seq)
    return Already(outcome.seq) if outcome.verdict is Verdict.ALREADY else Conflict(outcome.seq)
