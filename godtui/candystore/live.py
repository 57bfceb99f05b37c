"""What is stored and what comes after it, as one stream in `seq` order."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, TypeAlias

from godtui.bloodbank.frames import Dropped, Events, Frame, Gap, Position, Replayed, Welcome
from godtui.candystore.candidates import scan
from godtui.candystore.replay.feed import Listener, ReplayFeed
from godtui.candystore.search import Search
from godtui.eventlog import EventLog
from godtui.filters import Filter, Predicate

BATCH_EVENTS: Final = 512
FAR_BEHIND: Final = 5_000
"""A reader this many positions behind is served through the store's indexes instead of event by event."""

_SILENT: Final = ReplayFeed(lambda: None)
_FIRST: Final = "SELECT min(seq) FROM events"


async def stream(
    log: EventLog,
    wanted: Filter,
    *,
    after: int | None = None,
    positions: bool = False,
    search: Search | None = None,
    feed: ReplayFeed | None = None,
) -> AsyncGenerator[Frame]:
    """Welcome, then what matches, and beside it what goes over the bus once more, as far as the reader keeps up.

    With `after`, nothing beyond that position is ever left out; without, a reader that falls behind what the log
    keeps in memory is told what it missed. Raises LogUnavailableError.
    """
    last = log.last_seq
    yield Welcome(last)
    position = last if after is None else after
    if after is not None:
        gap = await _gap(log, after)
        if gap is not None:
            yield gap
            position = gap.to_seq
    predicate = wanted.predicate()
    with (feed or _SILENT).listening(predicate) as again:
        told = _follow(log, wanted, position, search, again, drops=after is None)
        async with aclosing(told) as frames:
            async for frame, reached in frames:
                if frame is not None:
                    yield frame
                if positions and not isinstance(frame, Replayed):
                    yield Position(reached)


Stepped: TypeAlias = AsyncGenerator[tuple[Frame | None, int]]
"""What there is to tell, and the position up to which that is all."""


async def _follow(
    log: EventLog, wanted: Filter, position: int, search: Search | None, again: Listener, *, drops: bool
) -> Stepped:
    """Everything beyond a position; what `drops` is told what it was too slow for."""
    predicate = wanted.predicate()
    while True:
        if drops and log.tail.after(position, 1) is None:
            step = _skip(log, wanted, position, search)
        elif log.last_seq - position > FAR_BEHIND and wanted.terms:
            step = _catch_up(log, wanted, position, search)
        else:
            step = _next(log, predicate, position, again)
        async with aclosing(step) as frames:
            async for frame, position in frames:
                yield frame, position


async def _gap(log: EventLog, after: int) -> Gap | None:
    """What lies beyond a position and is no longer there."""
    last = log.last_seq
    first = (await log.rows(_FIRST, purpose="where the log begins"))[0][0]
    begins = last + 1 if first is None else first
    return Gap(after + 1, begins - 1) if after < begins - 1 else None


async def _next(log: EventLog, predicate: Predicate, position: int, again: Listener) -> Stepped:
    """What matches of the next events, waiting for them where there are none yet; first what was sent once more."""
    await log.tail.beyond(position, lambda: bool(again))
    for frame in again.take():
        yield frame, position
    last = log.last_seq
    if last <= position:
        return
    page = await log.after(position, BATCH_EVENTS)
    found = [event for event in page if predicate(event)]
    # Where a page is empty although the log is longer, what it held has gone.
    yield Events(found) if found else None, page[-1].seq if page else last


async def _catch_up(log: EventLog, wanted: Filter, position: int, search: Search | None) -> Stepped:
    """What matches of everything stored, through the store's indexes."""
    end = log.last_seq
    async with aclosing(scan(log, wanted, "asc", position, end + 1, search=search)) as steps:
        async for events, reached in steps:
            yield Events(events) if events else None, reached
    yield None, end


async def _skip(log: EventLog, wanted: Filter, position: int, search: Search | None) -> Stepped:
    """Count what a slow reader misses on its way back to the end of the log."""
    end = log.last_seq
    missed = 0 if wanted.terms else end - position
    if wanted.terms:
        async with aclosing(scan(log, wanted, "asc", position, end + 1, search=search)) as steps:
            async for events, _ in steps:
                missed += len(events)
    yield Dropped(missed, position + 1, end) if missed else None, end
