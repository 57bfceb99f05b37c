"""Pages of stored events that are bounded in bytes as well: each event may be as large as one can be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import accumulate
from typing import Any, Final, Literal, NamedTuple

from godtui.envelope import StoredEvent
from godtui.eventlog.migrations import COLUMNS

PAGE_BYTES: Final = 2 * 1024 * 1024
"""Bodies of one page, unless its first event alone has more."""
SMALL_BYTES: Final = 8 * 1024
"""Bodies up to this size are read at once, whatever comes of them; of larger ones first only the size."""

SIZED: Final = (
    f"{COLUMNS.removesuffix('body')}CASE WHEN length(body) <= {SMALL_BYTES:d} THEN body ELSE length(body) END"
)
"""The columns of `stored_events`, in the place of a large body its size, which SQLite knows without reading it."""
_LARGE = "SELECT seq, body FROM events WHERE seq IN ({})"

Read = Callable[[str, Sequence[Any]], Awaitable[list[tuple[Any, ...]]]]


class Page(NamedTuple):
    """Events in order, and the position up to which they are all; None where nothing follows."""

    events: list[StoredEvent]
    reached: int | None


async def read_page(
    read: Read, conditions: str, parameters: Sequence[Any], direction: Literal["asc", "desc"], limit: int
) -> Page:
    """The first events by `seq` that meet conditions on `stored_events`, `limit` at most and as many as fit.

    `read` runs a statement. Raises what it raises.
    """
    statement = f"SELECT {SIZED} FROM stored_events WHERE {conditions} ORDER BY seq {direction} LIMIT {limit:d}"  # noqa: S608 - all parts are ours
    rows = await read(statement, parameters)
    totals = accumulate(row[-1] if isinstance(row[-1], int) else len(row[-1]) for row in rows)
    fitting = max(1, sum(total <= PAGE_BYTES for total in totals))
    reached = rows[min(fitting, limit) - 1][0] if len(rows) >= min(fitting + 1, limit) else None
    del rows[fitting:]
    large = [row[0] for row in rows if isinstance(row[-1], int)]
    if not large:
        return Page([StoredEvent._make(row) for row in rows], reached)
    bodies: dict[int, bytes] = dict(await read(_LARGE.format(", ".join("?" * len(large))), large))
    whole = [row if isinstance(row[-1], bytes) else (*row[:-1], bodies.get(row[0])) for row in rows]
    # Retention may have cut a large one since its size was read.
    return Page([StoredEvent._make(row) for row in whole if row[-1] is not None], reached)
