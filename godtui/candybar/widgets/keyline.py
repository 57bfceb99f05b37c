"""The line above the last: the keys that work here, five at most; a notice takes its place for a moment."""

from __future__ import annotations

from typing import NamedTuple

from rich.segment import Segment

from godtui.candybar.looks import Looks
from godtui.candybar.plaintext import clip, plain
from godtui.candybar.replaying import ReplayWatch
from godtui.candybar.widgets.bar import Bar, cells, looks_of
from godtui.clock import Clock

MAX_HINTS = 5
NOTICE_SECONDS = 4.0
ERROR_SECONDS = 12.0


class Hint(NamedTuple):
    """A key and what it does here; a loud one is seen before any other."""

    key: str
    does: str
    loud: bool = False


class KeyLine(Bar):
    """`enter open   / filter   p pause   ? help`."""

    def __init__(self, clock: Clock, replays: ReplayWatch) -> None:
        super().__init__(id="keys")
        self._clock = clock
        self._replays = replays
        self.fits = True
        """Whether the screen is high enough for it."""
        self._hints: list[Hint] = []
        self._notice: tuple[str, float] | None = None

    def show(self, hints: list[Hint]) -> None:
        """These keys work now."""
        if hints != self._hints:
            self._hints = hints
            self.renew()

    def notice(self, text: str, seconds: float = NOTICE_SECONDS) -> None:
        """Say this for a few seconds."""
        self._notice = (text, self._clock.monotonic() + seconds)
        self.renew()

    def tick(self) -> None:
        """Take back a notice whose time is over. A replay in hand has its keys in this place, unless one is said."""
        self.display = self.fits and (not self._replays.in_hand or self._notice is not None)
        if self._notice is not None and self._clock.monotonic() >= self._notice[1]:
            self._notice = None
            self.renew()

    def segments(self, width: int) -> list[Segment]:
        looks = looks_of(self)
        if self._notice is not None:
            text = clip(plain(self._notice[0], ascii_only=looks.ascii_only), width - 2, looks.glyphs.ellipsis)
            return [Segment(f" {text}", looks.strong)]
        *hints, last = [self._hint(looks, hint) for hint in self._hints[-MAX_HINTS:]] or [[]]
        while hints and sum(map(cells, [*hints, last])) > width:
            hints.pop()
        return [segment for hint in [*hints, last] for segment in hint]

    def _hint(self, looks: Looks, hint: Hint) -> list[Segment]:
        key, does = (looks.attention, looks.attention) if hint.loud else (looks.strong, looks.quiet)
        return [Segment(f" {hint.key}", key), Segment(f" {hint.does}  ", does)]
