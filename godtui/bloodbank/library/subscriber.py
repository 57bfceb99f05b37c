"""The subscriber of other programs."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Final, Literal, Self

from godtui import filters
from godtui.bloodbank.library.address import is_broker, refuse
from godtui.bloodbank.library.delivery import Delivery
from godtui.bloodbank.library.inlet import Inlet
from godtui.bloodbank.library.patience import FIRST_PAUSE, MAX_ATTEMPTS, OnGiveUp, Patience
from godtui.bloodbank.library.state import State
from godtui.envelope import EventEnvelope
from godtui.filters import Filter

DAY_SECONDS: Final = 86_400.0
PREFETCH: Final = 100
QUEUE_NAME: Final = re.compile(r"[a-zA-Z0-9_.:@#,/+ -]{1,255}")
"""Names that the AMQP library takes."""


class Subscriber:
    """Events as they come, each at least once and one at a time. Made by `connect`; an async context manager.

    A lost connection is no error: it is said once in the log, `state` tells of it, and what came meanwhile follows.
    """

    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet
        self._current: Delivery | None = None

    @classmethod
    def connect(
        cls,
        url: str,
        token: str | None = None,
        *,
        queue: str | None = None,
        bindings: Sequence[str] = ("#",),
        filter: str | None = None,  # noqa: A002 - named as the query parameter is
        after: int | None = None,
        max_attempts: int = MAX_ATTEMPTS,
        first_pause: float = FIRST_PAUSE,
        on_give_up: OnGiveUp | None = None,
        message_ttl: float | None = None,
        single_active_consumer: bool | None = None,
        prefetch: int | None = None,
        queue_type: Literal["quorum", "classic"] | None = None,
    ) -> Self:
        """A subscriber to the event types that any of the AMQP patterns `bindings` matches.

        From a broker (`amqp://…`) it takes the durable `queue`, which keeps what comes while nobody consumes, each
        message for `message_ttl` seconds (a day; 0 is for ever). Several consumers share a queue's events; with
        `single_active_consumer` one has them all and the others stand by. Up to `prefetch` (100) are under way;
        `queue_type` is the broker's GODTUI_QUEUE_TYPE.

        From a running godtui (`http://…`, with its `token`) it takes the store, beyond the position `after` or else
        from now on; `filter` narrows that in the filter language. Whoever goes on later keeps `position`.

        An event whose handler fails is tried `max_attempts` times, with pauses of `first_pause` seconds, then twice as
        long, and so on up to a minute. Then it is given up: a broker makes it a dead letter with the reason, from a
        godtui it is logged as an error and skipped; `on_give_up(delivery, reason)` is awaited before. Nothing is
        connected before the subscriber is entered. Raises ValueError on what makes no sense.
        """
        if isinstance(bindings, str) or not bindings:
            raise ValueError('bindings= is a list of patterns such as ["agent.task.*", "meeting.#"]')
        types = _types(bindings)
        patience = Patience(max_attempts, first_pause, on_give_up)
        if not is_broker(url):
            why = "is for a broker; a running godtui is followed by its store: keep `position` and give it as after="
            refuse({"queue": queue, "message_ttl": message_ttl, "single_active_consumer": single_active_consumer}, why)
            refuse({"prefetch": prefetch, "queue_type": queue_type}, "is for a broker")
            return cls(_stream(url, token, patience, types, filter, after))
        refuse({"token": token}, "is for a running godtui; a broker's name and password go into its URL")
        refuse({"filter": filter, "after": after}, "is for a running godtui; a broker knows bindings= and its queue")
        if not queue:
            raise ValueError("queue= names the durable queue that keeps events while nobody consumes them")
        if not QUEUE_NAME.fullmatch(queue):
            raise ValueError("queue= is at most 255 of the letters a to z, digits, spaces and - _ . : @ # , / +")
        if prefetch is not None and prefetch < 1:
            raise ValueError("prefetch= is at least 1")
        from godtui.bloodbank.bus import QueueSpec
        from godtui.bloodbank.library.broker import inlet

        spec = QueueSpec(
            queue,
            tuple(bindings),
            DAY_SECONDS if message_ttl is None else message_ttl,
            single_active_consumer=bool(single_active_consumer),
        )
        return cls(inlet(url, spec, patience, prefetch=prefetch or PREFETCH, queue_type=queue_type))

    @property
    def state(self) -> State:
        """How the way to the events is."""
        return self._inlet.state

    @property
    def position(self) -> int | None:
        """Everything up to there is done with: give it as `after=` to go on later. None on a broker."""
        return self._inlet.position

    async def run(self, handler: Callable[[EventEnvelope], Awaitable[Any]]) -> None:
        """Handle events until the subscriber is closed or this is cancelled.

        What the handler publishes inherits correlation and cause. Where it raises GiveUpError, the event is given up
        at once. To leave after an event, write the loop out and break. Raises UnknownPositionError where `after` was
        never given out there, and what `on_give_up` raises.
        """
        async for delivery in self:
            async with delivery as event:
                await handler(event)

    async def close(self) -> None:
        """Leave. What is handed out and not settled comes again: from the queue, or after `position`."""
        await self._inlet.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery:
        """The next event. Raises RuntimeError where the one before was not handled in `async with delivery`."""
        if self._current is not None and not self._current.settled:
            raise RuntimeError("handle each event in `async with delivery as event:` before asking for the next")
        delivery = self._current = await self._inlet.next()
        if delivery is None:
            raise StopAsyncIteration
        return delivery

    async def __aenter__(self) -> Self:
        try:
            await self._inlet.open()
        except BaseException:
            await self._inlet.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _types(bindings: Sequence[str]) -> Filter:
    """What the patterns match. Raises ValueError on one that no event type matches, also as FilterError."""
    types = None if "#" in bindings else ",".join(f'"{pattern}"' for pattern in bindings)
    return filters.from_parameters(type=types, now=0)


def _stream(
    url: str, token: str | None, patience: Patience, types: Filter, wanted: str | None, after: int | None
) -> Inlet:
    """Raises ValueError, also as FilterError."""
    from godtui.bloodbank.http.connection import Connection
    from godtui.bloodbank.library.stream_inlet import StreamInlet

    if after is not None and after < 0:
        raise ValueError("after= is a position of the store, 0 for its beginning")
    both = filters.combine(types, filters.parse(wanted or "", now=time.time_ns() // 1000))
    return StreamInlet(Connection(url, token), str(both), patience, after=after)
