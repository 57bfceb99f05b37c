"""Publishing: a draft is completed, judged and sent; what comes back is a receipt or the reason why not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from godtui import jsontext
from godtui.bloodbank.bus import Already, Bus, Confirmed, Conflict, Message, PublishOutcome, Refused, Unconfirmed
from godtui.bloodbank.errors import ConflictError, NotConfirmedError, PublishError, TooLargeError
from godtui.clock import Clock, SystemClock, rfc3339, to_microseconds
from godtui.envelope import EventDraft, Fault, InvalidEventError, current_cause, source_name, violations_text
from godtui.eventlog import Record
from godtui.holyfields import Contracts, Registry, UnknownContractError, UnknownVersionError

DEFAULT_MAX_BYTES: Final = 1_048_576
DEFAULT_TIMEOUT: Final = 5.0


class Receipt(NamedTuple):
    """What a confirmed publish answers; `timestamp` is in microseconds since 1970."""

    event_id: UUID
    event_type: str
    version: str
    correlation_id: UUID
    timestamp: int


class CorrelationOf(Protocol):
    """Finds the correlation of a stored event, so that effects named by cause alone join its chain."""

    def __call__(self, event_id: UUID, /) -> Awaitable[UUID | None]: ...


@dataclass(frozen=True, slots=True)
class PublishingRules:
    """What a publisher accepts, how long it waits for a confirmation (seconds), and how it signs."""

    max_event_bytes: int = DEFAULT_MAX_BYTES
    timeout: float = DEFAULT_TIMEOUT
    allow_unknown_types: bool = False
    service: str = "godtui"
    instance: str | None = None


class _Prepared(NamedTuple):
    receipt: Receipt
    message: Message


class Publisher:
    """Validates and publishes. Safe to use from many tasks of one loop; batches keep their order."""

    def __init__(
        self,
        bus: Bus,
        contracts: Contracts,
        rules: PublishingRules | None = None,
        *,
        clock: Clock | None = None,
        correlation_of: CorrelationOf | None = None,
    ) -> None:
        self._bus = bus
        self._contracts = contracts
        self._rules = rules or PublishingRules()
        self._clock = clock or SystemClock()
        self._correlation_of = correlation_of
        self._in_flight: dict[str, asyncio.Future[None]] = {}

    async def publish(self, draft: EventDraft) -> Receipt:
        """Publish one event and wait until it is durable.

        Raises InvalidEventError, TooLargeError, ConflictError, NotConfirmedError.
        """
        outcome = (await self.publish_batch([draft]))[0]
        if isinstance(outcome, Receipt):
            return outcome
        raise outcome

    async def publish_batch(self, drafts: Sequence[EventDraft]) -> list[Receipt | InvalidEventError | PublishError]:
        """Publish in order: one receipt or one reason a draft; a draft that is refused holds up no other."""
        outcomes: list[Receipt | InvalidEventError | PublishError] = []
        prepared: list[_Prepared] = []
        places: list[int] = []
        registry = self._contracts.current
        for draft in drafts:
            try:
                one = self._prepare(draft, registry, await self._correlation(draft))
            except (InvalidEventError, PublishError) as error:
                outcomes.append(error)
                continue
            places.append(len(outcomes))
            prepared.append(one)
            outcomes.append(one.receipt)
        for place, one, outcome in zip(places, prepared, await self._send(prepared), strict=True):
            outcomes[place] = _judged(one.receipt, outcome)
        return outcomes

    async def _send(self, prepared: Sequence[_Prepared]) -> list[PublishOutcome]:
        """Send in order; ids that are in flight, here or in another task, are waited for first."""
        outcomes: list[PublishOutcome] = []
        start = 0
        while start < len(prepared):
            ids: set[str] = set()
            end = start
            while end < len(prepared) and (identity := prepared[end].message.message_id) not in ids:
                ids.add(identity)
                end += 1
            outcomes += await self._send_distinct([one.message for one in prepared[start:end]])
            start = end
        return outcomes

    async def _send_distinct(self, messages: Sequence[Message]) -> list[PublishOutcome]:
        in_flight = self._in_flight
        while busy := [in_flight[each.message_id] for each in messages if each.message_id in in_flight]:
            await asyncio.wait(busy)
        landed = asyncio.get_running_loop().create_future()
        for message in messages:
            in_flight[message.message_id] = landed
        try:
            async with asyncio.timeout(self._rules.timeout):
                return await self._bus.publish(messages)
        except TimeoutError:
            return [Unconfirmed(f"no confirmation within {self._rules.timeout:g} s")] * len(messages)
        finally:
            for message in messages:
                del in_flight[message.message_id]
            landed.set_result(None)

    async def _correlation(self, draft: EventDraft) -> UUID | None:
        if draft.correlation_id is not None or self._correlation_of is None:
            return draft.correlation_id
        cause = _named_cause(draft)
        return None if cause is None else await self._correlation_of(cause)

    def _prepare(self, draft: EventDraft, registry: Registry, correlation: UUID | None) -> _Prepared:
        version, faults = self._judge(draft, registry)
        cause = current_cause()
        causation = _named_cause(draft) or (cause.event_id if cause else None)
        correlation = correlation or (cause.correlation_id if cause else None) or draft.event_id
        time = self._clock.now() if draft.timestamp is None else to_microseconds(draft.timestamp)
        receipt = Receipt(draft.event_id, draft.event_type, version, correlation, time)
        source = self._source(draft, causation)
        body = _body(receipt, source, draft)
        if len(body) > self._rules.max_event_bytes:
            raise TooLargeError(draft.event_id, len(body), self._rules.max_event_bytes)
        record = Record(
            draft.event_id.bytes,
            draft.event_type,
            source_name(source),
            correlation.bytes,
            time,
            violations_text(faults),
            None,
            body,
        )
        return _Prepared(receipt, Message(body, draft.event_type, str(draft.event_id), record=record))

    def _judge(self, draft: EventDraft, registry: Registry) -> tuple[str, Sequence[Fault]]:
        """The version that is published, and what is irregular but allowed."""
        try:
            contract = registry.contract(draft.event_type, draft.version)
        except UnknownContractError as error:
            fault = Fault("/version" if isinstance(error, UnknownVersionError) else "/event_type", str(error))
            if self._rules.allow_unknown_types:
                return draft.version or "v1", [fault]
            raise InvalidEventError([fault]) from None
        if not contract.valid(draft.payload):
            raise InvalidEventError(contract.faults(draft.payload))
        return contract.version, ()

    def _source(self, draft: EventDraft, causation: UUID | None) -> dict[str, Any]:
        rules = self._rules
        source = {"service": rules.service} if draft.source is None else dict(draft.source)
        if causation is not None:
            source["causation_id"] = str(causation)
        if rules.instance is not None:
            source.setdefault("instance", rules.instance)
        return source


def _named_cause(draft: EventDraft) -> UUID | None:
    """The cause that the publisher named, beside the envelope or in its source."""
    if draft.causation_id is not None or not draft.source or "causation_id" not in draft.source:
        return draft.causation_id
    try:
        return UUID(draft.source["causation_id"])
    except (ValueError, TypeError, AttributeError):
        return None


def _body(receipt: Receipt, source: dict[str, Any], draft: EventDraft) -> bytes:
    document = {
        "event_id": str(receipt.event_id),
        "event_type": receipt.event_type,
        "timestamp": rfc3339(receipt.timestamp),
        "version": receipt.version,
        "source": source,
        "correlation_id": str(receipt.correlation_id),
        "payload": draft.payload,
    }
    if draft.model_extra:
        document.update(draft.model_extra)
    try:
        return jsontext.dumps(document)
    except jsontext.JsonError as error:
        raise InvalidEventError([Fault("", str(error))]) from None


def _judged(receipt: Receipt, outcome: PublishOutcome) -> Receipt | PublishError | InvalidEventError:
    match outcome:
        case Confirmed() | Already():
            return receipt
        case Conflict():
            return ConflictError(receipt.event_id)
        case Refused(reason):
            return InvalidEventError([Fault("", reason)])
        case Unconfirmed(reason):
            return NotConfirmedError(receipt.event_id, reason)


Publish = Callable[[EventDraft], Awaitable[Receipt]]
