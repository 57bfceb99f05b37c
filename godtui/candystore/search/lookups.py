"""Ways through the search file to positions that may match, in the order asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final, NamedTuple, Protocol

from godtui.candystore.search.tables import BLOCK, SEGMENT
from godtui.candystore.ways import Direction, Found

SPANS: Final = 64
"""How many blocks are asked for at once."""

_SPANS: Final = (
    "SELECT number FROM blocks WHERE number >= ? AND number <= ? AND latest >= ? AND earliest < ?"
    " AND stored_latest >= ? ORDER BY number {} LIMIT ?"
)


class SearchUnavailableError(Exception):
    """The index cannot be asked now, or is no longer the one that was asked before: what it covered is scanned."""


class Reading(Protocol):
    """One state of the file: it goes to `indexed` at least, and refuses once it is thrown away."""

    @property
    def indexed(self) -> int: ...

    @property
    def segments(self) -> Sequence[int]: ...

    async def rows(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Raises SearchUnavailableError."""


class Moments(NamedTuple):
    """Bounds in microseconds since 1970: of an event's own time, `until` not included, and of when it was stored."""

    since: int
    until: int
    stored_since: int


class Segmented:
    """A way through the tables that each segment has."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def positions(self, direction: Direction, above: int, below: int, most: int) -> Found:
        """The first positions strictly between two, in one segment a call. Raises SearchUnavailableError."""
        numbers = [one for one in self._reading.segments if one * SEGMENT < below and (one + 1) * SEGMENT > above + 1]
        if not numbers:
            return Found([], None)
        number = numbers[-1] if direction == "desc" else numbers[0]
        found = await self._in_segment(number, direction, above, below, most)
        if len(found) == most:
            return Found(found, found[-1])
        if len(numbers) == 1:
            return Found(found, None)
        return Found(found, number * SEGMENT if direction == "desc" else (number + 1) * SEGMENT - 1)

    async def _in_segment(self, number: int, direction: Direction, above: int, below: int, most: int) -> list[int]:
        raise NotImplementedError


class Words(Segmented):
    """The positions of events that have certain words, by an FTS5 expression."""

    def __init__(self, reading: Reading, expression: str) -> None:
        super().__init__(reading)
        self._expression = expression

    async def _in_segment(self, number: int, direction: Direction, above: int, below: int, most: int) -> list[int]:
        statement = (
            f"SELECT rowid FROM words_{number:d} WHERE words_{number:d} MATCH ? AND rowid > ? AND rowid < ?"  # noqa: S608 - all parts are ours
            f" ORDER BY rowid {direction} LIMIT ?"
        )
        rows = await self._reading.rows(statement, (self._expression, above, below, most))
        return [row[0] for row in rows]


async def spans(
    reading: Reading, moments: Moments, direction: Direction, above: int, below: int
) -> AsyncGenerator[tuple[int, int]]:
    """The stretches strictly between two positions in which events may lie of those moments, as such pairs.

    Raises SearchUnavailableError.
    """
    statement = _SPANS.format(direction)
    low, high = (above + 1) // BLOCK, (below - 1) // BLOCK
    while low <= high:
        rows = await reading.rows(statement, (low, high, *moments, SPANS))
        for first, last in _runs([row[0] for row in rows]):
            yield max(above, first * BLOCK - 1), min(below, (last + 1) * BLOCK)
        if len(rows) < SPANS:
            return
        low, high = (low, rows[-1][0] - 1) if direction == "desc" else (rows[-1][0] + 1, high)


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring numbers together, each run as its lowest and highest, in the order given."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number in (runs[-1][0] - 1, runs[-1][1] + 1):
            runs[-1] = min(runs[-1][0], number), max(runs[-1][1], number)
        else:
            runs.append((number, number))
    return runs
