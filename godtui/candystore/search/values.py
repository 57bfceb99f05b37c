"""Declared payload indexes: rows of path, kind, value and position, and the ways that they open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from godtui.candystore.search.lookups import Reading, Segmented
from godtui.candystore.ways import LOOKUPS_A_STATEMENT, Direction, Listed
from godtui.envelope import StoredEvent
from godtui.filters import PayloadTerm, Scalar, Segment, is_key, kind, payload_of, read_path, values_at
from godtui.jsontext import Json

LONGEST_TEXT: Final = 200
"""Characters of a text that are kept: those that differ only beyond them are told apart by the predicate."""

MOST_ITEMS: Final = 100
"""Values of one path in one event; where there are more, the event is met by every question about the path."""

_KINDS: Final = {"text": 0, "number": 1, "boolean": 2, "null": 3}
_OVERFLOW: Final = 4
_LIMIT: Final = 1 << 63
_ORDERS: Final = {">": ">=", ">=": ">=", "<": "<=", "<=": "<="}
"""A comparison that holds of the kept forms wherever one holds of the values: forms of unequal values may be equal."""


class PayloadIndex(NamedTuple):
    """A declared path, the number it has in the file, and the position up to which its values are kept."""

    identity: int
    path: str
    upto: int


def written_path(path: Sequence[Segment]) -> str:
    """A path as text, in the one form that equal paths have."""
    return ".".join(str(Segment(step.name) if is_key(Segment(step.name)) else step) for step in path)


Row: TypeAlias = tuple[int, int, Any, int]
"""Path, kind, value, position."""


def rows_of(events: Sequence[StoredEvent], indexes: Sequence[PayloadIndex]) -> Iterator[Row]:
    """What is kept of the values that these paths lead to."""
    paths = [(index.identity, read_path(index.path)) for index in indexes]
    for event in events:
        try:
            payload = payload_of(event.body)
        except (KeyError, TypeError, ValueError):
            continue
        for identity, path in paths:
            values = values_at(payload, path)
            if len(values) > MOST_ITEMS:
                yield identity, _OVERFLOW, 0, event.seq
                continue
            for value in values:
                named = kind(value)
                if named is not None:
                    yield identity, _KINDS[named], _form(value), event.seq


def _form(value: Json) -> Any:
    """A value as it is kept: unequal values may have one form, but the order of forms is that of values."""
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if value is None or isinstance(value, bool):
        return int(bool(value))
    if isinstance(value, int) and not -_LIMIT <= value < _LIMIT:
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    return value


class Values(Segmented):
    """The positions of events whose value at an indexed path is one of some."""

    def __init__(self, reading: Reading, identity: int, scalars: Sequence[Scalar]) -> None:
        super().__init__(reading)
        self._identity = identity
        wanted = dict.fromkeys((_KINDS[one.kind], _form(one.value)) for one in scalars)
        self._wanted = [*wanted, (_OVERFLOW, 0)]

    async def _in_segment(self, number: int, direction: Direction, above: int, below: int, most: int) -> list[int]:
        found: set[int] = set()
        for start in range(0, len(self._wanted), LOOKUPS_A_STATEMENT):
            some = self._wanted[start : start + LOOKUPS_A_STATEMENT]
            part = (
                f"SELECT * FROM (SELECT seq FROM values_{number:d} WHERE path = ? AND kind = ? AND value = ?"  # noqa: S608 - all parts are ours
                f" AND seq > ? AND seq < ? ORDER BY seq {direction} LIMIT {most:d})"
            )
            parameters = [one for pair in some for one in (self._identity, *pair, above, below)]
            rows = await self._reading.rows(" UNION ".join([part] * len(some)), parameters)
            found.update(row[0] for row in rows)
        return sorted(found, reverse=direction == "desc")[:most]


async def few_in_range(reading: Reading, identity: int, term: PayloadTerm, most: int) -> Listed | None:
    """The positions to which a range leads, where they are `most` at most. Raises SearchUnavailableError."""
    found: set[int] = set()
    bounds = [(_KINDS[one.kind], _ORDERS[term.operator], _form(one.value)) for one in term.values]
    for number in reading.segments:
        for named, order, form in (*dict.fromkeys(bounds), (_OVERFLOW, "=", 0)):
            statement = f"SELECT seq FROM values_{number:d} WHERE path = ? AND kind = ? AND value {order} ? LIMIT ?"  # noqa: S608 - all parts are ours
            rows = await reading.rows(statement, (identity, named, form, most + 1))
            found.update(row[0] for row in rows)
            if len(found) > most or len(rows) > most:
                return None
    return Listed(sorted(found))
