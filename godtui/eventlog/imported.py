"""Stretches of the log that were imported: history, which no queue is handed and nobody decides on."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

STRETCHES: Final = "SELECT first_seq, last_seq FROM imported ORDER BY first_seq"

_LENGTHEN: Final = "UPDATE imported SET last_seq = ?2 WHERE last_seq = ?1 - 1"
_ADD: Final = "INSERT INTO imported (first_seq, last_seq) VALUES (?, ?)"
_DROP: Final = "DELETE FROM imported WHERE last_seq < ?"
_SHORTEN: Final = "UPDATE imported SET first_seq = ?1 WHERE first_seq < ?1"


class Stretches:
    """Positions by their first and last, in order and apart. Never changes."""

    def __init__(self, bounds: Sequence[tuple[int, int]] = ()) -> None:
        self._first = [first for first, _ in bounds]
        self._last = [last for _, last in bounds]

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> Stretches:
        """Those of a log's file."""
        return cls(connection.execute(STRETCHES).fetchall())

    def __bool__(self) -> bool:
        return bool(self._first)

    def holds(self, seq: int) -> bool:
        """Whether a position was imported."""
        return self.beyond(seq - 1) != seq - 1

    def beyond(self, seq: int) -> int:
        """The end of the stretch that begins at, or holds, the next position; the position itself where none does."""
        index = bisect_left(self._last, seq + 1)
        return self._last[index] if index < len(self._last) and self._first[index] <= seq + 1 else seq

    def around(self, after: int, until: int) -> Iterator[tuple[int, int]]:
        """What was not imported of the positions after one, up to and with another, in pieces told the same way."""
        while after < until:
            after = self.beyond(after)
            index = bisect_left(self._first, after + 1)
            end = min(until, self._first[index] - 1) if index < len(self._first) else until
            if after < end:
                yield after, end
            after = max(after, end)


def note(connection: sqlite3.Connection, first: int, last: int) -> None:
    """Within the transaction that imports them: these positions are history."""
    if not connection.execute(_LENGTHEN, (first, last)).rowcount:
        connection.execute(_ADD, (first, last))


def cut(connection: sqlite3.Connection, floor: int) -> None:
    """Within the transaction that cuts them: positions below the floor are gone."""
    connection.execute(_DROP, (floor,))
    connection.execute(_SHORTEN, (floor,))
