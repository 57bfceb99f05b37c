"""Which events a replay comprises, read in pages that bound time and memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from godtui.candystore.candidates import PAGE_ROWS, Step, scan
from godtui.candystore.search import Search
from godtui.candystore.ways import Direction
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog
from godtui.filters import Filter, TimeTerm


class Stored(NamedTuple):
    """What is read, and the search that leads to it where there is one. Every call raises LogUnavailableError."""

    log: EventLog
    search: Search | None = None

    async def scan(
        self, wanted: Filter, direction: Direction, above: int, below: int, first: int = PAGE_ROWS
    ) -> AsyncGenerator[Step]:
        """Matching events strictly between two positions, and how far was looked; at first `first` of them at most."""
        found = scan(self.log, wanted, direction, above, below, first=first, search=self.search)
        async with aclosing(found) as steps:
            async for step in steps:
                yield step

    async def pages(self, wanted: Filter, above: int, below: int) -> AsyncGenerator[Step]:
        """The same by `seq`, one page read ahead."""
        async with aclosing(self.scan(wanted, "asc", above, below)) as steps:
            upcoming = asyncio.ensure_future(_next(steps))
            try:
                while (step := await upcoming) is not None:
                    upcoming = asyncio.ensure_future(_next(steps))
                    yield step
            finally:
                upcoming.cancel()
                await asyncio.gather(upcoming, return_exceptions=True)

    async def following(self, wanted: Filter, above: int, below: int, most: int) -> list[StoredEvent]:
        """The first so many events beyond a position."""
        found: list[StoredEvent] = []
        async with aclosing(self.scan(wanted, "asc", above, below, most)) as steps:
            async for step in steps:
                found += step.events
                if len(found) >= most:
                    break
        return found[:most]

    async def preceding(self, wanted: Filter, upto: int, most: int) -> Sequence[int]:
        """The positions of the last so many events up to a position, the last first."""
        found: list[int] = []
        async with aclosing(self.scan(wanted, "desc", 0, upto + 1, most)) as steps:
            async for step in steps:
                found += [event.seq for event in step.events]
                if len(found) >= most:
                    break
        return found[:most]

    async def first_since(self, wanted: Filter, moment: int, below: int) -> int | None:
        """Where the first event lies whose own time (µs) is a moment or later; None where there is none."""
        since = Filter((*wanted.terms, TimeTerm("since", moment)))
        found = await self.following(since, 0, below, 1)
        return found[0].seq if found else None


async def _next(steps: AsyncGenerator[Step]) -> Step | None:
    return await anext(steps, None)
