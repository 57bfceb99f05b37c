"""Which events belong to a queue over the log: a binding counts for the stretch of the log in which it was in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from godtui.topics import Matcher


class Binding(NamedTuple):
    """A pattern and the positions it holds for: after `since_seq`, up to and with `until_seq` (None = still)."""

    pattern: str
    since_seq: int
    until_seq: int | None


class Stretch(NamedTuple):
    """Positions after `after`, up to and with `until` (None = no end), in which the same patterns hold."""

    after: int
    until: int | None
    matcher: Matcher


class Bindings:
    """All bindings that a queue has or had, ready to be asked of any position."""

    def __init__(self, bindings: Iterable[Binding]) -> None:
        self._all = tuple(bindings)
        self._stretches = self._divide()
        self._newest = self._stretches[-1]

    @property
    def open_patterns(self) -> set[str]:
        """The patterns in force now."""
        return {binding.pattern for binding in self._all if binding.until_seq is None}

    def match(self, seq: int, event_type: str) -> bool:
        """Whether the event at a position belongs to the queue."""
        if seq > self._newest.after:
            return self._newest.matcher.matches(event_type)
        stretch = next(each for each in self._stretches if each.until is not None and seq <= each.until)
        return stretch.matcher.matches(event_type)

    def beyond(self, seq: int) -> Sequence[Stretch]:
        """The stretches that reach past a position."""
        return [each for each in self._stretches if each.until is None or each.until > seq]

    def _divide(self) -> list[Stretch]:
        edges = sorted({edge for _, since, until in self._all for edge in (since, until) if edge is not None} | {0})
        stretches = []
        for after, until in zip(edges, [*edges[1:], None], strict=True):
            patterns = {
                pattern
                for pattern, since, ended in self._all
                if since <= after and (ended is None or (until is not None and ended >= until))
            }
            stretches.append(Stretch(after, until, Matcher(sorted(patterns))))
        return stretches
