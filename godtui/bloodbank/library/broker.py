"""The bus of a broker, for programs of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from godtui.bloodbank.bus import QueueSpec
from godtui.bloodbank.errors import QueueError
from godtui.bloodbank.library.bus_outlet import BusOutlet
from godtui.bloodbank.library.patience import Patience
from godtui.bloodbank.library.queue_inlet import QueueInlet
from godtui.bloodbank.library.state import State, Status
from godtui.bloodbank.publisher import PublishingRules
from godtui.bloodbank.rabbitmq import DeclarationError, RabbitBus, Topology
from godtui.holyfields import Contracts, Registry
from godtui.settings import BusIdentity, MessageTtl, packaged
from godtui.settings.addresses import node_urls

QueueType = Literal["quorum", "classic"]

READY_SECONDS: Final = 5.0

_STATUS: Final[dict[str, Status]] = {
    "connecting": "connecting",
    "open": "connected",
    "blocked": "connected",
    "waiting": "waiting",
    "closed": "closed",
}
"""A broker that takes nothing for now still hands out."""


def outlet(url: str, schemas: Path | None, seconds: float, queue_type: QueueType | None, *, name: str) -> BusOutlet:
    """Publishing to the broker. Raises ValueError, SchemaFolderError."""
    bus = _bus(url, queue_type, name)
    contracts = Contracts(Registry.load(packaged("schemas") if schemas is None else schemas))

    async def ready() -> None:
        await bus.connected(READY_SECONDS)

    return BusOutlet(bus, contracts, PublishingRules(timeout=seconds), ready=ready)


def inlet(url: str, spec: QueueSpec, patience: Patience, *, prefetch: int, queue_type: QueueType | None) -> QueueInlet:
    """A durable queue of the broker. Raises ValueError."""
    bus = _bus(url, queue_type, spec.name)

    async def ready() -> None:
        if await bus.connected(READY_SECONDS):
            await _declared(bus, spec)

    def look() -> State:
        return State(_STATUS[bus.state.status], "" if bus.state.status == "open" else bus.state.detail)

    return QueueInlet(bus, spec, patience, prefetch=prefetch, ready=ready, look=look)


def _bus(url: str, queue_type: QueueType | None, name: str) -> RabbitBus:
    try:
        BusIdentity.of(url)
    except ValueError as error:
        raise ValueError(f"the URL of a broker cannot be used: {error}") from None
    topology = Topology.of(queue_type or "quorum", MessageTtl(), accepts_existing=True)
    return RabbitBus(node_urls(url), topology=topology, name=name)


async def _declared(bus: RabbitBus, spec: QueueSpec) -> None:
    """See that the queue is there before anyone relies on it; a connection that is lost is no reason to give up."""
    try:
        await bus.declare(spec)
    except DeclarationError as error:
        raise QueueError(str(error)) from None
    except (ConnectionError, TimeoutError):
        return
