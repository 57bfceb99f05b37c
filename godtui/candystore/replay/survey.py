"""How much a replay comprises: how many events, of which types, over what stretch of time, and how many are invalid."""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from godtui.bloodbank.bus import Message
from godtui.bloodbank.judging import judge
from godtui.candystore.replay.pacing import wait_between
from godtui.candystore.replay.reading import Stored
from godtui.clock import Clock
from godtui.envelope import InvalidEventError, StoredEvent
from godtui.filters import Filter
from godtui.holyfields import Registry

SECONDS: Final = 2.0
"""How long is counted before the rest is estimated."""
JUDGED: Final = 20_000
"""How many events are judged at most."""


@dataclass(slots=True)
class Survey:
    """What was found. `first_at` and `last_at` are own times of events (µs), `paced` the seconds between them all.

    Where not all was looked at (`exact` is False) numbers and `paced` are extrapolated.
    """

    total: int = 0
    exact: bool = True
    first_seq: int | None = None
    first_at: int | None = None
    last_at: int | None = None
    paced: float = 0.0
    judged: int = 0
    invalid: int = 0
    by_type: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Tempo:
    """How quickly: see `Pace`. `least` is the shortest wait in seconds."""

    speed: float | None
    max_gap: float | None
    least: float


async def survey(
    stored: Stored,
    wanted: Filter,
    until_seq: int,
    clock: Clock,
    tempo: Tempo,
    *,
    registry: Registry | None = None,
    after: int = 0,
) -> Survey:
    """Count what matches beyond a position, up to another; with a registry, judge by it. Raises LogUnavailableError."""
    found = Survey()
    began = clock.monotonic()
    async with aclosing(stored.scan(wanted, "asc", after, until_seq + 1)) as steps:
        async for events, reached in steps:
            for event in events:
                _count(found, event, tempo)
            if registry is not None:
                _judge(found, events, registry)
            if clock.monotonic() - began > SECONDS and reached < until_seq:
                _extrapolate(found, (reached - after) / (until_seq - after))
                found.last_at = await _last_at(stored, wanted, until_seq, clock) or found.last_at
                break
    if registry is not None and found.judged < found.total:
        found.invalid = round(found.invalid * found.total / max(1, found.judged))
        found.exact = False
    return found


def _count(found: Survey, event: StoredEvent, tempo: Tempo) -> None:
    found.paced += wait_between(found.last_at, event.time, tempo.speed, tempo.max_gap, tempo.least)
    if found.first_at is None:
        found.first_seq, found.first_at = event.seq, event.time
    found.last_at = event.time
    found.by_type[event.event_type] += 1
    found.total += 1


def _judge(found: Survey, events: list[StoredEvent], registry: Registry) -> None:
    for event in events[: JUDGED - found.judged]:
        found.judged += 1
        found.invalid += is_invalid(event, registry)


def is_invalid(event: StoredEvent, registry: Registry) -> bool:
    """Whether the contracts refuse a stored event as it is."""
    message = Message(event.body, event.event_type, str(UUID(bytes=event.event_id)))
    try:
        return judge(message, registry).violations is not None
    except InvalidEventError:
        return True


def _extrapolate(found: Survey, looked: float) -> None:
    """From the part that was looked at (0 to 1) to the whole."""
    found.exact = False
    found.total = round(found.total / looked)
    found.paced /= looked
    for event_type in found.by_type:
        found.by_type[event_type] = round(found.by_type[event_type] / looked)


async def _last_at(stored: Stored, wanted: Filter, until_seq: int, clock: Clock) -> int | None:
    """The own time of the last event, where that is found soon."""
    began = clock.monotonic()
    async with aclosing(stored.scan(wanted, "desc", 0, until_seq + 1, 1)) as steps:
        async for events, _ in steps:
            if events or clock.monotonic() - began > SECONDS:
                return events[0].time if events else None
    return None
