"""Publishing: a draft is completed, judged and sent; what comes back is a receipt or the reason why not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from godtui import jsontext
from godtui.bloodbank.bus import Already, Confirmed, Conflict, Message, PublishOutcome, Refused, Sink, Unconfirmed
from godtui.bloodbank.deadlines import Deadlines
from godtui.bloodbank.errors import ConflictError, NotConfirmedError, PublishError, TooLargeError
from godtui.bloodbank.inflight import InFlight, distinct_runs
from godtui.bloodbank.receipt import Receipt
from godtui.clock import Clock, SystemClock, rfc3339, to_microseconds
from godtui.envelope import (
    Cause,
    EventDraft,
    Fault,
    InvalidEventError,
    current_cause,
    id_text,
    source_name,
    violations_text,
)
from godtui.eventlog import LogUnavailableError, Record
from godtui.holyfields import Contracts, Registry, UnknownContractError

DEFAULT_MAX_BYTES: Final = 1_048_576
DEFAULT_TIMEOUT: Final = 5.0

_NO_CHAINS: Final[Mapping[UUID, UUID]] = {}


class CorrelationOf(Protocol):
    """Finds the correlation of a stored event, so that effects named by cause alone join its chain.

    Raises LogUnavailableError where that cannot be known now.
    """

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
        bus: Sink,
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
        self._in_flight = InFlight()
        self._deadlines = Deadlines(self._rules.timeout)

    async def publish(self, draft: EventDraft) -> Receipt:
        """Publish one event and wait until it is durable.

        Raises InvalidEventError, TooLargeError, ConflictError, NotConfirmedError.
        """
        chain = await self._correlation(draft, _NO_CHAINS) if _may_name_cause(draft) else draft.correlation_id
        prepared = self._prepare(draft, self._contracts.current, chain)
        outcome = (await self._send((prepared.message,)))[0]
        judged = _judged(prepared.receipt, outcome)
        if isinstance(judged, Receipt):
            return judged
        raise judged

    async def publish_batch(self, drafts: Sequence[EventDraft]) -> list[Receipt | InvalidEventError | PublishError]:
        """Publish in order: one receipt or one reason a draft; a draft that is refused holds up no other."""
        outcomes: list[Receipt | InvalidEventError | PublishError] = []
        prepared: list[_Prepared] = []
        places: list[int] = []
        chains: dict[UUID, UUID] = {}
        registry = self._contracts.current
        for draft in drafts:
            try:
                chain = await self._correlation(draft, chains) if _may_name_cause(draft) else draft.correlation_id
                one = self._prepare(draft, registry, chain)
            except (InvalidEventError, PublishError) as error:
                outcomes.append(error)
                continue
            places.append(len(outcomes))
            prepared.append(one)
            outcomes.append(one.receipt)
            chains[draft.event_id] = one.receipt.correlation_id
        sent = await self._send([one.message for one in prepared])
        for place, one, outcome in zip(places, prepared, sent, strict=True):
            outcomes[place] = _judged(one.receipt, outcome)
        return outcomes

    def message(self, draft: EventDraft, payload: bytes | None = None) -> Message:
        """What publishing a draft would send; from any thread. `payload` is its payload as JSON, where that is at hand.

        Raises InvalidEventError, TooLargeError.
        """
        return self._prepare(draft, self._contracts.current, draft.correlation_id, payload).message

    async def send(self, message: Message) -> None:
        """Publish what `message` made. Raises as `publish` does, but for what is wrong with a draft."""
        (outcome,) = await self._send((message,))
        if not isinstance(outcome, Confirmed) and (reason := _reason(UUID(message.message_id), outcome)) is not None:
            raise reason

    async def _send(self, messages: Sequence[Message]) -> list[PublishOutcome]:
        """Send in order; what is under way with the same id, here or in another task, is waited for first."""
        outcomes: list[PublishOutcome] = []
        try:
            with self._deadlines.bound():
                for run in distinct_runs(messages):
                    ids = [message.message_id for message in run]
                    if not self._in_flight.enter_at_once(ids):
                        await self._in_flight.enter(ids)
                    try:
                        outcomes += await self._bus.publish(run)
                    finally:
                        self._in_flight.leave(ids)
        except TimeoutError:
            late = Unconfirmed(f"no confirmation within {self._rules.timeout:g} s")
            outcomes += [late] * (len(messages) - len(outcomes))
        return outcomes

    async def _correlation(self, draft: EventDraft, chains: Mapping[UUID, UUID]) -> UUID | None:
        """The chain that the publisher named, itself or by a cause that is stored or earlier in the same batch."""
        if draft.correlation_id is not None or self._correlation_of is None:
            return draft.correlation_id
        cause = _named_cause(draft)
        if cause is None:
            return None
        if cause in chains:
            return chains[cause]
        try:
            async with asyncio.timeout(self._rules.timeout):
                return await self._correlation_of(cause)
        except (LogUnavailableError, TimeoutError) as error:
            # Sent all the same it would begin a chain of its own, for ever.
            raise NotConfirmedError(draft.event_id, f"its cause cannot be looked up: {error or 'timeout'}") from None

    def _prepare(
        self, draft: EventDraft, registry: Registry, correlation: UUID | None, payload: bytes | None = None
    ) -> _Prepared:
        version, faults = self._judge(draft, registry)
        cause = current_cause()
        event_id = draft.event_id
        correlation = correlation or (cause.correlation_id if cause else None) or event_id
        time = self._clock.now() if draft.timestamp is None else to_microseconds(draft.timestamp)
        receipt = Receipt(event_id, draft.event_type, version, correlation, time)
        source = self._source(draft, cause)
        identity = id_text(event_id)
        body = _body(receipt, identity, source, draft, payload)
        if len(body) > self._rules.max_event_bytes:
            raise TooLargeError(event_id, len(body), self._rules.max_event_bytes)
        record = Record(
            event_id.bytes,
            draft.event_type,
            source_name(source),
            correlation.bytes,
            time,
            violations_text(faults),
            None,
            body,
        )
        is_new = "event_id" not in draft.model_fields_set
        return _Prepared(receipt, Message(body, draft.event_type, identity, record=record, is_new=is_new))

    def _judge(self, draft: EventDraft, registry: Registry) -> tuple[str, Sequence[Fault]]:
        """The version that is published, and what is irregular but allowed."""
        try:
            contract = registry.contract(draft.event_type, draft.version)
        except UnknownContractError as error:
            if self._rules.allow_unknown_types:
                return draft.version or "v1", [error.fault]
            raise InvalidEventError([error.fault]) from None
        if not contract.valid(draft.payload):
            raise InvalidEventError(contract.faults(draft.payload))
        return contract.version, ()

    def _source(self, draft: EventDraft, cause: Cause | None) -> dict[str, Any]:
        """The draft's source with its cause, named or else the context's, that cause's replay, and who published."""
        rules = self._rules
        source = {"service": rules.service} if draft.source is None else dict(draft.source)
        if draft.causation_id is not None:
            source["causation_id"] = str(draft.causation_id)
        elif cause is not None and "causation_id" not in source:
            source["causation_id"] = str(cause.event_id)
        if cause is not None and cause.replay_id is not None:
            source.setdefault("replay_id", str(cause.replay_id))
        if rules.instance is not None:
            source.setdefault("instance", rules.instance)
        return source


def _may_name_cause(draft: EventDraft) -> bool:
    """Whether the chain has to be looked for at all."""
    return draft.causation_id is not None or (draft.source is not None and "causation_id" in draft.source)


def _named_cause(draft: EventDraft) -> UUID | None:
    """The cause that the publisher named, beside the envelope or in its source."""
    if draft.causation_id is not None or not draft.source or "causation_id" not in draft.source:
        return draft.causation_id
    try:
        return UUID(draft.source["causation_id"])
    except (ValueError, TypeError, AttributeError):
        return None


def _body(receipt: Receipt, identity: str, source: dict[str, Any], draft: EventDraft, payload: bytes | None) -> bytes:
    correlation = receipt.correlation_id
    document: dict[str, Any] = {
        "event_id": identity,
        "event_type": receipt.event_type,
        "timestamp": rfc3339(receipt.timestamp),
        "version": receipt.version,
        "source": source,
        "correlation_id": identity if correlation is receipt.event_id else str(correlation),
    }
    try:
        if payload is not None and not draft.model_extra:
            return b'%s,"payload":%s}' % (jsontext.dumps(document)[:-1], payload)
        document["payload"] = draft.payload
        document.update(draft.model_extra or {})
        return jsontext.dumps(document)
    except jsontext.JsonError as error:
        raise InvalidEventError([Fault("", str(error))]) from None


def _judged(receipt: Receipt, outcome: PublishOutcome) -> Receipt | PublishError | InvalidEventError:
    reason = _reason(receipt.event_id, outcome)
    return receipt if reason is None else reason


def _reason(event_id: UUID, outcome: PublishOutcome) -> PublishError | InvalidEventError | None:
    """Why it was not published, or None where it was."""
    match outcome:
        case Confirmed() | Already():
            return None
        case Conflict():
            return ConflictError(event_id)
        case Refused(reason):
            return InvalidEventError([Fault("", reason)])
        case Unconfirmed(reason):
            return NotConfirmedError(event_id, reason)
