"""The memory: what is in the broker's queue is stored, and leaves the queue only once it is durable."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from godtui.backoff import Backoff
from godtui.bloodbank.bus import (
    Bus,
    Delivery,
    QueueSpec,
    Subscription,
    SubscriptionClosedError,
    UnknownQueueError,
)
from godtui.bloodbank.judging import judge
from godtui.bloodbank.replayed import is_sent_again
from godtui.clock import Clock
from godtui.envelope import InvalidEventError
from godtui.eventlog import EventLog, LogUnavailableError, Outcome, PoisonError, Record, Verdict
from godtui.holyfields import Contracts, Registry

BATCH: Final = 500
"""How many events are stored in one commit at most, and as many more may be under way meanwhile."""
PAUSES: Final = Backoff(0.25, 5.0)
MAX_REASON: Final = 1000

INVALID: Final = "invalid_envelope"
CONFLICT: Final = "conflict"
UNSTORABLE: Final = "unstorable"
"""What the reasons of its dead letters begin with."""

logger = logging.getLogger(__name__)


class Persister:
    """Consumes the memory's queue into the log, in the order of delivery.

    `fault` says why nothing is stored now, None while all is well. `stored`, `held` and `refused` count since the
    start: events stored, events that were held already, messages that became dead letters; `replayed` are those that
    a replay sent once more, which is no traffic; `last_batch` is how many the last commit had.
    """

    def __init__(self, bus: Bus, log: EventLog, contracts: Contracts, clock: Clock, queue: QueueSpec) -> None:
        self._bus = bus
        self._log = log
        self._contracts = contracts
        self._clock = clock
        self._queue = queue
        self._tries = 0
        self.fault: str | None = None
        self.stored = self.held = self.refused = self.replayed = self.last_batch = 0

    async def run(self) -> None:
        """Store until cancelled. While the log cannot commit, nothing is consumed and the broker keeps everything."""
        while True:
            try:
                await self._consume()
            except LogUnavailableError as error:
                self._say(f"events stay in {self._queue.name}: {error}")
            except (SubscriptionClosedError, UnknownQueueError) as error:
                self._say(str(error))
            await self._pause()

    async def _consume(self) -> None:
        async with self._bus.subscribe(self._queue, ahead=BATCH) as consumer:
            if self._log.fault is None:
                # The next message, which would show it, may be long in coming.
                self.fault = None
            while True:
                await self._step(consumer)
                self._tries, self.fault = 0, None

    async def _step(self, consumer: Subscription) -> None:
        """Store one batch and decide on each of it; the broker hears of that while the next is stored.

        Raises LogUnavailableError, having acked nothing that is not durable.
        """
        batch = await consumer.batch(BATCH)
        registry = self._contracts.current
        deliveries, records = [], []
        for delivery in batch.deliveries:
            record = self._judge(delivery, registry)
            if record is not None:
                deliveries.append(delivery)
                records.append(record)
        await self._store(deliveries, records)
        self.last_batch = len(records)

    def _judge(self, delivery: Delivery, registry: Registry) -> Record | None:
        """What is to be stored; None where that is decided: it cannot be stored, or a replay sent it once more."""
        try:
            record = judge(delivery.message, registry)
            if delivery.message.headers and is_sent_again(delivery.message.headers, record.time):
                # It was stored when it was published; retention may have cut it since, and it stays cut.
                self.replayed += 1
                delivery.ack()
                return None
            return record
        except InvalidEventError as error:
            self._bury(delivery, f"{INVALID}: {error}")
        except Exception as error:
            # Whatever a stranger sends, it must neither end the memory nor come back for ever.
            logger.exception("a message of %s cannot be read", self._queue.name)
            self._bury(delivery, f"{INVALID}: it cannot be read ({type(error).__name__})")
        return None

    async def _store(self, deliveries: Sequence[Delivery], records: Sequence[Record]) -> None:
        """Append and decide on each; what the log cannot hold at all holds up no other. Raises LogUnavailableError."""
        try:
            outcomes = await self._log.append(records)
        except PoisonError as error:
            await self._store_around(deliveries, records, error)
            return
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            self._decide(delivery, outcome)

    async def _store_around(
        self, deliveries: Sequence[Delivery], records: Sequence[Record], error: PoisonError
    ) -> None:
        """Store in order what surrounds the poison."""
        if len(records) == 1:
            self._bury(deliveries[0], f"{UNSTORABLE}: {error}")
            return
        cuts = {cut for position in error.positions for cut in (position, position + 1)}
        bounds = sorted({0, len(records), *(cuts or {len(records) // 2})})
        for start, end in pairwise(bounds):
            await self._store(deliveries[start:end], records[start:end])

    def _decide(self, delivery: Delivery, outcome: Outcome) -> None:
        match outcome.verdict:
            case Verdict.CONFLICT:
                self._bury(
                    delivery, f"{CONFLICT}: its event_id is already stored with other content (seq {outcome.seq})"
                )
            case Verdict.ALREADY:
                self.held += 1
                delivery.ack()
            case Verdict.STORED:
                self.stored += 1
                delivery.ack()

    def _bury(self, delivery: Delivery, reason: str) -> None:
        self.refused += 1
        delivery.dead_letter(reason[:MAX_REASON])

    async def _pause(self) -> None:
        """Wait until it makes sense to try again."""
        while True:
            self._tries += 1
            await self._clock.sleep(PAUSES.pause(self._tries))
            if self._log.fault is None:
                return

    def _say(self, fault: str) -> None:
        if fault != self.fault:
            logger.warning("%s", fault)
        self.fault = fault
