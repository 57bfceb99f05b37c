"""What must not depend on a broker: accepted in a commit of the log, and sent on from there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from godtui.bloodbank import outbox_tables as tables
from godtui.bloodbank.admission import answer, record_of
from godtui.bloodbank.bus import Already, Confirmed, Conflict, Message, PublishOutcome, Refused, Unconfirmed
from godtui.eventlog import (
    UNSTORABLE,
    EventLog,
    LogUnavailableError,
    PoisonError,
    Record,
    Transaction,
    same_body,
)

OUTBOX: Final = "outbox"
"""The queue that letters of refused messages name, and what the log's tail calls a change of the line."""

Accept: TypeAlias = Callable[[Sequence[Message]], Callable[[Transaction], list[PublishOutcome]]]
"""Makes a unit of the log that accepts messages, to be submitted or to be called within another unit."""


class Waiting(NamedTuple):
    """How many messages are in the outbox, and when (µs) the first of them entered it."""

    number: int
    oldest: int | None


@dataclass(slots=True)
class Put:
    """A unit of the log: messages at the end of the outbox, unless the log or the outbox holds their ids already.

    Answers an outcome a message. Running it again does nothing more.
    """

    messages: Sequence[Message]
    _records: list[Record | Refused] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._records = [record_of(message) for message in self.messages]

    def __call__(self, transaction: Transaction) -> list[PublishOutcome]:
        transaction.touched.add(OUTBOX)
        return [
            record if isinstance(record, Refused) else _enter(transaction, message.routing_key, record)
            for message, record in zip(self.messages, self._records, strict=True)
        ]


@dataclass(slots=True)
class Append:
    """A unit of the log: messages straight into it, for the bus whose queues lie over the log.

    Answers an outcome a message. Running it again stores nothing more.
    """

    messages: Sequence[Message]
    _records: list[Record | Refused] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._records = [record_of(message) for message in self.messages]

    def __call__(self, transaction: Transaction) -> list[PublishOutcome]:
        return [record if isinstance(record, Refused) else _append(transaction, record) for record in self._records]


class Outbox:
    """Confirms what it has made durable here, whatever the state of the broker. A Sink, from any loop.

    With `accept=Append` the outbox is the log itself, and nothing has to be sent on.
    """

    def __init__(self, log: EventLog, accept: Accept = Put) -> None:
        self._log = log
        self.accept = accept

    async def publish(
        self, messages: Sequence[Message], *, along: Callable[[Transaction], Any] | None = None
    ) -> list[PublishOutcome]:
        """Accept in order, in one commit with what `along` does: Unconfirmed where the log cannot be written."""
        try:
            if along is None and self.accept is Append:
                return await self._append(messages)
            unit = self.accept(messages)
            return await self._log.submit(unit if along is None else _Together(unit, along))
        except LogUnavailableError as error:
            return [Unconfirmed(str(error))] * len(messages)

    async def _append(self, messages: Sequence[Message]) -> list[PublishOutcome]:
        """As the unit does, but what others append at the same time shares its statements."""
        records = [record_of(message) for message in messages]
        sound = [record for record in records if isinstance(record, Record)]
        try:
            outcomes = iter(await self._log.append(sound))
        except PoisonError:
            return await self._log.submit(Append(messages))
        return [record if isinstance(record, Refused) else answer(next(outcomes)) for record in records]

    async def waiting(self) -> Waiting:
        """What has not been sent on yet. Raises LogUnavailableError."""
        return await waiting(self._log)


async def waiting(log: EventLog) -> Waiting:
    """What is in a log's outbox. Raises LogUnavailableError."""
    return Waiting._make((await log.rows(tables.WAITING, purpose="what the outbox holds"))[0])


@dataclass(slots=True)
class _Together:
    unit: Callable[[Transaction], list[PublishOutcome]]
    along: Callable[[Transaction], Any]

    def __call__(self, transaction: Transaction) -> list[PublishOutcome]:
        outcomes = self.unit(transaction)
        self.along(transaction)
        return outcomes


def _enter(transaction: Transaction, routing_key: str, record: Record) -> PublishOutcome:
    held = transaction.held(record)
    if held is not None:
        return answer(held)
    row = (record.event_id, transaction.now, routing_key, record.headers, record.body)
    try:
        if transaction.execute(tables.ENTER, row).rowcount:
            return Confirmed(None)
    except UNSTORABLE as error:
        return Refused(f"an event cannot be stored: {error}")
    waits: bytes = transaction.execute(tables.HELD, (record.event_id,)).fetchone()[0]
    return Already(None) if same_body(waits, record.body) else Conflict(None)


def _append(transaction: Transaction, record: Record) -> PublishOutcome:
    try:
        return answer(transaction.append([record])[0])
    except PoisonError as error:
        return Refused(str(error))
