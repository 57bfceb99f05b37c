"""Pages of stored events: stable while events arrive, and each cursor good for one filter alone."""

from __future__ import annotations

from contextlib import aclosing
from typing import NamedTuple

from godtui.candystore.candidates import Direction, scan
from godtui.cursors import read_cursor, write_cursor
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog
from godtui.filters import Filter


class Page(NamedTuple):
    """Some stored events and where the next page begins, if there is one."""

    events: list[StoredEvent]
    next_cursor: str | None


async def query(
    log: EventLog, wanted: Filter, *, limit: int = 100, cursor: str | None = None, order: Direction = "desc"
) -> Page:
    """Up to `limit` events that match, by `seq`. Raises BadCursorError, LogUnavailableError."""
    end = log.last_seq + 1
    above, below = 0, end
    if cursor is not None:
        position = read_cursor(cursor, _query(wanted, order))
        above, below = (0, position) if order == "desc" else (position, end)
    found: list[StoredEvent] = []
    async with aclosing(scan(log, wanted, order, above, below, first=limit + 1)) as steps:
        async for step in steps:
            found += step.events
            if len(found) > limit:
                break
    if len(found) <= limit:
        return Page(found, None)
    return Page(found[:limit], write_cursor(found[limit - 1].seq, _query(wanted, order)))


def _query(wanted: Filter, order: Direction) -> str:
    """What a cursor is good for."""
    return f"{order} {wanted}"
