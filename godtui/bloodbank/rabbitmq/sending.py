"""Publishing with confirms over one channel: a bounded window, and a verdict for every message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from aiormq.channel import Channel
from aiormq.exceptions import ChannelPreconditionFailed, DeliveryError, PublishError
from pamqp.commands import Basic

from godtui.bloodbank.bus import Confirmed, PublishOutcome, Refused, Unconfirmed
from godtui.bloodbank.rabbitmq.explain import BROKER_ERRORS, explained
from godtui.bloodbank.rabbitmq.link import Link
from godtui.bloodbank.rabbitmq.window import Window

WINDOW: Final = 500
CONFIRMED: Final = Confirmed(None)
LOST: Final = Unconfirmed("the connection to the broker was lost before it confirmed")
UNROUTED: Final = Unconfirmed("no queue took it")
REFUSED_FOR_NOW: Final = Unconfirmed("the broker did not take it: a queue is full or has no leader")


class Parcel(NamedTuple):
    """A message on its way: where to, with what properties."""

    exchange: str
    routing_key: str
    properties: Basic.Properties
    body: bytes


class Sender:
    """Sends over a channel of its own, which is opened when it is needed. Order is kept while nothing fails."""

    def __init__(self, link: Link, window: int = WINDOW) -> None:
        self._link = link
        self._window = Window(window)
        self._channel: Channel | None = None
        self._opening = asyncio.Lock()

    async def send(self, parcels: Sequence[Parcel]) -> list[PublishOutcome]:
        """An outcome a parcel. Confirmed once the broker has it in every queue it goes to, of which there is one."""
        if len(parcels) == 1:
            return [await self.send_one(parcels[0])]
        with suppress(*BROKER_ERRORS):
            # Before any sets out: one that waited for it would be overtaken by the next.
            await self._open()
        tasks = [asyncio.ensure_future(self.send_one(parcel)) for parcel in parcels]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()

    async def send_one(self, parcel: Parcel) -> PublishOutcome:
        """The outcome of one parcel."""
        places = self._window.places(len(parcel.body))
        if not self._window.enter_at_once(places):
            await self._window.enter(places)
        try:
            return await self._publish(parcel)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return LOST  # a channel that closes cancels what waits for it
        finally:
            self._window.leave(places)

    async def _publish(self, parcel: Parcel) -> PublishOutcome:
        channel = self._channel
        try:
            if channel is None or channel.is_closed:
                channel = await self._open()
            await channel.basic_publish(
                parcel.body,
                exchange=parcel.exchange,
                routing_key=parcel.routing_key,
                properties=parcel.properties,
                mandatory=True,
                wait=False,
            )
        except PublishError:
            return UNROUTED
        except DeliveryError:
            return REFUSED_FOR_NOW
        except ChannelPreconditionFailed as error:
            return _too_large(parcel, error)
        except ValueError as error:
            return Refused(f"it cannot be carried over AMQP: {error}")
        except BROKER_ERRORS as error:
            return Unconfirmed(explained(error))
        return CONFIRMED

    async def _open(self) -> Channel:
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._link.channel(confirms=True)
            return self._channel


def _too_large(parcel: Parcel, error: ChannelPreconditionFailed) -> PublishOutcome:
    """The broker closes a channel over one message that is larger than it takes, with all that is under way there."""
    text = str(error)
    words = [int(word) for word in text.replace(",", " ").split() if word.isdigit()]
    if "message size" in text and words and len(parcel.body) >= min(words):
        return Refused(f"it is larger than the broker takes: {explained(error)}")
    return Unconfirmed(explained(error))
