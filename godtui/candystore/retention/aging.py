"""How far from the front of the log everything is too old."""

from __future__ import annotations

from typing import Final

from godtui.eventlog import EventLog

PAGE_ROWS: Final = 2_000
MAX_PAGES: Final = 20

_STORED: Final = "SELECT seq, stored_at FROM events WHERE seq > ? ORDER BY seq LIMIT ?"


class Aging:
    """Reads along the front, where the oldest events are, up to the first that is young enough.

    What a clock that was wrong for a while dated ahead of now is as old as what was stored after it.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._below = 0
        self._ahead = 0
        """Up to here, everything is dated ahead of now or gone."""

    async def below(self, before: int, now: int) -> int | None:
        """The position below which all were stored before a moment (µs); None where the first was not.

        Raises LogUnavailableError.
        """
        first = await self._log.rows(_STORED, (0, 1), purpose="where the log begins")
        if not first:
            return None
        if first[0][0] >= self._below:
            self._below = await self._read(first[0][0] - 1, before, now)
        return self._below if first[0][0] < self._below else None

    async def _read(self, position: int, before: int, now: int) -> int:
        position = max(position, self._ahead)
        for _ in range(MAX_PAGES):
            rows = await self._log.rows(_STORED, (position, PAGE_ROWS), purpose="how old events are")
            old = 0
            for seq, stored_at in rows:
                if stored_at < before:
                    old = seq
                elif stored_at <= now:
                    break
            if old:
                return old + 1
            if len(rows) < PAGE_ROWS or any(before <= stored_at <= now for _, stored_at in rows):
                return 0
            position = self._ahead = rows[-1][0]
        return 0
