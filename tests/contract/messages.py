"""Events for the suite to send, and waiting for what comes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from godtui.bloodbank.bus import Bus, Confirmed, Delivery, HeaderValue, Message, Subscription, Tap
from godtui.envelope import EventEnvelope, new_id
from tests.contract.harness import PATIENCE

NOON = datetime(2026, 2, 12, 12, tzinfo=UTC)


def event(
    event_type: str = "test.event.created",
    *,
    event_id: UUID | None = None,
    headers: Mapping[str, HeaderValue] | None = None,
    **payload: object,
) -> Message:
    """A message as a publisher makes it."""
    envelope = EventEnvelope(
        event_id=event_id or new_id(),
        event_type=event_type,
        timestamp=NOON,
        source={"service": "contract"},
        payload=payload,
    )
    return replace(Message.of(envelope), headers=headers or {})


def events(number: int, event_type: str = "test.event.created") -> list[Message]:
    """So many messages."""
    return [event(event_type, number=n) for n in range(number)]


def ids(messages: Iterable[Message | Delivery]) -> list[str]:
    """Their message ids."""
    return [each.message_id if isinstance(each, Message) else each.message.message_id for each in messages]


def handed_out(bus: Bus, deliveries: Sequence[Delivery], times: Sequence[int]) -> bool:
    """Whether each was handed out so often; what was sent ahead to a consumer that left counts once more."""
    ahead = 1 if bus.features.sends_ahead else 0
    return len(deliveries) == len(times) and all(
        expected <= each.attempt <= expected + (ahead if expected == 1 else 0)
        for each, expected in zip(deliveries, times, strict=True)
    )


async def send(bus: Bus, messages: Sequence[Message], *, queue: str | None = None) -> list[Confirmed]:
    """Publish, and see every message confirmed."""
    outcomes = await bus.publish(messages, queue=queue)
    confirmed = [outcome for outcome in outcomes if isinstance(outcome, Confirmed)]
    assert len(confirmed) == len(messages), outcomes
    return confirmed


async def collect(consumer: Subscription, number: int, most: int = 100) -> list[Delivery]:
    """Exactly so many deliveries, unsettled, by as many batches as it takes."""
    found: list[Delivery] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < number:
            asked = min(most, number - len(found))
            batch = await consumer.batch(asked)
            assert 0 < len(batch.deliveries) <= asked
            found += batch.deliveries
    return found


async def drain(consumer: Subscription, number: int, most: int = 100) -> list[Delivery]:
    """Exactly so many deliveries, acked for good."""
    found: list[Delivery] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < number:
            batch = await consumer.batch(min(most, number - len(found)))
            found += batch.deliveries
            await batch.settle()
    return found


async def read(tap: Tap, number: int) -> list[Message]:
    """The next messages of a tap; fewer where it ends."""
    found: list[Message] = []
    if number == 0:
        return found
    async with asyncio.timeout(PATIENCE):
        async for message in tap:
            found.append(message)
            if len(found) == number:
                break
    return found


async def eventually(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait until something holds; why it did not is raised at the end of patience.

    A broker on a busy machine may owe an answer for longer than its clients wait: it is asked again.
    """
    for attempt in count():
        try:
            assert await condition()
            return
        except (AssertionError, ConnectionError, TimeoutError):
            if attempt * 0.01 > PATIENCE:
                raise
        await asyncio.sleep(0.01)
