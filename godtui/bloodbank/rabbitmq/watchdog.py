"""The watchdog: sees to it that the memory's queue is there and bound, and knows when that was last so."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol

from aiormq.abc import AbstractChannel
from aiormq.exceptions import ChannelNotFoundEntity

from godtui.bloodbank.bus import Message
from godtui.bloodbank.rabbitmq.answers import ANSWER_SECONDS, answered
from godtui.bloodbank.rabbitmq.explain import BROKER_ERRORS, DeclarationError, explained
from godtui.bloodbank.rabbitmq.gaps import Gap
from godtui.bloodbank.rabbitmq.link import Link
from godtui.bloodbank.rabbitmq.outstanding import Outstanding
from godtui.bloodbank.rabbitmq.sending import Sender
from godtui.bloodbank.rabbitmq.topology import Topology, declare_all
from godtui.clock import Clock
from godtui.racing import first_of

CHECK_SECONDS: Final = 2.0
TRUSTED_SECONDS: Final = 5.0
"""How long what was seen counts: an event is confirmed only while the memory was seen this lately."""
REMEMBERED_GAPS: Final = 10
PATIENT_LOOKS: Final = 3
"""How many looks the broker may take to confirm anything of what waits for it."""
DELETED: Final = "the memory's queue was deleted; it is being declared again"

logger = logging.getLogger(__name__)


class Keeper(Protocol):
    """Who consumes the memory's queue here."""

    @property
    def is_consuming(self) -> bool: ...

    @property
    def is_served(self) -> bool: ...

    @property
    def unsettled(self) -> int: ...

    @property
    def has_no_leader(self) -> bool: ...


class Watchdog:
    """Declares the topology on each new connection, checks it, and repairs it."""

    def __init__(
        self,
        link: Link,
        publishing: Link,
        sender: Sender,
        topology: Topology,
        clock: Clock,
        restore: Callable[[Sequence[Message]], Awaitable[Sequence[Message]]],
    ) -> None:
        """`link` is looked over and made use of; `publishing` only asked whether it still answers.

        `restore` puts messages into the memory's queue and returns those that have to be tried again.
        """
        self._link = link
        self._publishing = publishing
        self._sender = sender
        self._topology = topology
        self._clock = clock
        self._restore = restore
        self._channel: AbstractChannel | None = None
        self._seen: float | None = None
        self._seen_at = clock.now()
        self._alarm = asyncio.Event()
        self._alarms = 0
        self._verdicts = self._silent_looks = 0
        self._missing: list[Message] = []
        self.keeper: Keeper | None = None
        self.outstanding = Outstanding(clock.now())
        self.fault: str | None = "the memory's queue was not seen yet"
        self.consumers = self.backlog = 0
        self.confirmed = 0
        """How many events were confirmed since the memory was last seen."""
        self.deletions = 0
        """How often the memory was found to be gone: what was sent before that and confirmed later may be gone, too."""
        self.gaps: deque[Gap] = deque(maxlen=REMEMBERED_GAPS)

    @property
    def trusted(self) -> bool:
        """Whether an event may be confirmed now."""
        return self.fault is None and self._seen is not None and self._clock.monotonic() - self._seen <= TRUSTED_SECONDS

    @property
    def distrust(self) -> str:
        """Why no event may be confirmed now."""
        return self.fault or "the memory's queue was not seen for too long"

    def alert(self, reason: str) -> None:
        """Someone has reason to think that the memory's queue is gone: nothing is confirmed until it is seen again."""
        self.fault = reason
        self._raise_alarm()

    def cancelled(self) -> None:
        """The broker ended the consumer of the memory's queue: it is gone, and with it what it held."""
        self._note_deletion()
        self._raise_alarm()

    @property
    def silence(self) -> str | None:
        """That the broker answers but confirms nothing, or None."""
        if self._silent_looks < PATIENT_LOOKS:
            return None
        return (
            "the broker confirms nothing, although it answers: a queue that events go to has lost its leader, or is"
            " overloaded; where this lasts, find it with rabbitmqctl list_queues name leader and delete it"
        )

    async def opened(self, link: Link) -> None:
        """A new connection: see that everything is there before it is used. Raises TimeoutError."""
        self._channel = None
        self.fault = self.fault or "the connection to the broker was lost"
        try:
            # Declared at once, it would not be noticed that the broker has lost it meanwhile.
            async with answered(ANSWER_SECONDS * 2):
                await (self._declare() if self._seen is None else self._look())
        except DeclarationError as error:
            # Others may find what they need all the same.
            self._say(str(error))

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            await self._pause()
            try:
                await self._publishing.look()
                await asyncio.gather(self.check(), self._ask())
                await self._put_back()
            except Exception:
                # Nobody else looks.
                logger.exception("the watchdog failed, and goes on")

    async def _ask(self) -> None:
        """Whether the connection that publishes still answers; in an alarm the broker reads nothing from it."""
        link = self._publishing
        if not link.up or link.blocked:
            return
        try:
            async with link.talk():
                self._listen()
        except TimeoutError:
            await link.look()
            if not link.blocked:
                link.lost("it does not answer")
        except BROKER_ERRORS as error:
            logger.debug("the publishing connection: %s", explained(error))

    def _listen(self) -> None:
        """The publishing connection answers: whether it also confirms what is published."""
        sender = self._sender
        if sender.verdicts != self._verdicts:
            self._verdicts, self._silent_looks = sender.verdicts, 0
        elif sender.under_way:
            self._silent_looks += 1
            if self._silent_looks == PATIENT_LOOKS:
                logger.error("%s", self.silence)

    async def check(self) -> None:
        """Look once, and repair what is missing."""
        if not self._link.up:
            return
        try:
            async with answered():
                await self._look()
        except TimeoutError:
            self._link.lost("it does not answer")
        except BROKER_ERRORS as error:
            self._channel = None
            if self._link.up:
                self._say(explained(error))

    async def _look(self) -> None:
        channel = await self._open()
        asked, asked_at, alarms = self._clock.monotonic(), self._clock.now(), self._alarms
        try:
            found = await channel.queue_declare(self._topology.memory.name, passive=True)
        except ChannelNotFoundEntity:
            self._note_deletion()
            self._channel = None
            await self._declare()
            return
        # Bindings cannot be asked for: everything is declared and bound as if it were not there.
        await self._declare()
        self.consumers, self.backlog = found.consumer_count or 0, found.message_count or 0
        self._saw(asked, asked_at, alarms)
        self._reckon()

    async def _declare(self) -> None:
        asked, asked_at, alarms = self._clock.monotonic(), self._clock.now(), self._alarms
        async with answered(ANSWER_SECONDS * 2):
            try:
                await declare_all(self._link, await self._open(), self._topology)
            except BROKER_ERRORS:
                self._channel = None
                raise
        self._saw(asked, asked_at, alarms)

    async def _open(self) -> AbstractChannel:
        if self._channel is None or self._channel.is_closed:
            self._channel = await self._link.channel()
        return self._channel

    async def _pause(self) -> None:
        """Until it is time to look, or someone gave alarm."""
        try:
            await first_of(self._clock.sleep(CHECK_SECONDS), self._alarm.wait())
        finally:
            self._alarm.clear()

    def _raise_alarm(self) -> None:
        self._alarms += 1
        self._alarm.set()

    def _saw(self, asked: float, asked_at: int, alarms: int) -> None:
        """The answer tells how it was when it was asked for: it may have waited here for long.

        An alarm given since then, `alarms` having been before, is yet to be looked into.
        """
        if alarms != self._alarms:
            return
        self._seen, self._seen_at = asked, asked_at
        self.confirmed = 0
        self.fault = None

    def _reckon(self) -> None:
        """The memory's queue is there: whether all that was confirmed comes out of it."""
        keeper = self.keeper
        following = keeper is not None and keeper.is_consuming and (keeper.is_served or self.consumers <= 1)
        is_empty = self.backlog == 0 and keeper is not None and keeper.unsettled == 0
        missing = self.outstanding.look(self._clock.now(), is_empty=is_empty, following=following)
        if missing is not None:
            messages = self._landed(missing.pending.values())
            if messages:
                gap = Gap("unbound", missing.since, self._clock.now(), restored=len(messages))
                self._note(gap, messages)

    def _note_deletion(self) -> None:
        if self.fault == DELETED:
            return
        self.fault = DELETED
        self.deletions += 1
        now = self._clock.now()
        messages = self._landed(self.outstanding.everything(now).pending.values())
        self._note(Gap("deleted", self._seen_at, now, self.confirmed, self.backlog, len(messages)), messages)

    def _landed(self, messages: Iterable[Message]) -> list[Message]:
        """Those whose publisher was told that they are confirmed."""
        return [message for message in messages if not self._sender.is_under_way(message.message_id)]

    def _note(self, gap: Gap, messages: Sequence[Message]) -> None:
        self.gaps.append(gap)
        logger.error("%s", gap)
        self._missing += messages

    async def _put_back(self) -> None:
        """Put what is missing into the memory's queue, as soon as that is there."""
        if self._missing and self.trusted and self._publishing.up and not self._publishing.blocked:
            messages, self._missing = self._missing, []
            self._missing += await self._restore(messages)

    def _say(self, reason: str) -> None:
        if reason != self.fault:
            logger.error("nothing can be confirmed: %s", reason)
        self.fault = reason
