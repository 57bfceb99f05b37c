"""What is declared on the broker: exchanges and queues with their arguments."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal, Self, TypeAlias

from aiormq.abc import AbstractChannel
from aiormq.exceptions import ChannelNotFoundEntity
from pamqp.common import FieldTable

from godtui.bloodbank.bus import QueueSpec
from godtui.bloodbank.deaths import DEAD_LETTERS
from godtui.bloodbank.queues import memory_queue, plane_queue
from godtui.bloodbank.rabbitmq.explain import BROKER_ERRORS, DeclarationError
from godtui.bloodbank.rabbitmq.link import Link
from godtui.settings import MessageTtl

EXCHANGE: Final = "bloodbank.events"
DEAD_LETTER_EXCHANGE: Final = "bloodbank.dlx"

QueueType: TypeAlias = Literal["quorum", "classic"]
LIMITED_SINCE: Final = (4, 0)
"""From this version on quorum queues have a delivery limit unless they are told to have none."""


@dataclass(frozen=True, slots=True)
class Topology:
    """What every publisher declares on connecting: the memory's queue first, then those that others rely on."""

    queue_type: QueueType = "quorum"
    memory: QueueSpec = field(default_factory=lambda: memory_queue(MessageTtl()))
    standing: tuple[QueueSpec, ...] = ()
    accepts_existing: bool = False
    """These queues are taken as they are where they exist: their arguments are for others to choose."""

    @classmethod
    def of(cls, queue_type: QueueType, ttl: MessageTtl, *, accepts_existing: bool = False) -> Self:
        """All that stands on a broker, each queue with its time to live."""
        return cls(queue_type, memory_queue(ttl), (plane_queue(ttl),), accepts_existing)

    @property
    def queues(self) -> tuple[QueueSpec, ...]:
        """All queues that are bound to the exchange for events."""
        return (self.memory, *self.standing)

    def arguments(self, spec: QueueSpec, version: tuple[int, ...]) -> FieldTable:
        """The arguments of a queue of events on a broker of that version.

        Its letters go to the dead-letter exchange, at least once where the queue's type can (a quorum queue that
        refuses publishes rather than drop its head). No delivery limit of the broker's: it would discard what a
        consumer merely had in its hands when connections were lost.
        """
        arguments = self.lasting(version)
        arguments["x-dead-letter-exchange"] = DEAD_LETTER_EXCHANGE
        arguments["x-overflow"] = "reject-publish"
        if self.queue_type == "quorum":
            arguments["x-dead-letter-strategy"] = "at-least-once"
        if spec.message_ttl:
            arguments["x-message-ttl"] = round(spec.message_ttl * 1000)
        if spec.single_active_consumer:
            arguments["x-single-active-consumer"] = True
        return arguments

    def waiting_room(self, queue: str, milliseconds: int, version: tuple[int, ...]) -> FieldTable:
        """The arguments of a queue in which messages wait so long before they go back to theirs."""
        arguments = self.lasting(version)
        arguments |= {
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": queue,
            "x-overflow": "reject-publish",
            "x-message-ttl": milliseconds,
            "x-expires": 2 * milliseconds + 60_000,
        }
        if self.queue_type == "quorum":
            arguments["x-dead-letter-strategy"] = "at-least-once"
        return arguments

    def lasting(self, version: tuple[int, ...]) -> FieldTable:
        """The arguments of a queue that neither expires nor limits anything."""
        arguments: FieldTable = {"x-queue-type": self.queue_type}
        if self.queue_type == "quorum" and version >= LIMITED_SINCE:
            arguments["x-delivery-limit"] = -1
        return arguments


async def declare_all(link: Link, channel: AbstractChannel, topology: Topology) -> None:
    """Declare and bind everything; what is there already stays as it is. Raises DeclarationError, TimeoutError."""
    for exchange in (EXCHANGE, DEAD_LETTER_EXCHANGE):
        async with naming(f"exchange {exchange}"):
            await channel.exchange_declare(exchange, exchange_type="topic", durable=True)
    for spec in (QueueSpec(DEAD_LETTERS, ()), *topology.queues):
        if topology.accepts_existing and await _is_there(link, spec.name):
            await _bind(channel, spec)
        else:
            await declare(channel, topology, spec, link.version)


async def declare(channel: AbstractChannel, topology: Topology, spec: QueueSpec, version: tuple[int, ...]) -> None:
    """Declare a queue and bind it. Raises DeclarationError, TimeoutError."""
    dead = spec.name == DEAD_LETTERS
    arguments = topology.lasting(version) if dead else topology.arguments(spec, version)
    async with naming(f"queue {spec.name}"):
        await channel.queue_declare(spec.name, durable=True, arguments=arguments)
    await _bind(channel, spec)


async def _bind(channel: AbstractChannel, spec: QueueSpec) -> None:
    dead = spec.name == DEAD_LETTERS
    exchange, patterns = (DEAD_LETTER_EXCHANGE, ("#",)) if dead else (EXCHANGE, spec.bindings)
    async with naming(f"queue {spec.name}"):
        for pattern in patterns:
            await channel.queue_bind(spec.name, exchange, pattern)


async def _is_there(link: Link, queue: str) -> bool:
    try:
        # On a channel of its own: the broker closes it where there is no such queue.
        async with naming(f"queue {queue}"), link.talk() as channel:
            await channel.queue_declare(queue, passive=True)
    except DeclarationError as error:
        if isinstance(error.__cause__, ChannelNotFoundEntity):
            return False
        raise
    return True


@asynccontextmanager
async def naming(what: str) -> AsyncGenerator[None]:
    """What the broker objects within the block is said of `what`."""
    try:
        yield
    except TimeoutError:
        raise
    except BROKER_ERRORS as error:
        raise DeclarationError(what, error) from error
