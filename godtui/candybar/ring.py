"""A ring of events that one thread writes and another reads, without locks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from godtui.envelope import StoredEvent

CAPACITY = 20_000
MAX_BYTES = 64 * 1024 * 1024
_Slot: TypeAlias = tuple[Any, ...]
"""A row's number and whether a replay sent it, followed by the event's fields: plain values in a plain tuple, which the
garbage collector soon leaves alone; twenty thousand tracked objects would cost every full collection tens of
milliseconds."""


class Ring:
    """The newest events, each under a row number that grows by one and is never given twice.

    A slot is one reference to a stamped pair, so a reader sees either the row it asked for or, by the stamp, that the
    row is gone: never half of each. Bounded in rows and in bytes of event bodies.
    """

    __slots__ = ("_bytes", "_capacity", "_max_bytes", "_slots", "end", "first", "replayed")

    def __init__(self, capacity: int = CAPACITY, max_bytes: int = MAX_BYTES) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._bytes = 0
        self._slots: list[_Slot | None] = [None] * capacity
        self.first = 0
        """The oldest row that is still here."""
        self.end = 0
        """The row number that the next event gets, which is also the count of events written."""
        self.replayed = 0
        """How many of them a replay sent again."""

    def write(self, events: Iterable[StoredEvent], *, again: bool = False) -> None:
        """Add events as the newest rows, `again` where a replay sent them. One thread only."""
        for event in events:
            if self.end - self.first == self._capacity:
                self._forget_oldest()
            self._slots[self.end % self._capacity] = (self.end, again, *event)
            self._bytes += len(event.body)
            self.replayed += again
            self.end += 1
            while self._bytes > self._max_bytes and self.end - self.first > 1:
                self._forget_oldest()

    def row(self, number: int) -> StoredEvent | None:
        """The event of a row, or None where it is gone or yet to come."""
        slot = self._slots[number % self._capacity]
        return _event(slot) if slot is not None and slot[0] == number else None

    def is_again(self, number: int) -> bool:
        """Whether a replay sent this row."""
        slot = self._slots[number % self._capacity]
        return slot is not None and slot[0] == number and slot[1]

    def snapshot(self, end: int | None = None) -> Snapshot:
        """The rows as they are now, up to `end`; later writes do not change them."""
        newest = self.end
        slots = self._slots[:]  # one step of the interpreter: no write falls within
        return Snapshot(slots, self.first, newest if end is None else min(end, newest))

    def _forget_oldest(self) -> None:
        index = self.first % self._capacity
        slot = self._slots[index]
        self.first += 1
        if slot is not None:
            self._slots[index] = None
            self._bytes -= len(_event(slot).body)


def _event(slot: _Slot) -> StoredEvent:
    return StoredEvent._make(slot[2:])


class Snapshot:
    """Rows that stay."""

    __slots__ = ("_slots", "end", "first")

    def __init__(self, slots: list[_Slot | None], first: int, end: int) -> None:
        self._slots = slots
        self.first = min(first, end)
        self.end = end

    def row(self, number: int) -> StoredEvent | None:
        """The event of a row, or None where it is not among those kept."""
        slot = self._slots[number % len(self._slots)]
        return _event(slot) if slot is not None and slot[0] == number < self.end else None

    def is_again(self, number: int) -> bool:
        """Whether a replay sent this row."""
        slot = self._slots[number % len(self._slots)]
        return slot is not None and slot[0] == number < self.end and slot[1]
