"""Which events a replay comprises, read in pages that bound time and memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from godtui.candystore.candidates import Step, scan
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog
from godtui.filters import Filter, TimeTerm


class Counted(NamedTuple):
    """How many events there are; `exact` where all was looked at."""

    number: int
    exact: bool


async def pages(log: EventLog, wanted: Filter, above: int, below: int) -> AsyncGenerator[Step]:
    """Matching events strictly between two positions, by `seq`, one page read ahead. Raises LogUnavailableError."""
    async with aclosing(scan(log, wanted, "asc", above, below)) as steps:
        upcoming = asyncio.ensure_future(_next(steps))
        try:
            while (step := await upcoming) is not None:
                upcoming = asyncio.ensure_future(_next(steps))
                yield step
        finally:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)


async def following(log: EventLog, wanted: Filter, above: int, below: int, most: int) -> list[StoredEvent]:
    """The first so many events beyond a position. Raises LogUnavailableError."""
    found: list[StoredEvent] = []
    async with aclosing(scan(log, wanted, "asc", above, below, first=most)) as steps:
        async for step in steps:
            found += step.events
            if len(found) >= most:
                break
    return found[:most]


async def preceding(log: EventLog, wanted: Filter, upto: int, most: int) -> Sequence[int]:
    """The positions of the last so many events up to a position, the last first. Raises LogUnavailableError."""
    found: list[int] = []
    async with aclosing(scan(log, wanted, "desc", 0, upto + 1, first=most)) as steps:
        async for step in steps:
            found += [event.seq for event in step.events]
            if len(found) >= most:
                break
    return found[:most]


async def first_since(log: EventLog, wanted: Filter, moment: int, below: int) -> int | None:
    """Where the first event lies whose own time (µs) is a moment or later; None where there is none."""
    since = Filter((*wanted.terms, TimeTerm("since", moment)))
    found = await following(log, since, 0, below, 1)
    return found[0].seq if found else None


async def _next(steps: AsyncGenerator[Step]) -> Step | None:
    return await anext(steps, None)
