"""The line below the first that is there only while something is wrong."""

from __future__ import annotations

from rich.segment import Segment

from godtui.candybar.alarms import Alarm, Alarms
from godtui.candybar.figures import duration, moments
from godtui.candybar.link import Link
from godtui.candybar.plaintext import clip, plain
from godtui.candybar.widgets.bar import Bar, cells, looks_of


class Banner(Bar):
    """`✖ store down: no space left on device · for 3 min   (+1 more)`; as many as there is room for."""

    def __init__(self, link: Link, alarms: Alarms | None = None) -> None:
        """Of another banner the alarms, where both are to say the same of how long."""
        super().__init__(id="banner")
        self._link = link
        self.alarms = alarms or Alarms(link)
        self.display = False

    def tick(self) -> None:
        """Show the worst alarm, or nothing."""
        self.display = bool(self.alarms.now())
        self.renew()

    def segments(self, width: int) -> list[Segment]:
        """The worst, clipped where it must be; others beside it where they fit whole, and how many more there are."""
        looks, alarms = looks_of(self), self.alarms.now()
        said = [self._said(alarm, seconds) for alarm, seconds in alarms]
        for shown in range(len(said), 1, -1):
            line = [segment for one in said[:shown] for segment in one]
            more = self._more(len(said) - shown)
            if cells(line) + cells(more) <= width:
                return [*line, *more]
        more = self._more(len(said) - 1)
        return [*clipped(said[0], width - cells(more), looks.glyphs.ellipsis), *more] if said else []

    def _said(self, alarm: Alarm, seconds: float) -> tuple[Segment, Segment]:
        looks = looks_of(self)
        glyph, style = looks.status(alarm.look)
        sentence = plain(moments(alarm.sentence, self._link.clock.now()), ascii_only=looks.ascii_only)
        tail = f" {looks.glyphs.dot} for {duration(seconds)}" if seconds >= 1 else ""
        return Segment(f" {glyph} {sentence}", style), Segment(f"{tail}  ", looks.quiet)

    def _more(self, number: int) -> list[Segment]:
        return [Segment(f" (+{number} more)", looks_of(self).quiet)] if number else []


def clipped(said: tuple[Segment, Segment], width: int, ellipsis: str) -> list[Segment]:
    """A sentence and how long it has been so, in at most that many cells."""
    sentence, tail = said
    return [Segment(clip(sentence.text, width - cells([tail]), ellipsis), sentence.style), tail]
