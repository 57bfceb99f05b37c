"""Where messages go that were not acked: back into their queue after a while, or to the dead letters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from godtui.bloodbank.bus import HeaderValue, PublishOutcome
from godtui.bloodbank.deaths import ATTEMPTS, FIRST_AT, LAST_AT, LETTER, MAX_REASON, QUEUE, REASON, ROUTING_KEY
from godtui.bloodbank.rabbitmq.link import Link
from godtui.bloodbank.rabbitmq.messages import carriable, carried, route
from godtui.bloodbank.rabbitmq.posting import Parcel
from godtui.bloodbank.rabbitmq.sending import Sender
from godtui.bloodbank.rabbitmq.topology import DEAD_LETTER_EXCHANGE, Topology, naming
from godtui.clock import Clock

if TYPE_CHECKING:
    from godtui.bloodbank.rabbitmq.delivery import RabbitDelivery

SHORTEST_DELAY: Final = 0.1
LONGEST_DELAY: Final = 7 * 86_400.0
_TIER_DIGITS: Final = 2


@dataclass(slots=True)
class Decision:
    """What becomes of a delivery: a letter for a reason, or another try after so many seconds."""

    delivery: RabbitDelivery
    reason: str | None = None
    after: float = 0.0


class Afterlife:
    """Puts messages where they go next; confirmed before the original may be acked."""

    def __init__(self, sender: Sender, link: Link, topology: Topology, clock: Clock) -> None:
        self._sender = sender
        self._link = link
        self._topology = topology
        self._clock = clock

    async def move(self, queue: str, decision: Decision) -> PublishOutcome:
        """Confirmed once the message is there. Raises what the broker objects."""
        if decision.reason is not None:
            return await self._bury(queue, decision.delivery, decision.reason)
        return await self._retry(queue, decision.delivery, decision.after)

    async def _bury(self, queue: str, delivery: RabbitDelivery, reason: str) -> PublishOutcome:
        message = delivery.message
        headers: dict[str, HeaderValue] = {
            **carriable(message.headers),
            REASON: reason[:MAX_REASON],
            QUEUE: queue,
            ATTEMPTS: delivery.attempt,
            FIRST_AT: delivery.first_at,
            LAST_AT: self._clock.now(),
            LETTER: str(uuid4()),
        }
        key = route(message, delivery.carrier)
        return await self._sender.send_one(Parcel(DEAD_LETTER_EXCHANGE, key, carried(message, headers), message.body))

    async def _retry(self, queue: str, delivery: RabbitDelivery, after: float) -> PublishOutcome:
        message = delivery.message
        key = route(message, delivery.carrier)
        headers = {**carriable(message.headers), ATTEMPTS: delivery.attempt, ROUTING_KEY: key}
        name = queue
        if after >= SHORTEST_DELAY:
            name = await self._waiting_room(queue, tier(after))
        return await self._sender.send_one(Parcel("", name, carried(message, headers), message.body))

    async def _waiting_room(self, queue: str, milliseconds: int) -> str:
        """The queue in which messages of another queue wait so long; it goes when it is no longer used."""
        name = f"{queue}.retry.{milliseconds}ms"
        arguments = self._topology.waiting_room(queue, milliseconds, self._link.version)
        async with self._link.talk() as channel, naming(f"queue {name}"):
            await channel.queue_declare(name, durable=True, arguments=arguments)
        return name


def tier(seconds: float) -> int:
    """A delay in milliseconds, rounded up to two digits: every delay that differs needs a queue of its own."""
    milliseconds = min(seconds, LONGEST_DELAY) * 1000
    unit: int = 10 ** max(0, math.floor(math.log10(milliseconds)) - _TIER_DIGITS + 1)
    return math.ceil(milliseconds / unit - 1e-9) * unit
