"""From a filter to SQL that finds few rows too many and none too few; the filter's predicate decides on each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from godtui.envelope import StoredEvent
from godtui.eventlog import COLUMNS, EventLog
from godtui.filters import (
    CorrelationTerm,
    Filter,
    IdTerm,
    IsTerm,
    SourceTerm,
    StoredSinceTerm,
    Term,
    TimeTerm,
    TypeTerm,
    WordTerm,
    stands_as_itself,
)
from godtui.topics import Matcher

Direction: TypeAlias = Literal["desc", "asc"]

PAGE_ROWS: Final = 500
WINDOW_ROWS: Final = 20_000
"""How far one statement looks along the log where no index leads: it must end well within a second."""
WINDOW_BODIES: Final = 2_000
"""The same where whole events are looked into."""
STRETCH_ROWS: Final = 50_000
"""Up to this many events of a stretch of time are looked up in its index, to look nowhere else."""
MAX_MERGED: Final = 8
"""Up to this many types or sources are merged from their index; more are met often enough by looking along the log."""

_BY_ID: Final = "event_id = ?"
_BY_CORRELATION: Final = (
    "correlation_id = ? AND correlation_id <> event_id",
    "event_id = ? AND correlation_id = event_id",
)
_BY_TYPE: Final = "type_id = ?"
_BY_SOURCE: Final = "source_id = ?"
_WITH_WORD: Final = (
    "(instr(lower(CAST(body AS TEXT)), ?) OR length(CAST(body AS TEXT)) <> length(body) OR instr(body, X'5C75'))"
)
"""Beyond ASCII and behind \\u escapes, letters have other forms than SQLite knows."""
_TYPES: Final = "SELECT id, name FROM types"
_SOURCE: Final = "SELECT id FROM sources WHERE name = ?"
_WITHIN: Final = (
    "SELECT min(seq), max(seq), count(*) FROM (SELECT seq FROM events WHERE time >= ? AND time < ? LIMIT ?)"
)
_EARLIEST: Final = -(1 << 62)
_LATEST: Final = 1 << 62


class Lookup(NamedTuple):
    """One way into an index: a condition that an index answers in the order of `seq`, and its parameter."""

    condition: str
    parameter: bytes | int


@dataclass(slots=True)
class Plan:
    """Where to look: through `lookups` (None = along the whole log), between two positions.

    `conditions` are on columns beside `seq`: they spare reading rows that cannot match.
    """

    lookups: Sequence[Lookup] | None = None
    conditions: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    above: int = 0
    below: int = _LATEST
    window: int = 0

    def lead(self, lookups: Sequence[Lookup]) -> None:
        """Look only where these lead, unless fewer lead already."""
        if self.lookups is None or len(lookups) < len(self.lookups):
            self.lookups = lookups

    def require(self, condition: str, *parameters: Any) -> None:
        """A condition that every match meets."""
        self.conditions.append(condition)
        self.parameters += parameters

    def narrow(self, column: str, ids: Sequence[int]) -> None:
        """Only rows with one of these ids."""
        # The sign keeps SQLite from the column's index, which is not in the order asked for.
        self.require(f"+{column} IN ({', '.join('?' * len(ids))})", *ids)


async def plan(log: EventLog, wanted: Filter) -> Plan:
    """The best way to what a filter wants. Raises LogUnavailableError."""
    found = Plan(window=WINDOW_ROWS)
    since, until = _EARLIEST, _LATEST
    terms = [term for term in wanted.terms if not term.negated]
    for term in terms:
        match term:
            case TimeTerm(bound="since", moment=moment):
                since = max(since, moment)
            case TimeTerm(moment=moment):
                until = min(until, moment)
            case _:
                _by_term(term, found)
    if found.lookups is None:
        await _by_name(log, terms, found)
    if (since, until) != (_EARLIEST, _LATEST):
        await _by_time(log, since, until, found)
    return found


def _by_term(term: Term, found: Plan) -> None:
    match term:
        case IdTerm(ids=ids):
            found.lead([Lookup(_BY_ID, one.bytes) for one in dict.fromkeys(ids)])
        case CorrelationTerm(ids=ids):
            found.lead([Lookup(each, one.bytes) for one in dict.fromkeys(ids) for each in _BY_CORRELATION])
        case StoredSinceTerm(moment=moment):
            found.require("stored_at >= ?", moment)
        case IsTerm(flags=("invalid",)):
            found.require("violations IS NOT NULL")
        case WordTerm(tokens=words):
            for word in filter(stands_as_itself, words):
                found.require(_WITH_WORD, word)
                found.window = WINDOW_BODIES


async def _by_name(log: EventLog, terms: Sequence[Term], found: Plan) -> None:
    for term in terms:
        if isinstance(term, TypeTerm):
            matcher = Matcher(term.patterns)
            names = await log.rows(_TYPES, purpose="event types")
            _choose(found, "type_id", _BY_TYPE, [identity for identity, name in names if matcher.matches(name)])
        elif isinstance(term, SourceTerm):
            named = dict.fromkeys(term.names)
            rows = [row for name in named for row in await log.rows(_SOURCE, (name,), purpose="sources")]
            _choose(found, "source_id", _BY_SOURCE, [row[0] for row in rows])


def _choose(found: Plan, column: str, condition: str, ids: Sequence[int]) -> None:
    if len(ids) <= MAX_MERGED:
        found.lead([Lookup(condition, one) for one in ids])
    if 0 < len(ids) <= PAGE_ROWS:
        found.narrow(column, ids)


async def _by_time(log: EventLog, since: int, until: int, found: Plan) -> None:
    """Where a stretch of time holds few events, it bounds the positions."""
    rows = await log.rows(_WITHIN, (since, until, STRETCH_ROWS + 1), purpose="a stretch of time")
    lowest, highest, count = rows[0]
    if count == 0:
        found.lookups = ()
    elif count <= STRETCH_ROWS:
        found.above, found.below = lowest - 1, highest + 1
    found.require("+time >= ? AND +time < ?", since, until)


class Step(NamedTuple):
    """Matching events of one stretch of the log, and the position up to which everything was looked at."""

    events: list[StoredEvent]
    reached: int


async def scan(
    log: EventLog, wanted: Filter, direction: Direction, above: int, below: int, *, first: int = PAGE_ROWS
) -> AsyncGenerator[Step]:
    """Matching events strictly between two positions, in steps that each end within a second.

    The first step looks at no more than `first` rows. Raises LogUnavailableError.
    """
    predicate = wanted.predicate()
    way = await plan(log, wanted)
    above, below = max(above, way.above), min(below, way.below)
    page = min(first, PAGE_ROWS)
    while above + 1 < below:
        if direction == "desc":
            low = max(above, below - way.window) if way.lookups is None else above
            rows, looked = await _rows(log, way, direction, low, below, page)
            reached = below = low + 1 if looked is None else looked
        else:
            high = min(below, above + way.window) if way.lookups is None else below
            rows, looked = await _rows(log, way, direction, above, high, page)
            reached = above = high - 1 if looked is None else looked
        yield Step([event for event in rows if predicate(event)], reached)
        page = min(page * 2, PAGE_ROWS)


async def _rows(
    log: EventLog, way: Plan, direction: Direction, above: int, below: int, page: int
) -> tuple[list[StoredEvent], int | None]:
    """The first rows of a stretch, and how far it was looked at; None for all of it."""
    if way.lookups is None:
        statement = _statement(["seq > ?", "seq < ?", *way.conditions], direction, page)
        rows = await _events(log, statement, [above, below, *way.parameters])
        return rows, rows[-1].seq if len(rows) == page else None
    if not way.lookups:
        return [], None
    found = await _positions(log, way.lookups, direction, above, below, page)
    if not found:
        return [], None
    statement = _statement([f"seq IN ({', '.join('?' * len(found))})", *way.conditions], direction, page)
    return await _events(log, statement, [*found, *way.parameters]), found[-1] if len(found) == page else None


async def _positions(
    log: EventLog, lookups: Sequence[Lookup], direction: Direction, above: int, below: int, page: int
) -> list[int]:
    """The first positions to which the lookups lead, found in indexes alone."""
    part = f"SELECT * FROM (SELECT seq FROM events WHERE {{}} AND seq > ? AND seq < ? ORDER BY seq {direction} LIMIT {page})"  # noqa: S608, E501 - all parts are ours
    merged = " UNION ".join(part.format(lookup.condition) for lookup in lookups)
    parameters = [value for lookup in lookups for value in (lookup.parameter, above, below)]
    statement = f"SELECT seq FROM ({merged}) ORDER BY seq {direction} LIMIT {page}"  # noqa: S608 - all parts are ours
    return [row[0] for row in await log.rows(statement, parameters, purpose="a query's positions")]


def _statement(conditions: Sequence[str], direction: Direction, page: int) -> str:
    return f"SELECT {COLUMNS} FROM stored_events WHERE {' AND '.join(conditions)} ORDER BY seq {direction} LIMIT {page}"  # noqa: S608 - all parts are ours


async def _events(log: EventLog, statement: str, parameters: Sequence[Any]) -> list[StoredEvent]:
    return [StoredEvent._make(row) for row in await log.rows(statement, parameters, purpose="a query")]
