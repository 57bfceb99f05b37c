"""Ids of events that retention cut: for as long as they are remembered, none of them is stored again."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

ANY_CUT: Final = "SELECT EXISTS (SELECT 1 FROM cut_ids)"
CUT_AT: Final = "SELECT cut_at FROM cut_ids WHERE event_id = ?"
"""When (µs since 1970) the event of an id was cut."""

_REMEMBER: Final = (
    "INSERT INTO cut_ids (event_id, cut_at) SELECT event_id, ?1 FROM events WHERE seq < ?2"
    " ON CONFLICT (event_id) DO UPDATE SET cut_at = excluded.cut_at"
)
_AMONG: Final = "SELECT event_id, cut_at FROM cut_ids WHERE event_id > ? ORDER BY event_id LIMIT ?"
_FORGET: Final = "DELETE FROM cut_ids WHERE event_id = ? AND cut_at < ?"


class CutEvent(NamedTuple):
    """What is left to say of an event that was cut. `stored_at` is in microseconds since 1970."""

    seq: int
    type_id: int
    source_id: int
    stored_at: int


class Walked(NamedTuple):
    """One step through the remembered ids: where the next begins, None at the end, and how many were forgotten."""

    reached: bytes | None
    forgotten: int


class CutIds:
    """Whether any id is remembered, so that a log from which nothing was cut asks for none. The writer's own."""

    def __init__(self) -> None:
        self.any = False
        self._emptied = False

    def opened(self, connection: sqlite3.Connection) -> None:
        """Learn how it is in the file."""
        self.any = bool(connection.execute(ANY_CUT).fetchone()[0])
        self._emptied = False

    def among(self, connection: sqlite3.Connection, event_ids: Sequence[bytes]) -> set[bytes]:
        """Those of some ids whose events were cut."""
        if not self.any:
            return set()
        marks = ", ".join("?" * len(event_ids))
        statement = f"SELECT event_id FROM cut_ids WHERE event_id IN ({marks})"  # noqa: S608 - question marks
        return {row[0] for row in connection.execute(statement, event_ids)}

    def remember(self, connection: sqlite3.Connection, below: int, now: int) -> None:
        """Within a transaction: the ids of all events below a position, which are about to be cut."""
        self.any, self._emptied = True, False
        connection.execute(_REMEMBER, (now, below))

    def forget(self, connection: sqlite3.Connection, after: bytes, before: int, step: int) -> Walked:
        """Within a transaction: of the next ids beyond one, forget those that were cut before a moment (µs)."""
        rows = connection.execute(_AMONG, (after, step)).fetchall()
        old = [event_id for event_id, cut_at in rows if cut_at < before]
        for event_id in old:
            connection.execute(_FORGET, (event_id, before))
        if old and not connection.execute(ANY_CUT).fetchone()[0]:
            self._emptied = True
        return Walked(rows[-1][0] if len(rows) == step else None, len(old))

    def committed(self) -> None:
        """What was done is durable."""
        if self._emptied:
            self.any = self._emptied = False

    def rolled_back(self) -> None:
        """What was forgotten since the last commit may be back."""
        self._emptied = False
