"""Sets of events that are among their own causes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def cycles(effects: Sequence[Sequence[int]]) -> list[list[int]]:
    """The sets of nodes that all lead to each other, and the nodes that lead to themselves, in order.

    `effects[n]` are the nodes that node n leads to. Tarjan's strongly connected components ("Depth-first search and
    linear graph algorithms", 1972) without recursion: time and memory grow with nodes and edges, not with depth.
    """
    search = _Search(effects)
    for node in range(len(effects)):
        search.visit(node)
    return sorted(search.found)


class _Search:
    def __init__(self, effects: Sequence[Sequence[int]]) -> None:
        self.found: list[list[int]] = []
        self._effects = effects
        self._reached = 0
        self._number = [-1] * len(effects)
        self._low = [0] * len(effects)
        self._open = [False] * len(effects)
        self._stack: list[int] = []
        self._walk: list[tuple[int, Iterator[int]]] = []

    def visit(self, start: int) -> None:
        """Everything that a node leads to, unless it was visited before."""
        if self._number[start] != -1:
            return
        self._enter(start)
        while self._walk:
            node, following = self._walk[-1]
            for effect in following:
                if self._number[effect] == -1:
                    self._enter(effect)
                    break
                if self._open[effect]:
                    self._low[node] = min(self._low[node], self._number[effect])
            else:
                self._leave(node)

    def _enter(self, node: int) -> None:
        self._number[node] = self._low[node] = self._reached
        self._reached += 1
        self._stack.append(node)
        self._open[node] = True
        self._walk.append((node, iter(self._effects[node])))

    def _leave(self, node: int) -> None:
        self._walk.pop()
        if self._walk:
            before = self._walk[-1][0]
            self._low[before] = min(self._low[before], self._low[node])
        if self._low[node] != self._number[node]:
            return
        members = [self._stack.pop()]
        while members[-1] != node:
            members.append(self._stack.pop())
        for member in members:
            self._open[member] = False
        if len(members) > 1 or node in self._effects[node]:
            self.found.append(sorted(members))
