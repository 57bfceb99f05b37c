"""Stretches of the store, read for a screen: from the newest, from a position or a moment on, in both directions."""

from __future__ import annotations

from typing import Final, NamedTuple

from godtui.envelope import StoredEvent
from godtui.filters import Filter, TimeTerm
from godtui.operations import Count, Order, StoreOperations

EVERYTHING: Final = Filter()
FIRST_ROWS: Final = 60
PAGE_ROWS: Final = 200


class Piece(NamedTuple):
    """Events that match, newest first, of a stretch of the log that ends at `reached`.

    `is_last` says that there is nothing beyond it. Where finding them took too long, the stretch ends early, and
    `looked_at` is when the event at `reached` was stored, in µs since 1970.
    """

    events: list[StoredEvent]
    reached: int
    is_last: bool
    looked_at: int | None = None


class Opening(NamedTuple):
    """Where reading begins: what was stored last at that moment, and what lies on both sides of the place."""

    newest_seq: int
    newer: Piece
    older: Piece
    said: str = ""


async def latest(store: StoreOperations, wanted: Filter) -> Opening:
    """From the newest on. Raises StoreUnavailableError."""
    newest = await _newest_seq(store)
    older = await read(store, wanted, "desc", newest, FIRST_ROWS)
    return Opening(newest, Piece([], newest, is_last=True), older)


async def at_position(store: StoreOperations, wanted: Filter, seq: int) -> Opening:
    """Around a position: it and what is newer, and what is older. Raises StoreUnavailableError."""
    newest = await _newest_seq(store)
    seq = max(1, min(seq, newest))
    newer = await read(store, wanted, "asc", seq, FIRST_ROWS)
    return Opening(newest, newer, await read(store, wanted, "desc", seq - 1, FIRST_ROWS))


async def at_moment(store: StoreOperations, wanted: Filter, moment: int) -> Opening:
    """Around the first event, by position, whose own time is a moment or later. Raises StoreUnavailableError."""
    since = Filter((TimeTerm("since", moment),))
    start = 0
    while True:
        page = await store.query(since, limit=1, order="asc", from_seq=start)
        if page.events:
            return await at_position(store, wanted, page.events[0].seq)
        if page.looked_to is None:
            return (await latest(store, wanted))._replace(said="nothing is as late as that: this is the newest")
        start = page.looked_to + 1


async def oldest(store: StoreOperations, wanted: Filter) -> Opening:
    """From the oldest on. Raises StoreUnavailableError."""
    newer = await read(store, wanted, "asc", 0, FIRST_ROWS)
    return Opening(await _newest_seq(store), newer, Piece([], 0, is_last=True))


async def read(store: StoreOperations, wanted: Filter, order: Order, from_seq: int, limit: int) -> Piece:
    """The next events from a position on, itself included. Raises StoreUnavailableError."""
    if order == "desc" and from_seq < 1:
        return Piece([], 0, is_last=True)
    page = await store.query(wanted, limit=limit, order=order, from_seq=from_seq)
    events = page.events if order == "desc" else page.events[::-1]
    if page.next_cursor is None:
        return Piece(events, 0 if order == "desc" else max(from_seq - 1, events[0].seq if events else 0), is_last=True)
    if page.looked_to is None:
        return Piece(events, page.events[-1].seq, is_last=False)
    there = (await store.query(EVERYTHING, limit=1, order=order, from_seq=page.looked_to)).events
    return Piece(events, page.looked_to, is_last=False, looked_at=there[0].stored_at if there else None)


class Counts(NamedTuple):
    """How many events are stored, and how many of them match."""

    stored: Count
    matching: Count


async def count(store: StoreOperations, wanted: Filter) -> Counts:
    """Counts as exact as is cheap. Raises StoreUnavailableError."""
    stored = await store.count(EVERYTHING)
    return Counts(stored, await store.count(wanted) if wanted.terms else stored)


async def _newest_seq(store: StoreOperations) -> int:
    newest = (await store.query(EVERYTHING, limit=1)).events
    return newest[0].seq if newest else 0
