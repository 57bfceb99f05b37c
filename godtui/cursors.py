"""Where the next page begins: positions as text that is good for one query alone."""

from __future__ import annotations

import base64
import binascii
import struct
from hashlib import blake2b
from typing import Final

_FORMAT: Final = struct.Struct(">q16s")


class BadCursorError(ValueError):
    """The cursor was not given out for this query."""


def write_cursor(position: int, query: str) -> str:
    """A position as the cursor of a query."""
    return base64.urlsafe_b64encode(_FORMAT.pack(position, _mark(position, query))).decode().rstrip("=")


def read_cursor(cursor: str, query: str) -> int:
    """The position that was given out for a query. Raises BadCursorError."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position, mark = _FORMAT.unpack(raw)
    except (ValueError, binascii.Error, struct.error):
        raise BadCursorError("the cursor is not one that was given out; begin again without it") from None
    if mark != _mark(position, query):
        raise BadCursorError("the cursor belongs to another filter or order; begin again without it")
    return int(position)


def _mark(position: int, query: str) -> bytes:
    """What ties a cursor to its query: a check against mistakes, not a secret, for a position is none."""
    return blake2b(f"{position} {query}".encode(), digest_size=16, person=b"godtui cursor").digest()
