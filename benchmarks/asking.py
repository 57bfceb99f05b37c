"""Questions to a large store that is warm: the newest hundred that match."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import Random
from typing import Final
from uuid import UUID

from benchmarks.events import RARE, RARE_EVERY, SOURCES, SPACING, TYPES
from benchmarks.loads import percentile
from benchmarks.measure import Figures, Place
from benchmarks.storing import caught_up, store
from godtui import filters
from godtui.clock import SystemClock, rfc3339
from godtui.eventlog import EventLog
from godtui.operations.engine import EngineStore

WARM_UP: Final = 30
LIMIT: Final = 100
WINDOW: Final = 60_000
"""How many events a stretch of time holds that is asked for."""

_ONE: Final = "SELECT event_id, correlation_id, time FROM events WHERE seq = ?"


def asked(place: Place) -> Figures:
    """The 99th percentile, in milliseconds, of each kind of question, and of the worst kind."""
    return asyncio.run(_asked(place))


async def _asked(place: Place) -> Figures:
    clock = SystemClock()
    async with store(place.prepared) as (log, index):
        await caught_up(log, index)
        operations = EngineStore(log, index, clock)
        questions = _Questions(log)
        figures: Figures = {}
        for kind in ("type", "pattern", "source", "correlation", "id", "time", "rare"):
            texts = [await questions.make(kind) for _ in range(place.choose(WARM_UP + 300, 6))]
            taken = []
            for text in texts:
                wanted = filters.parse(text, now=clock.now())
                started = time.perf_counter()
                await operations.query(wanted, limit=LIMIT)
                taken.append(1000 * (time.perf_counter() - started))
            figures[kind] = percentile(taken[place.choose(WARM_UP, 1) :], 99)
        figures["worst"] = max(value for kind, value in figures.items() if kind != "rare")
        figures["events"] = log.last_seq
        return figures


class _Questions:
    """Filters about events that are there, chosen at random."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._random = Random(3)

    async def make(self, kind: str) -> str:
        random = self._random
        plain: dict[str, Callable[[], str]] = {
            "type": lambda: f"type:{random.choice(TYPES)}",
            "pattern": lambda: f"type:{random.choice(TYPES).partition('.')[0]}.#",
            "source": lambda: f"source:{random.choice(SOURCES)}",
            "rare": lambda: RARE.format(number=random.randrange(max(1, self._log.last_seq // RARE_EVERY))),
        }
        if kind in plain:
            return plain[kind]()
        seq = random.randint(1, self._log.last_seq)
        event_id, correlation_id, at = (await self._log.rows(_ONE, (seq,), purpose="a question"))[0]
        if kind == "time":
            return f"since:{rfc3339(at)} until:{rfc3339(at + WINDOW * SPACING)}"
        return f"id:{UUID(bytes=event_id)}" if kind == "id" else f"correlation:{UUID(bytes=correlation_id)}"
