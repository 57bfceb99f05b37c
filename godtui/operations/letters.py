"""The dead letters of an engine in this process."""

from __future__ import annotations

from typing import Any

from godtui.bloodbank.asking import asking
from godtui.bloodbank.deadletters import DeadLetter
from godtui.bloodbank.letterbox import Letterbox, LetterPage
from godtui.bloodbank.requeue import Requeue, Requeued
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
        with asking():
            return await self._letterbox.page(wanted, queue=queue, reason=reason, limit=limit, cursor=cursor)

    async def letter(self, letter_id: int) -> DeadLetter | None:
        with asking():
            return await self._letterbox.letter(letter_id)

    async def requeue(self, letter_id: int, correction: Any = None) -> Requeued:
        with asking():
            return await self._requeue(letter_id, correction)

    async def discard(self, letter_id: int) -> None:
        with asking():
            await self._letterbox.discard(letter_id)
