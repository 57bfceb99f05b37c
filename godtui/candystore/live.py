"""What is stored and what comes after it, as one stream in `seq` order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from godtui.candystore.candidates import scan
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog
from godtui.filters import Filter, Predicate

BATCH_EVENTS: Final = 512
FAR_BEHIND: Final = 5_000
"""A reader this many positions behind is served through the store's indexes instead of event by event."""

_FIRST: Final = "SELECT coalesce(min(seq), 0) FROM events"


class Welcome(NamedTuple):
    """The stream is open; `seq` is the last committed position."""

    seq: int


class Events(NamedTuple):
    """Stored events in `seq` order, each once."""

    events: Sequence[StoredEvent]


class Position(NamedTuple):
    """Everything up to `seq` has been looked at, whether or not it matched."""

    seq: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Matching events that a slow live reader missed: how many, and between which positions."""

    count: int
    from_seq: int
    to_seq: int


class Gap(NamedTuple):
    """Positions asked for that the log no longer holds."""

    from_seq: int
    to_seq: int


Frame: TypeAlias = Welcome | Events | Position | Dropped | Gap


async def stream(
    log: EventLog, wanted: Filter, *, after: int | None = None, positions: bool = False
) -> AsyncGenerator[Frame]:
    """Welcome, then what matches.

    With `after`, nothing beyond that position is ever left out; without, a reader that falls behind what the log
    keeps in memory is told what it missed. Raises LogUnavailableError.
    """
    predicate = wanted.predicate()
    last = log.last_seq
    yield Welcome(last)
    position = last if after is None else after
    if after is not None:
        first = (await log.rows(_FIRST, purpose="where the log begins"))[0][0]
        if after < first - 1:
            yield Gap(after + 1, first - 1)
            position = first - 1
    while True:
        if after is None and log.tail.after(position, 1) is None:
            async for frame in _skip(log, wanted, position):
                position = frame.to_seq
                yield frame
        elif log.last_seq - position > FAR_BEHIND and wanted.terms:
            async for events, reached in scan(log, wanted, "asc", position, log.last_seq + 1):
                position = reached
                if events:
                    yield Events(events)
        else:
            found, position = await _next(log, predicate, position)
            if found:
                yield Events(found)
        if positions:
            yield Position(position)


async def _next(log: EventLog, predicate: Predicate, position: int) -> tuple[list[StoredEvent], int]:
    """What matches of the next events, waiting for them where there are none yet."""
    await log.tail.beyond(position)
    page = await log.after(position, BATCH_EVENTS)
    return [event for event in page if predicate(event)], page[-1].seq if page else position


async def _skip(log: EventLog, wanted: Filter, position: int) -> AsyncGenerator[Dropped]:
    """Count what a slow reader misses on its way back to the end of the log."""
    end = log.last_seq
    missed = 0 if wanted.terms else end - position
    if wanted.terms:
        async for events, _ in scan(log, wanted, "asc", position, end + 1):
            missed += len(events)
    yield Dropped(missed, position + 1, end)
