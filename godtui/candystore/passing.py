"""What goes over the bus now, for those who have no log to follow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeAlias

from godtui.bloodbank.bus import Message, Tap
from godtui.bloodbank.errors import StoreUnavailableError
from godtui.bloodbank.frames import Dropped, Events, Frame, Replayed, Welcome
from godtui.bloodbank.replayed import replay_of_stored
from godtui.clock import Clock
from godtui.envelope import InvalidEventError, StoredEvent
from godtui.eventlog import LogUnavailableError, Record, Tail
from godtui.filters import Filter

BATCH_EVENTS: Final = 512
TURN_MESSAGES: Final = 128
"""How many messages are read before others have their turn on the loop."""
OPEN_SECONDS: Final = 5.0
BROKEN: Final = "what goes over the bus could not be seen for a while; connect again"
UNSEEN: Final = "what goes over the bus cannot be seen now: the broker does not answer"

OpenTap: TypeAlias = Callable[[Callable[[], None]], Tap]
"""A tap of everything, which calls what it is given whenever its view was lost."""

logger = logging.getLogger(__name__)


class Passing:
    """One view of the bus for all who look, open for as long as anyone does."""

    def __init__(self, open_tap: OpenTap, judge: Callable[[Message], Record], clock: Clock) -> None:
        """`judge` makes of a message what would be stored; raises InvalidEventError where it is no event."""
        self._open_tap = open_tap
        self._judge = judge
        self._clock = clock
        self._view: _View | None = None

    async def stream(self, wanted: Filter) -> AsyncGenerator[Frame]:
        """Welcome, then what matches, without positions: `seq` of each event is 0.

        What is published twice comes twice, and what a reader was too slow for is counted. Raises
        StoreUnavailableError where nothing can be seen, or could not be for a while.
        """
        async with self._looking() as view:
            tail = view.tail
            position = tail.last_seq
            predicate = wanted.predicate()
            yield Welcome(None)
            while True:
                try:
                    await tail.beyond(position)
                except LogUnavailableError:
                    raise StoreUnavailableError(BROKEN) from None
                page = tail.after(position, BATCH_EVENTS)
                if page is None:
                    missed, position = tail.last_seq - position, tail.last_seq
                    yield Dropped(missed, None, None)
                    continue
                position = page[-1].seq
                found = [event._replace(seq=0) for event in page if predicate(event)]
                for frame in _frames(found):
                    yield frame

    @asynccontextmanager
    async def _looking(self) -> AsyncGenerator[_View]:
        view = self._view
        if view is None or view.over:
            view = self._view = _View(self._open_tap, self._judge, self._clock)
        view.readers += 1
        try:
            await view.opened()
            yield view
        finally:
            view.readers -= 1
            if not view.readers:
                await view.close()


class _View:
    """A tap from its opening until it is lost or nobody looks any more."""

    def __init__(self, open_tap: OpenTap, judge: Callable[[Message], Record], clock: Clock) -> None:
        self.readers = 0
        self.over = False
        self.tail = Tail()
        """Numbered from 1, what was missed included."""
        self.tail.start_at(0)
        self._judge = judge
        self._clock = clock
        self._opened = asyncio.Event()
        self._waking = False
        self._tap = open_tap(self._end)
        self._watching = asyncio.create_task(self._watch(), name="passing")

    async def opened(self) -> None:
        """Until messages come. Raises StoreUnavailableError."""
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._opened.wait()
        except TimeoutError:
            self._end()
        if self.over:
            raise StoreUnavailableError(UNSEEN)

    async def close(self) -> None:
        self._end()
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch(self) -> None:
        number = missed = read = 0
        try:
            async with self._tap as tap:
                self._opened.set()
                async for message in tap:
                    # What was missed leaves a gap in the numbers, by which each reader counts it.
                    number += tap.missed - missed
                    missed = tap.missed
                    number += self._take(message, number + 1)
                    read += 1
                    if read % TURN_MESSAGES == 0:
                        await asyncio.sleep(0)
        finally:
            self._end()

    def _take(self, message: Message, number: int) -> bool:
        """Show a message under a number; False where it is no event, of which the memory makes a dead letter."""
        try:
            record = self._judge(message)
        except InvalidEventError:
            return False
        self.tail.extend([StoredEvent(number, self._clock.now(), *record)])
        self._wake()
        return True

    def _end(self) -> None:
        """Those who read get what came until now, and then are told."""
        self.over = True
        self._opened.set()
        self.tail.close()
        self._wake()

    def _wake(self) -> None:
        """Once a turn of the loop is enough."""
        if not self._waking:
            self._waking = True
            with suppress(RuntimeError):
                asyncio.get_running_loop().call_soon(self._woken)

    def _woken(self) -> None:
        self._waking = False
        self.tail.wake(asyncio.get_running_loop())


def _frames(events: Sequence[StoredEvent]) -> Iterator[Frame]:
    """What came for the first time together, and each that a replay sent once more by itself."""
    fresh: list[StoredEvent] = []
    for event in events:
        replay_id = replay_of_stored(event)
        if replay_id is None:
            fresh.append(event)
        else:
            yield Replayed(replay_id, event)
    if fresh:
        yield Events(fresh)
