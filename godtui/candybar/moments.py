"""Where a reader wants to go in the store: a moment or a position, from what was typed."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from godtui import filters
from godtui.candybar.figures import DAY, SECOND
from godtui.filters import FilterError, TimeTerm

EXAMPLE: Final = "15m   14:02   2026-02-12   2026-02-12T14:02:11Z   seq 1204551"

_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_SEQ = re.compile(r"(?:seq\s*)?(\d[\d,]{0,24})", re.ASCII)
_MAX_SEQ: Final = 2**63 - 1


class Place(NamedTuple):
    """One of both: a position, or a moment in µs since 1970."""

    seq: int | None = None
    moment: int | None = None


def read_place(text: str, now: int) -> Place:
    """A position, a time of today in UTC, or whatever `since:` takes. Raises FilterError."""
    text = text.strip()
    if match := _SEQ.fullmatch(text):
        seq = int(match[1].replace(",", ""))
        if seq > _MAX_SEQ:
            raise FilterError("no position is as high as that", 0)
        return Place(seq=seq)
    if match := _TIME.fullmatch(text):
        hour, minute, second = (int(part or 0) for part in match.groups())
        if hour < 24 and minute < 60 and second < 60:
            return Place(moment=now // DAY * DAY + (hour * 3600 + minute * 60 + second) * SECOND)
    try:
        (term,) = filters.parse(f"since:{text}", now=now).terms
    except (FilterError, ValueError):
        term = None
    if not isinstance(term, TimeTerm):
        raise FilterError("a time is wanted, such as 15m, 14:02, 2026-02-12 or 2026-02-12T14:02:11Z, or a seq", 0)
    return Place(moment=term.moment)
