"""The bus over RabbitMQ: what is confirmed is in the memory's queue, and every other that it goes to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiormq.channel import Channel
from aiormq.exceptions import ChannelNotFoundEntity
from pamqp.commands import Basic

from godtui.bloodbank.bus import (
    Confirmed,
    Features,
    Message,
    PublishOutcome,
    QueueSpec,
    QueueStatistics,
    Refused,
    SubscriptionClosedError,
    Unconfirmed,
    UnknownQueueError,
)
from godtui.bloodbank.rabbitmq.afterlife import Afterlife
from godtui.bloodbank.rabbitmq.answers import ANSWER_SECONDS
from godtui.bloodbank.rabbitmq.claim import Claim, Taker
from godtui.bloodbank.rabbitmq.consumer import RabbitSubscription
from godtui.bloodbank.rabbitmq.directed import Directed
from godtui.bloodbank.rabbitmq.link import Link
from godtui.bloodbank.rabbitmq.messages import properties_of
from godtui.bloodbank.rabbitmq.posting import Parcel
from godtui.bloodbank.rabbitmq.sending import CONFIRMED, UNROUTED, Sender
from godtui.bloodbank.rabbitmq.state import LinkState
from godtui.bloodbank.rabbitmq.tap import RabbitTap
from godtui.bloodbank.rabbitmq.topology import EXCHANGE, Topology, declare
from godtui.bloodbank.rabbitmq.watchdog import DELETED, Watchdog
from godtui.clock import Clock, SystemClock
from godtui.envelope import InvalidEventError

START_SECONDS: Final = 5.0


class RabbitBus:
    """The Bus protocol over a broker.

    Two connections: what publishes is held up by the broker's alarms, what consumes is not.
    """

    features = Features(knows_duplicates=False, confirms_position=False, keeps_history=False, sends_ahead=True)

    def __init__(
        self, urls: Sequence[str], *, topology: Topology | None = None, clock: Clock | None = None, name: str = "godtui"
    ) -> None:
        """`name` is what the broker's own pages call our connections."""
        self._clock = clock or SystemClock()
        self.topology = topology or Topology()
        self._publishing = Link(urls, f"{name} publishing", self._clock, is_second=True)
        self._consuming = Link(urls, f"{name} consuming", self._clock, opened=self._opened)
        self._sender = Sender(self._publishing)
        self.watchdog = Watchdog(
            self._consuming, self._publishing, self._sender, self.topology, self._clock, self._restore
        )
        self._outstanding = self.watchdog.outstanding
        self._directed = Directed(self._publishing)
        self._afterlife = Afterlife(Sender(self._publishing), self._consuming, self.topology, self._clock)
        self._bindings: dict[str, tuple[str, ...]] = {}
        self._open: set[RabbitSubscription | RabbitTap | Claim] = set()
        self._watching: asyncio.Task[None] | None = None
        self._closed = self._tried = False

    @property
    def fault(self) -> str | None:
        """Why nothing is confirmed now: no connection, an alarm of the broker's, no memory to keep it, or no answer."""
        return self._barrier or self.watchdog.silence

    @property
    def _barrier(self) -> str | None:
        """Why there is no use in publishing anything now."""
        if self._closed:
            return "the bus is closed"
        for link in (self._publishing, self._consuming):
            if not link.up:
                return link.state.detail
        if self._publishing.blocked:
            return self._publishing.state.detail
        return None if self.watchdog.trusted else self.watchdog.distrust

    @property
    def state(self) -> LinkState:
        """How the way to the broker is: the worse of both connections."""
        one, other = self._publishing.state, self._consuming.state
        return max(one, other, key=lambda state: _SEVERITY[state.status])

    async def start(self) -> None:
        """Connect; a broker that is not there is waited for in the background."""
        self._publishing.start()
        self._consuming.start()
        self._watching = asyncio.create_task(self.watchdog.run(), name="watchdog")

    async def connected(self, seconds: float = START_SECONDS) -> bool:
        """Wait so long until something can be published."""
        try:
            async with asyncio.timeout(seconds):
                await self._publishing.wait()
                await self._consuming.wait()
        except TimeoutError:
            return False
        return self.fault is None

    async def close(self) -> None:
        self._closed = True
        await asyncio.gather(*(each.close() for each in list(self._open)))
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await asyncio.gather(self._publishing.close(), self._consuming.close())

    async def publish(self, messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
        if not self._tried:
            await self.tried()
        barrier = self._barrier
        if barrier is not None:
            return [Unconfirmed(barrier)] * len(messages)
        if queue is not None:
            return await self._directed.send(messages, queue)
        return await self._publish(messages)

    async def keeps_routing_key(self, queue: str) -> bool | None:
        """Whether what is published to that queue alone keeps its routing key, for which an exchange has to be made;
        None where that cannot be seen now.
        """
        return None if self._barrier else await self._directed.keeps_routing_key(queue)

    async def declare(self, spec: QueueSpec) -> None:
        """Bindings that another program made stay. Raises DeclarationError, ConnectionError, TimeoutError."""
        if self._closed:
            raise SubscriptionClosedError("the bus is closed")
        async with self._channel() as channel:
            await declare(channel, self.topology, spec, self._consuming.version)
            for pattern in set(self._bindings.get(spec.name, ())) - set(spec.bindings):
                await channel.queue_unbind(spec.name, EXCHANGE, pattern)
            self._bindings[spec.name] = spec.bindings

    async def delete(self, queue: str) -> None:
        """Raises ConnectionError, TimeoutError, and what the broker objects."""
        self._bindings.pop(queue, None)
        async with self._channel() as channel:
            await channel.queue_delete(queue)

    def pending(self, identity: str) -> Message | None:
        """What was confirmed here under that id and has yet to come out of the memory's queue."""
        return None if self._sender.is_under_way(identity) else self._outstanding.pending(identity)

    def subscribe(self, spec: QueueSpec, *, ahead: int = 0) -> RabbitSubscription:
        consumer = RabbitSubscription(
            self._consuming,
            self.topology,
            spec,
            self._afterlife,
            self._clock,
            ahead=ahead,
            on_close=self._left,
            on_decided=self._outstanding.decided if spec.name == self.topology.memory.name else None,
            on_cancel=self.watchdog.cancelled if spec.name == self.topology.memory.name else lambda: None,
            closed=self._closed,
        )
        self._open.add(consumer)
        if spec.name == self.topology.memory.name:
            self.watchdog.keeper = consumer
        return consumer

    def tap(
        self, bindings: Sequence[str], capacity: int = 1000, *, on_break: Callable[[], None] = lambda: None
    ) -> RabbitTap:
        """`on_break` is called whenever the view was lost; what is published until it is back is not seen."""
        tap = RabbitTap(self._consuming, bindings, capacity, self._clock, self._open.discard, on_break)
        self._open.add(tap)
        return tap

    def claim(self, role: str, taker: Taker | None) -> Claim:
        """A claim to a role that one instance on this broker has at a time, or a look at who has it; to be started.

        Who consumes from this bus does so over the connection with which the claim is had and lost.
        """
        claim = Claim(self._consuming, role, self._clock, taker, on_close=self._open.discard)
        self._open.add(claim)
        return claim

    async def statistics(self, queue: str) -> QueueStatistics:
        """Raises UnknownQueueError, ConnectionError, TimeoutError."""
        try:
            async with self._channel() as channel:
                found = await channel.queue_declare(queue, passive=True)
        except ChannelNotFoundEntity:
            raise UnknownQueueError(f"no queue named {queue} is declared") from None
        mine = [each for each in self._open if isinstance(each, RabbitSubscription) and each.spec.name == queue]
        unsettled = sum(each.unsettled for each in mine)
        return QueueStatistics(found.message_count or 0, unsettled, found.consumer_count or 0)

    @asynccontextmanager
    async def _channel(self) -> AsyncGenerator[Channel]:
        """A channel for a short piece of work, waiting a moment for a connection that is being made."""
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._consuming.wait()
            async with self._consuming.talk() as channel:
                yield channel

    async def tried(self) -> None:
        """Until it is known whether there is a broker; a publish that follows close on the start waits for that."""
        await asyncio.gather(self._publishing.tried.wait(), self._consuming.tried.wait())
        self._tried = True

    async def _opened(self, link: Link) -> None:
        await self.watchdog.opened(link)

    async def _publish(self, messages: Sequence[Message]) -> list[PublishOutcome]:
        if len(messages) == 1:
            return [await self._publish_one(messages[0])]
        packed = [_packed(message) for message in messages]
        parcels = [each for each in packed if isinstance(each, Parcel)]
        sent = [message for message, each in zip(messages, packed, strict=True) if isinstance(each, Parcel)]
        deletions = self.watchdog.deletions
        for message in sent:
            self._outstanding.sent(message)
        try:
            outcomes = await self._sender.send(parcels)
        except asyncio.CancelledError:
            for message in sent:
                self._outstanding.unconfirmed(message.message_id)
            raise
        judged = iter(
            [self._judged(message, outcome, deletions) for message, outcome in zip(sent, outcomes, strict=True)]
        )
        return [each if isinstance(each, Refused) else next(judged) for each in packed]

    async def _publish_one(self, message: Message) -> PublishOutcome:
        parcel = _packed(message)
        if isinstance(parcel, Refused):
            return parcel
        deletions = self.watchdog.deletions
        self._outstanding.sent(message)
        try:
            return self._judged(message, await self._sender.send_one(parcel), deletions)
        except asyncio.CancelledError:
            self._outstanding.unconfirmed(message.message_id)
            raise

    def _judged(self, message: Message, outcome: PublishOutcome, deletions: int) -> PublishOutcome:
        """A broker's confirmation is one only while the memory's queue is there, and was since the message set out."""
        watchdog = self.watchdog
        if outcome is CONFIRMED:
            if watchdog.trusted and watchdog.deletions == deletions:
                watchdog.confirmed += 1
                return outcome
            outcome = Unconfirmed(DELETED if watchdog.trusted else watchdog.distrust)
        elif outcome is UNROUTED:
            watchdog.alert("the exchange has no queue bound, not even the memory's")
        self._outstanding.unconfirmed(message.message_id)
        return outcome

    async def _restore(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Put messages into the memory's queue alone; those that are not confirmed there are returned."""
        for message in messages:
            self._outstanding.sent(message)
        outcomes = await self._directed.send(messages, self.topology.memory.name)
        again = [each for each, outcome in zip(messages, outcomes, strict=True) if not isinstance(outcome, Confirmed)]
        for message in again:
            self._outstanding.unconfirmed(message.message_id)
        return again

    def _left(self, consumer: RabbitSubscription | RabbitTap) -> None:
        self._open.discard(consumer)
        if self.watchdog.keeper is consumer:
            self.watchdog.keeper = None


def _packed(message: Message) -> Parcel | Refused:
    try:
        properties: Basic.Properties = properties_of(message)
        message.routing_key.encode()
    except InvalidEventError as error:
        return Refused(f"not an event: {error}")
    except (ValueError, OverflowError) as error:
        return Refused(str(error))
    return Parcel(EXCHANGE, message.routing_key, properties, message.body)


_SEVERITY: Final = {"open": 0, "blocked": 1, "connecting": 2, "waiting": 3, "closed": 4}
