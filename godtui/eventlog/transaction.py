"""One group commit: events and other rooms' statements, each unit whole or not at all."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from itertools import islice
from typing import Any, Final, NamedTuple

from godtui import jsontext
from godtui.envelope import EventEnvelope, StoredEvent, same_content
from godtui.eventlog.errors import PoisonError

MAX_ROWS_A_STATEMENT: Final = 128
MAX_NAMES_KEPT: Final = 50_000

_COLUMNS_WRITTEN = (
    "stored_at, event_id, type_id, source_id, correlation_id, time, violations, headers, body"  # nine parameters
)
_ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"


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
    """What became of one record, and the position of the event that holds its id."""

    verdict: Verdict
    seq: int


class Names:
    """Ids of event types or sources, interned in a table; the newest used are kept in memory."""

    def __init__(self, table: str) -> None:
        self._find = f"SELECT id FROM {table} WHERE name = ?"  # noqa: S608 - the table's name is ours
        self._add = f"INSERT INTO {table} (name) VALUES (?)"  # noqa: S608
        self._ids: OrderedDict[str, int] = OrderedDict()
        self._uncommitted: list[str] = []

    def id(self, connection: sqlite3.Connection, name: str) -> int:
        """The id of a name, new names being added within the running transaction."""
        known = self._ids.get(name)
        if known is not None:
            return known
        row = connection.execute(self._find, (name,)).fetchone()
        if row is None:
            found = connection.execute(self._add, (name,)).lastrowid or 0
            self._uncommitted.append(name)
        else:
            found = int(row[0])
        self._ids[name] = found
        if len(self._ids) > MAX_NAMES_KEPT:
            self._ids.popitem(last=False)
        return found

    def committed(self) -> None:
        """What was added is durable."""
        self._uncommitted.clear()

    def unit_rolled_back(self) -> None:
        """What was added since the last commit may be gone again."""
        for name in self._uncommitted:
            self._ids.pop(name, None)

    def rolled_back(self) -> None:
        """The whole transaction is gone: nothing that was read in it can be trusted."""
        self._ids.clear()
        self._uncommitted.clear()


class Transaction:
    """What a unit may do within a group commit: run statements and append events."""

    def __init__(self, connection: sqlite3.Connection, now: int, types: Names, sources: Names) -> None:
        self.connection = connection
        self.now = now
        self.stored: list[StoredEvent] = []
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
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK TO unit")
                self.connection.execute("RELEASE unit")
            del self.stored[kept:]
            self._types.unit_rolled_back()
            self._sources.unit_rolled_back()
            raise
        self.connection.execute("RELEASE unit")

    def append(self, records: Sequence[Record]) -> list[Outcome]:
        """Store each record, unless its id is held already. Raises PoisonError on what SQLite cannot hold."""
        outcomes: list[Outcome] = []
        remaining = iter(records)
        while chunk := list(islice(remaining, _chunk_size(len(records) - len(outcomes)))):
            try:
                outcomes += self._insert(chunk)
            except sqlite3.IntegrityError:
                outcomes += [self._insert_alone(record) for record in chunk]
            except UNSTORABLE as error:
                raise PoisonError(f"an event cannot be stored: {error}") from error
        return outcomes

    def _insert(self, records: Sequence[Record]) -> list[Outcome]:
        parameters: list[Any] = []
        now, connection, type_id, source_id = self.now, self.connection, self._types.id, self._sources.id
        for event_id, event_type, source, correlation_id, time, violations, headers, body in records:
            parameters += (
                now, event_id, type_id(connection, event_type), source_id(connection, source),
                correlation_id, time, violations, headers, body,
            )  # fmt: skip
        last = connection.execute(_insert_statement(len(records)), parameters).lastrowid or 0
        first = last - len(records) + 1
        self.stored += [StoredEvent(seq, now, *record) for seq, record in enumerate(records, first)]
        return [Outcome(Verdict.STORED, seq) for seq in range(first, last + 1)]

    def _insert_alone(self, record: Record) -> Outcome:
        row = self.connection.execute("SELECT seq, body FROM events WHERE event_id = ?", (record.event_id,)).fetchone()
        if row is None:
            return self._insert_new(record)
        same = row[1] == record.body or same_content(_envelope(row[1]), _envelope(record.body))
        return Outcome(Verdict.ALREADY if same else Verdict.CONFLICT, row[0])

    def _insert_new(self, record: Record) -> Outcome:
        try:
            return self._insert([record])[0]
        except sqlite3.IntegrityError as error:
            raise PoisonError(f"an event cannot be stored: {error}") from error


Unit = Callable[[Transaction], Any]
UNSTORABLE = (UnicodeEncodeError, OverflowError, sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.DataError)
"""What sqlite3 raises of a value that no column can hold, as against a disk that cannot be written."""


def _envelope(body: bytes) -> EventEnvelope:
    return EventEnvelope.model_validate(jsontext.parse(body))


def _chunk_size(remaining: int) -> int:
    """The largest power of two that fits, so that few statements need preparing."""
    return min(MAX_ROWS_A_STATEMENT, 1 << (remaining.bit_length() - 1)) if remaining else 0


_statements: dict[int, str] = {}


def _insert_statement(rows: int) -> str:
    statement = _statements.get(rows)
    if statement is None:
        values = ", ".join([_ROW] * rows)
        statement = _statements[rows] = f"INSERT INTO events ({_COLUMNS_WRITTEN}) VALUES {values}"  # noqa: S608
    return statement
