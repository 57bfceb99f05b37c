"""A transient view of what is published, through an exclusive queue of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Final, Self

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel

from godtui.bloodbank.bus import Message
from godtui.bloodbank.newest import Newest
from godtui.bloodbank.rabbitmq.answers import answered, leave
from godtui.bloodbank.rabbitmq.explain import BROKER_ERRORS, explained
from godtui.bloodbank.rabbitmq.link import Link
from godtui.bloodbank.rabbitmq.messages import message_of
from godtui.bloodbank.rabbitmq.topology import EXCHANGE
from godtui.clock import Clock

RETRY_SECONDS: Final = 0.5

logger = logging.getLogger(__name__)


class RabbitTap:
    """Listens for as long as it is open, on each connection anew; keeps the newest for a reader that is slow."""

    def __init__(
        self,
        link: Link,
        bindings: Sequence[str],
        capacity: int,
        clock: Clock,
        on_close: Callable[[RabbitTap], None] = lambda tap: None,
        on_break: Callable[[], None] = lambda: None,
    ) -> None:
        self._link = link
        self._bindings = tuple(bindings)
        self._clock = clock
        self._on_close = on_close
        self._on_break = on_break
        self._kept: Newest[DeliveredMessage] = Newest(capacity)
        self._listening: asyncio.Task[None] | None = None
        self._leaving: asyncio.Future[None] | None = None
        self._ready = asyncio.Event()

    @property
    def missed(self) -> int:
        return self._kept.missed

    async def _listen(self) -> None:
        while True:
            await self._link.wait()
            try:
                channel, gone = await self._open()
            except BROKER_ERRORS as error:
                if self._link.up:
                    logger.warning("a live view cannot be opened: %s", explained(error))
                await self._clock.sleep(RETRY_SECONDS)
                continue
            self._ready.set()
            try:
                await gone
            finally:
                # With the consumer goes the queue.
                self._leaving = asyncio.ensure_future(leave(channel))
            self._on_break()

    async def _open(self) -> tuple[Channel, asyncio.Future[None]]:
        """The channel, and when it, or the queue, is gone."""
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def end(_: object) -> None:
            if not gone.done():
                gone.set_result(None)

        async with answered():
            channel = await self._link.channel()
            channel.closing.add_done_callback(end)
            queue = (await channel.queue_declare("", exclusive=True, auto_delete=True)).queue or ""
            for pattern in self._bindings:
                await channel.queue_bind(queue, EXCHANGE, pattern)
            # Not closed from there: it would wait for an answer that the same task has to read.
            channel.on_consumer_cancel_callbacks.add(end)
            await channel.basic_consume(queue, self._take, no_ack=True)
            return channel, gone

    async def _take(self, delivered: DeliveredMessage) -> None:
        self._kept.add(delivered, len(delivered.body))

    async def __aiter__(self) -> AsyncIterator[Message]:
        async for delivered in self._kept:
            yield message_of(delivered)

    async def close(self) -> None:
        self._on_close(self)
        self._kept.close()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        if self._leaving is not None:
            await asyncio.wait((self._leaving,))

    async def __aenter__(self) -> Self:
        self._listening = asyncio.ensure_future(self._listen())
        ready = asyncio.ensure_future(self._ready.wait())
        try:
            await asyncio.wait((ready, self._listening), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
