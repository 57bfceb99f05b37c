"""Everything an operator can do, one protocol a room: the seam between the engine and every skin."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final, Protocol, TypeAlias
from uuid import UUID

from godtui.bloodbank.deadletters import DeadLetter
from godtui.bloodbank.frames import Frame
from godtui.bloodbank.health import Health
from godtui.bloodbank.letterbox import LetterPage
from godtui.bloodbank.receipt import Receipt
from godtui.bloodbank.report import BatchReport
from godtui.bloodbank.requeue import Requeued
from godtui.candystore.chains import Chain
from godtui.candystore.counting import Count
from godtui.candystore.importing import ImportReport
from godtui.candystore.queries import Page
from godtui.candystore.replay.views import ReplayPlan, ReplayRequest, ReplayView, Speed
from godtui.candystore.statistics import Question, Statistics
from godtui.candystore.ways import Direction
from godtui.dispatcher.views import Delivered, DispatcherStatus, Explanation, TicketState, TicketView
from godtui.envelope import EventDraft, StoredEvent
from godtui.filters import Filter
from godtui.jsontext import Json

Order: TypeAlias = Direction
MAX_REASON_CHARACTERS: Final = 500
"""The most that an operator's reason may have."""


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
        self,
        wanted: Filter,
        *,
        limit: int = 100,
        cursor: str | None = None,
        order: Order = "desc",
        from_seq: int | None = None,
    ) -> Page:
        """Stored events that match, by `seq`, from a position on, itself included, where there is no cursor.

        Raises BadCursorError, StoreUnavailableError.
        """

    async def count(self, wanted: Filter) -> Count:
        """How many match, exactly where that is cheap, else as an estimate. Raises StoreUnavailableError."""

    async def event(self, event_id: UUID) -> StoredEvent | None:
        """One stored event."""

    def stream(self, wanted: Filter, *, after: int | None = None, positions: bool = False) -> AsyncGenerator[Frame]:
        """Welcome, then matching events in `seq` order, live.

        With `after`, what is stored beyond that position comes first and nothing is ever dropped; without, a reader
        that is too slow is told what it missed. `positions` asks for Position frames.
        """


class ChainOperations(Protocol):
    """What belongs together, and who caused whom."""

    async def chain(self, correlation_id: UUID, *, after: int = 0) -> Chain | None:
        """The events of one correlation beyond a position, as many as one answer holds; None where there is none.

        Raises StoreUnavailableError.
        """


class StatisticsOperations(Protocol):
    """Numbers of stored events."""

    async def ask(self, question: Question) -> Statistics:
        """Numbers and rates by type, source and time. Raises StatisticsRefusedError, StoreUnavailableError."""


class LetterOperations(Protocol):
    """The dead letters; every call raises StoreUnavailableError where they cannot be read or written now."""

    async def page(
        self,
        wanted: Filter,
        *,
        queue: str | None = None,
        reason: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> LetterPage:
        """Letters that match, newest first, without headers and with the beginnings of their bodies.

        Raises BadCursorError.
        """

    async def letter(self, letter_id: int) -> DeadLetter | None:
        """One letter, whole."""

    async def requeue(self, letter_id: int, correction: Any = None) -> Requeued:
        """Put a letter's message, or a corrected envelope in its place, back into its queue alone.

        Raises UnknownLetterError, InvalidEventError and TooLargeError of the correction, RequeueRefusedError, and
        NotRequeuedError, after which the letter is still there.
        """

    async def discard(self, letter_id: int) -> None:
        """Throw a letter away for good. Raises UnknownLetterError."""


class ReplayOperations(Protocol):
    """Replays of stored events; every call raises StoreUnavailableError where the store cannot be read or written now.

    Whatever names a replay raises UnknownReplayError, and ReplayStateError where its state does not allow it.
    """

    async def plan(self, request: ReplayRequest) -> ReplayPlan:
        """What a replay would do; nothing is sent. Raises ReplayRefusedError, FilterError."""

    async def create(self, request: ReplayRequest) -> ReplayView:
        """Fix what the replay comprises, and begin it unless it is to be paused.

        Raises ReplayRefusedError, FilterError, and ReplayUnconfirmedError where too many events would go to the bus.
        """

    async def replays(self, limit: int = 100) -> list[ReplayView]:
        """Those that are open, then the newest of the others."""

    async def replay(self, replay_id: UUID) -> ReplayView | None:
        """One replay; None where there is none of that id."""

    async def pause(self, replay_id: UUID) -> ReplayView:
        """Send nothing more until `resume`, after a restart neither."""

    async def resume(self, replay_id: UUID) -> ReplayView:
        """Go on from where it stands; what was missed meanwhile is not caught up with in haste."""

    async def step(self, replay_id: UUID, count: int = 1) -> ReplayView:
        """Of a paused one: send the next `count` events now, or go back so many without sending anything."""

    async def seek(self, replay_id: UUID, *, seq: int | None = None, at: int | None = None) -> ReplayView:
        """Go on from a position, or from the first event whose own time is a moment (µs since 1970) or later."""

    async def adjust(self, replay_id: UUID, *, speed: Speed, rate: float | None, max_gap_s: float | None) -> ReplayView:
        """Change how quickly it goes on, from now."""

    async def cancel(self, replay_id: UUID) -> ReplayView:
        """End it where it stands; what was sent stays sent."""


class ArchiveOperations(Protocol):
    """What comes into the store from elsewhere, and what left it.

    Every call raises StoreUnavailableError where the store cannot be read or written now.
    """

    async def import_lines(self, lines: Sequence[bytes]) -> ImportReport:
        """Bring in stored events or plain envelopes, one a line, as history that no queue is handed.

        At most MAX_BATCH_EVENTS lines and MAX_BATCH_BYTES in one call, one longer line alone. What raises may have
        been done: repeat it, nothing is stored twice.
        """

    async def cut_at(self, event_id: UUID) -> int | None:
        """When (µs since 1970) retention cut an event; None where it did not, or that is forgotten."""


class ContractOperations(Protocol):
    """The registered schemas."""

    async def contracts(self) -> list[dict[str, Any]]:
        """Every event type with versions, title, description, producers, consumers and an example payload."""

    async def contract(self, event_type: str, version: str | None = None) -> dict[str, Any] | None:
        """One contract with schema and all that is listed (lowest version by default); None where there is none."""


class DispatcherOperations(Protocol):
    """The Infra Dispatcher. A ticket is named by its id or its reference, such as INFRA-42.

    Where no dispatcher works here every call but `status` raises DispatcherUnavailableError, and where the ledger
    cannot be read or written StoreUnavailableError.
    """

    async def status(self, *, state: TicketState | None = None, limit: int = 100) -> DispatcherStatus:
        """How it is, with up to `limit` tickets, of one state or the most urgent and the newest of all."""

    async def ticket(self, name: str) -> TicketView:
        """Raises UnknownTicketError."""

    async def pause(self, reason: str = "") -> DispatcherStatus:
        """Begin nothing new until `resume`; deliveries are still received and decided."""

    async def resume(self) -> DispatcherStatus:
        """Go on where it stood; what waited is due at once."""

    async def retry(self, name: str) -> TicketView:
        """Check or send again now. Raises UnknownTicketError, TicketStateError."""

    async def withdraw(self, name: str, reason: str = "") -> TicketView:
        """Do not dispatch it in this episode. Raises UnknownTicketError, TicketStateError."""

    async def dispatch(self, name: str, reason: str) -> TicketView:
        """Dispatch it past the gate and its checks; the reason is recorded.

        Raises UnknownTicketError, TicketStateError.
        """

    async def explain_body(self, body: Json) -> Explanation:
        """Judge a delivery's body by the gate, now; nothing is recorded or sent."""

    async def explain_event(self, event_id: UUID) -> Explanation | None:
        """The same of a stored delivery; None where it is not stored."""

    async def explain_ticket(self, name: str) -> Explanation:
        """The same of a ticket as it was last seen. Raises UnknownTicketError."""

    def watch(self, component: str) -> AsyncGenerator[str]:
        """What a component's running check prints, from its kept tail on, until it ends; nothing where none runs."""


class WebhookOperations(Protocol):
    """Taking deliveries in."""

    def require_secret(self) -> None:
        """Asked before a delivery's body is read: raises WebhookDisabledError where it is known that none is taken."""

    async def plane(self, body: bytes, *, signature: str | None, delivery: str | None) -> Delivered:
        """Verify and keep one of Plane's deliveries; durable here when this returns, whatever the state of the bus.

        Raises WebhookDisabledError, SignatureError, NotJsonError, InvalidEventError, NotDurableError.
        """


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
    def chains(self) -> ChainOperations: ...

    @property
    def statistics(self) -> StatisticsOperations: ...

    @property
    def letters(self) -> LetterOperations: ...

    @property
    def replays(self) -> ReplayOperations: ...

    @property
    def archive(self) -> ArchiveOperations: ...

    @property
    def schemas(self) -> ContractOperations: ...

    @property
    def dispatcher(self) -> DispatcherOperations: ...

    @property
    def webhooks(self) -> WebhookOperations: ...

    @property
    def monitor(self) -> HealthOperations: ...
