"""Stored events that were read, newest first: a stretch of them, bounded, that grows at both ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from godtui.envelope import StoredEvent

MOST_ROWS: Final = 4_000
MAX_BYTES: Final = 24 * 1024 * 1024


class Shelf:
    """Rows under numbers that never change while they are here: older events have higher ones.

    What is put at one end beyond the bounds, in rows and in bytes of event bodies, makes room at the other.
    """

    def __init__(self, most_rows: int = MOST_ROWS, max_bytes: int = MAX_BYTES) -> None:
        self._most_rows = most_rows
        self._max_bytes = max_bytes
        self._bytes = 0
        self._events: deque[StoredEvent] = deque()
        self.first = 0
        """The number of the newest row."""
        self.overflowed = False
        """Whether anything had to go so far."""

    def __len__(self) -> int:
        return len(self._events)

    @property
    def end(self) -> int:
        """The number behind the oldest row."""
        return self.first + len(self._events)

    @property
    def newest(self) -> StoredEvent | None:
        """The event of the first row."""
        return self._events[0] if self._events else None

    @property
    def oldest(self) -> StoredEvent | None:
        """The event of the last row."""
        return self._events[-1] if self._events else None

    @property
    def mean_bytes(self) -> int:
        """How many bytes an event's body has here."""
        return self._bytes // len(self._events) if self._events else 0

    def row(self, number: int) -> StoredEvent | None:
        """The event of a row, or None where there is none of that number."""
        index = number - self.first
        return self._events[index] if 0 <= index < len(self._events) else None

    def is_again(self, _number: int) -> bool:
        """The log holds every event once."""
        return False

    def add_older(self, events: Sequence[StoredEvent]) -> bool:
        """Put events, newest first, behind the last; whether others had to go at the front."""
        self._events.extend(events)
        self._bytes += _bytes(events)
        before = self.first
        while self._is_full and len(self) > len(events):
            self._bytes -= len(self._events.popleft().body)
            self.first += 1
        self.overflowed = self.overflowed or self.first > before
        return self.first > before

    def add_newer(self, events: Sequence[StoredEvent]) -> bool:
        """Put events, newest first, before the first; whether others had to go at the back."""
        self._events.extendleft(reversed(events))
        self.first -= len(events)
        self._bytes += _bytes(events)
        before = len(self)
        while self._is_full and len(self) > len(events):
            self._bytes -= len(self._events.pop().body)
        self.overflowed = self.overflowed or len(self) < before
        return len(self) < before

    @property
    def _is_full(self) -> bool:
        return len(self._events) > self._most_rows or self._bytes > self._max_bytes


def _bytes(events: Sequence[StoredEvent]) -> int:
    return sum(len(event.body) for event in events)
