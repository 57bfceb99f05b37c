"""From a filter to SQL that finds few rows too many and none too few; the filter's predicate decides on each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from godtui.envelope import StoredEvent
from godtui.eventlog import COLUMNS, EventLog
from godtui.filters import CorrelationTerm, Filter, IdTerm, SourceTerm, TimeTerm, TypeTerm
from godtui.topics import Matcher

Direction: TypeAlias = Literal["desc", "asc"]

PAGE_ROWS: Final = 500
WINDOW_ROWS: Final = 20_000
"""How far one statement looks along the log where no index leads: it must end well within a second."""
MAX_MERGED: Final = 8
"""Up to this many types or sources are merged from their index; more are met often enough by looking along the log."""

_BY_ID: Final = "SELECT seq FROM events WHERE event_id = ?"
_BY_CORRELATION: Final = (
    "SELECT seq FROM events WHERE correlation_id = ? AND correlation_id <> event_id",
    "SELECT seq FROM events WHERE event_id = ? AND correlation_id = event_id",
)
_BY_TYPE: Final = "SELECT seq FROM events WHERE type_id = ?"
_BY_SOURCE: Final = "SELECT seq FROM events WHERE source_id = ?"
_TYPES: Final = "SELECT id, name FROM types"
_SOURCE: Final = "SELECT id FROM sources WHERE name = ?"
_WITHIN: Final = (
    "SELECT min(seq), max(seq), count(*) FROM (SELECT seq FROM events WHERE time >= ? AND time < ? LIMIT ?)"
)
_EARLIEST: Final = -(1 << 62)
_LATEST: Final = 1 << 62


class Lookup(NamedTuple):
    """One way into an index: a SELECT of positions, and its parameter."""

    statement: str
    parameter: bytes | int


@dataclass(slots=True)
class Plan:
    """Where to look: through `lookups` (None = along the whole log), between two positions."""

    lookups: Sequence[Lookup] | None = None
    conditions: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    above: int = 0
    below: int = _LATEST

    def lead(self, lookups: Sequence[Lookup]) -> None:
        """Look only where these lead, unless fewer lead already."""
        if self.lookups is None or len(lookups) < len(self.lookups):
            self.lookups = lookups

    def narrow(self, column: str, ids: Sequence[int]) -> None:
        """Of what lies along the log, only rows with one of these ids."""
        # The sign keeps SQLite from the column's index, which is not in the order asked for.
        self.conditions.append(f"+{column} IN ({', '.join('?' * len(ids))})")
        self.parameters += ids


async def plan(log: EventLog, wanted: Filter) -> Plan:
    """The best way to what a filter wants. Raises LogUnavailableError."""
    found = Plan()
    since, until = _EARLIEST, _LATEST
    for term in wanted.terms:
        if term.negated:
            continue
        match term:
            case IdTerm(ids=ids):
                found.lead([Lookup(_BY_ID, one.bytes) for one in ids])
            case CorrelationTerm(ids=ids):
                found.lead([Lookup(each, one.bytes) for one in ids for each in _BY_CORRELATION])
            case TimeTerm(bound="since", moment=moment):
                since = max(since, moment)
            case TimeTerm(moment=moment):
                until = min(until, moment)
    if found.lookups is None:
        await _by_name(log, wanted, found)
    if (since, until) != (_EARLIEST, _LATEST):
        await _by_time(log, since, until, found)
    return found


async def _by_name(log: EventLog, wanted: Filter, found: Plan) -> None:
    for term in wanted.terms:
        if term.negated:
            continue
        if isinstance(term, TypeTerm):
            matcher = Matcher(term.patterns)
            names = await log.rows(_TYPES, purpose="event types")
            _choose(found, "type_id", _BY_TYPE, [identity for identity, name in names if matcher.matches(name)])
        elif isinstance(term, SourceTerm):
            rows = [row for name in term.names for row in await log.rows(_SOURCE, (name,), purpose="sources")]
            _choose(found, "source_id", _BY_SOURCE, [row[0] for row in rows])


def _choose(found: Plan, column: str, statement: str, ids: Sequence[int]) -> None:
    if len(ids) <= MAX_MERGED:
        found.lead([Lookup(statement, one) for one in ids])
    elif len(ids) <= PAGE_ROWS:
        found.narrow(column, ids)


async def _by_time(log: EventLog, since: int, until: int, found: Plan) -> None:
    """Where a stretch of time holds few events, it bounds the positions."""
    rows = await log.rows(_WITHIN, (since, until, WINDOW_ROWS + 1), purpose="a stretch of time")
    lowest, highest, count = rows[0]
    if count == 0:
        found.lookups = ()
    elif count <= WINDOW_ROWS:
        found.above, found.below = lowest - 1, highest + 1
    found.conditions += ["time >= ?", "time < ?"]
    found.parameters += [since, until]


class Step(NamedTuple):
    """Matching events of one stretch of the log, and the position up to which everything was looked at."""

    events: list[StoredEvent]
    reached: int


async def scan(log: EventLog, wanted: Filter, direction: Direction, above: int, below: int) -> AsyncGenerator[Step]:
    """Matching events strictly between two positions, in steps that each end within a second.

    Raises LogUnavailableError.
    """
    predicate = wanted.predicate()
    way = await plan(log, wanted)
    above, below = max(above, way.above), min(below, way.below)
    while above + 1 < below:
        if direction == "desc":
            low = above if way.lookups is not None else max(above, below - WINDOW_ROWS)
            rows = await _rows(log, way, direction, low, below)
            below = rows[-1].seq if len(rows) == PAGE_ROWS else low + 1
            reached = below
        else:
            high = below if way.lookups is not None else min(below, above + WINDOW_ROWS)
            rows = await _rows(log, way, direction, above, high)
            above = rows[-1].seq if len(rows) == PAGE_ROWS else high - 1
            reached = above
        yield Step([event for event in rows if predicate(event)], reached)


async def _rows(log: EventLog, way: Plan, direction: Direction, above: int, below: int) -> list[StoredEvent]:
    """The first rows of a stretch: fewer than PAGE_ROWS means that there are no more."""
    if way.lookups is None:
        conditions = " AND ".join(["seq > ?", "seq < ?", *way.conditions])
        parameters: list[Any] = [above, below, *way.parameters]
    elif not way.lookups:
        return []
    else:
        part = f"SELECT * FROM ({{}} AND seq > ? AND seq < ? ORDER BY seq {direction} LIMIT {PAGE_ROWS})"  # noqa: S608 - all parts are ours
        merged = " UNION ALL ".join(part.format(lookup.statement) for lookup in way.lookups)
        conditions = f"seq IN ({merged})"
        parameters = [value for lookup in way.lookups for value in (lookup.parameter, above, below)]
    statement = f"SELECT {COLUMNS} FROM stored_events WHERE {conditions} ORDER BY seq {direction} LIMIT {PAGE_ROWS}"  # noqa: S608 - all parts are ours
    return [StoredEvent._make(row) for row in await log.rows(statement, parameters, purpose="a query")]
