"""What a running check prints: its end is kept, and whoever watches sees it as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from godtui.dispatcher.redaction import Cleaner, Redaction

TAIL_CHARACTERS: Final = 16 * 1024
WATCHED_BYTES: Final = 256 * 1024
"""What is kept for one who watches; beyond it the older half goes."""

PIECE_BYTES: Final = 64 * 1024
_BYTES_A_CHARACTER: Final = 4
"""In UTF-8, at most."""


class Output:
    """Takes bytes as fast as they come, and cleans only those that are shown: printing much costs little."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._kept = bytearray()
        self._total = 0
        self._watchers: set[_Watcher] = set()
        self._is_closed = False

    def add(self, data: bytes) -> None:
        """Keep what was printed."""
        self._total += len(data)
        self._kept += data
        most = self._bytes_for(TAIL_CHARACTERS)
        if len(self._kept) > 2 * most:
            del self._kept[:-most]
        for watcher in self._watchers:
            watcher.add(data)

    def close(self) -> None:
        """Nothing more comes; those who watch end once they have read what is kept for them."""
        self._is_closed = True
        for watcher in self._watchers:
            watcher.close()

    def tail(self, limit: int = TAIL_CHARACTERS) -> str:
        """The last so many characters at most, from a line's beginning where there is one in their first half."""
        cleaner, text, is_cut = self._seen(limit)
        return _last(text + cleaner.finish(), limit, is_cut)

    async def follow(self) -> AsyncGenerator[str]:
        """The tail, then what comes; where one is too slow, a line says how much was left out."""
        cleaner, text, is_cut = self._seen(TAIL_CHARACTERS)
        watcher = _Watcher()
        self._watchers.add(watcher)
        if self._is_closed:
            watcher.close()
        try:
            if tail := _last(text, TAIL_CHARACTERS, is_cut):
                yield tail
            while (taken := await watcher.take()) is not None:
                missed, data = taken
                before = ""
                if missed:
                    before = f"{cleaner.finish()}\n[{missed:,} bytes left out]\n"
                    cleaner = Cleaner(self._redaction, cut=True)
                if piece := before + cleaner.feed(data):
                    yield piece
            if rest := cleaner.finish():
                yield rest
        finally:
            self._watchers.discard(watcher)

    def _seen(self, limit: int) -> tuple[Cleaner, str, bool]:
        """At least the last so many characters, the cleaner that goes on after them, and whether more came before."""
        data = bytes(self._kept[-self._bytes_for(limit) :])
        is_cut = len(data) < self._total
        cleaner = Cleaner(self._redaction, cut=is_cut)
        return cleaner, cleaner.feed(data), is_cut

    def _bytes_for(self, characters: int) -> int:
        return _BYTES_A_CHARACTER * (characters + self._redaction.longest)


class _Watcher:
    """The newest bytes for one who may be slow."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._missed = 0
        self._arrived = asyncio.Event()
        self._is_closed = False

    def add(self, data: bytes) -> None:
        self._kept += data
        if len(self._kept) > WATCHED_BYTES:
            excess = len(self._kept) - WATCHED_BYTES // 2
            del self._kept[:excess]
            self._missed += excess
        self._arrived.set()

    def close(self) -> None:
        self._is_closed = True
        self._arrived.set()

    async def take(self) -> tuple[int, bytes] | None:
        """How many bytes were lost, and those that came after them; None at the end."""
        while not self._kept:
            if self._is_closed:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._kept[:PIECE_BYTES])
        del self._kept[:PIECE_BYTES]
        missed, self._missed = self._missed, 0
        return missed, data


def _last(text: str, limit: int, is_cut: bool) -> str:
    if len(text) <= limit and not is_cut:
        return text
    # One character more shows whether the last ones begin a line.
    window = text[-limit - 1 :]
    line = window.find("\n", 0, len(window) // 2) + 1
    return window[line:] if line else window[-limit:]
