"""A consumer of a queue on the broker."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from aiormq.exceptions import ChannelNotFoundEntity

from godtui.backoff import Backoff
from godtui.bloodbank.bus import Confirmed, QueueSpec, Refused, SubscriptionClosedError, UnknownQueueError
from godtui.bloodbank.rabbitmq.afterlife import Afterlife, Decision
from godtui.bloodbank.rabbitmq.answers import CLOSE_SECONDS, answered, ended, leave
from godtui.bloodbank.rabbitmq.delivery import RabbitBatch, RabbitDelivery
from godtui.bloodbank.rabbitmq.explain import BROKER_ERRORS, LEADERLESS, explained
from godtui.bloodbank.rabbitmq.link import Link
from godtui.bloodbank.rabbitmq.topology import Topology, declare
from godtui.clock import Clock
from godtui.racing import first_of

LOOK_SECONDS: Final = 3.0
"""How long nothing may come before we see whether anything can."""
RETRY_SECONDS: Final = 0.5
PAUSES: Final = Backoff(RETRY_SECONDS, 15.0)
MOST_UNSETTLED: Final = 65_535
"""What AMQP can say of how much may be under way to a consumer."""

logger = logging.getLogger(__name__)


class RabbitSubscription:
    """Consumes over a channel of its own, and again on the next connection when that is lost.

    What it decides is done in order by a task of its own: acks at once, the others after the message is where it
    goes to. Until then the broker keeps it as handed out.
    """

    def __init__(
        self,
        link: Link,
        topology: Topology,
        spec: QueueSpec,
        afterlife: Afterlife,
        clock: Clock,
        *,
        ahead: int = 0,
        on_close: Callable[[RabbitSubscription], None] = lambda consumer: None,
        on_decided: Callable[[str], None] | None = None,
        on_cancel: Callable[[], None] = lambda: None,
        closed: bool = False,
    ) -> None:
        """`on_decided` is called with the id of each message that was decided on, `on_cancel` if its queue is gone."""
        self.spec = spec
        self._link = link
        self._topology = topology
        self._afterlife = afterlife
        self._clock = clock
        self._ahead = ahead
        self._on_close = on_close
        self._on_decided = on_decided
        self._notify_cancel = on_cancel
        self._channel: Channel | None = None
        self._tag: str | None = None
        self._prefetch = 0
        self._generation = 0
        self._arrived: deque[RabbitDelivery] = deque()
        self._arrival = asyncio.Event()
        self._undecided = 0
        """How many messages are in the hands of who took them."""
        self._held: dict[int, RabbitDelivery] = {}
        self._decided: deque[tuple[RabbitDelivery, Decision | None]] = deque()
        self._idle = asyncio.Event()
        self._idle.set()
        self._deciding: asyncio.Task[None] | None = None
        self._joining: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._busy = asyncio.Lock()
        self._declared = False
        self._closed = closed
        self._error: Exception | None = None
        self._failures = 0
        self._abandoned: set[asyncio.Future[None]] = set()
        self.is_served = False
        """Whether the broker has sent anything since it was last consumed from."""

    @property
    def unsettled(self) -> int:
        """How many messages the broker has sent that are not settled."""
        return len(self._held)

    @property
    def is_consuming(self) -> bool:
        """Whether the broker knows that we consume."""
        return self._prefetch > 0 and self._channel is not None and not self._channel.is_closed

    @property
    def has_no_leader(self) -> bool:
        """Whether the broker answers all but this."""
        return self._failures > 1 and self._link.up

    async def batch(self, most: int = 100, wait: float = 0.0) -> RabbitBatch:
        if most < 1:
            raise ValueError(f"a batch has at least one message, not {most}")
        async with self._busy:
            deadline: float | None = None
            while True:
                self._arrival.clear()
                await self._consume(most)
                if len(self._arrived) >= most:
                    break
                if self._arrived:
                    deadline = self._clock.monotonic() + wait if deadline is None else deadline
                    if self._clock.monotonic() >= deadline:
                        break
                await self._more(deadline)
            self._refuse_if_ended()
            handed = [self._arrived.popleft() for _ in range(min(most, len(self._arrived)))]
            self._undecided += len(handed)
            return RabbitBatch(handed, self)

    def decide(self, delivery: RabbitDelivery, decision: Decision | None) -> None:
        """Take a decision; it is carried out behind those taken before."""
        if self._on_decided is not None:
            self._on_decided(delivery.carrier.header.properties.message_id or "")
        if self._closed or delivery.generation != self._generation:
            return
        self._undecided -= 1
        self._decided.append((delivery, decision))
        self._idle.clear()
        if self._deciding is None or self._deciding.done():
            self._deciding = asyncio.ensure_future(self._carry_out())

    async def flush(self) -> None:
        """Until every decision taken is carried out, or can no longer be."""
        await self._idle.wait()

    async def close(self) -> None:
        if self._leaving is None:
            self._on_close(self)
            self._leaving = asyncio.ensure_future(self._leave())
        # Whoever is cancelled while leaving must not stay in the queue with what it holds.
        await asyncio.shield(self._leaving)

    async def _leave(self) -> None:
        """Carry out what was decided, then give back the rest by closing the channel; bounded in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.flush()
        self._closed = True
        self._arrival.set()
        for task in (self._deciding, self._joining):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._drop()
        if self._abandoned:
            await asyncio.wait(self._abandoned)

    async def _consume(self, most: int) -> None:
        """See that messages come, `most` and those sent ahead at once, waiting for a connection if need be."""
        while True:
            self._refuse_if_ended()
            wanted = min(self._undecided + most + self._ahead, MOST_UNSETTLED)
            if self._channel is not None and not self._channel.is_closed and not self._exhausted(wanted):
                return
            await self._await_link()
            if self._joining is None:
                self._joining = asyncio.ensure_future(self._join(wanted))
                self._joining.add_done_callback(lambda task: task.cancelled() or task.exception())
            joining = self._joining
            # A caller that is cancelled leaves what it began to the next.
            await asyncio.wait((joining,))
            self._joining = None
            self._refuse_if_ended()
            error = joining.exception()
            if error is None:
                continue
            self._drop()
            if isinstance(error, ChannelNotFoundEntity):
                self._error = UnknownQueueError(f"queue {self.spec.name} was deleted")
            elif not isinstance(error, BROKER_ERRORS):
                raise error
            elif self._link.up:
                await self._say(error)

    def _exhausted(self, wanted: int) -> bool:
        """Whether the broker may send no more, and waits for nothing but what is in our hands.

        Only then is nothing under way, so that the consumer can be replaced by one that may hold more.
        """
        held = len(self._held)
        return self._prefetch < wanted and held >= self._prefetch and held == self._undecided + len(self._arrived)

    async def _say(self, error: BaseException) -> None:
        """Say once why it cannot be consumed, and wait before the next try."""
        self._failures += 1
        if self._failures <= 2:  # at first only the connection may be slow
            reason = LEADERLESS if isinstance(error, TimeoutError) and self.has_no_leader else explained(error)
            logger.warning("queue %s cannot be consumed: %s", self.spec.name, reason)
        await self._clock.sleep(PAUSES.pause(self._failures))

    async def _join(self, wanted: int) -> None:
        channel = self._channel
        async with answered():
            if channel is None or channel.is_closed:
                self._drop()
                channel = self._channel = await self._link.channel()
                channel.on_consumer_cancel_callbacks.add(self._on_cancel)
                if self._declared:
                    await channel.queue_declare(self.spec.name, passive=True)
                await declare(channel, self._topology, self.spec, self._link.version)
                self._declared = True
            elif self._tag is not None:
                await channel.basic_cancel(self._tag)
            await channel.basic_qos(prefetch_count=wanted)
            generation = self._generation

            async def take(delivered: DeliveredMessage) -> None:
                self._take(delivered, generation)

            self._tag = (await channel.basic_consume(self.spec.name, take)).consumer_tag
            self._prefetch = wanted
            self._failures = 0

    async def _await_link(self) -> None:
        """Until there is a connection; a consumer that is closed meanwhile does not wait on."""
        if self._link.up:
            return
        await first_of(self._link.wait(), self._arrival.wait())
        self._refuse_if_ended()

    def _take(self, delivered: DeliveredMessage, generation: int) -> None:
        if generation != self._generation or self._closed:
            return
        delivery = RabbitDelivery(delivered, generation, self._clock.now(), self)
        self.is_served = True
        self._held[delivery.tag] = delivery
        self._arrived.append(delivery)
        self._arrival.set()

    async def _more(self, deadline: float | None) -> None:
        """Until something arrived, the connection is lost, or time is up."""
        channel = self._channel
        left = LOOK_SECONDS if deadline is None else deadline - self._clock.monotonic()
        sleeping: asyncio.Future[object] = asyncio.ensure_future(self._clock.sleep(min(left, LOOK_SECONDS)))
        waits: list[asyncio.Future[object]] = [asyncio.ensure_future(self._arrival.wait()), sleeping]
        if channel is not None:
            waits.append(asyncio.ensure_future(ended(channel)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            is_quiet = sleeping.done() and left >= LOOK_SECONDS and not self._arrival.is_set()
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        if is_quiet and not self._held:
            await self._look()
        self._refuse_if_ended()

    async def _look(self) -> None:
        """Nothing comes: see that the broker knows of us. One that came while its queue went is told nothing."""
        generation = self._generation
        try:
            async with self._link.talk() as channel:
                found = await channel.queue_declare(self.spec.name, passive=True)
        except ChannelNotFoundEntity:
            if generation == self._generation:
                self._on_cancel(None)
            return
        except BROKER_ERRORS:
            return
        if not found.consumer_count and generation == self._generation and self.is_consuming:
            logger.warning("queue %s has no consumer, though we consume: consuming anew", self.spec.name)
            self._drop()

    def _on_cancel(self, frame: object) -> None:
        """The broker ended the consumer: its queue is gone."""
        self._error = UnknownQueueError(f"queue {self.spec.name} was deleted")
        self._drop()
        self._arrival.set()
        self._notify_cancel()

    def _drop(self) -> None:
        """What was sent is void: the broker gives it out again, once the channel that it came over is closed."""
        self._abandon()
        self._generation += 1
        self.is_served = False
        self._arrived.clear()
        self._held.clear()
        self._decided.clear()
        self._idle.set()
        self._prefetch = self._undecided = 0
        self._tag = None

    def _abandon(self) -> None:
        """Close the channel without waiting; the broker would go on sending there."""
        channel, self._channel = self._channel, None
        if channel is None or channel.is_closed:
            return
        closing = asyncio.ensure_future(leave(channel))
        self._abandoned.add(closing)
        closing.add_done_callback(self._abandoned.discard)

    def _refuse_if_ended(self) -> None:
        if self._closed:
            raise SubscriptionClosedError(f"the consumer of {self.spec.name} is closed")
        if self._error is not None:
            raise UnknownQueueError(str(self._error))

    async def _carry_out(self) -> None:
        try:
            while self._decided:
                generation = self._generation
                try:
                    await self._step()
                except BROKER_ERRORS as error:
                    if generation == self._generation:
                        self._drop()
                    if self._link.up:
                        logger.warning("queue %s: a decision is void: %s", self.spec.name, explained(error))
                        await self._clock.sleep(RETRY_SECONDS)
                except Exception:
                    # It must not hold up those behind it; given out again, it is decided on again.
                    logger.exception("queue %s: a decision cannot be carried out", self.spec.name)
                    if self._decided:
                        self._decided.popleft()
        finally:
            self._idle.set()

    async def _step(self) -> None:
        """Carry out the decisions at the front: a run of acks together, any other alone."""
        acks: list[int] = []
        while self._decided and self._decided[0][1] is None:
            acks.append(self._decided.popleft()[0].tag)
        if acks:
            await self._ack(acks)
            return
        delivery, decision = self._decided[0]
        if decision is not None and await self._moved(decision) and delivery.generation == self._generation:
            self._decided.popleft()
            await self._ack([delivery.tag])

    async def _moved(self, decision: Decision) -> bool:
        """Whether the message is where it goes to; False where it has to be tried again, or is left where it is."""
        generation = self._generation
        outcome = await self._afterlife.move(self.spec.name, decision)
        if isinstance(outcome, Confirmed):
            return True
        if isinstance(outcome, Refused) and generation == self._generation:
            # It stays unsettled until we leave, and holds up nobody.
            logger.error("queue %s: a message can never be moved: %s", self.spec.name, outcome.reason)
            self._decided.popleft()
        elif generation == self._generation:
            logger.warning("queue %s: a message cannot be moved: %s", self.spec.name, outcome)
            await self._clock.sleep(RETRY_SECONDS)
        return False

    async def _ack(self, tags: list[int]) -> None:
        """Ack what is decided, several at once only where nothing undecided lies before them."""
        channel, held = self._channel, self._held
        if channel is None:
            return
        decided = set(tags)
        covered = 0
        for tag in held:
            if tag not in decided:
                break
            covered = tag
        async with answered():
            if covered:
                await channel.basic_ack(covered, multiple=True, wait=False)
            for tag in tags:
                if tag > covered:
                    await channel.basic_ack(tag, wait=False)
                held.pop(tag, None)
            if not self._decided:
                # An answer to anything later says that the broker has read the acks.
                await channel.basic_qos(prefetch_count=self._prefetch or 1)

    async def __aenter__(self) -> Self:
        self._refuse_if_ended()
        while not self._declared:
            self._refuse_if_ended()
            await self._await_link()
            try:
                await self._declare()
                self._declared = True
            except BROKER_ERRORS as error:
                await self._say(error)
        self._failures = 0
        return self

    async def _declare(self) -> None:
        if self._on_decided is not None:
            # The memory's queue was there before: who declares it anew must not hide that it was gone.
            try:
                async with self._link.talk() as channel:
                    await channel.queue_declare(self.spec.name, passive=True)
            except ChannelNotFoundEntity:
                self._notify_cancel()
        async with self._link.talk() as channel:
            await declare(channel, self._topology, self.spec, self._link.version)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
