"""The tables of the tallies, in the log's file, and what is done to them within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from godtui.eventlog import Migrations, Transaction

MIGRATIONS = Migrations(
    "tallies",
    (
        """
        -- `span` is the length of a stretch in seconds, 0 for all time; `start` its beginning in seconds since 1970.
        CREATE TABLE tallies (
            span INTEGER NOT NULL,
            start INTEGER NOT NULL,
            type_id INTEGER NOT NULL,
            source_id INTEGER NOT NULL,
            number INTEGER NOT NULL,
            PRIMARY KEY (span, start, type_id, source_id)
        ) STRICT, WITHOUT ROWID;
        -- Everything up to `counted_to` is counted; `version` grows with every change.
        CREATE TABLE tallied (counted_to INTEGER NOT NULL, version INTEGER NOT NULL) STRICT;
        INSERT INTO tallied VALUES (0, 0);
        """,
        """
        -- The newest position of each type and source among what is counted; retention may have cut it since.
        CREATE TABLE newest (
            type_id INTEGER NOT NULL,
            source_id INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            PRIMARY KEY (type_id, source_id)
        ) STRICT, WITHOUT ROWID;
        -- Everything is counted again, so that all of it is known here.
        DELETE FROM tallies;
        UPDATE tallied SET counted_to = 0, version = version + 1;
        """,
    ),
)

ALL: Final = 0
DAY: Final = 86_400
HOUR: Final = 3_600
MINUTE: Final = 60
SLOT: Final = 10
"""The finest stretch, for rates."""

MINUTES_KEPT_SECONDS: Final = 2 * DAY
SLOTS_KEPT_SECONDS: Final = 15 * MINUTE
_KEPT: Final = {MINUTE: MINUTES_KEPT_SECONDS, SLOT: SLOTS_KEPT_SECONDS}
_ROWS_A_STATEMENT: Final = 160

START: Final = f"(stored_at - ((stored_at % {SLOT}000000) + {SLOT}000000) % {SLOT}000000) / 1000000"
"""The beginning of an event's slot, in seconds since 1970; before 1970 as well."""

SLOTS: Final = (
    f"SELECT {START}, type_id, source_id, count(*), count(*) FILTER (WHERE NOT EXISTS"  # noqa: S608 - ours
    " (SELECT 1 FROM imported i WHERE i.first_seq <= e.seq AND i.last_seq >= e.seq)), max(seq)"
    " FROM events e WHERE seq > ? AND seq <= ? GROUP BY 1, 2, 3"
)
"""The events between two positions, slot by slot."""

STATE: Final = "SELECT counted_to, version FROM tallied"
_ADVANCE: Final = "UPDATE tallied SET counted_to = ?, version = version + 1"
_SUBTRACTED: Final = "UPDATE tallied SET version = version + 1"
PRUNE: Final = """
    DELETE FROM tallies WHERE (span, start, type_id, source_id) IN (
        SELECT span, start, type_id, source_id FROM (
            SELECT * FROM tallies WHERE span = ?1 AND start < ?2
            UNION ALL SELECT * FROM tallies WHERE span = ?1 AND start > ?3
        ) LIMIT ?4
    )
"""
_ONE: Final = "span = ? AND start = ? AND type_id = ? AND source_id = ?"
_ADD: Final = "INSERT INTO tallies VALUES {} ON CONFLICT DO UPDATE SET number = number + excluded.number"
_RENEW: Final = "INSERT INTO newest VALUES {} ON CONFLICT DO UPDATE SET seq = excluded.seq"
_TAKE_OFF: Final = f"UPDATE tallies SET number = number + ? WHERE {_ONE} RETURNING number"  # noqa: S608 - ours
_REMOVE: Final = f"DELETE FROM tallies WHERE {_ONE}"  # noqa: S608 - ours


class State(NamedTuple):
    """How far everything is counted, and a number that grows with every change."""

    counted_to: int
    version: int


class Fresh(NamedTuple):
    """Some events of one slot, of one type and source; `start` in seconds since 1970.

    `traffic` are those that were not imported: of these alone rates are made. `newest` is the last one's position.
    """

    start: int
    type_id: int
    source_id: int
    number: int
    traffic: int
    newest: int


Key = tuple[int, int, int, int]
"""Span, start, type and source."""


def state(transaction: Transaction) -> State:
    """How the tallies are, as the transaction sees them."""
    return State._make(transaction.execute(STATE).fetchone())


def spread(slots: Iterable[Fresh], now: int, sign: int = 1) -> dict[Key, int]:
    """What slots add to the tallies of every span; finer ones only for as long as they are kept. `now` in seconds."""
    found: dict[Key, int] = {}
    for start, type_id, source_id, number, traffic, _ in slots:
        spans = [(ALL, 0), (DAY, start - start % DAY), (HOUR, start - start % HOUR)]
        for span, kept in _KEPT.items():
            begins = start - start % span
            # Off goes what may be there until the next pruning, too.
            if abs(now - begins) <= (kept if sign > 0 else 2 * kept):
                spans.append((span, begins))
        for span, begins in spans:
            key = (span, begins, type_id, source_id)
            amount = traffic if span == SLOT else number
            if amount:
                found[key] = found.get(key, 0) + sign * amount
    return found


def newest(slots: Iterable[Fresh]) -> dict[tuple[int, int], int]:
    """The newest position of each type and source."""
    found: dict[tuple[int, int], int] = {}
    for one in slots:
        pair = (one.type_id, one.source_id)
        found[pair] = max(one.newest, found.get(pair, 0))
    return found


def add(transaction: Transaction, counted: Sequence[Fresh], now: int, counted_to: int) -> None:
    """Add what was counted, and say how far; `now` in seconds since 1970."""
    amounts = [(*key, number) for key, number in spread(counted, now).items()]
    _upsert(transaction, _ADD, amounts)
    _upsert(transaction, _RENEW, [(*pair, seq) for pair, seq in newest(counted).items()])
    transaction.execute(_ADVANCE, (counted_to,))


def take_off(transaction: Transaction, amounts: Mapping[Key, int]) -> None:
    """Add negative amounts to what there is; what is empty then goes."""
    for key, number in amounts.items():
        left = transaction.execute(_TAKE_OFF, (number, *key)).fetchone()
        if left is not None and left[0] <= 0:
            transaction.execute(_REMOVE, key)
    transaction.execute(_SUBTRACTED)


def _upsert(transaction: Transaction, statement: str, rows: Sequence[tuple[int, ...]]) -> None:
    """Many rows a statement: `executemany` gives the interpreter lock up and takes it again for each."""
    for start in range(0, len(rows), _ROWS_A_STATEMENT):
        some = rows[start : start + _ROWS_A_STATEMENT]
        values = ", ".join([f"({', '.join('?' * len(some[0]))})"] * len(some))
        transaction.execute(statement.format(values), [value for row in some for value in row])


def slots(rows: Sequence[tuple[Any, ...]]) -> list[Fresh]:
    """Rows as slots."""
    return [Fresh._make(row) for row in rows]
