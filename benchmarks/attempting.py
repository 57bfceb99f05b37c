"""Memory while the broker is away: an hour of attempts on a clock that is moved on, at a port that refuses."""

from __future__ import annotations

import asyncio
import gc
import socket
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.measure import Figures, Place
from benchmarks.publishing import RULES, contracts, drafts
from godtui.bloodbank import tables
from godtui.bloodbank.collector import Collector
from godtui.bloodbank.publisher import Publisher
from godtui.bloodbank.rabbitmq import RabbitBus, Topology
from godtui.candystore.persister import Persister
from godtui.eventlog import EventLog
from tests.clock import ManualClock

STEP_SECONDS: Final = 0.5
TURNS: Final = 20
"""Turns of the loop after which an attempt that is due is under way."""
EARLY: Final = 1 / 6
"""The part of the hour after which everything that is made once has been made."""


def refused(place: Place) -> Figures:
    """By how many KiB the memory grows from the tenth minute to the sixtieth, and how often it was tried."""
    return asyncio.run(_refused(place))


async def _refused(place: Place) -> Figures:
    steps = place.choose(7200, 120)
    tracemalloc.start()
    early = 0
    async with _away(place) as (bus, publisher, clock):
        fresh = drafts()
        tries = 0
        for step in range(steps):
            tries += await _until_waiting(bus)
            # Nobody gets through, and everybody tries again.
            await publisher.publish_batch([next(fresh) for _ in range(10)])
            clock.advance(STEP_SECONDS)
            if step == int(steps * EARLY):
                early = _used()
        return {"growth": (_used() - early) / 1024, "tries": tries}


@asynccontextmanager
async def _away(place: Place) -> AsyncIterator[tuple[RabbitBus, Publisher, ManualClock]]:
    """The bus, its workers and a publisher, at a port that refuses for as long as it is held."""
    clock = ManualClock()
    log = EventLog(place.folder, rooms=(tables.MIGRATIONS,))
    log.start()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        bus = RabbitBus([f"amqp://127.0.0.1:{held.getsockname()[1]}"], topology=Topology(), clock=clock)
        await bus.start()
        workers = [
            asyncio.create_task(Persister(bus, log, contracts(), clock, Topology().memory).run()),
            asyncio.create_task(Collector(bus, log, clock).run()),
        ]
        try:
            yield bus, Publisher(bus, contracts(), RULES, clock=clock), clock
        finally:
            for task in workers:
                task.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await bus.close()
            await log.close()


async def _until_waiting(bus: RabbitBus) -> int:
    """Until an attempt that is under way is refused; 1 where there was one."""
    before = bus.state.next_try
    for _ in range(TURNS):
        await asyncio.sleep(0)
    while bus.state.status != "waiting":
        await asyncio.sleep(0.001)
    return int(bus.state.next_try != before)


def _used() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
