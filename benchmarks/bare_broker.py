"""The least that a program does at a broker: publish with confirms, and consume with one ack for many."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final
from uuid import uuid4

import aio_pika
import aiormq
from aiormq.abc import AbstractChannel
from pamqp.commands import Basic

from benchmarks.measure import Place
from tests import broker

EXCHANGE: Final = "bloodbank.events"
QUEUE: Final = "candystore.events"
EVENT_TYPE: Final = "test.event.created"
WINDOW: Final = 500
ARGUMENTS: Final = {"x-queue-type": "quorum"}
SETTLING_SECONDS: Final = 1.0
"""How long a queue that was just made is left alone, until its leader is at work."""


@contextmanager
def node(place: Place) -> Iterator[str]:
    """A broker of the measurement's own, by its URL; a quick run takes the session's, and a corner of it."""
    if place.quick:
        shared = broker.shared()
        name = f"quick-{uuid4().hex}"
        shared.add_vhost(name)
        yield shared.url_of(name)
        return
    broker.require()
    own = broker.Node(place.folder / "broker")
    try:
        own.start()
        yield own.url
    finally:
        own.remove()


async def filled(url: str, bodies: list[bytes], *, declared: bool = False) -> None:
    """Put messages into the queue, which is made unless it was `declared`."""
    async with _channel(url) as channel:
        if not declared:
            await _declare(channel)
            await asyncio.sleep(SETTLING_SECONDS)
        turns = iter(bodies)

        async def keep_sending() -> None:
            for body in turns:
                await _send(channel, body)

        await asyncio.gather(*(keep_sending() for _ in range(WINDOW)))


class BareAiormq:
    """Publishes over one channel; `publish` ends with the confirm."""

    def __init__(self, url: str, bodies: list[bytes]) -> None:
        self._url = url
        self._turns = itertools.cycle(bodies)

    async def __aenter__(self) -> BareAiormq:
        self._connection = await aiormq.connect(self._url)
        self._channel = await self._connection.channel(publisher_confirms=True)
        await _declare(self._channel)
        await asyncio.sleep(SETTLING_SECONDS)
        return self

    async def publish(self) -> None:
        await _send(self._channel, next(self._turns))

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()


class BareAioPika:
    """The same with aio-pika."""

    def __init__(self, url: str, bodies: list[bytes]) -> None:
        self._url = url
        self._turns = itertools.cycle(bodies)

    async def __aenter__(self) -> BareAioPika:
        self._connection = await aio_pika.connect(self._url)
        channel = await self._connection.channel(publisher_confirms=True)
        self._exchange = await channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True)
        queue = await channel.declare_queue(QUEUE, durable=True, arguments=dict(ARGUMENTS))
        await queue.bind(self._exchange, "#")
        await asyncio.sleep(SETTLING_SECONDS)
        return self

    async def publish(self) -> None:
        message = aio_pika.Message(next(self._turns), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await self._exchange.publish(message, EVENT_TYPE)

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()


async def consume(url: str, number: int, window: int) -> None:
    """Take so many messages with aio-pika, and ack each window with one frame."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=2 * window)
        queue = await channel.get_queue(QUEUE)
        taken = 0
        done = asyncio.Event()

        async def take(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            nonlocal taken
            taken += 1
            if taken % window == 0 or taken == number:
                await message.ack(multiple=True)
            if taken == number:
                done.set()

        await queue.consume(take)
        await done.wait()


@asynccontextmanager
async def _channel(url: str) -> AsyncIterator[AbstractChannel]:
    connection = await aiormq.connect(url)
    try:
        yield await connection.channel(publisher_confirms=True)
    finally:
        await connection.close()


async def _declare(channel: AbstractChannel) -> None:
    await channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
    await channel.queue_declare(QUEUE, durable=True, arguments=dict(ARGUMENTS))
    await channel.queue_bind(QUEUE, EXCHANGE, "#")


async def _send(channel: AbstractChannel, body: bytes) -> None:
    properties = Basic.Properties(delivery_mode=2)
    await channel.basic_publish(body, exchange=EXCHANGE, routing_key=EVENT_TYPE, properties=properties)
