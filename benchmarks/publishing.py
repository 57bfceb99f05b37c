"""Publishing on the embedded bus, against a bare log that takes the same bytes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from benchmarks.bare_log import BareLog
from benchmarks.loads import closed_loop, open_loop, percentile
from benchmarks.measure import Figures, Place
from godtui.bloodbank import tables
from godtui.bloodbank.bus import Bus, Confirmed, Message, PublishOutcome
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.bloodbank.publisher import Publisher, PublishingRules
from godtui.bloodbank.receipt import Receipt
from godtui.envelope import EventDraft
from godtui.eventlog import EventLog
from godtui.holyfields import Contracts, Registry
from godtui.runtime.interpreter import tune
from godtui.settings import packaged

PUBLISHERS = 64
BATCH = 100
EVENT_TYPE = "test.event.created"
RULES = PublishingRules(instance="benchmark-1")


def published(place: Place) -> Figures:
    """Events a second by 64 publishers, each with one event at a time."""
    return asyncio.run(_published(place, PUBLISHERS))


def published_alone(place: Place) -> Figures:
    """Events a second by one publisher with one event at a time."""
    return asyncio.run(_published(place, 1))


def published_in_batches(place: Place) -> Figures:
    """Events a second by 64 publishers, each with a batch of 100 at a time."""
    return asyncio.run(_published_in_batches(place))


def delays_at_half(place: Place) -> Figures:
    """How long publishes take, in milliseconds, when half as many arrive as 64 publishers get through."""
    return asyncio.run(_delays_at_half(place))


def bare(place: Place) -> Figures:
    """Bodies a second by 64 waiters, each with one at a time."""
    return asyncio.run(_bare(place, PUBLISHERS, 1))


def bare_in_batches(place: Place) -> Figures:
    """Bodies a second by one waiter with 100 at a time, a commit each."""
    return asyncio.run(_bare(place, 1, BATCH))


def bare_alone(place: Place) -> Figures:
    """Bodies a second by one waiter with one at a time, a commit each."""
    return asyncio.run(_bare(place, 1, 1))


def drafts() -> Iterator[EventDraft]:
    """Drafts without end, made when they are taken."""
    for number in itertools.count():
        yield EventDraft(event_type=EVENT_TYPE, payload={"message": f"event {number}"}, source={"service": "benchmark"})


def made(number: int) -> Iterator[EventDraft]:
    """Drafts of which so many are made beforehand, as the baselines' bodies are."""
    return itertools.chain(list(itertools.islice(drafts(), number)), drafts())


async def _published(place: Place, publishers: int) -> Figures:
    fresh = made(place.choose(80_000, 100))
    async with _publisher(place.folder) as publisher:
        rate = await closed_loop(lambda: publisher.publish(next(fresh)), publishers, **_span(place))
        return {"rate": rate}


async def _published_in_batches(place: Place) -> Figures:
    fresh = made(place.choose(200_000, 1000))
    async with _publisher(place.folder) as publisher:

        async def publish() -> None:
            outcomes = await publisher.publish_batch(list(itertools.islice(fresh, BATCH)))
            if not isinstance(outcomes[-1], Receipt):
                raise outcomes[-1]

        return {"rate": BATCH * await closed_loop(publish, PUBLISHERS, **_span(place))}


async def _delays_at_half(place: Place) -> Figures:
    async with _publisher(place.folder) as publisher:
        fresh = drafts()

        async def publish() -> None:
            await publisher.publish(next(fresh))

        most = await closed_loop(publish, PUBLISHERS, **_span(place))
        seconds = place.choose(5.0, 0.1)
        delays = await open_loop(publish, most / 2, warm_up=place.choose(1.0, 0.05), seconds=seconds)
        milliseconds = [1000 * delay for delay in delays]
        return {
            "p50": percentile(milliseconds, 50),
            "p99": percentile(milliseconds, 99),
            "longest": max(milliseconds),
            "rate": len(delays) / seconds,
        }


async def _bare(place: Place, waiters: int, size: int) -> Figures:
    given = await bodies(10_000)
    turns = itertools.cycle([given[start : start + size] for start in range(0, len(given) - size + 1, size)])
    log = BareLog(place.folder / "bare.sqlite")
    rate = size * await closed_loop(lambda: log.append(next(turns)), waiters, **_span(place))
    log.close()
    return {"rate": rate}


def _span(place: Place) -> dict[str, float]:
    return {"warm_up": place.choose(0.5, 0.05), "seconds": place.choose(3.0, 0.1)}


@asynccontextmanager
async def _publisher(folder: Path) -> AsyncIterator[Publisher]:
    """A publisher over bus and log as the engine builds them."""
    log = EventLog(folder, rooms=(tables.MIGRATIONS,))
    log.start()
    bus = EmbeddedBus(log)
    await bus.start()
    tune()
    try:
        yield Publisher(bus, contracts(), RULES)
    finally:
        await bus.close()
        await log.close()


def contracts() -> Contracts:
    """The packaged ones."""
    return Contracts(Registry.load(packaged("schemas")))


class _Recorder:
    """In place of a bus: keeps the bytes that would have been published."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def publish(self, messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
        self.bodies += [message.body for message in messages]
        return [Confirmed(None)] * len(messages)


async def bodies(number: int) -> list[bytes]:
    """So many bodies as the publisher writes them."""
    recorder = _Recorder()
    await Publisher(cast("Bus", recorder), contracts(), RULES).publish_batch(list(itertools.islice(drafts(), number)))
    return recorder.bodies
