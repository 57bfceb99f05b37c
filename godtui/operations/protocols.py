"""Everything an operator can do, one protocol a room: the seam between the engine and every skin."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias
from uuid import UUID

from godtui.envelope import EventDraft, Fault, StoredEvent
from godtui.filters import Filter

Order: TypeAlias = Literal["desc", "asc"]
Status: TypeAlias = Literal["ok", "degraded", "down"]


class Receipt(NamedTuple):
    """What a confirmed publish answers; `timestamp` is in microseconds since 1970."""

    event_id: UUID
    event_type: str
    version: str
    correlation_id: UUID
    timestamp: int


class Rejection(NamedTuple):
    """One event of a batch that was not accepted, and why."""

    index: int
    faults: Sequence[Fault]


class Unconfirmed(NamedTuple):
    """One event of a batch that may or may not arrive; repeat it under its id."""

    index: int
    event_id: UUID


@dataclass(slots=True)
class BatchReport:
    """What became of each event of a batch."""

    accepted: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    unconfirmed: list[Unconfirmed] = field(default_factory=list)


class Page(NamedTuple):
    """Some stored events and where the next page begins, if there is one."""

    events: list[StoredEvent]
    next_cursor: str | None


class BadCursorError(ValueError):
    """The cursor was not given out for this query."""


class Welcome(NamedTuple):
    """The stream is open; `seq` is the last committed position."""

    seq: int


class Events(NamedTuple):
    """Stored events in `seq` order, each once."""

    events: Sequence[StoredEvent]


class Position(NamedTuple):
    """Everything up to `seq` has been looked at; sent now and then, also when nothing matched."""

    seq: int


class Dropped(NamedTuple):
    """Matching events that a slow live reader missed."""

    count: int
    from_seq: int
    to_seq: int


class Gap(NamedTuple):
    """Positions asked for that the log no longer holds."""

    from_seq: int
    to_seq: int


Frame: TypeAlias = Welcome | Events | Position | Dropped | Gap


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """How one part is: status, a sentence, and figures of its own."""

    status: Status
    detail: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The component as `/health` shows it."""
        return {"status": self.status, "detail": self.detail, **self.figures}


@dataclass(frozen=True, slots=True)
class Health:
    """How the whole is; `down` when events cannot be accepted."""

    status: Status
    version: str
    instance: str
    components: Mapping[str, ComponentHealth]

    def document(self) -> dict[str, Any]:
        """The body of `GET /health`."""
        return {
            "status": self.status,
            "version": self.version,
            "instance": self.instance,
            "components": {name: component.document() for name, component in self.components.items()},
        }


class BusOperations(Protocol):
    """Publishing."""

    async def publish(self, draft: EventDraft) -> Receipt:
        """Publish one event and wait until it is durable.

        Raises InvalidEventError, TooLargeError, ConflictError, NotConfirmedError.
        """

    async def publish_batch(self, drafts: Sequence[EventDraft]) -> BatchReport:
        """Publish in order; valid events are published although others are not."""


class StoreOperations(Protocol):
    """Asking the log."""

    async def query(
        self, wanted: Filter, *, limit: int = 100, cursor: str | None = None, order: Order = "desc"
    ) -> Page:
        """Stored events that match, by `seq`; raises BadCursorError, StoreUnavailableError."""

    async def event(self, event_id: UUID) -> StoredEvent | None:
        """One stored event."""

    def stream(self, wanted: Filter, *, after: int | None = None, positions: bool = False) -> AsyncGenerator[Frame]:
        """Welcome, then matching events in `seq` order, live.

        With `after`, what is stored beyond that position comes first and nothing is ever dropped; without, a reader
        that is too slow is told what it missed. `positions` asks for Position frames.
        """


class ContractOperations(Protocol):
    """The registered schemas."""

    async def contracts(self) -> list[dict[str, Any]]:
        """Every event type with versions, title and description."""

    async def contract(self, event_type: str, version: str | None = None) -> dict[str, Any] | None:
        """One contract with schema and examples (lowest version by default); None where it is not registered."""


class HealthOperations(Protocol):
    """How everything is."""

    async def health(self) -> Health:
        """The state of every component now."""


class Operations(Protocol):
    """The whole engine as a skin sees it."""

    @property
    def bus(self) -> BusOperations: ...

    @property
    def store(self) -> StoreOperations: ...

    @property
    def schemas(self) -> ContractOperations: ...

    @property
    def monitor(self) -> HealthOperations: ...


class StoreUnavailableError(Exception):
    """The store cannot answer now; the message says why."""
