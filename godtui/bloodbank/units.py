"""What the embedded bus does to its tables, each within one commit of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from godtui import jsontext
from godtui.bloodbank import tables
from godtui.bloodbank.bindings import Binding
from godtui.bloodbank.bus import HeaderValue, Message, QueueSpec
from godtui.envelope import StoredEvent
from godtui.eventlog import Transaction

EXPIRED: Final = "expired"
_MICROSECONDS: Final = 1_000_000


@dataclass(slots=True)
class Handed:
    """A message as it was handed out: its row, how often, since when it is in the queue (µs), and what it says."""

    row: int
    attempts: int
    entered_at: int
    message: Message


@dataclass(slots=True)
class HandOut:
    """What a consumer asks for: up to `most` waiting messages, and these events from beyond the cursor."""

    queue: str
    now: int
    most: int
    events: Sequence[StoredEvent]
    cursor: int
    message_ttl: int | None

    def __call__(self, transaction: Transaction) -> list[Handed]:
        """Count the attempt and move the cursor, so that a message that ends the process is counted too."""
        handed = self._waiting(transaction)
        for event in self.events:
            if self._is_expired(event.stored_at):
                _add_letter(transaction, self.queue, EXPIRED, from_log(event, 0, event.stored_at), self.now)
            else:
                handed.append(self._take(transaction, event))
        transaction.execute(tables.SET_CURSOR, (self.cursor, self.queue, self.cursor))
        return handed

    def _waiting(self, transaction: Transaction) -> list[Handed]:
        handed = []
        for row in transaction.execute(tables.DUE, (self.queue, self.now, self.most)).fetchall():
            one = from_row(row)
            if self._is_expired(one.entered_at):
                _add_letter(transaction, self.queue, EXPIRED, one, self.now)
                transaction.execute(tables.DELIVERED, (one.row,))
                continue
            transaction.execute(tables.HOLD, (one.row,))
            one.attempts += 1
            handed.append(one)
        return handed

    def _take(self, transaction: Transaction, event: StoredEvent) -> Handed:
        handed = from_log(event, 1, event.stored_at)
        row = transaction.execute(
            tables.ADD_DELIVERY,
            (self.queue, 1, 0, event.stored_at, 1, event.seq, handed.message.message_id, None, None, None),
        ).lastrowid
        handed.row = row or 0
        return handed

    def _is_expired(self, entered_at: int) -> bool:
        return self.message_ttl is not None and entered_at + self.message_ttl <= self.now


@dataclass(slots=True)
class Expire:
    """Messages that waited too long become letters: events passed by the cursor, and rows behind it."""

    queue: str
    now: int
    events: Sequence[StoredEvent]
    rows: Sequence[int]
    cursor: int

    def __call__(self, transaction: Transaction) -> None:
        for event in self.events:
            _add_letter(transaction, self.queue, EXPIRED, from_log(event, 0, event.stored_at), self.now)
        for identity in self.rows:
            row = transaction.execute(tables.ONE, (identity,)).fetchone()
            if row is not None:
                _add_letter(transaction, self.queue, EXPIRED, from_row(row), self.now)
                transaction.execute(tables.DELIVERED, (identity,))
        transaction.execute(tables.SET_CURSOR, (self.cursor, self.queue, self.cursor))


class Declared(NamedTuple):
    """A queue as it is after its declaration."""

    cursor: int
    bindings: list[Binding]


@dataclass(slots=True)
class Declare:
    """Make a queue, or open and close bindings so that they are those of the specification."""

    spec: QueueSpec

    def __call__(self, transaction: Transaction) -> Declared:
        name, ttl = self.spec.name, ttl_microseconds(self.spec)
        end: int = transaction.execute(tables.END_OF_LOG).fetchone()[0]
        known = {row[0]: row[1] for row in transaction.execute(tables.QUEUES)}
        start = end if self.spec.from_seq is None else min(self.spec.from_seq, end)
        if name in known:
            start = end
            transaction.execute(tables.SET_TTL, (ttl, name))
        else:
            known[name] = start
            transaction.execute(tables.ADD_QUEUE, (name, start, ttl))
        held = [Binding(*row) for row in transaction.execute(tables.BINDINGS, (name,))]
        in_force = {binding.pattern for binding in held if binding.until_seq is None}
        for pattern in in_force - set(self.spec.bindings):
            transaction.execute(tables.CLOSE_BINDING, (end, name, pattern))
        for pattern in set(self.spec.bindings) - in_force:
            transaction.execute(tables.OPEN_BINDING, (name, pattern, start))
        transaction.execute(tables.FORGET_BINDINGS, (name, known[name]))
        return Declared(known[name], [Binding(*row) for row in transaction.execute(tables.BINDINGS, (name,))])


@dataclass(slots=True)
class Put:
    """Messages into one queue alone, each with its own copy. Answers False where the queue is not declared."""

    queue: str
    messages: Sequence[Message]
    now: int

    def __call__(self, transaction: Transaction) -> bool:
        if not any(row[0] == self.queue for row in transaction.execute(tables.QUEUES)):
            return False
        for message in self.messages:
            transaction.execute(
                tables.ADD_DELIVERY,
                (
                    self.queue, 0, 0, self.now, 0, None,
                    message.message_id, message.routing_key, headers_text(message.headers) or b"{}", message.body,
                ),
            )  # fmt: skip
        return True


class Settlement(NamedTuple):
    """What a consumer decided on a message: no reason = done; a moment (µs) = again from then; else a letter."""

    handed: Handed
    reason: str | None = None
    due_at: int | None = None


@dataclass(slots=True)
class Settle:
    """Many decisions in one commit."""

    queue: str
    settlements: Sequence[Settlement]
    now: int

    def __call__(self, transaction: Transaction) -> None:
        for handed, reason, due_at in self.settlements:
            if due_at is not None:
                transaction.execute(tables.TRY_AGAIN, (due_at, handed.row))
                continue
            if transaction.execute(tables.DELIVERED, (handed.row,)).rowcount and reason is not None:
                _add_letter(transaction, self.queue, reason, handed, self.now)


@dataclass(slots=True)
class GiveBack:
    """A consumer leaves: what it did not settle waits again."""

    rows: Sequence[int]

    def __call__(self, transaction: Transaction) -> None:
        for row in self.rows:
            transaction.execute(tables.GIVE_BACK, (row,))


def give_back_all(transaction: Transaction) -> None:
    """After a start nothing is handed out."""
    transaction.execute(tables.GIVE_BACK_ALL)


@dataclass(slots=True)
class Drop:
    """Forget a queue."""

    queue: str

    def __call__(self, transaction: Transaction) -> None:
        for statement in tables.DROP_QUEUE:
            transaction.execute(statement, (self.queue,))


def from_log(event: StoredEvent, attempts: int, entered_at: int) -> Handed:
    """An event of the log as a message of a queue."""
    message = Message(event.body, event.event_type, str(UUID(bytes=event.event_id)), _headers(event.headers))
    return Handed(0, attempts, entered_at, message)


def from_row(row: Sequence[Any]) -> Handed:
    """A row of the statement `DUE`."""
    identity, attempts, entered_at, message_id, routing_key, headers, body = row
    return Handed(identity, attempts, entered_at, Message(body, routing_key, message_id, _headers(headers)))


def headers_text(headers: Mapping[str, HeaderValue]) -> bytes | None:
    """Headers as the log keeps them; None for none."""
    return jsontext.dumps(dict(headers)) if headers else None


def ttl_microseconds(spec: QueueSpec) -> int | None:
    """A queue's time to live as its table keeps it."""
    return None if spec.message_ttl is None else round(spec.message_ttl * _MICROSECONDS)


def _headers(text: bytes | None) -> dict[str, HeaderValue]:
    parsed: dict[str, HeaderValue] = jsontext.parse(text) if text else {}
    return parsed


def _add_letter(transaction: Transaction, queue: str, reason: str, handed: Handed, now: int) -> None:
    message = handed.message
    transaction.execute(
        tables.ADD_LETTER,
        (
            queue, reason, message.message_id, message.routing_key, handed.attempts,
            handed.entered_at, now, headers_text(message.headers), message.body,
        ),
    )  # fmt: skip
