"""The dead letters of a log: pages of them, one alone, and throwing one away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from godtui.bloodbank import tables
from godtui.bloodbank.deadletters import WHOLE, DeadLetter
from godtui.bloodbank.errors import UnknownLetterError
from godtui.bloodbank.sieve import Sieve
from godtui.cursors import read_cursor, write_cursor
from godtui.eventlog import EventLog, Transaction
from godtui.filters import Filter

PREVIEW_BYTES: Final = 1024
"""How much of each body a page carries."""
STEP_BYTES: Final = 4 * 1024 * 1024
"""Bodies and headers that are read at once, the last letter's excepted."""
WINDOW_LETTERS: Final = 20_000
"""How far one statement looks where few letters are of a queue: it must end well within a second."""
STEP_LETTERS: Final = 500


class LetterPage(NamedTuple):
    """Some dead letters, newest first, each with the beginning of its body, and where the next page begins."""

    letters: list[DeadLetter]
    next_cursor: str | None


@dataclass(slots=True)
class RemoveLetter:
    """A letter goes, within a commit. Raises UnknownLetterError where it has gone."""

    letter_id: int

    def __call__(self, transaction: Transaction) -> None:
        if not transaction.execute(tables.REMOVE_LETTER, (self.letter_id,)).rowcount:
            raise UnknownLetterError(self.letter_id)


class Letterbox:
    """Questions about the dead letters of a log."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def page(
        self,
        wanted: Filter,
        *,
        queue: str | None = None,
        reason: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> LetterPage:
        """Up to `limit` letters that match, newest first. Raises BadCursorError, LogUnavailableError."""
        query = repr((str(wanted), queue, reason))
        below = await self._end() if cursor is None else read_cursor(cursor, query)
        sieve = Sieve(wanted)
        found: list[DeadLetter] = []
        while below > 1 and len(found) <= limit:
            sizes, below = await self._sizes(below, queue, reason, STEP_LETTERS if sieve.asks else limit + 1)
            for ids in _steps(sizes, sieve.asks):
                letters = await self._letters(ids, WHOLE if sieve.asks else PREVIEW_BYTES)
                found += [each.summary(PREVIEW_BYTES) for each in letters if sieve.keeps(each)]
                if len(found) > limit:
                    break
        if len(found) <= limit:
            return LetterPage(found, None)
        return LetterPage(found[:limit], write_cursor(found[limit - 1].id, query))

    async def letter(self, letter_id: int) -> DeadLetter | None:
        """One letter, whole. Raises LogUnavailableError."""
        return next(iter(await self._letters([letter_id], WHOLE)), None)

    async def discard(self, letter_id: int) -> None:
        """Throw a letter away. Raises UnknownLetterError, LogUnavailableError."""
        await self._log.submit(RemoveLetter(letter_id))

    async def _end(self) -> int:
        rows = await self._log.rows(tables.LAST_LETTER, purpose="dead letters")
        return int(rows[0][0]) + 1

    async def _sizes(
        self, below: int, queue: str | None, reason: str | None, most: int
    ) -> tuple[list[tuple[int, int, int]], int]:
        """The next letters of a queue and reason with the bytes of body and headers, and how far was looked."""
        above = max(0, below - WINDOW_LETTERS - 1)
        parameters = (above, below, queue, reason, most)
        rows: Sequence[Any] = await self._log.rows(tables.LETTER_SIZES, parameters, purpose="dead letters")
        return [(row[0], row[1], row[2]) for row in rows], rows[-1][0] if len(rows) == most else above + 1

    async def _letters(self, ids: Sequence[int], most: int) -> list[DeadLetter]:
        parameters = (most, tables.listed(ids))
        rows = await self._log.rows(tables.LETTERS, parameters, purpose="dead letters")
        return [DeadLetter.from_row(row) for row in rows]


def _steps(sizes: Sequence[tuple[int, int, int]], whole: bool) -> Iterable[list[int]]:
    """Ids in order, in lists that are read at once."""
    ids: list[int] = []
    total = 0
    for identity, body, headers in sizes:
        ids.append(identity)
        total += headers + (body if whole else min(body, PREVIEW_BYTES))
        if total >= STEP_BYTES:
            yield ids
            ids, total = [], 0
    if ids:
        yield ids
