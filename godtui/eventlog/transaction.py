"""One group commit: events and other rooms' statements, each unit whole or not at all."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NamedTuple

from godtui import jsontext
from godtui.envelope import EventEnvelope, StoredEvent, same_content
from godtui.eventlog import imported
from godtui.eventlog.cuts import CutEvent, CutIds
from godtui.eventlog.errors import PoisonError

MAX_ROWS_A_STATEMENT: Final = 128
"""Of any number up to this, so that few statements are kept prepared."""
LARGE_ROWS: Final = 500
"""So many are one statement: it keeps fewer pages to roll back to than four do."""
MAX_NAMES_KEPT: Final = 50_000
MAX_NAME_KEPT: Final = 255
"""Longer names, which only a stranger's events carry, are looked up each time and not kept in memory."""

_RAISE_FLOOR: Final = "UPDATE retention SET floor = max(floor, ?)"
_CUT: Final = "DELETE FROM events WHERE seq < ? RETURNING seq, type_id, source_id, stored_at"
_COUNT_CUT: Final = "UPDATE retention SET untold_first = coalesce(untold_first, ?1), untold_count = untold_count + ?2"
_COLUMNS_WRITTEN = "stored_at, event_id, type_id, source_id, correlation_id, time, body, violations, headers"


class Record(NamedTuple):
    """An event to append. `time` is in microseconds since 1970; `body` is the envelope as JSON."""

    event_id: bytes
    event_type: str
    source: str
    correlation_id: bytes | None
    time: int
    violations: bytes | None
    headers: bytes | None
    body: bytes

    @classmethod
    def of(
        cls,
        envelope: EventEnvelope,
        body: bytes,
        *,
        violations: bytes | None = None,
        headers: bytes | None = None,
    ) -> Record:
        """The record of an envelope that was written as `body`."""
        correlation = envelope.correlation_id
        return cls(
            envelope.event_id.bytes,
            envelope.event_type,
            envelope.source_name,
            None if correlation is None else correlation.bytes,
            envelope.time,
            violations,
            headers,
            body,
        )


class Verdict(Enum):
    """What the log did with a record."""

    STORED = "stored"
    ALREADY = "already"
    CONFLICT = "conflict"


class Outcome(NamedTuple):
    """What became of one record, and the position of the event that holds its id; 0 where that event was cut."""

    verdict: Verdict
    seq: int


class Names:
    """Ids of event types or sources, interned in a table; those met most lately for the first time stay in memory."""

    def __init__(self, table: str) -> None:
        self._find = f"SELECT id FROM {table} WHERE name = ?"  # noqa: S608 - the table's name is ours
        self._add = f"INSERT INTO {table} (name) VALUES (?)"  # noqa: S608
        self.known: OrderedDict[str, int] = OrderedDict()
        """The ids that are in memory."""
        self._uncommitted: list[str] = []

    def id(self, connection: sqlite3.Connection, name: str) -> int:
        """The id of a name, new names being added within the running transaction."""
        known = self.known.get(name)
        if known is not None:
            return known
        row = connection.execute(self._find, (name,)).fetchone()
        if row is not None:
            found = int(row[0])
        else:
            found = connection.execute(self._add, (name,)).lastrowid or 0
            self._uncommitted.append(name)
        if len(name) <= MAX_NAME_KEPT:
            self.known[name] = found
            if len(self.known) > MAX_NAMES_KEPT:
                self.known.popitem(last=False)
        return found

    def committed(self) -> None:
        """What was added is durable."""
        self._uncommitted.clear()

    def unit_rolled_back(self) -> None:
        """What was added since the last commit may be gone again."""
        for name in self._uncommitted:
            self.known.pop(name, None)

    def rolled_back(self) -> None:
        """The whole transaction is gone: nothing that was read in it can be trusted."""
        self.known.clear()
        self._uncommitted.clear()


class Transaction:
    """What a unit may do within a group commit: run statements and append events."""

    def __init__(self, connection: sqlite3.Connection, now: int, types: Names, sources: Names, cut_ids: CutIds) -> None:
        self.connection = connection
        self.now = now
        self.cut_ids = cut_ids
        self.imports_changed = False
        """Whether the stretches that were imported may be others once this is committed."""
        self.stored: list[StoredEvent] = []
        self.touched: set[str] = set()
        """What those who wait for it by name (`Tail.changed`) should look at once this is committed."""
        self._types = types
        self._sources = sources

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self.connection.execute(statement, parameters)

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Within the block everything happens or, if it raises, nothing does."""
        kept = len(self.stored)
        self.connection.execute("SAVEPOINT unit")
        try:
            yield
        except BaseException:
            del self.stored[kept:]
            self._types.unit_rolled_back()
            self._sources.unit_rolled_back()
            self.cut_ids.rolled_back()
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK TO unit")
                self.connection.execute("RELEASE unit")
            raise
        self.connection.execute("RELEASE unit")

    def append(self, records: Sequence[Record]) -> list[Outcome]:
        """Store each record, unless its id is held already, or was until it was cut: one outcome a record.

        Raises PoisonError, having stored none, where SQLite cannot hold one of them.
        """
        try:
            with self.unit():
                outcomes: list[Outcome] = []
                while (left := len(records) - len(outcomes)) > 0:
                    rows = LARGE_ROWS if left >= LARGE_ROWS else MAX_ROWS_A_STATEMENT
                    outcomes += self._insert_chunk(records[len(outcomes) : len(outcomes) + rows])
                return outcomes
        except UNSTORABLE as error:
            positions = [index for index, record in enumerate(records) if self._refuses(record)]
            raise PoisonError(f"an event cannot be stored: {error}", positions) from error

    def append_history(self, records: Sequence[Record]) -> list[Outcome]:
        """As `append`, but what is stored is history: it is handed to no queue. Call it within a unit."""
        outcomes = self.append(records)
        stored = [outcome.seq for outcome in outcomes if outcome.verdict is Verdict.STORED]
        if stored:
            # Nothing else is stored within one unit, so that they stand side by side.
            imported.note(self.connection, stored[0], stored[-1])
            self.imports_changed = True
        return outcomes

    def cut(self, floor: int) -> list[CutEvent]:
        """Cut everything below a position for good, and remember its ids: what went. Call it within a unit."""
        # The floor comes first: the log lets nothing go that is not below it.
        self.connection.execute(_RAISE_FLOOR, (floor,))
        self.cut_ids.remember(self.connection, floor, self.now)
        gone = [CutEvent._make(row) for row in self.connection.execute(_CUT, (floor,)).fetchall()]
        if gone:
            self.connection.execute(_COUNT_CUT, (min(gone).seq, len(gone)))
        imported.cut(self.connection, floor)
        self.imports_changed = True
        return gone

    def held(self, record: Record) -> Outcome | None:
        """Already or conflict where the log holds the record's id, or held it; None where it does not."""
        seq = self._positions([record]).get(record.event_id)
        if seq is not None:
            return self._compare(record, seq)
        return Outcome(Verdict.ALREADY, 0) if self.cut_ids.among(self.connection, [record.event_id]) else None

    def _insert_chunk(self, records: Sequence[Record]) -> list[Outcome]:
        cut = self.cut_ids.among(self.connection, [record.event_id for record in records]) if self.cut_ids.any else None
        if not cut:
            return self._insert_uncut(records)
        uncut = [record for record in records if record.event_id not in cut]
        outcomes = iter(self._insert_uncut(uncut) if uncut else ())
        return [Outcome(Verdict.ALREADY, 0) if record.event_id in cut else next(outcomes) for record in records]

    def _insert_uncut(self, records: Sequence[Record]) -> list[Outcome]:
        try:
            return self._insert(records)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_UNIQUE:
                raise
        return self._insert_unheld(records)

    def _insert(self, records: Sequence[Record]) -> list[Outcome]:
        parameters: list[Any] = [self.now]
        now, connection, types, sources = self.now, self.connection, self._types, self._sources
        type_id, source_id = types.known.get, sources.known.get
        plain = True
        for event_id, event_type, source, correlation_id, time, violations, headers, body in records:
            if violations is not None or headers is not None:
                plain = False
            parameters += (
                event_id, type_id(event_type) or types.id(connection, event_type),
                source_id(source) or sources.id(connection, source), correlation_id, time, body,
            )  # fmt: skip
        if not plain:
            for record in records:
                parameters += (record.violations, record.headers)
        last = connection.execute(_insert_statement(len(records), plain), parameters).lastrowid or 0
        first = last - len(records) + 1
        # Twice a record, so past the named tuples' own constructors, which cost three times as much.
        make = tuple.__new__
        self.stored += [make(StoredEvent, (seq, now, *record)) for seq, record in enumerate(records, first)]
        return [make(Outcome, (Verdict.STORED, seq)) for seq in range(first, last + 1)]

    def _insert_unheld(self, records: Sequence[Record]) -> list[Outcome]:
        """Store those whose ids are new, the first of each id; compare the others with what is held."""
        held = self._positions(records)
        fresh: dict[bytes, Record] = {}
        for record in records:
            if record.event_id not in held:
                fresh.setdefault(record.event_id, record)
        inserted = self._insert(list(fresh.values())) if fresh else []
        new = dict(zip(fresh, inserted, strict=True))
        held.update((event_id, outcome.seq) for event_id, outcome in new.items())
        outcomes = []
        for record in records:
            first = record.event_id in new
            outcomes.append(new.pop(record.event_id) if first else self._compare(record, held[record.event_id]))
        return outcomes

    def _positions(self, records: Sequence[Record]) -> dict[bytes, int]:
        """Where those ids stand that are held already."""
        marks = ", ".join("?" * len(records))
        statement = f"SELECT event_id, seq FROM events WHERE event_id IN ({marks})"  # noqa: S608 - question marks
        return dict(self.connection.execute(statement, [record.event_id for record in records]))

    def _compare(self, record: Record, seq: int) -> Outcome:
        body: bytes = self.connection.execute("SELECT body FROM events WHERE seq = ?", (seq,)).fetchone()[0]
        return Outcome(Verdict.ALREADY if same_body(body, record.body) else Verdict.CONFLICT, seq)

    def _refuses(self, record: Record) -> bool:
        try:
            with self.unit():
                self._insert_chunk([record])
                raise _TriedError
        except UNSTORABLE:
            return True
        except _TriedError:
            return False


class _TriedError(Exception):
    """It could be stored, and is taken back."""


Unit = Callable[[Transaction], Any]
UNSTORABLE: Final = (
    AttributeError,
    OverflowError,
    TypeError,
    ValueError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
"""What is raised of a value that no column can hold, as against a disk that cannot be written."""


def same_body(held: bytes, other: bytes) -> bool:
    """Whether two bodies have the same content; one that is no envelope is the same only as its own bytes."""
    if held == other:
        return True
    try:
        return same_content(_envelope(held), _envelope(other))
    except ValueError:
        return False


def _envelope(body: bytes) -> EventEnvelope:
    return EventEnvelope.model_validate(jsontext.parse(body))


@lru_cache(maxsize=2 * MAX_ROWS_A_STATEMENT)
def _insert_statement(rows: int, plain: bool) -> str:
    """Insert so many rows. Parameter 1 is the time, then come six a row, then, unless plain, two more a row."""
    values = []
    for row in range(rows):
        first, rest = 2 + 6 * row, 2 + 6 * rows + 2 * row
        event = ", ".join(f"?{number}" for number in range(first, first + 6))
        values.append(f"(?1, {event}, NULL, NULL)" if plain else f"(?1, {event}, ?{rest}, ?{rest + 1})")
    return f"INSERT INTO events ({_COLUMNS_WRITTEN}) VALUES {', '.join(values)}"  # noqa: S608 - only numbers are put in
