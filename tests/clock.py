"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from itertools import count

MICROSECONDS = 1_000_000
MORNING = 1_770_904_931_482_000
"""2026-02-12T14:02:11.482Z in microseconds since 1970."""


@dataclass(order=True, frozen=True, slots=True)
class Sleeper:
    """Who waits until when; of those due at one moment, who slept first is woken first."""

    due: float
    order: int
    loop: asyncio.AbstractEventLoop = field(compare=False)
    awake: asyncio.Future[None] = field(compare=False)


class ManualClock:
    """A godtui.clock.Clock whose time is the test's. May be read and moved from any thread."""

    def __init__(self, start: int = MORNING) -> None:
        self._wall = start
        self._monotonic = 0.0
        self._lock = threading.Lock()
        self._sleepers: set[Sleeper] = set()
        self._order = count()
        self._watchers: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    def now(self) -> int:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        with self._lock:
            sleeper = Sleeper(self._monotonic + seconds, next(self._order), loop, loop.create_future())
            self._sleepers.add(sleeper)
            self._tell_watchers()
        try:
            await sleeper.awake
        finally:
            with self._lock:
                self._sleepers.discard(sleeper)

    def advance(self, seconds: float) -> None:
        """Move on, and wake who is due, in order of when. They run once the caller awaits."""
        with self._lock:
            self._wall += round(seconds * MICROSECONDS)
            self._monotonic += seconds
            due = sorted(sleeper for sleeper in self._sleepers if sleeper.due <= self._monotonic + 1e-9)
            self._sleepers.difference_update(due)
        for sleeper in due:
            _resolve(sleeper.loop, sleeper.awake)

    def set_wall(self, seconds: float) -> None:
        """The machine's clock is set by so much, forwards or back; what sleeps does not notice."""
        self._wall += round(seconds * MICROSECONDS)

    @property
    def sleeping(self) -> int:
        """How many wait for time to pass."""
        return len(self._sleepers)

    async def sleepers(self, number: int = 1) -> None:
        """Wait, in real time, until so many wait for time to pass."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if len(self._sleepers) >= number:
                return
            watcher = (number, loop, loop.create_future())
            self._watchers.append(watcher)
        await watcher[2]

    def _tell_watchers(self) -> None:
        content = [watcher for watcher in self._watchers if watcher[0] <= len(self._sleepers)]
        self._watchers = [watcher for watcher in self._watchers if watcher not in content]
        for _, loop, enough in content:
            _resolve(loop, enough)


def _resolve(loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> None:
    """Set a future's result on its own loop, also from another thread."""
    try:
        here = asyncio.get_running_loop()
    except RuntimeError:
        here = None
    if here is loop:
        _set(future)
    else:
        loop.call_soon_threadsafe(_set, future)


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
