"""From a filter to the best way to what it wants: none too few, and as few too many as cheap looks can tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from godtui.candystore.search import (
    MAX_ALTERNATIVES,
    Moments,
    Search,
    SearchUnavailableError,
    State,
    Values,
    Words,
    expression,
    few_in_range,
    leads,
)
from godtui.candystore.ways import Listed, Lookup, Merged, Way
from godtui.eventlog import EventLog
from godtui.filters import (
    ORDERINGS,
    CorrelationTerm,
    Filter,
    IdTerm,
    IsTerm,
    PayloadTerm,
    SourceTerm,
    StoredSinceTerm,
    Term,
    TimeTerm,
    TypeTerm,
    WordTerm,
    stands_as_itself,
)
from godtui.topics import Matcher

MAX_MARKED: Final = 8
"""More types than these are likely met often enough along the log, which is tried first."""
MAX_NAMES: Final = 400
"""Of more types or sources than these, no statement names them."""
MAX_READ: Final = 5_000
"""Of more types or sources than these, none is looked for by a pattern or by what it is not."""
MAX_SOUGHT: Final = 8
"""So many words are looked for in each body by SQLite, the longest; the predicate looks for the others."""
FEW: Final = 500
"""So many positions are as good as one: a way that leads to no more is taken, and none is counted further."""
STRETCH_ROWS: Final = 50_000
"""Up to this many events of a stretch of time are looked up in its index, where there is no index of blocks."""

_BY_ID: Final = "event_id = ?"
_BY_CORRELATION: Final = (
    "correlation_id = ? AND correlation_id <> event_id",
    "event_id = ? AND correlation_id = event_id",
)
WITH_WORD: Final = (
    "(instr(lower(CAST(body AS TEXT)), ?) OR length(CAST(body AS TEXT)) <> length(body) OR instr(body, X'5C75'))"
)
"""Beyond ASCII and behind \\u escapes, letters have other forms than SQLite knows."""
_NAMES: Final = {"types": "SELECT id, name FROM types LIMIT ?", "sources": "SELECT id, name FROM sources LIMIT ?"}
_NAMED: Final = {"types": "SELECT id FROM types WHERE name = ?", "sources": "SELECT id FROM sources WHERE name = ?"}
_AT_TIME: Final = "SELECT seq FROM events WHERE time >= ? AND time < ? LIMIT ?"
_WITHIN: Final = (
    "SELECT min(seq), max(seq), count(*) FROM (SELECT seq FROM events WHERE time >= ? AND time < ? LIMIT ?)"
)
EARLIEST: Final = -(1 << 62)
LATEST: Final = 1 << 62


@dataclass(slots=True)
class Plan:
    """Where to look, between two positions.

    `way` leads through the log's own indexes, None goes along the log; up to `indexed`, `hinted` leads there, where
    there is one. `conditions` are on columns beside `seq`: they spare reading rows that cannot match.
    `sought` are words that bodies have, unless they have other letters than ASCII; `reads_bodies` says that whole
    events have to be looked into.
    """

    way: Way | None = None
    state: State | None = None
    hinted: Way | None = None
    conditions: list[str] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)
    sought: list[str] = field(default_factory=list)
    above: int = 0
    below: int = LATEST
    reads_bodies: bool = False
    tries_along: bool = False
    """Whether what is wanted is likely met soon along the log, though `hinted` leads there too."""
    moments: Moments | None = None

    @property
    def indexed(self) -> int:
        """Up to where the search file can be asked."""
        return 0 if self.state is None else self.state.indexed

    def require(self, condition: str, *parameters: Any) -> None:
        """A condition that every match meets."""
        self.conditions.append(condition)
        self.parameters += parameters


async def plan(log: EventLog, wanted: Filter, search: Search | None = None) -> Plan:
    """The best way to what a filter wants. Raises LogUnavailableError."""
    return await _Planning(log, wanted.terms, search).plan()


class _Planning:
    """One look at one filter."""

    def __init__(self, log: EventLog, terms: Sequence[Term], search: Search | None) -> None:
        self._log = log
        self._terms = terms
        self._positive = [term for term in terms if not term.negated]
        self._found = Plan(state=None if search is None else search.state)
        self._led: list[Term] = []
        """Terms whose words, or marks of names, lead through the search file."""
        self._none = False

    async def plan(self) -> Plan:
        found = self._found
        self._by_columns()
        ids = _identified(self._positive)
        if ids is not None:
            found.way = Merged(self._log, ids) if ids else Listed(())
            return found
        await self._hold("types", "type_id", TypeTerm)
        await self._hold("sources", "source_id", SourceTerm)
        if self._none:
            found.way = Listed(())
            return found
        if await self._few_at_time():
            return found
        try:
            await self._hint()
        except SearchUnavailableError:
            found.state = None
        return found

    def _by_columns(self) -> None:
        """What the terms say of single columns."""
        found = self._found
        since, until, stored_since = EARLIEST, LATEST, EARLIEST
        sought: set[str] = set()
        for term in self._positive:
            match term:
                case TimeTerm(bound="since", moment=moment):
                    since = max(since, moment)
                case TimeTerm(moment=moment):
                    until = min(until, moment)
                case StoredSinceTerm(moment=moment):
                    stored_since = max(stored_since, moment)
                case IsTerm(flags=("invalid",)):
                    found.require("violations IS NOT NULL")
                case WordTerm(tokens=words):
                    sought |= set(filter(stands_as_itself, words))
                case PayloadTerm():
                    found.reads_bodies = True
        for word in sorted(sought, key=lambda word: (-len(word), word))[:MAX_SOUGHT]:
            found.sought.append(word)
            found.reads_bodies = True
        if (since, until) != (EARLIEST, LATEST):
            found.require("+time >= ? AND +time < ?", since, until)
        if stored_since != EARLIEST:
            found.require("stored_at >= ?", stored_since)
        moments = Moments(since, until, stored_since)
        found.moments = None if moments == (EARLIEST, LATEST, EARLIEST) else moments

    async def _hold(self, table: str, column: str, kind: type[TypeTerm | SourceTerm]) -> None:
        """Hold rows to the names that the terms of a kind allow, and be led by them, unless they leave out none.

        The log has no index of types or sources, which every append would pay for: the search file has.
        """
        terms = [term for term in self._terms if isinstance(term, kind)]
        positive = [term for term in terms if not term.negated]
        exact = [names for term in positive if (names := _plain_names(term)) is not None]
        if exact:
            wanted = set.intersection(*map(set, exact))
            rows = [(row[0], name) for name in wanted for row in await self._rows(_NAMED[table], (name,))]
        else:
            rows = await self._rows(_NAMES[table], (MAX_READ + 1,)) if terms else []
        if len(rows) > MAX_READ:
            # Too many to look through: the words of a pattern may still lead.
            self._led += positive
            return
        tests = [_name_test(term) for term in terms]
        allowed = [(identity, name) for identity, name in rows if all(test(name) for test in tests)]
        if len(allowed) == len(rows) and not exact:
            return
        self._none |= not allowed
        if len(allowed) <= MAX_NAMES:
            self._found.require(f"{column} IN ({', '.join('?' * len(allowed))})", *(one[0] for one in allowed))
        self._led += positive if len(allowed) > MAX_ALTERNATIVES else [kind(tuple(name for _, name in allowed))]
        self._found.tries_along |= len(allowed) > MAX_MARKED

    async def _few_at_time(self) -> bool:
        """Whether a stretch of time holds so few events that they are all there is to look at."""
        moments = self._found.moments
        if moments is None or (moments.since, moments.until) == (EARLIEST, LATEST):
            return False
        rows = await self._rows(_AT_TIME, (moments.since, moments.until, FEW + 1))
        if len(rows) <= FEW:
            self._found.way = Listed(sorted(row[0] for row in rows))
            return True
        if self._found.state is None:
            lowest, highest, count = (await self._rows(_WITHIN, (moments.since, moments.until, STRETCH_ROWS + 1)))[0]
            if count <= STRETCH_ROWS:
                self._found.above, self._found.below = lowest - 1, highest + 1
        return False

    async def _hint(self) -> None:
        """Find a way through the search file. Raises SearchUnavailableError."""
        found = self._found
        if found.state is None:
            return
        leading = [term for term in self._positive if leads(term)]
        found.tries_along &= not leading
        alone = len([term for term in self._terms if not isinstance(term, TimeTerm | StoredSinceTerm)]) == 1
        indexed = [
            (term, identity)
            for term in leading
            if isinstance(term, PayloadTerm) and (identity := found.state.index_of(term.path)) is not None
        ]
        for term, identity in indexed:
            if term.operator == "=":
                values = Values(found.state, identity, term.values)
                if alone or len((await values.positions("desc", 0, LATEST, FEW)).positions) < FEW:
                    found.hinted = values
                    return
            elif term.operator in ORDERINGS:
                found.hinted = await few_in_range(found.state, identity, term, FEW)
                if found.hinted is not None:
                    return
        asked = expression([*leading, *self._led])
        found.hinted = None if asked is None else Words(found.state, asked)

    async def _rows(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        return await self._log.rows(statement, parameters, purpose="where a query leads")


def _identified(terms: Sequence[Term]) -> list[Lookup] | None:
    """Lookups of the ids that are asked for, those of the fewest; None where none are."""
    found: list[Lookup] | None = None
    for term in terms:
        match term:
            case IdTerm(ids=ids):
                lookups = [Lookup(_BY_ID, one.bytes) for one in dict.fromkeys(ids)]
            case CorrelationTerm(ids=ids):
                lookups = [Lookup(each, one.bytes) for one in dict.fromkeys(ids) for each in _BY_CORRELATION]
            case _:
                continue
        if found is None or len(lookups) < len(found):
            found = lookups
    return found


def _plain_names(term: Term) -> tuple[str, ...] | None:
    """The names that a term lists, where it lists them all."""
    match term:
        case SourceTerm(names=names):
            return names
        case TypeTerm(patterns=patterns) if not any("*" in one or "#" in one for one in patterns):
            return patterns
    return None


def _name_test(term: TypeTerm | SourceTerm) -> Callable[[str], bool]:
    """Whether a name is one that a term on names allows."""
    matches = Matcher(term.patterns).matches if isinstance(term, TypeTerm) else frozenset(term.names).__contains__
    return (lambda name: not matches(name)) if term.negated else matches
