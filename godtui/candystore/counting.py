"""How many events a filter finds: exact where that is cheap, else estimated and said so."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any, Final, NamedTuple

from godtui.candystore.candidates import scan
from godtui.candystore.search import Search
from godtui.candystore.statistics import Question, ask
from godtui.clock import Clock, SystemClock
from godtui.eventlog import EventLog
from godtui.filters import Filter, SourceTerm, TimeTerm, TypeTerm

BUDGET_SECONDS: Final = 0.5
"""So long events are looked at one by one; what is not seen by then is estimated."""
MAX_AT_TIME: Final = 1_000_000
"""Up to so many events of a stretch of time are counted in its index."""
SAMPLES: Final = 8
SAMPLE_WIDTH: Final = 4_000
"""Positions that one sample takes in."""

_AT_TIME: Final = "SELECT count(*) FROM (SELECT 1 FROM events WHERE time >= ? AND time < ? LIMIT ?)"
_FIRST: Final = "SELECT min(seq) FROM events"
_EARLIEST: Final = -(1 << 62)
_LATEST: Final = 1 << 62


class Count(NamedTuple):
    """A number of events; one that is not exact is an estimate, or, of a chain, how far was counted."""

    number: int
    exact: bool

    def document(self) -> dict[str, Any]:
        """The count as JSON has it."""
        return self._asdict()

    @classmethod
    def from_document(cls, told: dict[str, Any]) -> Count:
        """The inverse of `document`."""
        return cls(int(told["number"]), bool(told["exact"]))


async def count(
    log: EventLog,
    wanted: Filter,
    *,
    search: Search | None = None,
    clock: Clock | None = None,
    seconds: float = BUDGET_SECONDS,
) -> Count:
    """How many stored events match. Raises LogUnavailableError.

    Types and sources are counted by the tallies, times in their index, all else by looking: from the newest on for
    as long as the time lasts, and then at samples all over the rest.
    """
    clock = clock or SystemClock()
    found = await _by_tallies(log, wanted, clock)
    if found is None:
        found = await _by_time(log, wanted)
    if found is not None:
        return Count(found, True)
    return await _Looking(log, wanted, search, clock).count(seconds)


async def _by_tallies(log: EventLog, wanted: Filter, clock: Clock) -> int | None:
    """The number by types and sources alone; None of other filters, and while the tallies are far behind."""
    if any(term.negated or not isinstance(term, TypeTerm | SourceTerm) for term in wanted.terms):
        return None
    told = await ask(log, Question(wanted, by="none"), clock.now())
    return told.number if told.complete else None


async def _by_time(log: EventLog, wanted: Filter) -> int | None:
    """The number of a stretch of time, unless it holds too many, or the filter asks more."""
    since, until = _EARLIEST, _LATEST
    for term in wanted.terms:
        if term.negated or not isinstance(term, TimeTerm):
            return None
        if term.bound == "since":
            since = max(since, term.moment)
        else:
            until = min(until, term.moment)
    if not wanted.terms:
        return None
    rows = await log.rows(_AT_TIME, (since, until, MAX_AT_TIME + 1), purpose="counting a stretch of time")
    number = int(rows[0][0])
    return number if number <= MAX_AT_TIME else None


class _Seen(NamedTuple):
    """Matches between two positions, and how far down was looked: everything above that was seen."""

    matches: int
    down_to: int


class _Looking:
    """Counting by looking at events, the newest first."""

    def __init__(self, log: EventLog, wanted: Filter, search: Search | None, clock: Clock) -> None:
        self._log = log
        self._wanted = wanted
        self._search = search
        self._clock = clock

    async def count(self, seconds: float) -> Count:
        """Half of the time goes to the newest, the other to samples of the rest."""
        first = (await self._log.rows(_FIRST, purpose="where the log begins"))[0][0]
        if first is None:
            return Count(0, True)
        seen = await self._look(first - 1, self._log.last_seq + 1, seconds / 2)
        rest = seen.down_to - first
        if rest <= 0:
            return Count(seen.matches, True)
        return Count(seen.matches + await self._estimate(first, seen.down_to, seconds / 2), False)

    async def _estimate(self, first: int, below: int, seconds: float) -> int:
        """How many match from one position to before another, by samples spread evenly."""
        rest = below - first
        width = min(SAMPLE_WIDTH, max(1, rest // SAMPLES))
        matches = looked = 0
        for number in range(SAMPLES):
            start = first + (rest - width) * number // (SAMPLES - 1)
            seen = await self._look(start - 1, start + width, seconds / SAMPLES)
            matches += seen.matches
            looked += start + width - seen.down_to
        return round(matches / looked * rest) if looked else 0

    async def _look(self, above: int, below: int, seconds: float) -> _Seen:
        """Everything strictly between two positions, or as much of it as there is time for."""
        until = self._clock.monotonic() + seconds
        matches = 0
        scanning = scan(self._log, self._wanted, "desc", above, below, search=self._search, clock=self._clock)
        async with aclosing(scanning) as steps:
            async for step in steps:
                matches += len(step.events)
                if step.reached > above + 1 and self._clock.monotonic() >= until:
                    return _Seen(matches, step.reached)
        return _Seen(matches, above + 1)
