"""The line below the first that is there only while something is wrong."""

from __future__ import annotations

from rich.segment import Segment

from godtui.candybar.alarms import Alarms
from godtui.candybar.figures import duration
from godtui.candybar.link import Link
from godtui.candybar.plaintext import clip, plain
from godtui.candybar.widgets.bar import Bar, looks_of


class Banner(Bar):
    """`✖ store down: no space left on device · for 3 min   (+1 more)`."""

    def __init__(self, link: Link) -> None:
        super().__init__(id="banner")
        self._alarms = Alarms(link)
        self.display = False

    def tick(self) -> None:
        """Show the worst alarm, or nothing."""
        self.display = bool(self._alarms.now())
        self.renew()

    def segments(self, width: int) -> list[Segment]:
        alarms = self._alarms.now()
        if not alarms:
            return []
        looks = looks_of(self)
        alarm, seconds = alarms[0]
        glyph, style = looks.status(alarm.status)
        tail = f" {looks.glyphs.dot} for {duration(seconds)}" if seconds >= 1 else ""
        tail += f"   (+{len(alarms) - 1} more)" if len(alarms) > 1 else ""
        said = clip(plain(alarm.sentence, ascii_only=looks.ascii_only), width - len(tail) - 4, looks.glyphs.ellipsis)
        return [Segment(f" {glyph} {said}", style), Segment(tail, looks.quiet)]
