"""Pages of stored events: stable while events arrive, and each cursor good for one filter alone."""

from __future__ import annotations

import base64
import binascii
import struct
from contextlib import aclosing
from hashlib import blake2b
from typing import Final, NamedTuple

from godtui.candystore.candidates import Direction, scan
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog
from godtui.filters import Filter

_FORMAT: Final = struct.Struct(">q16s")


class Page(NamedTuple):
    """Some stored events and where the next page begins, if there is one."""

    events: list[StoredEvent]
    next_cursor: str | None


class BadCursorError(ValueError):
    """The cursor was not given out for this query."""


async def query(
    log: EventLog, wanted: Filter, *, limit: int = 100, cursor: str | None = None, order: Direction = "desc"
) -> Page:
    """Up to `limit` events that match, by `seq`. Raises BadCursorError, LogUnavailableError."""
    end = log.last_seq + 1
    above, below = 0, end
    if cursor is not None:
        position = _read(cursor, wanted, order)
        above, below = (0, position) if order == "desc" else (position, end)
    found: list[StoredEvent] = []
    async with aclosing(scan(log, wanted, order, above, below, first=limit + 1)) as steps:
        async for step in steps:
            found += step.events
            if len(found) > limit:
                break
    if len(found) <= limit:
        return Page(found, None)
    return Page(found[:limit], _write(found[limit - 1].seq, wanted, order))


def _write(position: int, wanted: Filter, order: Direction) -> str:
    return base64.urlsafe_b64encode(_FORMAT.pack(position, _mark(position, wanted, order))).decode().rstrip("=")


def _read(cursor: str, wanted: Filter, order: Direction) -> int:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position, mark = _FORMAT.unpack(raw)
    except (ValueError, binascii.Error, struct.error):
        raise BadCursorError("the cursor is not one that was given out; begin again without it") from None
    if mark != _mark(position, wanted, order):
        raise BadCursorError("the cursor belongs to another filter or order; begin again without it")
    return int(position)


def _mark(position: int, wanted: Filter, order: Direction) -> bytes:
    """What ties a cursor to its query: a check against mistakes, not a secret, for a position is none."""
    return blake2b(f"{position} {order} {wanted}".encode(), digest_size=16, person=b"godtui cursor").digest()
