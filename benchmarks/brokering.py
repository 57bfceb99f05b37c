"""The same bus over RabbitMQ: publishing to it, storing what it holds, and from the one to the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from benchmarks import bare_broker
from benchmarks.bare_broker import QUEUE, SETTLING_SECONDS, WINDOW, BareAioPika, BareAiormq
from benchmarks.loads import closed_loop, open_loop, percentile
from benchmarks.measure import Figures, Place
from benchmarks.publishing import RULES, bodies, contracts, drafts, made
from godtui.bloodbank import tables
from godtui.bloodbank.frames import Events
from godtui.bloodbank.publisher import Publisher
from godtui.bloodbank.rabbitmq import RabbitBus, Topology
from godtui.candystore import live
from godtui.candystore.persister import BATCH, Persister
from godtui.clock import SystemClock
from godtui.eventlog import EventLog
from godtui.filters import Filter
from godtui.runtime.interpreter import tune

RATE: Final = 1000.0
LOOK_SECONDS: Final = 0.005
TOPOLOGY: Final = Topology()


def published(place: Place) -> Figures:
    """Events a second through the publisher, 500 under way at once, each confirmed by the broker."""
    with bare_broker.node(place) as url:
        return asyncio.run(_published(place, url))


def bare_aio_pika(place: Place) -> Figures:
    """Bodies a second with aio-pika alone, in the same window."""
    with bare_broker.node(place) as url:
        return asyncio.run(_bare(place, BareAioPika, url))


def bare_aiormq(place: Place) -> Figures:
    """Bodies a second with aiormq alone, in the same window."""
    with bare_broker.node(place) as url:
        return asyncio.run(_bare(place, BareAiormq, url))


def stored(place: Place) -> Figures:
    """Events a second from a full queue into the log, until the last is acked."""
    with bare_broker.node(place) as url:
        return asyncio.run(_stored(place, url))


def consumed(place: Place) -> Figures:
    """Messages a second from a full queue with aio-pika, one ack for many, none of them stored."""
    with bare_broker.node(place) as url:
        return asyncio.run(_consumed(place, url))


def streamed(place: Place) -> Figures:
    """Milliseconds from publishing an event to reading it, stored, from the stream."""
    with bare_broker.node(place) as url:
        return asyncio.run(_streamed(place, url))


async def _published(place: Place, url: str) -> Figures:
    fresh = made(place.choose(60_000, 100))
    async with _bus(url) as bus:
        publisher = Publisher(bus, contracts(), RULES)
        tune()
        return {"rate": await closed_loop(lambda: publisher.publish(next(fresh)), WINDOW, **_span(place))}


async def _bare(place: Place, kind: type[BareAioPika | BareAiormq], url: str) -> Figures:
    async with kind(url, await bodies(10_000)) as publisher:
        tune()
        return {"rate": await closed_loop(publisher.publish, WINDOW, **_span(place))}


async def _stored(place: Place, url: str) -> Figures:
    number = place.choose(40_000, 500)
    async with _bus(url) as bus, _log(place.folder) as log:
        await bare_broker.filled(url, await bodies(number), declared=True)
        persister = Persister(bus, log, contracts(), SystemClock(), TOPOLOGY.memory)
        tune()
        started = time.perf_counter()
        storing = asyncio.create_task(persister.run())
        while persister.stored < number or (await bus.statistics(QUEUE)).unsettled:
            await asyncio.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - started
        await _ended(storing)
        return {"rate": number / seconds}


async def _consumed(place: Place, url: str) -> Figures:
    number = place.choose(40_000, 500)
    await bare_broker.filled(url, await bodies(number))
    tune()
    started = time.perf_counter()
    await bare_broker.consume(url, number, BATCH)
    return {"rate": number / (time.perf_counter() - started)}


async def _streamed(place: Place, url: str) -> Figures:
    seconds = place.choose(10.0, 0.2)
    async with _bus(url) as bus, _log(place.folder) as log:
        publisher = Publisher(bus, contracts(), RULES)
        persister = Persister(bus, log, contracts(), SystemClock(), TOPOLOGY.memory)
        waiting: dict[UUID, asyncio.Future[None]] = {}
        tasks = [asyncio.create_task(persister.run()), asyncio.create_task(_read(log, waiting))]
        fresh = drafts()
        tune()

        async def publish() -> None:
            draft = next(fresh)
            seen = waiting[draft.event_id] = asyncio.get_running_loop().create_future()
            await publisher.publish(draft)
            await seen

        delays = await open_loop(publish, RATE, warm_up=place.choose(2.0, 0.1), seconds=seconds)
        for task in tasks:
            await _ended(task)
    milliseconds = [1000 * delay for delay in delays]
    return {"p50": percentile(milliseconds, 50), "p99": percentile(milliseconds, 99), "rate": len(delays) / seconds}


async def _read(log: EventLog, waiting: dict[UUID, asyncio.Future[None]]) -> None:
    async for frame in live.stream(log, Filter(())):
        if isinstance(frame, Events):
            for event in frame.events:
                waiting.pop(UUID(bytes=event.event_id)).set_result(None)


def _span(place: Place) -> dict[str, float]:
    return {"warm_up": place.choose(1.0, 0.05), "seconds": place.choose(5.0, 0.1)}


@asynccontextmanager
async def _bus(url: str) -> AsyncIterator[RabbitBus]:
    bus = RabbitBus([url], topology=TOPOLOGY)
    await bus.start()
    if not await bus.connected(30):
        raise RuntimeError(f"the broker cannot be used: {bus.fault}")
    await asyncio.sleep(SETTLING_SECONDS)
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def _log(folder: Path) -> AsyncIterator[EventLog]:
    log = EventLog(folder, rooms=(tables.MIGRATIONS,))
    log.start()
    try:
        yield log
    finally:
        await log.close()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
