"""Stored events are handed out once more: a row for each queue they belong to, within one commit of the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from godtui.bloodbank import tables
from godtui.bloodbank.bus import UnknownQueueError
from godtui.eventlog import Transaction
from godtui.topics import Matcher

ROWS_A_STATEMENT: Final = 128


class Again(NamedTuple):
    """A stored event, and the headers it gets this time, as the log keeps them."""

    seq: int
    event_type: str
    headers: bytes


@dataclass(slots=True)
class Redeliver:
    """Events into one queue alone, or into every queue whose bindings in force now match, behind what waits there.

    No cursor moves. What is done `beside` comes first; where it answers False nothing else is done. Answers the names
    of the queues that got something, None where nothing was done. Raises UnknownQueueError where there is no such
    queue.
    """

    events: Sequence[Again]
    queue: str | None
    now: int
    beside: Callable[[Transaction], bool]

    def __call__(self, transaction: Transaction) -> list[str] | None:
        if not self.beside(transaction):
            return None
        end: int = transaction.execute(tables.END_OF_LOG).fetchone()[0]
        if self.queue is not None:
            known = transaction.execute(tables.QUEUE, (self.queue,)).fetchone()
            if known is None:
                raise UnknownQueueError(f"no queue named {self.queue} is declared")
            self._insert(transaction, known[0], end, self.events)
            return [self.queue]
        reached = []
        for (identity, name), matcher in queues_in_force(transaction.execute(tables.BOUND_QUEUES)).items():
            chosen = [event for event in self.events if matcher.matches(event.event_type)]
            if chosen:
                self._insert(transaction, identity, end, chosen)
                reached.append(name)
        return reached

    def _insert(self, transaction: Transaction, queue: int, end: int, events: Sequence[Again]) -> None:
        for first in range(0, len(events), ROWS_A_STATEMENT):
            chunk = events[first : first + ROWS_A_STATEMENT]
            parameters: list[Any] = [queue, end, self.now]
            for event in chunk:
                parameters += (event.seq, event.headers)
            transaction.execute(_statement(len(chunk)), parameters)


def queues_in_force(rows: Iterable[Sequence[Any]]) -> Mapping[tuple[int, str], Matcher]:
    """The queues of `BOUND_QUEUES` by id and name, each with what it is bound by now."""
    patterns: dict[tuple[int, str], list[str]] = {}
    for identity, name, pattern in rows:
        patterns.setdefault((identity, name), []).append(pattern)
    return {queue: _matcher(tuple(bound)) for queue, bound in patterns.items()}


@lru_cache(maxsize=256)
def _matcher(patterns: tuple[str, ...]) -> Matcher:
    return Matcher(patterns)


@lru_cache(maxsize=ROWS_A_STATEMENT)
def _statement(rows: int) -> str:
    values = ", ".join(f"(?1, 0, ?2, 0, ?3, 0, ?{4 + 2 * row}, ?{5 + 2 * row})" for row in range(rows))
    return (
        "INSERT INTO deliveries (queue, held, behind_seq, due_at, entered_at, attempts, seq, headers)"  # noqa: S608 - only numbers are put in
        f" VALUES {values}"
    )
