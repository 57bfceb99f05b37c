"""The dead letters of an engine in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from godtui.bloodbank.deadletters import DeadLetter
from godtui.bloodbank.errors import StoreUnavailableError
from godtui.bloodbank.letterbox import Letterbox, LetterPage
from godtui.bloodbank.requeue import Requeue, Requeued
from godtui.eventlog import LogUnavailableError
from godtui.filters import Filter


class EngineLetters:
    """The letters in the engine's log."""

    def __init__(self, letterbox: Letterbox, requeue: Requeue) -> None:
        self._letterbox = letterbox
        self._requeue = requeue

    async def page(
        self,
        wanted: Filter,
        *,
        queue: str | None = None,
        reason: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> LetterPage:
        with _asking():
            return await self._letterbox.page(wanted, queue=queue, reason=reason, limit=limit, cursor=cursor)

    async def letter(self, letter_id: int) -> DeadLetter | None:
        with _asking():
            return await self._letterbox.letter(letter_id)

    async def requeue(self, letter_id: int, correction: Any = None) -> Requeued:
        with _asking():
            return await self._requeue(letter_id, correction)

    async def discard(self, letter_id: int) -> None:
        with _asking():
            await self._letterbox.discard(letter_id)


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except LogUnavailableError as error:
        raise StoreUnavailableError(str(error)) from None
