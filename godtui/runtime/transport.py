"""What the engine needs of the bus it runs on, whichever that is, and the bus that needs nothing installed."""

from __future__ import annotations

from typing import Protocol

from godtui.bloodbank.bus import Bus, Sink
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.bloodbank.health import ComponentHealth
from godtui.bloodbank.outbox import Append, Outbox
from godtui.bloodbank.queues import plane_queue
from godtui.bloodbank.requeue import PutBack, PutBackInOneCommit
from godtui.candystore.replay.carriers import Carrier, EmbeddedCarrier
from godtui.clock import Clock
from godtui.eventlog import EventLog
from godtui.holyfields import Contracts
from godtui.operations.protocols import LetterOperations, StoreOperations
from godtui.runtime.history import ClaimedHistory
from godtui.runtime.supervisor import Supervisor, Turn
from godtui.settings import Settings


class Transport(Protocol):
    """A bus with what belongs to it: where is published, what is accepted without it, how letters go back."""

    @property
    def bus(self) -> Bus: ...

    @property
    def publishing(self) -> Sink:
        """Where events from outside are published: known ids are known as far as they can be."""

    @property
    def outbox(self) -> Outbox: ...

    @property
    def put_back(self) -> PutBack: ...

    @property
    def remembers(self) -> bool:
        """Whether a store that cannot be written keeps events from being accepted."""

    def work(self, supervisor: Supervisor, contracts: Contracts) -> None:
        """Start the workers that carry events between bus and log, as far as the settings want them here."""

    def shared(
        self, store: StoreOperations, letters: LetterOperations, contracts: Contracts
    ) -> tuple[StoreOperations, LetterOperations]:
        """What skins see of store and letters, where those may be another instance's affair."""

    @property
    def carrier(self) -> Carrier:
        """How stored events are sent once more."""

    @property
    def replaying(self) -> Turn | None:
        """The turn to replay; None where no other instance can have it."""

    @property
    def history(self) -> ClaimedHistory | None:
        """Where the history is; None where it can only be here."""

    @property
    def dispatching(self) -> Turn | None:
        """The turn to dispatch; None where no other instance can have it."""

    async def begin(self) -> None:
        """Everything is started and can be said to others."""

    async def tried(self) -> None:
        """Until it is known how the bus is."""

    def health(self) -> ComponentHealth:
        """How the bus is."""


class EmbeddedTransport:
    """The log is the bus: what is published is stored, and nothing has to be carried."""

    remembers = True
    history = None
    dispatching = None
    replaying = None

    def __init__(self, settings: Settings, log: EventLog, clock: Clock) -> None:
        self.bus = EmbeddedBus(log, clock, (plane_queue(settings.message_ttl),))
        self.publishing: Sink = self.bus
        self.outbox = Outbox(log, Append)
        self.put_back: PutBack = PutBackInOneCommit(self.bus)
        self.carrier: Carrier = EmbeddedCarrier(self.bus, log)

    def work(self, supervisor: Supervisor, contracts: Contracts) -> None:
        return

    def shared(
        self, store: StoreOperations, letters: LetterOperations, contracts: Contracts
    ) -> tuple[StoreOperations, LetterOperations]:
        return store, letters

    async def begin(self) -> None:
        return

    async def tried(self) -> None:
        return

    def health(self) -> ComponentHealth:
        fault = self.bus.fault
        figures = {"transport": "embedded", "queues": len(self.bus.queues())}
        if fault:
            return ComponentHealth("down", f"events cannot be accepted: {fault}", figures)
        return ComponentHealth("ok", "embedded", figures)
