"""Publishing with confirms over one channel: a bounded window, and a verdict for every message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from uuid import uuid4

from aiormq.exceptions import ChannelPreconditionFailed, DeliveryError, PublishError

from godtui.bloodbank.bus import Confirmed, PublishOutcome, Refused, Unconfirmed
from godtui.bloodbank.inflight import InFlight
from godtui.bloodbank.rabbitmq.answers import cancelled_by_us
from godtui.bloodbank.rabbitmq.explain import BROKER_ERRORS, explained
from godtui.bloodbank.rabbitmq.link import Link
from godtui.bloodbank.rabbitmq.posting import Parcel, Post
from godtui.bloodbank.rabbitmq.window import Window

WINDOW: Final = 500
MOST_UNANSWERED: Final = 10 * WINDOW
"""How many publishes that nobody waits for any more a channel may keep an answer open for."""
CONFIRMED: Final = Confirmed(None)
LOST: Final = Unconfirmed("the connection to the broker was lost before it confirmed")
UNROUTED: Final = Unconfirmed("no queue took it")
REFUSED_FOR_NOW: Final = Unconfirmed("the broker did not take it: a queue is full or has no leader")


class Sender:
    """Sends over a channel of its own, which is opened when it is needed. Order is kept while nothing fails.

    A message that no queue takes is returned by its id: no two with the same id are under way.
    """

    def __init__(self, link: Link, window: int = WINDOW) -> None:
        self._link = link
        self._window = Window(window)
        self._post: Post | None = None
        self._opening = asyncio.Lock()
        self._in_flight = InFlight()
        self._closing: set[asyncio.Future[None]] = set()
        self.under_way = 0
        """How many wait for the broker's verdict."""
        self.verdicts = 0
        """How many verdicts the broker has given."""

    def is_under_way(self, identity: str) -> bool:
        """Whether a message of that id waits for the broker's verdict."""
        return identity in self._in_flight

    async def send(self, parcels: Sequence[Parcel]) -> list[PublishOutcome]:
        """An outcome a parcel. Confirmed once the broker has it in every queue it goes to, of which there is one."""
        if len(parcels) == 1:
            return [await self.send_one(parcels[0])]
        if not parcels:
            return []
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
            identity = parcel.properties.message_id
            if not identity:
                # Without an id, one that no queue took could not be told from one that is there.
                identity = parcel.properties.message_id = str(uuid4())
            ids = (identity,)
            if not self._in_flight.enter_at_once(ids):
                await self._in_flight.enter(ids)
            try:
                return await self._outcome(parcel)
            finally:
                self._in_flight.leave(ids)
        finally:
            self._window.leave(places)

    async def _outcome(self, parcel: Parcel) -> PublishOutcome:
        self.under_way += 1
        try:
            return await self._publish(parcel)
        except asyncio.CancelledError:
            if cancelled_by_us():
                self._forget()
                raise
            return LOST  # a channel that closes cancels what waits for it
        finally:
            self.under_way -= 1

    async def _publish(self, parcel: Parcel) -> PublishOutcome:
        post = self._post
        try:
            if post is None or post.channel.is_closed:
                post = await self._open()
            await post.send(parcel)
        except PublishError:
            self.verdicts += 1
            return UNROUTED
        except DeliveryError:
            self.verdicts += 1
            return REFUSED_FOR_NOW
        except ChannelPreconditionFailed as error:
            return _too_large(parcel, error)
        except ValueError as error:
            return Refused(f"it cannot be carried over AMQP: {error}")
        except BROKER_ERRORS as error:
            return Unconfirmed(explained(error))
        self.verdicts += 1
        return CONFIRMED

    def _forget(self) -> None:
        """Nobody waits for this verdict any more; where a broker owes too many, another channel is opened."""
        post = self._post
        if post is None or post.channel.is_closed or len(post.channel.confirmations) < MOST_UNANSWERED:
            return
        self._post = None
        closing = asyncio.ensure_future(post.channel.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _open(self) -> Post:
        async with self._opening:
            if self._post is None or self._post.channel.is_closed:
                self._post = Post(await self._link.channel(confirms=True))
            return self._post


def _too_large(parcel: Parcel, error: ChannelPreconditionFailed) -> PublishOutcome:
    """The broker closes a channel over one message that is larger than it takes, with all that is under way there."""
    text = str(error)
    words = [int(word) for word in text.replace(",", " ").split() if word.isdigit()]
    if "message size" in text and words and len(parcel.body) >= min(words):
        return Refused(f"it is larger than the broker takes: {explained(error)}")
    return Unconfirmed(explained(error))
