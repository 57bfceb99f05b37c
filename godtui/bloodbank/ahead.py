"""Reading on from a queue's cursor, in steps that bound time and memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from godtui.bloodbank import tables
from godtui.bloodbank.bindings import Bindings
from godtui.bloodbank.handout import MAX_BYTES, Ahead
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog, Stretches

PAGE: Final = 2000
MAX_LOOKED_AT: Final = 10_000
"""Events that are looked at before others have their turn."""


class Glimpse(NamedTuple):
    """As much of an event as it takes to decide on it; the event itself where it is in memory."""

    seq: int
    event_type: str
    stored_at: int
    size: int
    event: StoredEvent | None = None


class Search:
    """Looks for up to `most` events of a queue beyond a position, or only those stored by a moment (µs)."""

    def __init__(self, bindings: Bindings, cursor: int, most: int, stored_by: int | None) -> None:
        self.cursor = cursor
        self.chosen: list[Glimpse] = []
        self._bindings = bindings
        self._most = most
        self._stored_by = stored_by
        self._size = 0

    def goes_on(self, page: Sequence[Glimpse], imported: Stretches) -> bool:
        """Choose from a page, but nothing that was imported; whether there is reason to look at the next."""
        for each in page:
            if imported and imported.holds(each.seq):
                self.cursor = each.seq
                continue
            if self._stored_by is not None and each.stored_at > self._stored_by:
                return False
            if self._bindings.match(each.seq, each.event_type):
                if len(self.chosen) == self._most or self._size >= MAX_BYTES:
                    return False
                self.chosen.append(each)
                self._size += each.size
            self.cursor = each.seq
        return bool(page)


async def look_ahead(log: EventLog, bindings: Bindings, cursor: int, most: int, stored_by: int | None = None) -> Ahead:
    """The next events of a queue, in a step that ends when enough was found or looked at.

    Bodies are read of what is chosen only, and what was imported is passed over. Raises LogUnavailableError.
    """
    search = Search(bindings, cursor, most, stored_by)
    looked_at = 0
    page = min(most + 1, PAGE)
    while looked_at < MAX_LOOKED_AT:
        # Of what the log's tail does not know yet, it is not known either whether it was imported.
        search.cursor = min(log.imported.beyond(search.cursor), max(search.cursor, log.last_seq))
        glimpses = await _glimpses(log, search.cursor, page)
        if not search.goes_on(glimpses, log.imported):
            break
        looked_at += page
        page = min(2 * page, PAGE)
        await asyncio.sleep(0)
    return Ahead(await _events(log, search.chosen), search.cursor)


async def _glimpses(log: EventLog, cursor: int, limit: int) -> list[Glimpse]:
    recent = log.tail.after(cursor, limit)
    if recent is not None:
        return [Glimpse(each.seq, each.event_type, each.stored_at, len(each.body), each) for each in recent]
    rows = await log.rows(tables.GLANCE, (cursor, log.last_seq, limit), purpose="a queue catching up")
    return [Glimpse._make((*row, None)) for row in rows]


async def _events(log: EventLog, chosen: Sequence[Glimpse]) -> list[StoredEvent]:
    kept = [each.event for each in chosen if each.event is not None]
    if len(kept) == len(chosen):
        return kept
    places = tables.listed([each.seq for each in chosen])
    rows = await log.rows(tables.CHOSEN, (places,), purpose="a queue catching up")
    return [StoredEvent._make(row) for row in rows]
