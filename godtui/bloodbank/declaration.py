"""Queues come to be, change their bindings, are found again, and go: each within one commit of the log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from godtui.bloodbank import tables
from godtui.bloodbank.bindings import Binding
from godtui.bloodbank.bus import Message, QueueSpec
from godtui.bloodbank.handed import headers_text
from godtui.eventlog import Transaction

_MICROSECONDS: Final = 1_000_000


class Declared(NamedTuple):
    """A queue as it is in the log's file."""

    id: int
    cursor: int
    message_ttl: int | None
    bindings: list[Binding]


@dataclass(slots=True)
class Declare:
    """Make a queue, or open and close bindings so that they are those of the specification."""

    spec: QueueSpec

    def __call__(self, transaction: Transaction) -> Declared:
        name, ttl = self.spec.name, ttl_microseconds(self.spec)
        end: int = transaction.execute(tables.END_OF_LOG).fetchone()[0]
        known = transaction.execute(tables.QUEUE, (name,)).fetchone()
        if known is None:
            start = end if self.spec.from_seq is None else max(0, min(self.spec.from_seq, end))
            identity = transaction.execute(tables.ADD_QUEUE, (name, start, ttl)).lastrowid or 0
            cursor = start
        else:
            identity, cursor = known
            start = end
            transaction.execute(tables.SET_TTL, (ttl, identity))
        self._bind(transaction, identity, start, end)
        transaction.execute(tables.FORGET_BINDINGS, (identity, cursor))
        return Declared(identity, cursor, ttl, _bindings(transaction, identity))

    def _bind(self, transaction: Transaction, identity: int, start: int, end: int) -> None:
        wanted = set(self.spec.bindings)
        in_force = {each.pattern for each in _bindings(transaction, identity) if each.until_seq is None}
        for pattern in in_force - wanted:
            transaction.execute(tables.CLOSE_BINDING, (end, identity, pattern))
        for pattern in wanted - in_force:
            transaction.execute(tables.OPEN_BINDING, (identity, pattern, start))


@dataclass(slots=True)
class Recover:
    """After a commit of which nothing is known: the queue as it is in the file, or None where it is gone.

    What the file says is handed out, and nobody here holds, waits again.
    """

    queue: int
    held: Collection[int]

    def __call__(self, transaction: Transaction) -> Declared | None:
        row = transaction.execute(tables.QUEUE_BY_ID, (self.queue,)).fetchone()
        if row is None:
            return None
        lost = [each for (each,) in transaction.execute(tables.HELD, (self.queue,)) if each not in self.held]
        if lost:
            transaction.execute(tables.GIVE_BACK, (tables.listed(lost),))
        return Declared(self.queue, row[0], row[1], _bindings(transaction, self.queue))


def take_up(transaction: Transaction) -> list[tuple[str, Declared]]:
    """After a start: nothing is handed out, and these queues are declared."""
    transaction.execute(tables.GIVE_BACK_ALL)
    return [
        (name, Declared(identity, cursor, ttl, _bindings(transaction, identity)))
        for identity, name, cursor, ttl in transaction.execute(tables.QUEUES).fetchall()
    ]


@dataclass(slots=True)
class Drop:
    """Forget a queue and what waits in it. Answers whether there was one."""

    queue: str

    def __call__(self, transaction: Transaction) -> bool:
        return [transaction.execute(statement, (self.queue,)).rowcount for statement in tables.DROP_QUEUE][-1] > 0


@dataclass(slots=True)
class Put:
    """Messages into one queue alone, each with its own copy, behind what waits there. False where there is none.

    What is done `beside` is done only if the queue is there.
    """

    queue: str
    messages: Sequence[Message]
    now: int
    beside: Callable[[Transaction], None] | None = None

    def __call__(self, transaction: Transaction) -> bool:
        known = transaction.execute(tables.QUEUE, (self.queue,)).fetchone()
        if known is None:
            return False
        end = transaction.execute(tables.END_OF_LOG).fetchone()[0]
        for message in self.messages:
            headers = headers_text(message.headers) or b"{}"
            row = (known[0], end, self.now, message.message_id, message.routing_key, headers, message.body)
            transaction.execute(tables.PUT, row)
        if self.beside is not None:
            self.beside(transaction)
        return True


def ttl_microseconds(spec: QueueSpec) -> int | None:
    """A queue's time to live as its table keeps it; 0 seconds means never, as None does."""
    return round(spec.message_ttl * _MICROSECONDS) if spec.message_ttl else None


def _bindings(transaction: Transaction, queue: int) -> list[Binding]:
    return [Binding(*row) for row in transaction.execute(tables.BINDINGS, (queue,))]
