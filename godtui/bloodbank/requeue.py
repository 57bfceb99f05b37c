"""Putting a dead letter back into the queue it came from, as it was or corrected."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from godtui import jsontext
from godtui.bloodbank.bus import Already, Bus, Confirmed, Conflict, Message, PublishOutcome, Refused, Unconfirmed
from godtui.bloodbank.deadletters import DeadLetter
from godtui.bloodbank.deaths import REQUEUES
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.bloodbank.errors import (
    NotRequeuedError,
    RequeueRefusedError,
    TooLargeError,
    UnknownLetterError,
)
from godtui.bloodbank.letterbox import Letterbox, RemoveLetter
from godtui.bloodbank.outbox import OUTBOX, Put
from godtui.bloodbank.publisher import PublishingRules
from godtui.envelope import EventEnvelope, Fault, InvalidEventError, read_envelope
from godtui.eventlog import EventLog, LogUnavailableError, Record, Transaction
from godtui.holyfields import Contracts, Registry, UnknownContractError

MORE_ONCE: Final = "requeue it again once the bus answers: it may then be delivered twice"
NOWHERE: Final = "publish its body anew, or discard it"
STAYS: Final = "start what consumes from that queue, correct the body, or discard the letter"


class Requeued(NamedTuple):
    """What was put back where, and how often that was done to it by now."""

    id: int
    queue: str
    message_id: str
    routing_key: str
    requeues: int


class PutBack(Protocol):
    """Puts a message into one queue alone and removes its letter, never the other way round."""

    async def __call__(self, message: Message, queue: str, letter_id: int) -> PublishOutcome:
        """What became of the message. Raises UnknownLetterError where the letter has gone, LogUnavailableError."""


class PutBackInOneCommit:
    """Where queues and letters are in one file, both happen or neither does."""

    def __init__(self, bus: EmbeddedBus) -> None:
        self._bus = bus

    async def __call__(self, message: Message, queue: str, letter_id: int) -> PublishOutcome:
        return await self._bus.put(message, queue, RemoveLetter(letter_id))


@dataclass(frozen=True, slots=True)
class PutIntoOutbox:
    """A unit of the log: a message into the outbox in place of its letter, unless it is refused there too."""

    message: Message
    letter_id: int

    def __call__(self, transaction: Transaction) -> PublishOutcome:
        outcome = Put([self.message])(transaction)[0]
        if isinstance(outcome, Confirmed | Already):
            RemoveLetter(self.letter_id)(transaction)
        return outcome


class PutBackOverBroker:
    """Where a broker has the queues: a message is confirmed there, then its letter goes.

    An end between the two leaves both: the message is delivered, and the letter can be seen and discarded. What the
    broker refused to take from the outbox goes back there, in one commit with its letter.
    """

    def __init__(self, bus: Bus, log: EventLog) -> None:
        self._bus = bus
        self._log = log

    async def __call__(self, message: Message, queue: str, letter_id: int) -> PublishOutcome:
        if queue == OUTBOX:
            return await self._log.submit(PutIntoOutbox(message, letter_id))
        outcome = (await self._bus.publish([message], queue=queue))[0]
        if isinstance(outcome, Confirmed | Already):
            with suppress(UnknownLetterError):  # thrown away meanwhile, and delivered all the same
                await self._log.submit(RemoveLetter(letter_id))
        return outcome


class Requeue:
    """Puts letters back, one request for each letter at a time."""

    def __init__(self, letterbox: Letterbox, put_back: PutBack, contracts: Contracts, rules: PublishingRules) -> None:
        self._letterbox = letterbox
        self._put_back = put_back
        self._contracts = contracts
        self._rules = rules
        self._under_way: set[int] = set()

    async def __call__(self, letter_id: int, correction: Any = None) -> Requeued:
        """Put a letter's message, or a corrected envelope in its place, into its origin queue.

        Headers and routing key are kept, attempts begin anew. Raises UnknownLetterError, InvalidEventError and
        TooLargeError where the correction is at fault, RequeueRefusedError, NotRequeuedError (the letter stays).
        """
        if letter_id in self._under_way:
            raise RequeueRefusedError(f"letter {letter_id} is being requeued just now")
        self._under_way.add(letter_id)
        try:
            letter = await self._read(letter_id)
            if letter is None:
                raise UnknownLetterError(letter_id)
            return await self._requeue(letter, self._message(letter, correction))
        finally:
            self._under_way.discard(letter_id)

    async def _read(self, letter_id: int) -> DeadLetter | None:
        try:
            return await self._letterbox.letter(letter_id)
        except LogUnavailableError as error:
            raise NotRequeuedError(f"letter {letter_id} is not requeued: {error}") from None

    async def _requeue(self, letter: DeadLetter, message: Message) -> Requeued:
        if not letter.queue:
            raise RequeueRefusedError(f"nothing tells which queue letter {letter.id} came from; {NOWHERE}")
        try:
            outcome = await self._put_back(message, letter.queue, letter.id)
        except LogUnavailableError as error:
            raise NotRequeuedError(f"letter {letter.id} is not surely requeued: {error}; {MORE_ONCE}") from None
        match outcome:
            case Unconfirmed(reason):
                raise NotRequeuedError(f"letter {letter.id} is not surely requeued: {reason}; {MORE_ONCE}")
            case Refused(reason):
                raise RequeueRefusedError(f"letter {letter.id} cannot be requeued: {reason}; {STAYS}")
            case Conflict():
                held = "its id is held with other content"
                raise RequeueRefusedError(f"letter {letter.id} cannot be requeued: {held}; {STAYS}")
        return Requeued(letter.id, letter.queue, message.message_id, letter.routing_key, letter.requeues + 1)

    def _message(self, letter: DeadLetter, correction: Any) -> Message:
        headers = {**letter.headers, REQUEUES: letter.requeues + 1}
        if correction is None:
            return Message(letter.body, letter.routing_key, letter.message_id, headers)
        envelope = corrected(correction, self._contracts.current, self._rules.allow_unknown_types)
        body = envelope.to_json()
        if len(body) > self._rules.max_event_bytes:
            raise TooLargeError(envelope.event_id, len(body), self._rules.max_event_bytes)
        return Message(body, letter.routing_key, str(envelope.event_id), headers, Record.of(envelope, body))


def corrected(value: Any, registry: Registry, allow_unknown_types: bool) -> EventEnvelope:
    """The envelope that a correction is. Raises InvalidEventError listing what still is wrong with it."""
    envelope, faults = read_envelope(jsontext.dumps(value))
    if not faults:
        faults = _against_contract(envelope, registry, allow_unknown_types)
    if faults:
        raise InvalidEventError(faults)
    return envelope


def _against_contract(envelope: EventEnvelope, registry: Registry, allow_unknown_types: bool) -> list[Fault]:
    try:
        return registry.faults(envelope.event_type, envelope.version, envelope.payload)
    except UnknownContractError as error:
        return [] if allow_unknown_types else [error.fault]
