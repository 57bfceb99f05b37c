"""Events from a durable queue of a bus."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from godtui.bloodbank import bus as buses
from godtui.bloodbank.bus import Bus, QueueSpec, SubscriptionClosedError, UnknownQueueError
from godtui.bloodbank.library.delivery import Delivery
from godtui.bloodbank.library.patience import Patience, reason
from godtui.bloodbank.library.state import State
from godtui.bloodbank.replayed import replay_of
from godtui.clock import Clock, SystemClock
from godtui.envelope import InvalidEventError, read_envelope

INVALID: Final = "invalid_envelope"
AGAIN_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


class QueueInlet:
    """An Inlet over a bus of its own: what is handled is acked, what is given up becomes a dead letter.

    `ready` waits a moment for the bus and sees to the queue; up to `prefetch` events are under way to this consumer.
    """

    position = None

    def __init__(
        self,
        bus: Bus,
        spec: QueueSpec,
        patience: Patience,
        *,
        prefetch: int = 100,
        ready: Callable[[], Awaitable[Any]] | None = None,
        look: Callable[[], State] = lambda: State("connected"),
        clock: Clock | None = None,
    ) -> None:
        self._bus = bus
        self._spec = spec
        self._patience = patience
        self._ahead = prefetch - 1
        self._ready = ready
        self._look = look
        self._clock = clock or SystemClock()
        self._subscription: buses.Subscription | None = None
        self._closed = False

    @property
    def state(self) -> State:
        return State("closed") if self._closed else self._look()

    async def open(self) -> None:
        await self._bus.start()
        if self._ready is not None:
            await self._ready()

    async def close(self) -> None:
        self._closed = True
        if self._subscription is not None:
            await self._subscription.close()
        await self._bus.close()

    async def next(self) -> Delivery | None:
        while not self._closed:
            raw = await self._fetch()
            if raw is None:
                continue
            try:
                event, _ = read_envelope(raw.message.body)
            except InvalidEventError as error:
                logger.warning("queue %s: a message is no event: %s", self._spec.name, error)
                raw.dead_letter(INVALID)
                continue
            replay_id = replay_of(raw.message.headers)
            return Delivery(event, raw.attempt, self._settling(raw), replay_id=replay_id)
        return None

    async def _fetch(self) -> buses.Delivery | None:
        """One message. What lies behind it stays with the bus, which forgets it when the connection is lost."""
        if self._subscription is None:
            self._subscription = self._bus.subscribe(self._spec, ahead=self._ahead)
        try:
            return (await self._subscription.batch(1)).deliveries[0]
        except SubscriptionClosedError:
            self._closed = True
        except UnknownQueueError:
            logger.warning("queue %s was deleted; it is declared anew", self._spec.name)
            subscription, self._subscription = self._subscription, None
            await subscription.close()
            await self._clock.sleep(AGAIN_SECONDS)
        return None

    def _settling(self, raw: buses.Delivery) -> Callable[[Delivery, Exception | None], Awaitable[None]]:
        async def settle(delivery: Delivery, error: Exception | None) -> None:
            if error is None:
                raw.ack()
                return
            pause = await self._patience.pause(delivery, error)
            if pause is None:
                raw.dead_letter(reason(error))
            else:
                raw.retry(reason(error), pause)

        return settle
