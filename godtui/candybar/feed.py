"""From the engine's stream into the ring: a coroutine for the engine's loop, figures for the screen's tick."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import aclosing

from godtui.candybar.ring import CAPACITY, Ring
from godtui.clock import Clock
from godtui.envelope import StoredEvent
from godtui.filters import Filter, FilterError
from godtui.operations import (
    Dropped,
    Events,
    Frame,
    Gap,
    HistoryElsewhereError,
    Operations,
    Position,
    Replayed,
    StoreUnavailableError,
    Welcome,
)

HISTORY = 500
FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0
EVERYTHING = Filter()

log = logging.getLogger(__name__)


class Feed:
    """One filter's events: the newest stored ones, then live, through every interruption.

    `run` belongs to the engine's loop; every attribute is a plain value that any thread may read.
    """

    def __init__(
        self, operations: Callable[[], Operations], wanted: Filter, clock: Clock, ring: Ring | None = None
    ) -> None:
        """`operations` is asked when `run` begins; before that there may be none."""
        self._operations = operations
        self._clock = clock
        self._position: int | None = None
        self._begun: int | None = None
        self._unnumbered: dict[bytes, None] = {}
        self._delay = FIRST_DELAY
        self.wanted = wanted
        self.ring = ring or Ring()
        self.ready = False
        """History is in the ring and the live stream is open, or will be retried."""
        self.live = 0
        """Events looked at since the stream opened."""
        self.history = 0
        """Stored events that were there before."""
        self.dropped = 0
        """Events that matched and were never received."""
        self.fault: str | None = None
        """Why nothing arrives now, or None while the stream is open."""
        self.contact = clock.monotonic()
        """When the stream was last heard of, in monotonic seconds."""
        self.retry_at = 0.0
        """When it is tried again, in monotonic seconds."""
        self.note: str | None = None
        """What is lacking although events arrive."""
        self.elsewhere: str | None = None
        """Where the history is, or why it is not here, although events arrive."""
        self.numbered = True
        """Whether what arrives has a place in a log; if not, nobody counts what does not match."""
        self.refused: FilterError | None = None
        """Why the store will not take this filter, now or later."""
        self.task: Future[None] | None = None

    @property
    def seen(self) -> int:
        """Events looked at, history included."""
        return self.history + self.live

    @property
    def position(self) -> int:
        """The newest place of the log that is known."""
        return self._position or 0

    async def run(self) -> None:
        """Follow the stream until cancelled or refused."""
        while True:
            begun = self._clock.monotonic()
            broken = await self._until_it_breaks()
            steady = self._clock.monotonic() - begun >= FIRST_DELAY
            if not self.numbered and steady and self.refused is None:
                continue  # the history may be here from now on
            self.fault = broken
            if self.refused is not None:
                return
            self.retry_at = self._clock.monotonic() + self._delay
            await self._clock.sleep(self._delay)
            self._delay = min(self._delay * 2, LONGEST_DELAY)

    async def _until_it_breaks(self) -> str:
        try:
            if self._position is None:
                await self._read_history()
            await self._follow()
        except asyncio.CancelledError:
            raise
        except FilterError as error:
            self.refused = error
            return error.message
        except Exception as error:
            log.warning("the console's stream broke: %s", error, exc_info=not isinstance(error, StoreUnavailableError))
            return str(error) or type(error).__name__
        return "the stream ended"

    async def _read_history(self) -> None:
        """The newest matching events up to a known position, from which the stream goes on.

        Where rows are shown already, because this instance had no history until now, older ones would come too late.
        """
        store = self._operations().store
        try:
            newest = (await store.query(EVERYTHING, limit=1)).events
            position = newest[0].seq if newest else 0
            stored = (await store.query(self.wanted, limit=HISTORY)).events
        except StoreUnavailableError as error:
            self.elsewhere = _elsewhere(error)
            return
        self.elsewhere = None
        begun = self._begun or 0
        known = [event for event in reversed(stored) if event.seq <= position and event.stored_at >= begun]
        self.history += self._write(known)
        self._position = position

    async def _follow(self) -> None:
        try:
            await self._take_all(self._position)
        except StoreUnavailableError as error:
            if self._position is None:
                raise
            await self._take_all(None, instead_of=error)

    async def _take_all(self, after: int | None, *, instead_of: StoreUnavailableError | None = None) -> None:
        """Take frames until the stream ends.

        What comes `instead_of` going on from a position is taken only where it has no places in the log: else the
        position can be had again, and nothing must be left out.
        """
        frames = self._operations().store.stream(self.wanted, after=after, positions=True)
        async with aclosing(frames):
            async for frame in frames:
                self._take(frame)
                if instead_of is not None and self.numbered:
                    raise instead_of
                if instead_of is not None:
                    self.elsewhere = _elsewhere(instead_of)

    def _take(self, frame: Frame) -> None:
        self.contact = self._clock.monotonic()
        self.fault = None
        self.ready = True
        if isinstance(frame, Welcome):
            self._welcome(frame.seq)
            return
        self._delay = FIRST_DELAY
        if isinstance(frame, Events):
            self._take_events(frame.events)
        elif isinstance(frame, Replayed):
            self.ring.write([frame.event], again=True)
        elif isinstance(frame, Position):
            self.live += self._reach(frame.seq)
        elif isinstance(frame, Dropped):
            self.dropped += frame.count
            self.live += self._reach(frame.to_seq)
        elif isinstance(frame, Gap):
            self.note = f"the log no longer holds events {frame.from_seq} to {frame.to_seq}"
            self._reach(frame.to_seq)

    def _welcome(self, seq: int | None) -> None:
        self.numbered = seq is not None
        if seq is None:
            self._begun = self._begun or self._clock.now()
        elif self._position is None:
            self._position = seq
        else:
            self.elsewhere = None

    def _take_events(self, events: Sequence[StoredEvent]) -> None:
        looked_at = self._reach(events[-1].seq if events else 0) if self.numbered else len(events)
        self.live += looked_at - len(events) + self._write(events)

    def _reach(self, seq: int | None) -> int:
        """Note how far the log has been looked at; how many more events that is."""
        position = self._position or 0
        if seq is None or seq <= position:
            return 0
        self._position = seq
        return seq - position

    def _write(self, events: Sequence[StoredEvent]) -> int:
        """Show those that were not shown before they had a place in the log; how many those are."""
        fresh = [event for event in events if self._is_fresh(event)]
        self.ring.write(fresh)
        return len(fresh)

    def _is_fresh(self, event: StoredEvent) -> bool:
        known = self._unnumbered
        if event.event_id in known:
            return False
        if not event.seq:
            known[event.event_id] = None
            if len(known) > CAPACITY:
                del known[next(iter(known))]
        return True


def _elsewhere(error: StoreUnavailableError) -> str:
    if not isinstance(error, HistoryElsewhereError):
        return f"no history here: {error}"
    return f"the history is with {error.holder.where}" if error.holder else "nobody is known to hold the history"
