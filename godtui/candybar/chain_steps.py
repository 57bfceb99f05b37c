"""The tree of a chain step by step, as it is drawn; and all of its steps in little room, to be drawn anywhere."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from godtui.candybar.figures import SECOND
from godtui.envelope import StoredEvent
from godtui.operations import Fold, Node, Tree

GAP: Final = 60 * SECOND
"""A longer time in which nothing happened has a line of its own."""
MOST_LEVELS: Final = 10
"""Deeper events are not indented further: their depth is a number."""


class Step(NamedTuple):
    """What is drawn next.

    Bit n of `open_levels` says that on level n something follows below, for levels up to its own and MOST_LEVELS.
    `gap` is for how many µs nothing had happened before, 0 where that is not worth a line.
    """

    one: Node | Fold
    open_levels: int
    gap: int


def steps(tree: Tree, siblings: int | None = None) -> Iterator[Step]:
    """Every event, parents before their children; of more siblings than so many the rest is one Fold."""
    open_levels = 0
    latest: int | None = None
    for one in tree.walk(siblings):
        last = isinstance(one, Fold) or one.last
        if one.depth <= MOST_LEVELS:
            open_levels = open_levels & ((1 << one.depth) - 1) | (not last) << one.depth
        gap = 0
        if isinstance(one, Node):
            time = tree.events[one.place].time
            gap = time - latest if latest is not None and time - latest > GAP else 0
            latest = time if latest is None else max(latest, time)
        yield Step(one, open_levels, gap)


def began(events: Sequence[StoredEvent]) -> int:
    """The earliest time of any, in µs since 1970."""
    return min((event.time for event in events), default=0)


class Outline:
    """The steps of a whole tree under row numbers from 0, nothing folded; no object is kept for a row."""

    first: Final = 0

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.start = began(tree.events)
        self.places = {event.event_id: place for place, event in enumerate(tree.events)}
        """Where each event stands among those of the chain, by its id."""
        self._places = array("l")
        self._depths = array("l")
        self._open_levels = array("H")
        self._gaps = array("q")
        self._rows = array("l", bytes(array("l").itemsize * len(tree.events)))
        for row, (one, open_levels, gap) in enumerate(steps(tree)):
            if isinstance(one, Node):  # without a number of siblings nothing is folded
                self._places.append(one.place)
                self._depths.append(one.depth)
                self._open_levels.append(open_levels)
                self._gaps.append(gap)
                self._rows[one.place] = row

    @property
    def end(self) -> int:
        """The number behind the last row."""
        return len(self._places)

    def row(self, number: int) -> StoredEvent | None:
        """The event of a row, or None where there is none of that number."""
        return self.tree.events[self._places[number]] if 0 <= number < self.end else None

    def is_again(self, _number: int) -> bool:
        """The log holds every event once."""
        return False

    def place(self, row: int) -> int:
        """Where the event of a row stands among those of the chain, by `seq`."""
        return self._places[row]

    def row_of(self, place: int) -> int:
        """The row of an event, by its place."""
        return self._rows[place]

    def gap(self, row: int) -> int:
        """For how many µs nothing had happened before the row, 0 where that is not worth a line."""
        return self._gaps[row]

    def node(self, row: int) -> tuple[Node, int]:
        """The row as it is drawn, and its open levels, as in Step. Whether it is the last is right to MOST_LEVELS."""
        depth, open_levels = self._depths[row], self._open_levels[row]
        return Node(self._places[row], depth, not open_levels >> min(depth, MOST_LEVELS) & 1), open_levels
