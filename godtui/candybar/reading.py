"""The store as the reader sees it: a stretch of what matches, read on in both directions while someone looks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeAlias

from godtui.candybar import pages
from godtui.candybar.link import Link
from godtui.candybar.pages import PAGE_ROWS, Counts, Opening, Piece
from godtui.candybar.rowview import RowView
from godtui.candybar.shelf import MAX_BYTES, Shelf
from godtui.filters import Filter, FilterError
from godtui.operations import Order, StoreOperations, StoreUnavailableError

MARGIN: Final = 100
"""So many rows before an end of what is loaded, more is asked for."""
RETRY_SECONDS: Final = 5.0

Begin: TypeAlias = Callable[[StoreOperations], Coroutine[Any, Any, Opening]]

log = logging.getLogger(__name__)


class StoreReader:
    """Everything is polled from the screen's tick; `view` is another one where reading began anew."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.wanted = Filter()
        self.text = ""
        self.view = RowView(Shelf())
        self.shelf = Shelf()
        self.newest_seq = 0
        """What was stored last when the newest was read."""
        self.as_of: int | None = None
        """When that was, in µs since 1970; None before anything was read."""
        self.fault: str | None = None
        """Why the last question was not answered, or None."""
        self.said = ""
        """What is to be said of where the reader was taken, once."""
        self.stopped = False
        """Whether the reader wants no more to be looked for, for now."""
        self.looked_at: int | None = None
        """How far back it was looked without filling a page, in µs since 1970."""
        self.counts: Counts | None = None
        """How many are stored and match, as far as that was answered."""
        self.is_newest = self.is_oldest = False
        """Whether the ends of what matches are loaded."""
        self._above = self._below = 0
        self._first = 0
        self._heading: Order = "desc"
        self._opening: Future[Opening] | None = None
        self._counting: Future[Counts] | None = None
        self._sought: tuple[str, Filter] | None = None
        self._reading: dict[Order, Future[Piece]] = {}
        self._again: Callable[[], None] | None = None
        self.retry_at = 0.0

    @property
    def opening(self) -> bool:
        """Whether another place or filter is being read."""
        return self._opening is not None

    @property
    def looking(self) -> bool:
        """Whether older events are being looked for."""
        return "desc" in self._reading

    @property
    def stored_since(self) -> int:
        """How many events were stored since the newest was read, as far as is known."""
        return max(0, self._link.newest_seq - self.newest_seq) if self.as_of is not None else 0

    def show(self, text: str, wanted: Filter) -> None:
        """Read what matches a filter, from the newest on."""
        self._begin(text, wanted, lambda store: pages.latest(store, wanted))

    def show_newest(self) -> None:
        """Read the newest anew."""
        self.show(self.text, self.wanted)

    def show_oldest(self) -> None:
        """Read from the oldest on."""
        wanted = self.wanted
        self._begin(self.text, wanted, lambda store: pages.oldest(store, wanted))

    def jump(self, *, seq: int | None = None, moment: int | None = None) -> None:
        """Read around a position, or a moment in µs since 1970."""
        wanted = self.wanted
        if seq is not None:
            self._begin(self.text, wanted, lambda store: pages.at_position(store, wanted, seq))
        elif moment is not None:
            self._begin(self.text, wanted, lambda store: pages.at_moment(store, wanted, moment))

    def stop(self) -> bool:
        """Look no further; whether anything was being looked for."""
        if self._opening is None and not self._reading:
            return False
        self._drop()
        self.stopped = True
        return True

    def go_on(self) -> None:
        """Look further, or begin again what was stopped before it had begun."""
        self.stopped = False
        if self._opening is None and self._again is not None:
            self._again()

    def poll(self, first: int, last: int) -> FilterError | None:
        """Take in what was answered, and ask for more near the rows in sight; the error of a filter refused."""
        refused = self._take_opening()
        self._take_counts()
        for order in list(self._reading):
            self._take_piece(order)
        if self.fault is not None and self._link.clock.monotonic() >= self.retry_at and self._again is not None:
            self.fault = None
            self._again()
        if self.as_of is None or self._opening is not None or self.stopped or self.fault is not None:
            return refused
        self._heading = "asc" if first < self._first else "desc" if first > self._first else self._heading
        self._first = first
        if not self.is_oldest and self._leads("desc") and last >= self.shelf.end - MARGIN:
            self._read("desc", self._below - 1)
        if not self.is_newest and self._leads("asc") and first <= self.shelf.first + MARGIN:
            self._read("asc", self._above + 1)
        return refused

    def close(self) -> None:
        """Nobody waits for answers any more."""
        self._drop()

    def _leads(self, order: Order) -> bool:
        """Whether to read on in a direction: once there is more than is kept, only where the reader goes, or what was
        read at one end would push out the other for ever."""
        return not self.shelf.overflowed or order == self._heading

    def _begin(
        self, text: str, wanted: Filter, work: Callable[[StoreOperations], Coroutine[Any, Any, Opening]]
    ) -> None:
        self._drop()
        self.fault, self.stopped = None, False
        self._sought = (text, wanted)
        self._again = lambda: self._begin(text, wanted, work)
        self._opening = self._ask(work)
        if self._opening is None:
            self._fail("the engine does not run")

    def _ask(self, work: Callable[[StoreOperations], Coroutine[Any, Any, Any]]) -> Future[Any] | None:
        if not self._link.hosted.started:
            return None
        return self._link.ask(work(self._link.hosted.operations.store))

    def _read(self, order: Order, from_seq: int) -> None:
        if order in self._reading:
            return
        wanted = self.wanted
        limit = max(10, min(PAGE_ROWS, MAX_BYTES // 4 // max(1, self.shelf.mean_bytes)))
        asked = self._ask(lambda store: pages.read(store, wanted, order, from_seq, limit))
        if asked is not None:
            self._reading[order] = asked

    def _take_opening(self) -> FilterError | None:
        asked = self._opening
        if asked is None or not asked.done():
            return None
        self._opening = None
        error = _error(asked)
        if isinstance(error, FilterError):
            return error
        if error is not None:
            self._fail(_sentence(error))
            return None
        self._turn(asked.result())
        return None

    def _take_counts(self) -> None:
        asked = self._counting
        if asked is not None and asked.done():
            self._counting = None
            if _error(asked) is None:
                self.counts = asked.result()

    def _turn(self, opening: Opening) -> None:
        """Another stretch is there."""
        if self._sought is not None:
            if self._sought[1] != self.wanted:
                self.counts = None
            (self.text, self.wanted), self._sought = self._sought, None
        wanted = self.wanted
        self._counting = self._ask(lambda store: pages.count(store, wanted))
        newer, older = opening.newer, opening.older
        self.shelf = Shelf()
        self.shelf.add_older([*newer.events, *older.events])
        self.view = RowView(self.shelf)
        self.view.go(len(newer.events) - 1 if newer.events else 0, 1)
        self.is_newest, self.is_oldest = newer.is_last, older.is_last
        self._above, self._below = newer.reached, max(older.reached, 1 if older.is_last else 0)
        self.looked_at = older.looked_at
        self.newest_seq, self.as_of = opening.newest_seq, self._link.clock.now()
        self.fault, self.said, self._again = None, opening.said, None

    def _take_piece(self, order: Order) -> None:
        asked = self._reading[order]
        if not asked.done():
            return
        del self._reading[order]
        error = _error(asked)
        if error is not None:
            self._fail(_sentence(error))
            self._again = lambda: None
            return
        piece = asked.result()
        if order == "desc":
            self._add_older(piece)
        else:
            self._add_newer(piece)

    def _add_older(self, piece: Piece) -> None:
        newest_gone = self.shelf.add_older(piece.events)
        self._below, self.is_oldest, self.looked_at = piece.reached, piece.is_last, piece.looked_at
        if newest_gone and self.shelf.newest is not None:
            self._above, self.is_newest = self.shelf.newest.seq, False

    def _add_newer(self, piece: Piece) -> None:
        oldest_gone = self.shelf.add_newer(piece.events)
        self._above, self.is_newest = piece.reached, piece.is_last
        if piece.is_last:
            self.newest_seq, self.as_of = max(self.newest_seq, piece.reached), self._link.clock.now()
        if oldest_gone and self.shelf.oldest is not None:
            self._below, self.is_oldest = self.shelf.oldest.seq, False

    def _fail(self, why: str) -> None:
        self.fault = why
        self.retry_at = self._link.clock.monotonic() + RETRY_SECONDS

    def _drop(self) -> None:
        for asked in (self._opening, self._counting, *self._reading.values()):
            if asked is not None:
                asked.cancel()
        self._opening = self._counting = None
        self._reading.clear()


def _error(asked: Future[Any]) -> BaseException | None:
    return StoreUnavailableError("the engine is stopping") if asked.cancelled() else asked.exception()


def _sentence(error: BaseException) -> str:
    if not isinstance(error, StoreUnavailableError):
        log.warning("the store cannot be asked: %s", error, exc_info=error)
    return str(error) or type(error).__name__
