"""Putting messages into one queue alone, with the routing key they had."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity
from pamqp.commands import Basic

from godtui.bloodbank.bus import HeaderValue, Message, PublishOutcome, Refused, Unconfirmed
from godtui.bloodbank.deaths import ROUTING_KEY
from godtui.bloodbank.rabbitmq.explain import BROKER_ERRORS, explained
from godtui.bloodbank.rabbitmq.link import Link
from godtui.bloodbank.rabbitmq.messages import carried, check_headers, properties_of
from godtui.bloodbank.rabbitmq.posting import Parcel
from godtui.bloodbank.rabbitmq.sending import UNROUTED, Sender
from godtui.envelope import InvalidEventError

PREFIX: Final = "bloodbank.to."


class Directed:
    """Publishes through an exchange that is bound to the one queue and lives as long as the job.

    Where that is not permitted, by the queue's name, the routing key in the header `x-original-routing-key`.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._sender = Sender(link)
        self._jobs: dict[str, int] = {}
        self._preparing = asyncio.Lock()

    async def send(self, messages: Sequence[Message], queue: str) -> list[PublishOutcome]:
        """An outcome a message; refused where there is no such queue."""
        try:
            async with self._way(queue) as exchange:
                return await self._send(messages, queue, exchange)
        except ChannelNotFoundEntity:
            return [Refused(f"no queue named {queue} is declared")] * len(messages)
        except BROKER_ERRORS as error:
            return [Unconfirmed(explained(error))] * len(messages)

    async def keeps_routing_key(self, queue: str) -> bool | None:
        """Whether messages would have their own routing key there; None where that cannot be seen now."""
        try:
            async with self._way(queue) as exchange:
                return bool(exchange)
        except BROKER_ERRORS:
            return None

    async def _send(self, messages: Sequence[Message], queue: str, exchange: str) -> list[PublishOutcome]:
        outcomes: dict[int, PublishOutcome] = {}
        parcels: list[Parcel] = []
        places: list[int] = []
        for place, message in enumerate(messages):
            try:
                properties = _properties(message, {} if exchange else {ROUTING_KEY: message.routing_key})
            except ValueError as error:
                outcomes[place] = Refused(str(error))
                continue
            key = message.routing_key if exchange else queue
            parcels.append(Parcel(exchange, key, properties, message.body))
            places.append(place)
        outcomes.update(zip(places, await self._sender.send(parcels) if parcels else [], strict=True))
        return [_named(outcomes[place], queue) for place in range(len(messages))]

    @asynccontextmanager
    async def _way(self, queue: str) -> AsyncGenerator[str]:
        """The exchange to publish to; an empty name is the default exchange."""
        exchange = PREFIX + queue
        async with self._preparing:
            permitted = await self._prepare(exchange, queue)
            self._jobs[exchange] = self._jobs.get(exchange, 0) + 1
        try:
            yield exchange if permitted else ""
        finally:
            self._jobs[exchange] -= 1
            if not self._jobs[exchange]:
                del self._jobs[exchange]
                with suppress(*BROKER_ERRORS):
                    await self._tear_down(exchange)

    async def _prepare(self, exchange: str, queue: str) -> bool:
        async with self._link.talk() as channel:
            try:
                # Asked first, as the binding would leave an exchange behind that is bound to nothing.
                await channel.queue_declare(queue, passive=True)
                await channel.exchange_declare(exchange, exchange_type="fanout", auto_delete=True)
                await channel.queue_bind(queue, exchange)
            except (ChannelAccessRefused, ValueError):  # or the client library writes no such name
                return False
            return True

    async def _tear_down(self, exchange: str) -> None:
        async with self._preparing, self._link.talk() as channel:
            if exchange not in self._jobs:
                with suppress(ValueError):  # of such a name there was never one
                    await channel.exchange_delete(exchange)


def _properties(message: Message, more: Mapping[str, HeaderValue]) -> Basic.Properties:
    """Those of an event where it is one. Raises ValueError on headers that AMQP cannot carry."""
    try:
        return properties_of(message, more)
    except InvalidEventError:
        headers = {**message.headers, **more}
        check_headers(headers)
        return carried(message, headers)


def _named(outcome: PublishOutcome, queue: str) -> PublishOutcome:
    return Refused(f"no queue named {queue} is declared") if outcome is UNROUTED else outcome
