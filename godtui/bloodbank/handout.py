"""Handing out: messages leave the waiting line or the log for a consumer's hands, or expire, within one commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from godtui.bloodbank import tables
from godtui.bloodbank.handed import EXPIRED, Handed
from godtui.envelope import StoredEvent
from godtui.eventlog import Transaction

MAX_BYTES: Final = 16 * 1024 * 1024
"""Bodies that are handed out in one step, the last one excepted: memory is bounded whatever a consumer asks for."""


class QueueRow(NamedTuple):
    """Which queue, and how long messages live in it (µs)."""

    id: int
    name: str
    message_ttl: int | None

    def is_expired(self, entered_at: int, now: int) -> bool:
        """Whether a message has waited too long."""
        return self.message_ttl is not None and entered_at + self.message_ttl <= now


class Ahead(NamedTuple):
    """What was found beyond a queue's cursor, and the position up to which was looked."""

    events: Sequence[StoredEvent]
    cursor: int


class HandedOut(NamedTuple):
    """What a consumer gets, where the cursor is now, and when (µs) something waiting is due, if anything waits."""

    handed: list[Handed]
    cursor: int
    next_due: int | None


@dataclass(slots=True)
class HandOut:
    """Up to `most` messages: first those in line behind the cursor, then those found ahead of it."""

    queue: QueueRow
    now: int
    most: int
    cursor: int
    ahead: Ahead
    any_waiting: bool

    def __call__(self, transaction: Transaction) -> HandedOut:
        """Count the attempts and move the cursor, so that a message that ends the process is counted too."""
        handed = self._waiting(transaction) if self.any_waiting else []
        fresh, cursor = self._from_log(transaction, self.most - len(handed))
        if cursor > self.cursor:
            transaction.execute(tables.SET_CURSOR, (cursor, self.queue.id))
        return HandedOut(handed + fresh, cursor, _next_due(transaction, self.queue.id) if self.any_waiting else None)

    def _waiting(self, transaction: Transaction) -> list[Handed]:
        line = transaction.execute(tables.IN_LINE, (self.queue.id, self.cursor, self.now, self.most))
        alive: list[Handed] = []
        expired: list[Handed] = []
        for each in _a_step_of(map(Handed.from_row, line)):
            (expired if self.queue.is_expired(each.entered_at, self.now) else alive).append(each)
        line.close()
        _remove_expired(transaction, self.queue.name, expired, self.now)
        if alive:
            transaction.execute(tables.HOLD, (tables.listed([each.row for each in alive]),))
        for each in alive:
            each.attempts += 1
        return alive

    def _from_log(self, transaction: Transaction, room: int) -> tuple[list[Handed], int]:
        cursor = self.cursor
        alive: list[StoredEvent] = []
        for event in self.ahead.events:
            if len(alive) == room:
                break
            cursor = event.seq
            if self.queue.is_expired(event.stored_at, self.now):
                Handed.from_log(event, 0).bury(transaction, self.queue.name, EXPIRED, self.now)
            else:
                alive.append(event)
        else:
            cursor = self.ahead.cursor
        return _hold(transaction, self.queue.id, alive), cursor


@dataclass(slots=True)
class Expire:
    """Up to `most` messages that wait behind the cursor, and those found ahead of it, become letters."""

    queue: QueueRow
    now: int
    before: int
    most: int
    ahead: Ahead

    def __call__(self, transaction: Transaction) -> None:
        line = transaction.execute(tables.OVERDUE, (self.queue.id, self.before, self.most))
        expired = list(_a_step_of(map(Handed.from_row, line)))
        line.close()
        _remove_expired(transaction, self.queue.name, expired, self.now)
        for event in self.ahead.events:
            Handed.from_log(event, 0).bury(transaction, self.queue.name, EXPIRED, self.now)
        transaction.execute(tables.SET_CURSOR, (self.ahead.cursor, self.queue.id))


@dataclass(slots=True)
class KeepCursor:
    """Remember how far was looked where nothing was found."""

    queue: int
    cursor: int

    def __call__(self, transaction: Transaction) -> None:
        transaction.execute(tables.SET_CURSOR, (self.cursor, self.queue))


def _hold(transaction: Transaction, queue: int, events: Sequence[StoredEvent]) -> list[Handed]:
    if not events:
        return []
    places = tables.listed([(event.seq, event.stored_at) for event in events])
    last = transaction.execute(tables.HOLD_FROM_LOG, (queue, places)).lastrowid or 0
    handed = [Handed.from_log(event, 1) for event in events]
    for row, each in enumerate(handed, last - len(handed) + 1):
        each.row = row
    return handed


def _remove_expired(transaction: Transaction, queue: str, expired: Sequence[Handed], now: int) -> None:
    for each in expired:
        each.bury(transaction, queue, EXPIRED, now)
    if expired:
        transaction.execute(tables.DELIVERED, (tables.listed([each.row for each in expired]),))


def _next_due(transaction: Transaction, queue: int) -> int | None:
    due: int | None = transaction.execute(tables.NEXT_DUE, (queue,)).fetchone()[0]
    return due


def _a_step_of(line: Iterable[Handed]) -> Iterable[Handed]:
    size = 0
    for each in line:
        yield each
        size += len(each.message.body)
        if size >= MAX_BYTES:
            return
