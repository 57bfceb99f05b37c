"""What a broker gathers of dead letters is moved into the log: committed first, acked then."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple, Self

from godtui import jsontext
from godtui.bloodbank import tables
from godtui.bloodbank.bus import Bus, Delivery, Message, QueueSpec, SubscriptionClosedError, UnknownQueueError
from godtui.bloodbank.deaths import (
    BROKER_DEATHS,
    DEAD_LETTERS,
    LETTER,
    MAX_REASON,
    death_of,
    event_type_of,
    kept,
    said,
)
from godtui.bloodbank.handed import headers_text
from godtui.clock import Clock
from godtui.eventlog import UNSTORABLE, EventLog, LogUnavailableError, Transaction

BATCH_LETTERS: Final = 100
GATHER_SECONDS: Final = 0.05
RETRY_SECONDS: Final = 1.0
UNSTORABLE_SECONDS: Final = 60.0
"""How long a letter that the log cannot hold waits in its queue for another try."""

QUEUE: Final = QueueSpec(DEAD_LETTERS, ())
"""Bound to the exchange of the dead by the topology, to no events."""

logger = logging.getLogger(__name__)


class Arrival(NamedTuple):
    """A letter as it arrived. Where its `token` tells it from every other, `is_named`; else that is its content."""

    death: tuple[str, str, str, int, int, int]
    message_id: str
    event_type: str | None
    headers: bytes | None
    body: bytes
    token: bytes
    is_named: bool
    is_new: bool

    @classmethod
    def of(cls, delivery: Delivery, now: int) -> Self:
        """What a delivery tells; `now` in microseconds since 1970."""
        message = delivery.message
        death = death_of(message, now)
        name = message.headers.get(LETTER)
        is_named = isinstance(name, str) and bool(name)
        headers = {said(key): kept(value) for key, value in message.headers.items()}
        return cls(
            death,
            said(message.message_id),
            event_type_of(message.body, death.routing_key),
            headers_text(headers),
            message.body,
            _token(message, name if is_named else [death.queue, death.reason]),
            is_named,
            delivery.attempt == 1,
        )

    def row(self, token: bytes | None) -> tuple[object, ...]:
        """The parameters of `ADD_LETTER`."""
        queue, reason, routing_key, attempts, first_at, last_at = self.death
        return (
            said(queue), reason[:MAX_REASON], self.message_id, said(routing_key), attempts, first_at, last_at,
            self.headers, self.body, self.event_type, token,
        )  # fmt: skip


@dataclass(slots=True)
class Collect:
    """Letters into the log, each once however often it is delivered.

    Messages without an id may be equal in everything and yet be several: those that arrive together are told apart by
    their number, and one that is handed out for the first time is never taken for another.
    """

    arrivals: Sequence[Arrival]

    def __call__(self, transaction: Transaction) -> None:
        seen: Counter[bytes] = Counter()
        for each in self.arrivals:
            token = each.token if each.is_named else _numbered(each.token, seen[each.token])
            seen[each.token] += 1
            added = transaction.execute(tables.ADD_LETTER, each.row(token)).rowcount
            if not added and each.is_new and not each.is_named:
                transaction.execute(tables.ADD_LETTER, each.row(None))
        transaction.touched.add(DEAD_LETTERS)


class Collector:
    """Consumes the queue of dead letters into the log. `fault` says why nothing is collected now."""

    def __init__(self, bus: Bus, log: EventLog, clock: Clock, queue: QueueSpec = QUEUE) -> None:
        self._bus = bus
        self._log = log
        self._clock = clock
        self._queue = queue
        self.fault: str | None = None

    async def run(self) -> None:
        """Collect until cancelled; while the log cannot commit, the queue keeps its letters."""
        while True:
            try:
                await self._consume()
            except LogUnavailableError as error:
                self._say(f"dead letters stay in {self._queue.name}: {error}")
            except (SubscriptionClosedError, UnknownQueueError) as error:
                self._say(str(error))
            await self._clock.sleep(RETRY_SECONDS)

    async def _consume(self) -> None:
        async with self._bus.subscribe(self._queue, ahead=BATCH_LETTERS) as consumer:
            if self._log.fault is None:
                # The next message, which would show it, may be long in coming.
                self.fault = None
            while True:
                batch = await consumer.batch(BATCH_LETTERS, GATHER_SECONDS)
                await self._keep(batch.deliveries)
                await batch.settle()
                self.fault = None

    async def _keep(self, deliveries: Sequence[Delivery]) -> None:
        """Commit them; one that the log cannot hold at all waits, and holds up no other. Raises LogUnavailableError."""
        now = self._clock.now()
        try:
            await self._log.submit(Collect([Arrival.of(each, now) for each in deliveries]))
        except UNSTORABLE as error:
            if len(deliveries) == 1:
                logger.error("a dead letter cannot be kept and stays in %s: %s", self._queue.name, error)
                deliveries[0].retry("it cannot be stored", after=UNSTORABLE_SECONDS)
                return
            middle = len(deliveries) // 2
            await self._keep(deliveries[:middle])
            await self._keep(deliveries[middle:])

    def _say(self, fault: str) -> None:
        if fault != self.fault:
            logger.warning("%s", fault)
        self.fault = fault


def _token(message: Message, told: object) -> bytes:
    """What is the same whenever this letter is delivered."""
    deaths = [message.message_id, told, kept(message.headers.get(BROKER_DEATHS))]
    text = jsontext.canonical(deaths)
    return blake2b(text + b"\0" + message.body, digest_size=16, person=b"godtui letter").digest()


def _numbered(token: bytes, number: int) -> bytes:
    return blake2b(token, digest_size=16, salt=number.to_bytes(8, "big")).digest() if number else token
