"""Stored events that match a filter, in order, in small steps: its plan leads to few, its predicate decides on each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final, NamedTuple

from godtui.candystore.planning import WITH_WORD, Plan, plan
from godtui.candystore.search import Search, SearchUnavailableError, spans
from godtui.candystore.ways import Direction, Way
from godtui.clock import Clock, SystemClock
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog, Page
from godtui.filters import Filter, Predicate

PAGE_ROWS: Final = 500
FIRST_WINDOW: Final = 2_000
"""How far the first statement looks along the log where no index leads."""
FIRST_BODIES: Final = 250
"""The same where whole events are looked into."""
WIDEST_WINDOW: Final = 100_000
SLOW_SECONDS: Final = 0.04
"""A statement that took longer is followed by one of half the reach, one of less than a quarter by one of twice."""
DENSE: Final = 50
"""Of so many events one that matches is often enough to look along the log."""


class Step(NamedTuple):
    """Matching events of one stretch of the log, and the position up to which everything was looked at."""

    events: list[StoredEvent]
    reached: int


async def scan(
    log: EventLog,
    wanted: Filter,
    direction: Direction,
    above: int,
    below: int,
    *,
    first: int = PAGE_ROWS,
    search: Search | None = None,
    clock: Clock | None = None,
) -> AsyncGenerator[Step]:
    """Matching events strictly between two positions, in steps of some tens of milliseconds.

    The first step reads no more than `first` events. Without `search`, words are looked for in the log itself.
    Raises LogUnavailableError.
    """
    found = await plan(log, wanted, search)
    scanning = _Scan(log, found, wanted.predicate(), direction, min(first, PAGE_ROWS), clock or SystemClock())
    async with aclosing(scanning.steps(max(above, found.above), min(below, found.below))) as steps:
        async for step in steps:
            yield step


class _Stretch(NamedTuple):
    """Positions strictly between two, and the way that leads to those which may match; None along the log."""

    way: Way | None
    above: int
    below: int


class _Scan:
    """One run through the log."""

    def __init__(
        self, log: EventLog, way: Plan, predicate: Predicate, direction: Direction, first: int, clock: Clock
    ) -> None:
        self._log = log
        self._plan = way
        self._predicate = predicate
        self._direction = direction
        self._page = first
        self._clock = clock
        self._window = FIRST_BODIES if way.reads_bodies else FIRST_WINDOW

    async def steps(self, above: int, below: int) -> AsyncGenerator[Step]:
        """All steps between two positions."""
        try:
            async with aclosing(self._stretches(above, below)) as stretches:
                async for stretch in stretches:
                    async with aclosing(self._through(stretch)) as steps:
                        async for step in steps:
                            above, below = (above, step.reached) if self._is_down else (step.reached, below)
                            yield step
        except SearchUnavailableError:
            # What is left is found without it.
            self._plan.state = None
            async with aclosing(self.steps(above, below)) as steps:
                async for step in steps:
                    yield step

    @property
    def _is_down(self) -> bool:
        return self._direction == "desc"

    async def _stretches(self, above: int, below: int) -> AsyncGenerator[_Stretch]:
        """What is indexed and what is not yet, each by its best way, in order."""
        parts = [(above, min(below, self._plan.indexed + 1)), (max(above, self._plan.indexed), below)]
        for low, high in reversed(parts) if self._is_down else parts:
            if low + 1 >= high:
                continue
            if low >= self._plan.indexed:
                yield _Stretch(self._plan.way, low, high)
            else:
                async with aclosing(self._within(low, high)) as stretches:
                    async for stretch in stretches:
                        yield stretch

    async def _within(self, above: int, below: int) -> AsyncGenerator[_Stretch]:
        """What is indexed, as far as it may hold events of the moments asked for."""
        way = self._plan.hinted or self._plan.way
        state, moments = self._plan.state, self._plan.moments
        if moments is None or state is None:
            yield _Stretch(way, above, below)
            return
        async with aclosing(spans(state, moments, self._direction, above, below)) as found:
            async for low, high in found:
                yield _Stretch(way, low, high)

    async def _through(self, stretch: _Stretch) -> AsyncGenerator[Step]:
        way, above, below = stretch
        tries_along = way is not None and way is self._plan.hinted and self._plan.tries_along
        while above + 1 < below:
            started = self._clock.monotonic()
            if way is None or tries_along:
                rows, reached = await self._along(above, below)
            else:
                rows, reached = await self._led(way, above, below)
            events = [event for event in rows if self._predicate(event)]
            if tries_along:
                passed = abs((below if self._is_down else above) - reached)
                tries_along = len(events) * DENSE >= passed
            above, below = (above, reached) if self._is_down else (reached, below)
            self._pace(self._clock.monotonic() - started)
            yield Step(events, reached)

    def _pace(self, seconds: float) -> None:
        """Keep the next statement small."""
        if seconds > SLOW_SECONDS:
            self._window = max(1, self._window // 2)
            self._page = max(1, self._page // 2)
        else:
            self._page = min(self._page * 2, PAGE_ROWS)
            if seconds < SLOW_SECONDS / 4:
                self._window = min(self._window * 2, WIDEST_WINDOW)

    async def _along(self, above: int, below: int) -> tuple[list[StoredEvent], int]:
        """The first events of a window of the log, and the position up to which they are all."""
        if self._is_down:
            above = max(above, below - 1 - self._window)
        else:
            below = min(below, above + 1 + self._window)
        sought = self._plan.sought
        conditions = ["seq > ?", "seq < ?", *[WITH_WORD] * len(sought)]
        events, reached = await self._events(conditions, [above, below, *sought])
        if reached is not None:
            return events, reached
        return events, above + 1 if self._is_down else below - 1

    async def _led(self, way: Way, above: int, below: int) -> tuple[list[StoredEvent], int]:
        """The events to which a way leads first, and the position up to which they are all."""
        found, reached = await way.positions(self._direction, above, below, self._page)
        if reached is None:
            reached = above + 1 if self._is_down else below - 1
        if not found:
            return [], reached
        events, last = await self._events([f"seq IN ({', '.join('?' * len(found))})"], found)
        return events, reached if last is None else last

    async def _events(self, conditions: Sequence[str], parameters: Sequence[Any]) -> Page:
        """Events that meet these conditions and the plan's, and the position up to which they are all."""
        every = " AND ".join([*conditions, *self._plan.conditions])
        parameters = [*parameters, *self._plan.parameters]
        return await self._log.page(every, parameters, self._direction, self._page, purpose="a query")
