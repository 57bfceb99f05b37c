"""Ways to the positions of events that may match: the log's own indexes, or positions already known."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from godtui.eventlog import EventLog

Direction: TypeAlias = Literal["desc", "asc"]

LOOKUPS_A_STATEMENT: Final = 64
"""SQLite joins up to 500 SELECTs in one statement."""


class Found(NamedTuple):
    """Positions in order, and the one up to which that is all of them; None for all there are."""

    positions: list[int]
    reached: int | None


class Way(Protocol):
    """Something that leads to positions in order."""

    async def positions(self, direction: Direction, above: int, below: int, most: int) -> Found:
        """The first positions strictly between two, `most` at most; fewer may still not be all."""


class Lookup(NamedTuple):
    """One way into an index: a condition that an index answers in the order of `seq`, and its parameter."""

    condition: str
    parameter: bytes | int


class Listed:
    """Positions that are known, in rising order."""

    def __init__(self, positions: Sequence[int]) -> None:
        self._positions = positions

    async def positions(self, direction: Direction, above: int, below: int, most: int) -> Found:
        between = self._positions[bisect_right(self._positions, above) : bisect_left(self._positions, below)]
        ordered = list(between if direction == "asc" else reversed(between))[:most]
        return Found(ordered, None if len(ordered) == len(between) else ordered[-1])


class Merged:
    """Lookups in the log's own indexes, merged."""

    def __init__(self, log: EventLog, lookups: Sequence[Lookup]) -> None:
        self._log = log
        self._lookups = lookups

    @property
    def lookups(self) -> int:
        """How many there are."""
        return len(self._lookups)

    async def positions(self, direction: Direction, above: int, below: int, most: int) -> Found:
        """The first positions strictly between two, found in indexes alone. Raises LogUnavailableError."""
        found: set[int] = set()
        for start in range(0, len(self._lookups), LOOKUPS_A_STATEMENT):
            found.update(
                await self._some(self._lookups[start : start + LOOKUPS_A_STATEMENT], direction, above, below, most)
            )
        ordered = sorted(found, reverse=direction == "desc")[:most]
        return Found(ordered, ordered[-1] if len(ordered) == most else None)

    async def _some(
        self, lookups: Sequence[Lookup], direction: Direction, above: int, below: int, most: int
    ) -> list[int]:
        part = f"SELECT * FROM (SELECT seq FROM events WHERE {{}} AND seq > ? AND seq < ? ORDER BY seq {direction} LIMIT {most:d})"  # noqa: S608, E501 - all parts are ours
        merged = " UNION ".join(part.format(lookup.condition) for lookup in lookups)
        parameters = [value for lookup in lookups for value in (lookup.parameter, above, below)]
        statement = f"SELECT seq FROM ({merged}) ORDER BY seq {direction} LIMIT {most:d}"  # noqa: S608 - all parts are ours
        return [row[0] for row in await self._log.rows(statement, parameters, purpose="a query's positions")]
