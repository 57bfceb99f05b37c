"""Deciding on one delivery after the other with 10,000 tickets in the ledger, against commits of one body each."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.bare_log import BareLog
from benchmarks.deliveries import delivered
from benchmarks.loads import percentile
from benchmarks.measure import Figures, Place
from benchmarks.publishing import RULES, bodies, contracts
from godtui.bloodbank import tables
from godtui.bloodbank.outbox import Append, Outbox
from godtui.bloodbank.publisher import Publisher
from godtui.dispatcher import episodes
from godtui.dispatcher.case import Case, Say
from godtui.dispatcher.delivery import Delivery
from godtui.dispatcher.gate import GateRules
from godtui.dispatcher.ledger import Ledger, LedgerRules
from godtui.dispatcher.names import Names
from godtui.dispatcher.tables import MIGRATIONS as DISPATCHER_TABLES
from godtui.envelope import new_id
from godtui.eventlog import EventLog
from godtui.runtime.interpreter import tune
from godtui.settings import Settings

TICKETS: Final = 10_000
DECISIONS: Final = 2_000
WARM_UP: Final = 200
BATCH: Final = 100
PAUSE_SECONDS: Final = 0.001
"""Between two: a decision is to find nothing of the one before under way, as when deliveries come now and then."""
FIRST: Final = ("unstarted", "backlog", "unstarted", "started", "backlog", "completed", "backlog", "cancelled")
"""The groups of states that the tickets are in at first: a quarter of them is ready."""


def fill(place: Place) -> None:
    """Make the ledger: half of what is ready is dispatched, the other half waits."""
    asyncio.run(_fill(place))


def decided(place: Place) -> Figures:
    """Milliseconds from a delivery to its decision, committed with what is said of it; one at a time."""
    data = place.folder / "data"
    shutil.copytree(place.prepared, data)
    os.sync()  # else what was copied would be written out with the first commits
    return asyncio.run(_decided(place, data))


def bare_commits(place: Place) -> Figures:
    """Milliseconds of the commit of one body, one at a time."""
    return asyncio.run(_bare_commits(place))


async def _fill(place: Place) -> None:
    async with _ledger(place.prepared) as ledger:
        numbers = range(place.choose(TICKETS, 40))
        for start in range(0, len(numbers), BATCH):
            part = numbers[start : start + BATCH]
            await ledger.decide([_delivery(number, 0, FIRST[number % len(FIRST)]) for number in part])
        for case in await ledger.of_state("ready", len(numbers) // 8):
            await ledger.change(case.id, _dispatched)


async def _decided(place: Place, data: Path) -> Figures:
    async with _ledger(data) as ledger:
        await ledger.open()
        deliveries = list(_edits(place))
        before = sum((await ledger.counts()).values())
        tune()

        delays = []
        for delivery in deliveries:
            started = time.perf_counter()
            done = await ledger.decide([delivery])
            delays.append(time.perf_counter() - started)
            if done.number != 1:
                raise RuntimeError("a delivery was not decided")
            await asyncio.sleep(PAUSE_SECONDS)
        return _figures(place, delays) | {"tickets": before}


async def _bare_commits(place: Place) -> Figures:
    log = BareLog(place.folder / "bare.sqlite")
    delays = []
    tune()
    for body in (await bodies(10_000))[: _number(place)]:
        started = time.perf_counter()
        await log.append([body])
        delays.append(time.perf_counter() - started)
        await asyncio.sleep(PAUSE_SECONDS)
    log.close()
    return _figures(place, delays)


def _number(place: Place) -> int:
    return place.choose(WARM_UP + DECISIONS, 20)


def _figures(place: Place, delays: Sequence[float]) -> Figures:
    counted = [1000 * delay for delay in delays[place.choose(WARM_UP, 5) :]]
    return {"p50": percentile(counted, 50), "p99": percentile(counted, 99), "longest": max(counted)}


def _edits(place: Place) -> Iterator[Delivery]:
    """Deliveries about tickets at random: some become ready by them, others cease to be, a few are new."""
    chance = Random(1)
    tickets = place.choose(TICKETS, 40)
    for edit in range(1, _number(place) + 1):
        ticket = tickets + edit if chance.random() < 0.05 else chance.randrange(tickets)
        yield _delivery(ticket, edit, chance.choice(FIRST))


def _delivery(ticket: int, edit: int, group: str) -> Delivery:
    event_id = new_id().bytes
    return Delivery(event_id, event_id, time.time_ns() // 1000, delivered(ticket, edit, group=group))


def _dispatched(case: Case, now: int) -> list[Say]:
    episodes.freeze(case, (), b'{"message":"%s"}' % case.id.encode(), f"key of {case.id}", now)
    return episodes.dispatched(case, f"run-{case.id}", "admitted", 0, now)


@asynccontextmanager
async def _ledger(data: Path) -> AsyncIterator[Ledger]:
    """A ledger as the engine builds it on the embedded bus."""
    log = EventLog(data, rooms=(tables.MIGRATIONS, DISPATCHER_TABLES))
    log.start()
    outbox = Outbox(log, Append)
    rules = LedgerRules(GateRules.of(Settings()), 0)
    try:
        yield Ledger(log, outbox, Publisher(outbox, contracts(), RULES).message, rules, Names())
    finally:
        await log.close()
