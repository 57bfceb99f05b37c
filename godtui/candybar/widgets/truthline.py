"""The last line: bus, log, what was seen and shown, and the time. Always there, always true."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.segment import Segment

from godtui.candybar.bus import TRYING
from godtui.candybar.figures import clock_time, count, short_count
from godtui.candybar.link import Link
from godtui.candybar.widgets.bar import Bar, bus_segments, cells, looks_of, spread
from godtui.candybar.window import Window


class TruthLine(Bar):
    """`bus rabbitmq 127.0.0.1:5672 ●   log 1,204,551 · 0.4 ms   seen n · matched n · …   14:02:12Z`."""

    def __init__(self, link: Link) -> None:
        super().__init__(id="truth")
        self._link = link
        self._widths: dict[tuple[str, Callable[[int], str]], int] = {}
        self._window: Window | None = None

    def show(self, window: Window) -> None:
        """Count for this window from now on."""
        self._window = window
        self._widths = {key: width for key, width in self._widths.items() if key[0] == "log"}
        self.renew()

    def segments(self, width: int) -> list[Segment]:
        looks = looks_of(self)
        time = Segment(clock_time(self._link.clock.now(), milliseconds=False) + "Z ", looks.quiet)
        lines = [self._joined(parts) for parts in self._candidates()]
        left = next((line for line in lines if cells(line) + len(time.text) < width), lines[-1])
        return spread(left, [time], width, Segment(" "))

    def _candidates(self) -> Iterator[list[list[Segment]]]:
        """What the line may say, the most first: names and numbers shorten before any goes."""
        full, name, short_name, transport, unnamed, bare = self._buses()
        figures = self._figures()
        few = [figure for figure in figures if figure[0] != "matched"]
        yield [full, self._log(commit=True), self._counts(figures)]
        yield [name, self._log(commit=True), self._counts(figures)]
        yield [name, self._log(), self._counts(figures)]
        yield [name, self._log(), self._counts(figures, short_count)]
        for bus in (name, short_name, transport, unnamed):
            yield [bus, self._log(short_count), self._counts(figures, short_count)]
        yield [unnamed, self._log(short_count), self._counts(few, short_count)]
        yield [bare, self._log(short_count), self._counts(figures, short_count)]
        yield [bare, self._counts(figures, short_count)]
        yield [bare, self._counts(few, short_count)]
        yield [bare, self._counts(few[-1:], short_count)]
        yield [bare]

    def _buses(self) -> list[list[Segment]]:
        """The bus, the most first. How long it has been so would push what stands behind it: only since when."""
        looks, link = looks_of(self), self._link
        bus = link.bus
        name, short_name, transport = bus.names(looks.glyphs.ellipsis)
        tail, _, urgent = bus.tails(link.clock.now(), looks.glyphs.dot)
        urgent = f"{urgent:<{len(TRYING)}}" if urgent else ""
        said = ((name, tail), (name, urgent), (short_name, urgent), (transport, urgent), ("", urgent), ("", ""))
        return [[Segment("bus ", looks.quiet), *bus_segments(bus, *words, looks)] for words in said]

    def _joined(self, parts: list[list[Segment]]) -> list[Segment]:
        gap = Segment("   ")
        joined = [Segment(" ")]
        for part in parts:
            joined += [*part, gap] if part else []
        return joined[:-1]

    def _log(self, written: Callable[[int], str] = count, *, commit: bool = False) -> list[Segment]:
        looks = looks_of(self)
        store = self._link.health.components.get("store") if self._link.health else None
        if store is None:
            return []
        segments = [Segment("log ", looks.quiet)]
        if store.status != "ok":
            glyph, style = looks.status(store.status)
            segments.append(Segment(f"{glyph} ", style))
        last, milliseconds = store.figures.get("last_seq"), store.figures.get("commit_ms")
        if isinstance(last, int):
            newest = max(last, self._link.feed.position)
            segments.append(Segment(self._steady("log", written(newest), written), looks.text))
        if commit and isinstance(milliseconds, int | float):
            segments.append(Segment(f" {looks.glyphs.dot} {milliseconds:.1f} ms", looks.quiet))
        return segments

    def _figures(self) -> list[tuple[str, int]]:
        feed, window = self._link.feed, self._window
        if window is None:
            return []
        matched = feed.ring.end - feed.ring.replayed + feed.dropped
        dropped = feed.dropped + window.lost
        seen = [("seen", feed.seen)] if feed.numbered else []  # else only what matches is known
        return [*seen, ("matched", matched), ("shown", window.shown), ("dropped", dropped)]

    def _counts(self, figures: list[tuple[str, int]], written: Callable[[int], str] = count) -> list[Segment]:
        looks = looks_of(self)
        segments: list[Segment] = []
        for name, number in figures:
            if segments:
                segments.append(Segment(f" {looks.glyphs.dot} ", looks.quiet))
            alarming = name == "dropped" and number
            segments.append(Segment(f"{name} ", looks.quiet))
            text = self._steady(name, written(number), written)
            segments.append(Segment(text, looks.attention if alarming else looks.text))
        return segments

    def _steady(self, name: str, text: str, written: Callable[[int], str]) -> str:
        """Right-aligned in the widest it has been when so written, so that what stands beside it stays."""
        key = name, written
        self._widths[key] = max(self._widths.get(key, 0), len(text))
        return text.rjust(self._widths[key])
