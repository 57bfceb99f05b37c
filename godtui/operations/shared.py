"""The operations of an instance that shares its broker: it has the history, or says who has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Final, Protocol
from uuid import UUID

from godtui.bloodbank.deadletters import DeadLetter
from godtui.bloodbank.errors import HistoryElsewhereError, StoreUnavailableError
from godtui.bloodbank.frames import Frame
from godtui.bloodbank.holder import Holder
from godtui.bloodbank.letterbox import LetterPage
from godtui.bloodbank.requeue import Requeued
from godtui.candystore.counting import Count
from godtui.candystore.passing import Passing
from godtui.candystore.queries import Page
from godtui.envelope import StoredEvent
from godtui.filters import Filter
from godtui.operations.protocols import LetterOperations, Order, StoreOperations

NOW_HERE: Final = "this instance holds the history from now on; connect again"


class History(Protocol):
    """Where the history is. It stays here while the broker is away, until another instance is seen to have it."""

    @property
    def here(self) -> bool: ...

    @property
    def holder(self) -> Holder | None:
        """Who else has it, None while nobody is known to."""

    async def known(self) -> None:
        """Wait until that is known as far as it can be."""

    def changed(self) -> Awaitable[object]:
        """Wait until that may be otherwise than when this is called."""


async def require(history: History) -> None:
    """Raises HistoryElsewhereError where the history is not here."""
    await history.known()
    if not history.here:
        raise HistoryElsewhereError(history.holder)


class SharedStore:
    """The log while the history is here; else what goes over the bus, without positions, and who can be asked."""

    def __init__(self, store: StoreOperations, history: History, passing: Passing) -> None:
        self._store = store
        self._history = history
        self._passing = passing

    async def query(
        self,
        wanted: Filter,
        *,
        limit: int = 100,
        cursor: str | None = None,
        order: Order = "desc",
        from_seq: int | None = None,
    ) -> Page:
        await require(self._history)
        return await self._store.query(wanted, limit=limit, cursor=cursor, order=order, from_seq=from_seq)

    async def count(self, wanted: Filter) -> Count:
        await require(self._history)
        return await self._store.count(wanted)

    async def event(self, event_id: UUID) -> StoredEvent | None:
        await require(self._history)
        return await self._store.event(event_id)

    async def stream(
        self, wanted: Filter, *, after: int | None = None, positions: bool = False
    ) -> AsyncGenerator[Frame]:
        """A stream ends when the history comes here or goes elsewhere: its positions would mean another log's."""
        if after is not None:
            await require(self._history)
        await self._history.known()
        here = self._history.here
        frames = self._store.stream(wanted, after=after, positions=positions) if here else self._passing.stream(wanted)
        told = _while(frames, lambda: self._history.here == here, self._history)
        async with aclosing(frames), aclosing(told):
            async for frame in told:
                yield frame
        if self._history.here != here:
            raise StoreUnavailableError(NOW_HERE) if self._history.here else HistoryElsewhereError(self._history.holder)


async def _while(frames: AsyncGenerator[Frame], holds: Callable[[], bool], history: History) -> AsyncGenerator[Frame]:
    """Frames for as long as something holds."""
    changing = asyncio.ensure_future(history.changed())
    stepping: asyncio.Future[Frame | None] | None = None
    try:
        while holds():
            stepping = stepping or asyncio.ensure_future(_next(frames))
            await asyncio.wait((stepping, changing), return_when=asyncio.FIRST_COMPLETED)
            if changing.done():
                changing = asyncio.ensure_future(history.changed())
            elif stepping.done():
                frame, stepping = stepping.result(), None
                if frame is None:
                    return
                yield frame
    finally:
        waiting: list[asyncio.Future[Any]] = [changing] if stepping is None else [changing, stepping]
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _next(frames: AsyncGenerator[Frame]) -> Frame | None:
    return await anext(frames, None)


class SharedLetters:
    """Dead letters, which are where the history is."""

    def __init__(self, letters: LetterOperations, history: History) -> None:
        self._letters = letters
        self._history = history

    async def page(
        self,
        wanted: Filter,
        *,
        queue: str | None = None,
        reason: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> LetterPage:
        await require(self._history)
        return await self._letters.page(wanted, queue=queue, reason=reason, limit=limit, cursor=cursor)

    async def letter(self, letter_id: int) -> DeadLetter | None:
        await require(self._history)
        return await self._letters.letter(letter_id)

    async def requeue(self, letter_id: int, correction: Any = None) -> Requeued:
        await require(self._history)
        return await self._letters.requeue(letter_id, correction)

    async def discard(self, letter_id: int) -> None:
        await require(self._history)
        await self._letters.discard(letter_id)
