"""A chain out of the log: in pages, within a bound of bytes, its causes looked up where they are not at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from godtui.bloodbank.tables import CHOSEN, listed
from godtui.candystore.chains.causes import causes
from godtui.candystore.chains.cycles import cycles
from godtui.candystore.chains.views import Chain, Edge, Orphan
from godtui.candystore.counting import Count
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
"""One answer holds no more of bodies, unless its first event alone has more."""
MAX_EVENTS: Final = 50_000
"""One answer holds no more events, however small."""
PAGE_ROWS: Final = 1000
PAGE_BYTES: Final = 4 * 1024 * 1024
"""Bodies read by one statement."""
MAX_COUNTED: Final = 1_000_000
"""Events beyond so many are not counted."""
MAX_LOOKED_UP: Final = 20_000
"""Causes outside of the answer beyond so many are not looked up."""
LOOKED_UP_AT_ONCE: Final = 500

_MEMBERS: Final = """
    SELECT seq, length(body) FROM events WHERE seq IN (
        SELECT * FROM (
            SELECT seq FROM events WHERE correlation_id = ?1 AND correlation_id <> event_id AND seq > ?2
            ORDER BY seq LIMIT ?3
        ) UNION ALL SELECT seq FROM events WHERE event_id = ?1 AND correlation_id = event_id AND seq > ?2
    ) ORDER BY seq LIMIT ?3
"""
_COUNT: Final = """
    SELECT (SELECT count(*) FROM (
        SELECT 1 FROM events WHERE correlation_id = ?1 AND correlation_id <> event_id LIMIT ?2
    )) + (SELECT count(*) FROM events WHERE event_id = ?1 AND correlation_id = event_id)
"""
_CAUSES: Final = "SELECT event_id, seq, correlation_id FROM events WHERE event_id IN ({})"


async def read_chain(log: EventLog, correlation_id: UUID, *, after: int = 0) -> Chain | None:
    """The events that carry a correlation id, beyond a position; None where there is none at all.

    Holds at most some 8 MiB of bodies and 50,000 events; `next_after` then says where the rest begins. Raises
    LogUnavailableError.
    """
    total = await _count(log, correlation_id)
    if total.number == 0:
        return None
    events, rest = await _events(log, correlation_id, after)
    read = await asyncio.to_thread(_Links.of, events)
    found = await _look_up(log, read.outside)
    told = await asyncio.to_thread(_told, read, found, correlation_id.bytes)
    complete = after <= 0 and rest is None
    # What came in meanwhile is in the answer: it counts as well.
    total = Count(len(events), True) if complete else total
    return Chain(correlation_id, events, *told, total, complete, rest)


async def _count(log: EventLog, correlation_id: UUID) -> Count:
    parameters = (correlation_id.bytes, MAX_COUNTED + 1)
    number = (await log.rows(_COUNT, parameters, purpose="how long a chain is"))[0][0]
    return Count(min(number, MAX_COUNTED), number <= MAX_COUNTED)


async def _events(log: EventLog, correlation_id: UUID, after: int) -> tuple[list[StoredEvent], int | None]:
    """The events beyond a position that one answer holds, and the last position where more follow."""
    events: list[StoredEvent] = []
    size = 0
    while True:
        room = min(PAGE_ROWS, MAX_EVENTS - len(events))
        parameters = (correlation_id.bytes, after, room + 1)
        page = await log.rows(_MEMBERS, parameters, purpose="a chain's positions")
        taken: list[int] = []
        read = 0
        for seq, length in page[:room]:
            is_full = (events or taken) and size + read + length > MAX_BODY_BYTES
            if is_full or (taken and read + length > PAGE_BYTES):
                break
            taken.append(seq)
            read += length
        if taken:
            rows = await log.rows(CHOSEN, (listed(taken),), purpose="a chain")
            events += [StoredEvent._make(row) for row in rows]
            size += read
            after = taken[-1]
        if len(taken) == len(page):
            return events, None
        following = page[len(taken)][1]
        if len(events) >= MAX_EVENTS or size + following > MAX_BODY_BYTES:
            return events, after


class _Links(NamedTuple):
    """Who names whom, by the places of events in the answer; `outside` are causes that are not in it."""

    events: Sequence[StoredEvent]
    named: list[list[bytes]]
    places: dict[bytes, int]
    outside: list[bytes]

    @classmethod
    def of(cls, events: Sequence[StoredEvent]) -> _Links:
        named = [causes(event.body) for event in events]
        places = {event.event_id: place for place, event in enumerate(events)}
        outside = dict.fromkeys(cause for one in named for cause in one if cause not in places)
        return cls(events, named, places, list(outside))


class _Found(NamedTuple):
    seq: int
    correlation_id: bytes | None


async def _look_up(log: EventLog, wanted: Sequence[bytes]) -> dict[bytes, _Found | None]:
    """Where those ids stand, None for those that are not stored; without those that were not looked up."""
    found: dict[bytes, _Found | None] = {}
    for start in range(0, min(len(wanted), MAX_LOOKED_UP), LOOKED_UP_AT_ONCE):
        some = wanted[start : min(start + LOOKED_UP_AT_ONCE, MAX_LOOKED_UP)]
        statement = _CAUSES.format(", ".join("?" * len(some)))
        rows = await log.rows(statement, some, purpose="a chain's causes")
        found.update(dict.fromkeys(some))
        found.update((event_id, _Found(seq, chain)) for event_id, seq, chain in rows)
    return found


def _told(
    links: _Links, found: dict[bytes, _Found | None], chain: bytes
) -> tuple[list[bytes], list[Edge], list[Orphan], list[list[bytes]], list[bytes]]:
    """Roots, edges, orphans, cycles and what came late."""
    roots: list[bytes] = []
    edges: list[Edge] = []
    orphans: list[Orphan] = []
    late: list[bytes] = []
    effects: list[list[int]] = [[] for _ in links.events]
    for place, (event, named) in enumerate(zip(links.events, links.named, strict=True)):
        is_root, is_late = True, False
        for cause in named:
            if (at := links.places.get(cause)) is not None:
                effects[at].append(place)
                is_root, is_late = False, is_late or at > place
            elif (there := found.get(cause)) is not None and there.correlation_id == chain:
                is_root, is_late = False, is_late or there.seq > event.seq
            else:
                stored = there is not None if cause in found else None
                orphans.append(Orphan(event.event_id, cause, stored, there and there.correlation_id))
                continue
            edges.append(Edge(cause, event.event_id))
        if is_root:
            roots.append(event.event_id)
        if is_late:
            late.append(event.event_id)
    rings = [[links.events[place].event_id for place in ring] for ring in cycles(effects)]
    return roots, edges, orphans, rings, late
