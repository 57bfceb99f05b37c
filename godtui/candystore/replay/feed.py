"""What goes over the bus once more, shown to those who read the store's tail; who is slow misses some of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from godtui.bloodbank.frames import Replayed
from godtui.envelope import StoredEvent
from godtui.filters import Predicate

MAX_EVENTS: Final = 1024
MAX_BYTES: Final = 4 * 1024 * 1024


class Listener:
    """A reader: what it has yet to take, and how many it was too slow for."""

    def __init__(self, wanted: Predicate) -> None:
        self.missed = 0
        self._wanted = wanted
        self._frames: deque[Replayed] = deque()
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._frames)

    def offer(self, replay_id: UUID, events: Sequence[StoredEvent]) -> None:
        """Keep what is wanted, as far as there is room for it."""
        for event in filter(self._wanted, events):
            if len(self._frames) >= MAX_EVENTS or self._bytes >= MAX_BYTES:
                self.missed += 1
                continue
            self._frames.append(Replayed(replay_id, event))
            self._bytes += len(event.body)

    def take(self) -> list[Replayed]:
        """All that came since the last time."""
        taken = list(self._frames)
        self._frames.clear()
        self._bytes = 0
        return taken


class ReplayFeed:
    """Everyone who listens, on one loop. `wake` lets those look again who wait for the log to grow."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._listeners: set[Listener] = set()
        self._missed = 0

    @property
    def missed(self) -> int:
        """How many events readers were too slow for, since the start."""
        return self._missed + sum(each.missed for each in self._listeners)

    def offer(self, replay_id: UUID, events: Sequence[StoredEvent]) -> None:
        """Events that a replay has sent."""
        for listener in self._listeners:
            listener.offer(replay_id, events)
        if any(self._listeners):
            self._wake()

    @contextmanager
    def listening(self, wanted: Predicate) -> Iterator[Listener]:
        """Listen within the block."""
        listener = Listener(wanted)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            self._missed += listener.missed
