"""What a transport of the bus can do, whatever carries it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Protocol, Self, TypeAlias

from godtui.envelope import EventEnvelope
from godtui.eventlog import Record
from godtui.jsontext import Json

HeaderValue: TypeAlias = Json
"""What a header may hold; what else a broker's header tables know is turned into text when it is read."""


@dataclass(slots=True)
class Message:
    """One event on its way; never changed once it is made.

    `record` is what the writer of `body` knew of it; it stays in this process and spares others a parse. `is_new` says
    that the id was made for this one publish, so that nobody can hold it already.
    """

    body: bytes
    routing_key: str
    message_id: str
    headers: Mapping[str, HeaderValue] = field(default_factory=dict)
    record: Record | None = field(default=None, compare=False, repr=False)
    is_new: bool = field(default=False, compare=False)

    @classmethod
    def of(cls, envelope: EventEnvelope) -> Message:
        """An envelope as it is published: routed by its type."""
        body = envelope.to_json()
        return cls(body, envelope.event_type, str(envelope.event_id), record=Record.of(envelope, body))


class Confirmed(NamedTuple):
    """Durable; `seq` where the transport knows the position."""

    seq: int | None


class Already(NamedTuple):
    """The id is held with the same content, in the log where `seq` says so; nothing was stored or delivered again."""

    seq: int | None


class Conflict(NamedTuple):
    """The id is held with other content, in the log where `seq` says so; nothing was stored."""

    seq: int | None


class Refused(NamedTuple):
    """The transport will never take this message, and why."""

    reason: str


class Unconfirmed(NamedTuple):
    """No confirmation came: the message may or may not arrive. Repeated under its id it is stored once."""

    reason: str


PublishOutcome: TypeAlias = Confirmed | Already | Conflict | Refused | Unconfirmed


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A durable queue. `message_ttl` is in seconds, None or 0 for no expiry.

    A new queue starts with what is published after its declaration, or, where the transport keeps history, after
    `from_seq`. With `single_active_consumer` one consumer at a time is handed messages, the others wait for it to
    leave. Raises ValueError on a time to live that is no length of time.
    """

    name: str
    bindings: tuple[str, ...]
    message_ttl: float | None = None
    from_seq: int | None = None
    single_active_consumer: bool = False

    def __post_init__(self) -> None:
        if self.message_ttl is not None and not 0 <= self.message_ttl < float("inf"):
            raise ValueError(f"queue {self.name}: a message cannot live {self.message_ttl} seconds; 0 means for ever")


@dataclass(frozen=True, slots=True)
class Features:
    """What a transport can give; the contract suite asks these, never for the transport's name."""

    knows_duplicates: bool
    """A publish is answered `already` or `conflict`."""
    confirms_position: bool
    """`Confirmed.seq` is known."""
    keeps_history: bool
    """A queue may start in the past (`from_seq`)."""
    sends_ahead: bool
    """A consumer may hold what no batch contained yet: it counts as handed out, and once more when it is given back."""


class QueueStatistics(NamedTuple):
    """How a queue is now: waiting to be handed out, handed out by this bus and unsettled, and who takes from it."""

    ready: int
    unsettled: int
    consumers: int


class Delivery(Protocol):
    """One message handed to a consumer, to be settled exactly once; settling twice raises AlreadySettledError.

    Settling after the consumer has left changes nothing: the message was given back.
    """

    @property
    def message(self) -> Message: ...

    @property
    def attempt(self) -> int:
        """1 on first delivery, counting every time the message was handed out, also by a process that died."""

    @property
    def settled(self) -> bool: ...

    def ack(self) -> None:
        """Its effect is durable; the message leaves the queue."""

    def retry(self, reason: str, after: float = 0.0) -> None:
        """Hand it out again, not before `after` seconds, and behind what waits now."""

    def dead_letter(self, reason: str) -> None:
        """It leaves the queue into the dead letters."""


class Batch(Protocol):
    """Deliveries in queue order."""

    @property
    def deliveries(self) -> Sequence[Delivery]: ...

    async def settle(self) -> None:
        """Ack, in order, what is not settled yet, and wait until all settlements are durable or the consumer left."""


class Subscription(Protocol):
    """A consumer of a queue. Leaving it gives back what it has not settled."""

    async def batch(self, most: int = 100, wait: float = 0.0) -> Batch:
        """Wait for at least one message, then up to `wait` seconds for `most` of them.

        What an earlier batch left unsettled stays with this consumer until it settles it or leaves; so does what a
        cancelled call had been handed, which is in the next batch. Raises SubscriptionClosedError once the consumer
        or the bus was closed, UnknownQueueError once the queue was deleted.
        """

    async def close(self) -> None:
        """Write what was decided, give back the rest; bounded in time also where the bus cannot write."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Tap(Protocol):
    """A transient, bounded view of what is published from now on; what it is too slow for is counted, not kept."""

    @property
    def missed(self) -> int:
        """Matching messages that were dropped because nobody took them."""

    def __aiter__(self) -> AsyncIterator[Message]: ...

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Sink(Protocol):
    """Takes messages and says what became of them: a transport, or what stands before one."""

    async def publish(self, messages: Sequence[Message]) -> list[PublishOutcome]:
        """An outcome a message, in order."""


class Bus(Sink, Protocol):
    """A transport: publish with confirms, durable queues bound by topic, transient taps."""

    @property
    def features(self) -> Features: ...

    @property
    def fault(self) -> str | None:
        """Why nothing can be published now, or None."""

    async def start(self) -> None: ...

    async def close(self) -> None:
        """Stop handing out, keep what was settled, give back what was not."""

    async def publish(self, messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
        """An outcome a message, in order. With `queue`, to that queue alone."""

    async def declare(self, spec: QueueSpec) -> None:
        """Make the queue or change its bindings; its backlog is never changed by that."""

    async def delete(self, queue: str) -> None:
        """Forget a queue and what waits in it, if there is one; its consumers get UnknownQueueError."""

    def subscribe(self, spec: QueueSpec, *, ahead: int = 0) -> Subscription:
        """Declare the queue and consume from it.

        `ahead` is how many messages more than a batch asks for a distant transport may have under way to this
        consumer, so that the next batch is there when the last is done.
        """

    def tap(self, bindings: Sequence[str], capacity: int = 1000) -> Tap:
        """Watch what is published from now on."""

    async def statistics(self, queue: str) -> QueueStatistics:
        """Raises UnknownQueueError."""


class UnknownQueueError(LookupError):
    """No queue of that name is declared."""


class SubscriptionClosedError(RuntimeError):
    """The consumer has left its queue, or its bus was closed."""


class AlreadySettledError(RuntimeError):
    """The delivery was acked, retried or dead-lettered before."""
