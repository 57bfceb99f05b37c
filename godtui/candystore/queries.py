"""Pages of stored events: stable while events arrive, and each cursor good for one filter alone."""

from __future__ import annotations

from contextlib import aclosing
from typing import Final, NamedTuple

from godtui.candystore.candidates import scan
from godtui.candystore.search import Search
from godtui.candystore.ways import Direction
from godtui.clock import Clock, SystemClock
from godtui.cursors import read_cursor, write_cursor
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog
from godtui.filters import Filter

BUDGET_SECONDS: Final = 1.0
"""A page that is not full by then is given as far as it is."""
PAGE_BYTES: Final = 8 * 1024 * 1024
"""Bodies of one page, unless its first event alone has more."""


class Page(NamedTuple):
    """Some stored events and where the next page begins, if there is one.

    A page that ended early, for time or for size, has `looked_to`: the position up to which it says everything.
    """

    events: list[StoredEvent]
    next_cursor: str | None
    looked_to: int | None = None


async def query(
    log: EventLog,
    wanted: Filter,
    *,
    limit: int = 100,
    cursor: str | None = None,
    order: Direction = "desc",
    from_seq: int | None = None,
    search: Search | None = None,
    clock: Clock | None = None,
    seconds: float = BUDGET_SECONDS,
) -> Page:
    """Up to `limit` events that match, by `seq`; fewer with a cursor to go on where finding them takes longer.

    Together they have no more than 8 MiB of bodies, unless the first alone has. Without a cursor they begin at
    `from_seq`, itself included, or at the log's end or beginning. Raises BadCursorError, LogUnavailableError.
    """
    clock = clock or SystemClock()
    started = clock.monotonic()
    end = log.last_seq + 1
    above, below = 0, end
    if cursor is not None:
        position = read_cursor(cursor, _query(wanted, order))
        above, below = (0, position) if order == "desc" else (position, end)
    elif from_seq is not None:
        above, below = (0, min(from_seq + 1, end)) if order == "desc" else (max(0, from_seq - 1), end)
    found: list[StoredEvent] = []
    size = 0
    scanning = scan(log, wanted, order, above, below, first=limit + 1, search=search, clock=clock)
    async with aclosing(scanning) as steps:
        async for step in steps:
            for event in step.events:
                size += len(event.body)
                if found and (len(found) == limit or size > PAGE_BYTES):
                    last, is_full = found[-1].seq, len(found) == limit
                    return Page(found, write_cursor(last, _query(wanted, order)), None if is_full else last)
                found.append(event)
            is_last = step.reached <= above + 1 if order == "desc" else step.reached >= end - 1
            if clock.monotonic() - started >= seconds and not is_last:
                return Page(found, write_cursor(step.reached, _query(wanted, order)), step.reached)
    return Page(found, None)


def _query(wanted: Filter, order: Direction) -> str:
    """What a cursor is good for."""
    return f"{order} {wanted}"
