"""The first line: what this is attached to, whether it is well, and how fast events come."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, groupby

from rich.segment import Segment

from godtui.candybar.figures import RATE_WIDTH, rate, sparkline
from godtui.candybar.link import Link
from godtui.candybar.plaintext import plain
from godtui.candybar.widgets.bar import Bar, bus_segments, cells, looks_of, spread

WIDE = 90
MOST_SPARKS = 30
FEWEST_SPARKS = 5


class HeaderLine(Bar):
    """`godtui ● ─ rabbitmq 127.0.0.1:5672 ⟳ since 14:02:11 · next try in 3 s ─ … 412/s ▁▂▃▅▇`."""

    def __init__(self, link: Link) -> None:
        super().__init__(id="header")
        self._link = link

    def segments(self, width: int) -> list[Segment]:
        across = Segment(looks_of(self).glyphs.across, looks_of(self).rule)
        least = RATE_WIDTH + 3
        lines = list(self._candidates(across, url=width >= WIDE))
        left = next((line for line in lines if cells(line) + least <= width), lines[-1])
        return spread(left, self._flow(min(width - 40, width - cells(left) - 1)), width, across)

    def _candidates(self, across: Segment, *, url: bool) -> Iterator[list[Segment]]:
        """What may stand at the left, the most first: where this is goes before what the bus is, its name last."""
        looks, link = looks_of(self), self._link
        glyph, style = looks.status(link.look)
        gap, joint = Segment(" "), [Segment(" "), across, Segment(" ")]
        whole = [gap, Segment("godtui ", looks.strong), Segment(glyph, style)]
        for bus in self._buses():
            for before, after in self._places(url=url):
                parts = [[Segment(before, looks.text)], bus, [Segment(after, looks.quiet)]]
                yield [*whole, *chain.from_iterable([*joint, *part] for part in parts if cells(part)), gap]

    def _buses(self) -> Iterator[list[Segment]]:
        looks, link = looks_of(self), self._link
        if link.health is None:
            yield [Segment("starting", looks.quiet)]
            return
        bus = link.bus
        name, short_name, transport = bus.names(looks.glyphs.ellipsis)
        tail, short_tail, _ = bus.tails(link.clock.now(), looks.glyphs.dot)
        said = ((name, tail), (name, short_tail), (short_name, short_tail), (transport, short_tail), ("", short_tail))
        for words in said:
            yield bus_segments(bus, *words, looks)
        yield bus_segments(bus, "", "", looks)

    def _places(self, *, url: bool) -> list[tuple[str, str]]:
        """Where the engine is: said before the bus where that is elsewhere, else behind it."""
        ascii_only = looks_of(self).ascii_only
        if self._link.attached_to is not None:
            return [(plain(self._link.hosted.description, ascii_only=ascii_only), ""), ("attached", ""), ("", "")]
        own = self._link.hosted.url if url else None
        return [("", plain(own, ascii_only=ascii_only)), ("", "")] if own else [("", "")]

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
