"""How much of the log a queue has yet to hand out."""

from __future__ import annotations

from typing import Final

from godtui.bloodbank import tables
from godtui.bloodbank.bindings import Bindings
from godtui.eventlog import EventLog

STEP: Final = 500_000
"""Positions counted by one read."""


class Backlog:
    """Counts every event beyond the cursor once, however often it is asked."""

    def __init__(self, cursor: int) -> None:
        self._count = 0
        self._counted_to = cursor

    def passed(self, number: int, cursor: int) -> None:
        """The cursor moved, over so many events of the queue."""
        if cursor >= self._counted_to:
            self._count, self._counted_to = 0, cursor
        else:
            self._count -= number

    async def count(self, log: EventLog, bindings: Bindings) -> int:
        """Events of the queue from the cursor to the log's end, imported ones excepted. Raises LogUnavailableError."""
        end = log.last_seq
        while self._counted_to < end:
            stretch = bindings.beyond(self._counted_to)[0]
            until = min(end, self._counted_to + STEP, end if stretch.until is None else stretch.until)
            for piece in log.imported.around(self._counted_to, until):
                counted = await log.rows(tables.COUNT_BEYOND, piece, purpose="queue statistics")
                self._count += sum(number for event_type, number in counted if stretch.matcher.matches(event_type))
            self._counted_to = until
        return self._count
