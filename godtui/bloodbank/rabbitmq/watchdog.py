"""The watchdog: sees to it that the memory's queue is there and bound, and knows when that was last so."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Final

from aiormq.abc import AbstractChannel
from aiormq.exceptions import ChannelNotFoundEntity

from godtui.bloodbank.rabbitmq.explain import BROKER_ERRORS, DeclarationError, explained
from godtui.bloodbank.rabbitmq.link import ANSWER_SECONDS, Link
from godtui.bloodbank.rabbitmq.topology import EXCHANGE, Topology, declare_all
from godtui.clock import Clock, rfc3339

CHECK_SECONDS: Final = 2.0
TRUSTED_SECONDS: Final = 5.0
"""How long what was seen counts: an event is confirmed only while the memory was seen this lately."""
REMEMBERED_GAPS: Final = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time (µs since 1970) in which events were confirmed although the memory's queue may have been gone.

    `backlog` is what the queue held when it was last seen.
    """

    since: int
    until: int
    confirmed: int
    backlog: int

    def __str__(self) -> str:
        return (
            f"the memory's queue was deleted between {rfc3339(self.since)} and {rfc3339(self.until)}:"
            f" {self.confirmed} events confirmed meanwhile may be missing from the store,"
            f" and {self.backlog} that waited when it was last seen"
        )


class Watchdog:
    """Declares the topology on each new connection, checks it, and repairs it."""

    def __init__(self, link: Link, publishing: Link, topology: Topology, clock: Clock) -> None:
        """`link` is looked over and made use of; `publishing` only asked whether it still answers."""
        self._link = link
        self._publishing = publishing
        self._topology = topology
        self._clock = clock
        self._channel: AbstractChannel | None = None
        self._seen: float | None = None
        self._seen_at = clock.now()
        self._alarm = asyncio.Event()
        self.fault: str | None = "the memory's queue was not seen yet"
        self.consumers = self.backlog = 0
        self.confirmed = 0
        """How many events were confirmed since the memory was last seen."""
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
        self._alarm.set()

    async def opened(self, link: Link) -> None:
        """A new connection: see that everything is there before it is used. Raises TimeoutError."""
        self._channel = None
        self.fault = self.fault or "the connection to the broker was lost"
        try:
            await self._declare()
        except DeclarationError as error:
            # Others may find what they need all the same.
            self._say(str(error))

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            await self._pause()
            await self._publishing.look()
            await asyncio.gather(self.check(), self._ask())

    async def _ask(self) -> None:
        """Whether the connection that publishes still answers; in an alarm the broker reads nothing from it."""
        link = self._publishing
        if not link.up or link.blocked:
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await (await link.channel()).close()
        except TimeoutError:
            await link.look()
            if not link.blocked:
                link.lost("it does not answer")
        except BROKER_ERRORS as error:
            logger.debug("the publishing connection: %s", explained(error))

    async def check(self) -> None:
        """Look once, and repair what is missing."""
        if not self._link.up:
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._look()
        except TimeoutError:
            self._link.lost("it does not answer")
        except BROKER_ERRORS as error:
            self._channel = None
            if self._link.up:
                self._say(explained(error))

    async def _look(self) -> None:
        channel = await self._open()
        try:
            found = await channel.queue_declare(self._topology.memory.name, passive=True)
        except ChannelNotFoundEntity:
            self._note_gap()
            self._channel = None
            await self._declare()
            return
        if self.fault is not None:
            await self._declare()
        else:
            for pattern in self._topology.memory.bindings:
                await channel.queue_bind(self._topology.memory.name, EXCHANGE, pattern)
        self.consumers, self.backlog = found.consumer_count or 0, found.message_count or 0
        self._saw()

    async def _declare(self) -> None:
        async with asyncio.timeout(ANSWER_SECONDS * 2):
            try:
                await declare_all(await self._open(), self._topology, self._link.version)
            except BROKER_ERRORS:
                self._channel = None
                raise
        self._saw()

    async def _open(self) -> AbstractChannel:
        if self._channel is None or self._channel.is_closed:
            self._channel = await self._link.channel()
        return self._channel

    async def _pause(self) -> None:
        """Until it is time to look, or someone gave alarm."""
        sleeping = asyncio.ensure_future(self._clock.sleep(CHECK_SECONDS))
        alarm = asyncio.ensure_future(self._alarm.wait())
        try:
            await asyncio.wait((sleeping, alarm), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._alarm.clear()
            for each in (sleeping, alarm):
                each.cancel()
            await asyncio.gather(sleeping, alarm, return_exceptions=True)

    def _saw(self) -> None:
        self._seen, self._seen_at = self._clock.monotonic(), self._clock.now()
        self.confirmed = 0
        if self.fault is not None:
            self.fault = None

    def _note_gap(self) -> None:
        gap = Gap(self._seen_at, self._clock.now(), self.confirmed, self.backlog)
        self.gaps.append(gap)
        self.fault = "the memory's queue was deleted; it is being declared again"
        logger.error("%s", gap)

    def _say(self, reason: str) -> None:
        if reason != self.fault:
            logger.error("nothing can be confirmed: %s", reason)
        self.fault = reason
