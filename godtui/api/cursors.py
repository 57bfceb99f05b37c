"""Cursors as the API gives them out: with the moment that the first page counted `15m` back from."""

from __future__ import annotations

import re
from hashlib import blake2b

from godtui.operations import BadCursorError

_CURSOR = re.compile(r"([0-9]{1,18})\.(.+)", re.ASCII)
_LATEST = 253_402_300_799_999_999
"""The end of the year 9999 in microseconds since 1970."""


def with_moment(now: int, cursor: str | None) -> str | None:
    """An operation's own cursor, and the moment in microseconds since 1970 that its query was read at."""
    if cursor is None:
        return None
    marked = f"{now}.{cursor}"
    return f"{marked}.{_mark(marked)}"


def read_moment(text: str | None, now: int) -> tuple[int, str | None]:
    """The moment that the first page was read at, which is now where there is no cursor, and the operation's cursor.

    Raises BadCursorError.
    """
    if text is None:
        return now, None
    marked, _, mark = text.rpartition(".")
    match = _CURSOR.fullmatch(marked)
    if match is None or int(match[1]) > _LATEST or mark != _mark(marked):
        raise BadCursorError
    return int(match[1]), match[2]


def _mark(marked: str) -> str:
    """A check against mistakes as the operation's own, whose mark knows nothing of the moment."""
    return blake2b(marked.encode(), digest_size=8, person=b"godtui moment").hexdigest()
