"""One cut: a few of the oldest events go in one commit, with all that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from godtui.eventlog import CutEvent, Transaction

MAX_EVENTS: Final = 250
MAX_BYTES: Final = 2 * 1024 * 1024
"""Bodies that are cut in one commit, the last one excepted: what is published meanwhile waits for it."""

_FRONT: Final = "SELECT seq, length(body) FROM events WHERE seq < ? ORDER BY seq LIMIT ?"


class Keeper(NamedTuple):
    """Who needs stored events: a statement whose one row is the first position needed, or null, and by whom.

    `kind` stands before the name: the `queue` infra-dispatcher.plane.
    """

    kind: str
    statement: str


class Needed(NamedTuple):
    """The first position that must stay, and who needs it."""

    seq: int
    by: str


Trim: TypeAlias = Callable[[Transaction, Sequence[CutEvent]], None]
"""Takes what is cut out of something that was made from it, within the same commit."""


class CutStep(NamedTuple):
    """How many events went, and who keeps more of them from going, None where nobody does."""

    number: int
    held: Needed | None


@dataclass(frozen=True, slots=True)
class Cut:
    """A unit of the log: cut what lies below a position, as far as one commit goes and nobody needs it."""

    below: int
    keepers: Sequence[Keeper] = ()
    trims: Sequence[Trim] = ()
    max_events: int = MAX_EVENTS
    max_bytes: int = MAX_BYTES

    def __call__(self, transaction: Transaction) -> CutStep:
        needed = lowest_needed(transaction, self.keepers)
        held = needed if needed is not None and needed.seq < self.below else None
        below = self.below if held is None else held.seq
        seqs = self._front(transaction, below)
        if not seqs:
            return CutStep(0, held)
        gone = transaction.cut(seqs[-1] + 1)
        for trim in self.trims:
            trim(transaction, gone)
        return CutStep(len(gone), held)

    def _front(self, transaction: Transaction, below: int) -> list[int]:
        """The first positions, as many as one commit cuts."""
        seqs: list[int] = []
        size = 0
        for seq, length in transaction.execute(_FRONT, (below, self.max_events)).fetchall():
            seqs.append(seq)
            size += length
            if size >= self.max_bytes:
                break
        return seqs


def lowest_needed(transaction: Transaction, keepers: Sequence[Keeper]) -> Needed | None:
    """The first position that any keeper needs."""
    found: list[Needed] = []
    for kind, statement in keepers:
        row = transaction.execute(statement).fetchone()
        if row is not None and row[0] is not None:
            found.append(Needed(row[0], f"{kind} {row[1]}"))
    return min(found, default=None)
