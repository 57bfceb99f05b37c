"""Publishing on the embedded bus, against a bare log that takes the same bytes."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from benchmarks.bare_log import BareLog, open_bare
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
    return asyncio.run(_bare(place))


def bare_in_batches(place: Place) -> Figures:
    """Bodies a second in commits of 100, nothing else being done."""
    return _bare_commits(place, BATCH)


def bare_alone(place: Place) -> Figures:
    """Commits of one body a second, nothing else being done."""
    return _bare_commits(place, 1)


def drafts() -> Iterator[EventDraft]:
    """Drafts without end, made when they are taken."""
    for number in itertools.count():
        yield EventDraft(event_type=EVENT_TYPE, payload={"message": f"event {number}"}, source={"service": "benchmark"})


async def _published(place: Place, publishers: int) -> Figures:
    async with _publisher(place.folder) as publisher:
        fresh = drafts()
        rate = await closed_loop(lambda: publisher.publish(next(fresh)), publishers, **_span(place))
        return {"rate": rate}


async def _published_in_batches(place: Place) -> Figures:
    fresh = drafts()
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


async def _bare(place: Place) -> Figures:
    turns = itertools.cycle([[body] for body in await _bodies()])
    log = BareLog(place.folder / "bare.sqlite")
    rate = await closed_loop(lambda: log.append(next(turns)), PUBLISHERS, **_span(place))
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
        yield Publisher(bus, _contracts(), RULES)
    finally:
        await bus.close()
        await log.close()


def _contracts() -> Contracts:
    return Contracts(Registry.load(packaged("schemas")))


class _Recorder:
    """In place of a bus: keeps the bytes that would have been published."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def publish(self, messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
        self.bodies += [message.body for message in messages]
        return [Confirmed(None)] * len(messages)


async def _bodies() -> list[bytes]:
    """Bodies as the publisher writes them."""
    recorder = _Recorder()
    await Publisher(cast("Bus", recorder), _contracts(), RULES).publish_batch(list(itertools.islice(drafts(), 10_000)))
    return recorder.bodies


def _bare_commits(place: Place, size: int) -> Figures:
    bodies = asyncio.run(_bodies())
    batches = [bodies[start : start + size] for start in range(0, len(bodies) - size + 1, size)]
    connection = open_bare(place.folder / "bare.sqlite")
    _commit_for(connection, batches, place.choose(0.5, 0.05))
    rate = size * _commit_for(connection, batches, place.choose(3.0, 0.1))
    connection.close()
    return {"rate": rate}


def _commit_for(connection: sqlite3.Connection, batches: Sequence[Sequence[bytes]], seconds: float) -> float:
    """Commits a second, each of one batch in one statement."""
    statement = f"INSERT INTO events (body) VALUES {', '.join(['(?)'] * len(batches[0]))}"
    started = now = time.perf_counter()
    count = 0
    while now < started + seconds:
        connection.execute(statement, batches[count % len(batches)])
        count += 1
        now = time.perf_counter()
    return count / (now - started)
