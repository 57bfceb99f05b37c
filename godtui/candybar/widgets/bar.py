"""A line of the screen that is drawn again only when it changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from godtui.candybar.bus import BusState
from godtui.candybar.looks import Looks
from godtui.candybar.plaintext import plain

if TYPE_CHECKING:
    from godtui.candybar.app import ConsoleApp


def looks_of(widget: Widget) -> Looks:
    """The looks of the theme in force."""
    return cast("ConsoleApp", widget.app).looks


class Bar(Widget):
    """One line high; subclasses say what is on it."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._strip: Strip | None = None

    def segments(self, width: int) -> list[Segment]:
        """What the line says, in at most that many cells."""
        raise NotImplementedError

    def renew(self) -> None:
        """Bring the line up to date."""
        width = self.size.width
        strip = solid(self.segments(width)).adjust_cell_length(width).apply_style(looks_of(self).text)
        if strip != self._strip:
            self._strip = strip
            self.refresh()

    def on_resize(self) -> None:
        self.renew()

    def render_line(self, y: int) -> Strip:
        return self._strip if y == 0 and self._strip is not None else Strip.blank(self.size.width, looks_of(self).text)


def solid(segments: Iterable[Segment]) -> Strip:
    """A line of the segments that have any text."""
    return Strip([segment for segment in segments if segment.text])


def spread(left: list[Segment], right: list[Segment], width: int, filler: Segment) -> list[Segment]:
    """Left and right with a filler character between; the right goes where there is no room for both."""
    room = width - cells(left) - cells(right)
    if room < 1:
        return left
    return [*left, Segment(filler.text * room, filler.style), *right]


def bus_segments(bus: BusState, name: str, tail: str, looks: Looks) -> list[Segment]:
    """The bus's name, its glyph, and what is said behind it."""
    glyph, style = looks.status(bus.look)
    name, tail = plain(name, ascii_only=looks.ascii_only), plain(tail, ascii_only=looks.ascii_only)
    behind = looks.quiet if bus.look == "ok" else looks.text if bus.stale is None else style
    segments = Segment(f"{name} ", looks.text), Segment(glyph, style), Segment(f" {tail}", behind)
    return [segment for segment in segments if segment.text.strip()]


def cells(segments: list[Segment]) -> int:
    """How many cells the segments take."""
    return sum(segment.cell_length for segment in segments)
