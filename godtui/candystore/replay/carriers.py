"""How stored events reach the bus once more: over the log within one commit, or over a broker with its confirms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias
from uuid import UUID

from godtui.bloodbank import tables
from godtui.bloodbank.bus import (
    Already,
    Bus,
    Confirmed,
    Message,
    PublishOutcome,
    Refused,
    Unconfirmed,
    UnknownQueueError,
)
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.bloodbank.queues import MEMORY
from godtui.bloodbank.redelivery import Again, queues_in_force
from godtui.bloodbank.replayed import Marks
from godtui.candystore.replay.errors import ReplayRefusedError
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog, Record, Transaction
from godtui.topics import Matcher

NO_MEMORY: Final = f"the log stands in the place of {MEMORY} here: what is stored is not stored again"

NAMES: Final = "those that can have ASCII letters, digits, spaces and _.:@#,/+- only"
NO_EXCHANGE: Final = (
    "no exchange of its own can be made for it, so that events come under the queue's name as routing key, their own"
    " in the header x-original-routing-key, where our library looks for it; the user needs permission for"
    " bloodbank.to.*"
)

Advancing: TypeAlias = Callable[[int, int], Callable[[Transaction], bool]]
"""A unit of the log that says how far a replay is: the first so many of the events are through, so many of them not
sent because the bus refused them. False, having done nothing, where the replay stands elsewhere by now."""


class NotNowError(Exception):
    """The bus takes nothing now; the message says why. What was not sent is tried again."""


class Carried(NamedTuple):
    """How many of the first events are through, how many of these the bus refused for good, and why the last."""

    through: int
    refused: int = 0
    reason: str = ""


class Carrier(Protocol):
    """Sends stored events, and keeps how far that is."""

    async def require(self, queue: str) -> None:
        """Raises ReplayRefusedError where nothing can be sent to that queue, NotNowError where that cannot be seen,
        LogUnavailableError.
        """

    async def queues(self) -> Mapping[str, Matcher] | None:
        """Every queue and what it is bound by now; None where that is not known. Raises LogUnavailableError."""

    async def consumers(self, queue: str) -> int | None:
        """How many take from a queue now; None where that is not known."""

    async def remarks(self, queue: str) -> tuple[str, ...]:
        """What is to be known before something is sent to that queue alone."""

    async def carry(
        self, events: Sequence[StoredEvent], marks: Marks, queue: str | None, advancing: Advancing
    ) -> Carried | None:
        """Send in order, to one queue or over the bus; None where the replay stands elsewhere by now.

        Raises UnknownQueueError, NotNowError, LogUnavailableError; what was kept of a step then is in the log.
        """


class EmbeddedCarrier:
    """The queues are tables of the log: what is sent and how far that is are one commit, so nothing is sent twice."""

    def __init__(self, bus: EmbeddedBus, log: EventLog) -> None:
        self._bus = bus
        self._log = log

    async def require(self, queue: str) -> None:
        if queue == MEMORY:
            raise ReplayRefusedError(f"nothing can be sent to {MEMORY}: {NO_MEMORY}", "/to")
        if not await self._log.rows(tables.QUEUE, (queue,), purpose="a queue"):
            raise ReplayRefusedError(_unknown(queue), "/to")

    async def queues(self) -> Mapping[str, Matcher] | None:
        rows = await self._log.rows(tables.BOUND_QUEUES, purpose="what queues are bound by")
        return {name: matcher for (_, name), matcher in queues_in_force(rows).items()}

    async def consumers(self, queue: str) -> int | None:
        try:
            return (await self._bus.statistics(queue)).consumers
        except UnknownQueueError:
            return None

    async def remarks(self, queue: str) -> tuple[str, ...]:
        return ()

    async def carry(
        self, events: Sequence[StoredEvent], marks: Marks, queue: str | None, advancing: Advancing
    ) -> Carried | None:
        again = [Again(event.seq, event.event_type, marks.text(event)) for event in events]
        if await self._bus.redeliver(again, queue, advancing(len(events), 0)):
            return Carried(len(events))
        return None


class Broker(Bus, Protocol):
    """A bus whose queues are somewhere else."""

    async def keeps_routing_key(self, queue: str) -> bool | None:
        """Whether what is published to that queue alone keeps its routing key; None where that cannot be seen now."""


class BrokerCarrier:
    """Published, confirmed, then kept: an end between the last two sends a step twice."""

    def __init__(self, bus: Broker, log: EventLog, timeout: float, own: Container[str] = ()) -> None:
        """`timeout` is how many seconds a step may wait for its confirms; `own` queues are no services' and take none
        of it.
        """
        self._bus = bus
        self._log = log
        self._timeout = timeout
        self._own = own

    async def require(self, queue: str) -> None:
        if queue == MEMORY:
            raise ReplayRefusedError(f"nothing can be sent to {MEMORY}: what is stored is not stored again", "/to")
        if queue in self._own:
            raise ReplayRefusedError(f"nothing can be sent to {queue}: it is godtui's own", "/to")
        try:
            await self._look_at(queue)
        except UnknownQueueError:
            raise ReplayRefusedError(_unknown(queue), "/to") from None
        except ValueError:  # the client library writes no such name
            raise ReplayRefusedError(f"{queue[:80]!r} cannot be asked for over AMQP; {NAMES}", "/to") from None
        except NotNowError as error:
            raise NotNowError(f"whether there is a queue {queue} cannot be seen now: {error}") from None

    async def queues(self) -> Mapping[str, Matcher] | None:
        return None

    async def consumers(self, queue: str) -> int | None:
        if self._bus.fault:
            return None  # to ask for each queue would mean to wait for each
        try:
            return (await self._bus.statistics(queue)).consumers
        except (UnknownQueueError, ConnectionError, TimeoutError):
            return None

    async def remarks(self, queue: str) -> tuple[str, ...]:
        if await self._bus.keeps_routing_key(queue) is False:
            return (f"{queue}: {NO_EXCHANGE}",)
        return ()

    async def carry(
        self, events: Sequence[StoredEvent], marks: Marks, queue: str | None, advancing: Advancing
    ) -> Carried | None:
        try:
            async with asyncio.timeout(self._timeout):
                outcomes = await self._bus.publish([_message(event, marks) for event in events], queue=queue)
        except TimeoutError:
            raise NotNowError(f"no confirmation within {self._timeout:g} s") from None
        gone = await self._gone(queue, outcomes)
        carried = _carried(outcomes if gone is None else outcomes[: _first_refused(outcomes)])
        if carried.through and not await self._log.submit(advancing(carried.through, carried.refused)):
            return None
        if gone is not None:
            raise gone
        if carried.through < len(events):
            raise NotNowError(_reason(outcomes[carried.through]))
        return carried

    async def _gone(self, queue: str | None, outcomes: Sequence[PublishOutcome]) -> Exception | None:
        """Why a refusal is none of the event's: its queue is gone, or whether it is cannot be seen."""
        if queue is not None and _first_refused(outcomes) < len(outcomes):
            try:
                await self._look_at(queue)
            except (UnknownQueueError, NotNowError) as error:
                return error
        return None

    async def _look_at(self, queue: str) -> None:
        """Raises UnknownQueueError, NotNowError."""
        try:
            await self._bus.statistics(queue)
        except (ConnectionError, TimeoutError) as error:
            raise NotNowError(str(error) or self._bus.fault or "the broker does not answer") from None


def _message(event: StoredEvent, marks: Marks) -> Message:
    identity = str(UUID(bytes=event.event_id))
    record = Record._make(event[2:])
    return Message(event.body, event.event_type, identity, marks.headers(event), record)


def _first_refused(outcomes: Sequence[PublishOutcome]) -> int:
    """Its place; beyond the last where none is."""
    return next((place for place, each in enumerate(outcomes) if isinstance(each, Refused)), len(outcomes))


def _carried(outcomes: Sequence[PublishOutcome]) -> Carried:
    """How far it went before the first that is to be tried again."""
    refused, reason = 0, ""
    for number, outcome in enumerate(outcomes):
        if not isinstance(outcome, Confirmed | Already):
            if isinstance(outcome, Unconfirmed):
                return Carried(number, refused, reason)
            refused, reason = refused + 1, _reason(outcome)
    return Carried(len(outcomes), refused, reason)


def _reason(outcome: PublishOutcome) -> str:
    return outcome.reason if isinstance(outcome, Unconfirmed | Refused) else "its id is held with other content"


def _unknown(queue: str) -> str:
    return f"no queue named {queue} is declared; start what consumes from it, or name another"
