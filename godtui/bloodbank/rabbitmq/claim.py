"""A role that one instance on a broker has at a time: who has it, and who takes over."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from aiormq.exceptions import ChannelLockedResource, ChannelNotFoundEntity
from pamqp.common import FieldTable

from godtui.bloodbank.holder import Holder
from godtui.bloodbank.rabbitmq.answers import answered, leave
from godtui.bloodbank.rabbitmq.explain import BROKER_ERRORS, DeclarationError, explained
from godtui.bloodbank.rabbitmq.link import Link
from godtui.bloodbank.rabbitmq.nameplate import Nameplate
from godtui.clock import Clock
from godtui.racing import first_of

RETRY_SECONDS: Final = 1.0
VACANT_SECONDS: Final = 6.0
"""How long a role waits for who had it last: longer than a lost connection is paused for, or a restart takes."""
READ_AGAIN_SECONDS: Final = 0.2
READINGS: Final = 3
LOCK_ARGUMENTS: Final[FieldTable] = {"x-queue-type": "classic"}

logger = logging.getLogger(__name__)


class Taker(Protocol):
    """Who is to have the role."""

    async def take(self, before: Holder | None) -> Holder:
        """The role is ours unless this raises, in which case it is left to others and tried for again later.

        `before` is who had it last: None for nobody ever, a nameless holder where that cannot be known. Returns what
        is said of us.
        """

    def is_own(self, holder: Holder) -> bool:
        """Whether that is ourselves, maybe as an earlier process."""


class Claim:
    """One instance's claim to a role, kept up over every connection.

    The lock is an exclusive queue named after the role: the broker lets one connection have it, and deletes it as soon
    as that connection is gone. What goes with the role must use the same connection. Who has the role says so on its
    nameplate. Without a taker, the claim only watches who has it.
    """

    def __init__(
        self,
        link: Link,
        role: str,
        clock: Clock,
        taker: Taker | None,
        *,
        jitter: Callable[[], float] = random.random,
        on_close: Callable[[Claim], None] = lambda claim: None,
    ) -> None:
        self.role = role
        self.held: Holder | None = None
        """What was said of ourselves, while we have the role."""
        self.holder: Holder | None = None
        """Who else has it, as last seen; None while nobody else is known to."""
        self.fault: str | None = None
        """Why the role can be neither had nor watched, or None."""
        self._link = link
        self._clock = clock
        self._taker = taker
        self._jitter = jitter
        self._on_close = on_close
        self._nameplate = Nameplate(link, role)
        self._vacant: tuple[int, float] | None = None
        """Since when nobody is seen to have it: over which connection, and in monotonic seconds."""
        self._haunted = False
        """Whether it was an earlier connection of ours that had it when it was last looked at."""
        self._known = asyncio.Event()
        self._change = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    @property
    def queues(self) -> tuple[str, str]:
        """The queues on the broker that are the role's alone."""
        return self.role, self._nameplate.queue

    @property
    def active(self) -> str | None:
        """The instance that has the role, None where nobody is known to."""
        holder = self.held or self.holder
        return None if holder is None else holder.instance

    @property
    def standing(self) -> str:
        """How it is about the role, in a sentence."""
        if self.held is not None:
            return self.held.tenure
        if not self._link.up:
            last = "" if self.holder is None else f"; as last heard, {self.holder.tenure}"
            return f"standing by: there is no connection to the broker{last}"
        if self.fault is not None:
            return f"standing by: {self.fault}"
        if self.holder is not None:
            return f"standing by: {self.holder.tenure}"
        if self._haunted:
            return "standing by: the broker still keeps an earlier connection of ours"
        return "standing by: it is not known yet who is active"

    def start(self) -> None:
        """Begin to claim the role, or to watch who has it."""
        self._running = asyncio.create_task(self._run(), name=f"claim {self.role}")

    async def close(self) -> None:
        """Leave the role to others."""
        self._on_close(self)
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        self._known.set()

    async def known(self) -> None:
        """Until it is known how it is about the role, or that the broker cannot be asked."""
        if self._known.is_set():
            return
        await self._link.tried.wait()
        await first_of(self._known.wait(), self._link.gone(self._link.generation))

    def changed(self) -> Awaitable[object]:
        """Until `held` or `holder` is no longer what it is when this is called."""
        return self._change.wait()

    async def wait(self) -> None:
        """Until the role is ours."""
        while self.held is None:
            await self.changed()

    async def lost(self) -> None:
        """Until the role is not ours, or no longer."""
        while self.held is not None:
            await self.changed()

    async def _run(self) -> None:
        while True:
            await self._link.wait()
            generation = self._link.generation
            try:
                await (self._look() if self._taker is None else self._strive(self._taker))
            except Exception as error:  # noqa: BLE001 - whatever goes wrong, the role must not stay without a taker
                self._say(explained(error) if isinstance(error, BROKER_ERRORS) else str(error) or type(error).__name__)
            self._known.set()
            await self._pause(generation)

    async def _look(self) -> None:
        """See who has the role."""
        try:
            vacant = await self._is_vacant()
        except ChannelLockedResource:
            await self._see_other()
        else:
            self.fault = None
            if vacant:
                self._be(None, None)

    async def _is_vacant(self) -> bool:
        """Whether nobody has the role; False where this connection has. Raises ChannelLockedResource."""
        try:
            async with answered():
                channel = await self._link.channel()
                await channel.queue_declare(self.role, passive=True)
                await channel.close()
        except ChannelNotFoundEntity:
            return True
        return False

    async def _strive(self, taker: Taker) -> None:
        """Take the role if nobody has it, and keep it for as long as the connection and the lock last."""
        try:
            vacant, before = await self._is_vacant(), await self._before()
            if vacant and before is not None and not taker.is_own(before) and self._awaits(before):
                return
            channel, gone = await self._lock()
        except ChannelLockedResource:
            await self._see_other()
            return
        try:
            held = await taker.take(before)
            await self._put_up(held)
            if not gone.done():
                await self._hold(held, gone)
        finally:
            await leave(channel)

    def _awaits(self, before: Holder) -> bool:
        """Whether who had the role last may still come back to it, so that the history stays in one place.

        When a broker starts again, all lose their connections, and who is back first is a matter of chance.
        """
        now, generation = self._clock.monotonic(), self._link.generation
        if self._vacant is None or self._vacant[0] != generation:
            self._vacant = generation, now
        if now - self._vacant[1] >= VACANT_SECONDS:
            return False
        self._be(None, before)
        self._say(f"{before.instance} is gone; this instance takes over unless that comes back")
        return True

    async def _hold(self, held: Holder, gone: asyncio.Future[None]) -> None:
        """Have the role until the lock is gone."""
        logger.info("%s: this instance is active", self.role)
        self.fault, self._vacant, self._haunted = None, None, False
        self._be(held, None)
        self._known.set()
        try:
            await gone
            logger.warning("%s: this instance is active no longer", self.role)
        finally:
            self._be(None, None)

    async def _lock(self) -> tuple[Channel, asyncio.Future[None]]:
        """The channel with the lock, which goes with it, and when either is gone. Raises ChannelLockedResource."""
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def end(_: object) -> None:
            if not gone.done():
                gone.set_result(None)

        async with answered():
            channel = await self._link.channel()
            channel.closing.add_done_callback(end)
            try:
                await channel.queue_declare(self.role, exclusive=True, auto_delete=True, arguments=LOCK_ARGUMENTS)
            except (ChannelLockedResource, TimeoutError):
                raise
            except BROKER_ERRORS as error:
                raise DeclarationError(f"queue {self.role}", error) from error
            channel.on_consumer_cancel_callbacks.add(end)
            await channel.basic_consume(self.role, _ignore, no_ack=True)
            return channel, gone

    async def _before(self) -> Holder | None:
        """Who had the role before us: nameless where that can neither be read, at a second look, nor was ever seen."""
        for reading in range(READINGS):
            if reading:
                await self._clock.sleep(READ_AGAIN_SECONDS)
            try:
                found = await self._nameplate.read()
            except BROKER_ERRORS as error:
                logger.warning("%s: who was active before cannot be read: %s", self.role, explained(error))
                break
            if found != Holder():
                # Where the nameplate was removed, we may know better than it.
                return found or self.holder
        return self.holder or Holder()

    async def _put_up(self, held: Holder) -> None:
        """Say who has the role; it can be had without that."""
        try:
            await self._nameplate.write(held)
        except BROKER_ERRORS as error:
            logger.warning("%s: who is active cannot be said to others: %s", self.role, explained(error))

    async def _see_other(self) -> None:
        """Another connection has the role: read whose that is; what cannot be read just now is as it was."""
        found = await self._nameplate.read() or Holder()
        if found == Holder() and self.holder is not None:
            found = self.holder
        # Our own earlier connection, whose end the broker has yet to notice, is nobody else.
        self.fault = self._vacant = None
        self._haunted = self._taker is not None and self._taker.is_own(found)
        self._be(None, None if self._haunted else found)

    def _be(self, held: Holder | None, holder: Holder | None) -> None:
        if (held, holder) == (self.held, self.holder):
            return
        self.held, self.holder = held, holder
        change, self._change = self._change, asyncio.Event()
        change.set()

    def _say(self, fault: str) -> None:
        if fault != self.fault and self._link.up:
            logger.warning("%s: %s", self.role, fault)
        self.fault = fault

    async def _pause(self, generation: int) -> None:
        """Until it is time to try again, or the connection is lost, after which the next is tried at once."""
        pause = RETRY_SECONDS * (1 + self._jitter())
        await first_of(self._clock.sleep(pause), self._link.gone(generation))


async def _ignore(delivered: DeliveredMessage) -> None:
    """Nothing is ever sent to a lock."""
