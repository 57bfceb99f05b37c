"""A time as stretches of tallies: days within, hours and minutes at the edges."""

from __future__ import annotations

from typing import Final, NamedTuple

from godtui.candystore.tallies.tables import ALL, DAY, HOUR, MINUTE

EARLIEST: Final = -(1 << 62)
LATEST: Final = 1 << 62
_SPANS: Final = (DAY, HOUR, MINUTE)


class Stretch(NamedTuple):
    """Tallies of one span whose beginnings lie from `start` to before `end`, in seconds since 1970."""

    span: int
    start: int
    end: int

    def holds(self, start: int) -> bool:
        """Whether what begins then is in it."""
        return self.start <= start < self.end


def down(second: int, span: int) -> int:
    """The beginning of the stretch that a second lies in; an open end stays open."""
    return second if second in (EARLIEST, LATEST) else second // span * span


def up(second: int, span: int) -> int:
    """The end of the stretch that the second before lies in; an open end stays open."""
    return second if second in (EARLIEST, LATEST) else -(-second // span) * span


def stretches(since: int, until: int, spans: tuple[int, ...] = _SPANS) -> list[Stretch]:
    """The fewest tallies that make up a time whose ends are those of the finest span."""
    if since >= until:
        return []
    if (since, until) == (EARLIEST, LATEST):
        return [Stretch(ALL, EARLIEST, LATEST)]
    span, *finer = spans
    first, last = up(since, span), down(until, span)
    if not finer:
        return [Stretch(span, since, until)]
    if first >= last:
        return stretches(since, until, tuple(finer))
    return [
        *stretches(since, first, tuple(finer)),
        Stretch(span, first, last),
        *stretches(last, until, tuple(finer)),
    ]
