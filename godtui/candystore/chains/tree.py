"""A chain as trees, each event once: what screens and the terminal draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from godtui.candystore.chains.views import Chain, Orphan
from godtui.envelope import StoredEvent


class Node(NamedTuple):
    """One event in its tree; `last` says that nothing follows beside it."""

    place: int
    depth: int
    last: bool


class Fold(NamedTuple):
    """Events beside each other that are not shown: how many, and how many with all that stand under them."""

    depth: int
    siblings: int
    events: int


class Tree(NamedTuple):
    """Events by their places in the chain's `events`, and what stands under which.

    Of an event with several causes the first that it names and that is in the chain is its parent; `more` are the
    other causes. In a cycle the event that was stored first has no parent.
    """

    events: Sequence[StoredEvent]
    tops: list[int]
    children: list[list[int]]
    below: list[int]
    more: dict[int, list[int]]
    orphans: dict[int, list[Orphan]]
    late: frozenset[int]
    cyclic: frozenset[int]

    def walk(self, most: int | None = None) -> Iterator[Node | Fold]:
        """Every event, parents before their children, siblings by `seq`; without recursion.

        With `most`, of so many siblings and more those beyond are one Fold after them.
        """
        waiting = self._siblings(self.tops, 0, most)
        while waiting:
            one = waiting.pop()
            yield one
            if isinstance(one, Node):
                waiting += self._siblings(self.children[one.place], one.depth + 1, most)

    def _siblings(self, places: Sequence[int], depth: int, most: int | None) -> list[Node | Fold]:
        """Siblings, the last one first. One alone is not folded: its fold would take as much room."""
        shown = places if most is None or len(places) <= most + 1 else places[:most]
        folded = places[len(shown) :]
        found: list[Node | Fold] = [Node(place, depth, place == places[-1]) for place in shown]
        if folded:
            found.append(Fold(depth, len(folded), sum(self.below[place] + 1 for place in folded)))
        return found[::-1]


def plant(chain: Chain) -> Tree:
    """The trees of a chain, or of the part that there is of it."""
    places = {event.event_id: place for place, event in enumerate(chain.events)}
    parents = [-1] * len(chain.events)
    more: dict[int, list[int]] = {}
    for cause, effect in chain.edges:
        at, place = places.get(cause), places[effect]
        if at is None or at == place:
            continue
        if parents[place] == -1:
            parents[place] = at
        else:
            more.setdefault(place, []).append(at)
    _open_rings(parents)
    children: list[list[int]] = [[] for _ in parents]
    for place, parent in enumerate(parents):
        if parent != -1:
            children[parent].append(place)
    tops = [place for place, parent in enumerate(parents) if parent == -1]
    orphans: dict[int, list[Orphan]] = {}
    for orphan in chain.orphans:
        orphans.setdefault(places[orphan.event_id], []).append(orphan)
    tree = Tree(
        chain.events,
        tops,
        children,
        [0] * len(parents),
        more,
        orphans,
        frozenset(places[one] for one in chain.late),
        frozenset(places[one] for ring in chain.cycles for one in ring),
    )
    for place in reversed([one.place for one in tree.walk() if isinstance(one, Node)]):
        if parents[place] != -1:
            tree.below[parents[place]] += tree.below[place] + 1
    return tree


def _open_rings(parents: list[int]) -> None:
    """Where parents lead round in a ring, its first event is left without one."""
    seen = [0] * len(parents)
    for start in range(len(parents)):
        place = start
        while place != -1 and not seen[place]:
            seen[place] = start + 1
            place = parents[place]
        if place != -1 and seen[place] == start + 1:
            ring = [place]
            while parents[ring[-1]] != place:
                ring.append(parents[ring[-1]])
            parents[min(ring)] = -1
