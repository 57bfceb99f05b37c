"""The first line: what this is attached to, whether it is well, and how fast events come."""

from __future__ import annotations

from itertools import groupby

from rich.segment import Segment
from rich.style import Style

from godtui.candybar.figures import RATE_WIDTH, rate, sparkline
from godtui.candybar.link import Link
from godtui.candybar.plaintext import plain
from godtui.candybar.widgets.bar import Bar, cells, looks_of, spread

MOST_SPARKS = 30
FEWEST_SPARKS = 5


class HeaderLine(Bar):
    """`godtui ─ embedded ● ─ … 412/s ▁▂▃▅▇`."""

    def __init__(self, link: Link) -> None:
        super().__init__(id="header")
        self._link = link

    def segments(self, width: int) -> list[Segment]:
        looks = looks_of(self)
        across = Segment(looks.glyphs.across, looks.rule)
        gap, joint = Segment(" "), [Segment(" "), across, Segment(" ")]
        glyph, style = self._status()
        where = plain(self._link.hosted.description, ascii_only=looks.ascii_only)
        left = [gap, Segment("godtui", looks.strong), *joint, Segment(f"{where} ", looks.text), Segment(glyph, style)]
        url = self._link.hosted.url
        if url and url not in self._link.hosted.description and width >= 90:
            left += [*joint, Segment(plain(url), looks.quiet)]
        left.append(gap)
        return spread(left, self._flow(min(width - 40, width - cells(left) - 1)), width, across)

    def _status(self) -> tuple[str, Style]:
        looks, link = looks_of(self), self._link
        if link.failure is not None:
            return looks.glyphs.fault, looks.fault
        if link.silence or link.health_fault:
            return looks.glyphs.retrying, looks.attention
        return looks.status(link.health.status if link.health else None)

    def _flow(self, room: int) -> list[Segment]:
        """The rate, and as many sparks as there is room for beside it."""
        looks, meter = looks_of(self), self._link.meter
        columns = min(MOST_SPARKS, room - RATE_WIDTH - 4)
        columns = columns if columns >= FEWEST_SPARKS else 0
        values = list(meter.seconds)[-columns:] if columns else []
        sparks = sparkline([0.0] * (columns - len(values)) + values, looks.glyphs.sparks)
        flow = [Segment(f" {rate(meter.rate):>{RATE_WIDTH}} ", looks.strong)]
        flow += [
            Segment("".join(run), looks.rule if still else looks.key)
            for still, run in groupby(sparks, lambda spark: spark == looks.glyphs.sparks[0])
        ]
        return [*flow, Segment(" " if sparks else ""), Segment(looks.glyphs.across if sparks else "", looks.rule)]
