"""A framed part of the screen, drawn line by line."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Sequence
from typing import Self

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.filter import ANSIToTruecolor
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from godtui.candybar.looks import Looks
from godtui.candybar.plaintext import clip
from godtui.candybar.widgets.bar import cells, looks_of

log = logging.getLogger(__name__)

MIN_FRAMED = Size(24, 5)
MAX_KEPT = 256


def movements(pane: str, unit: str, first: tuple[str, str], last: tuple[str, str]) -> list[BindingType]:
    """The keys that move in a pane by unit, page and edge; of each edge its short name and what going there does."""
    return [
        Binding("k,up", "move(-1)", "up", id=f"{pane}.up", tooltip=f"one {unit} up"),
        Binding("j,down", "move(1)", "down", id=f"{pane}.down", tooltip="down"),
        Binding("pageup,ctrl+u", "page(-1)", "page up", id=f"{pane}.page_up", tooltip="one page up"),
        Binding("pagedown,ctrl+d", "page(1)", "page down", id=f"{pane}.page_down", tooltip="down"),
        Binding("g,home", "edge(-1)", first[0], id=f"{pane}.first", tooltip=first[1]),
        Binding("G,end", "edge(1)", last[0], id=f"{pane}.last", tooltip=last[1]),
    ]


class _WholeLine(Strip):
    """A strip drawn in one piece. Textual's would hold itself in its cache, for the garbage collector to find:
    thousands of them a second make it stop everything for tens of milliseconds."""

    __slots__ = ()

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        places = list(cuts)
        return [self] if places == [self.cell_length] else super().divide(places)


class Pane(Widget, can_focus=True):
    """A frame with title, middle and freshness in its upper edge, hints in its lower; the frame goes when it is tiny.

    Subclasses draw `content_line(y)` at `content_width` by `content_height` and say what stands in the edges. Lines
    are kept until something says that they changed; those with a `line_key` also where they stand at another height.
    """

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._extent = Size(0, 0)
        self._drawn: dict[int, Strip] = {}
        self._kept: dict[Hashable, Strip] = {}
        self._meets_left = self._meets_right = False

    @property
    def framed(self) -> bool:
        """Whether there is room for a frame."""
        return self._extent.width >= MIN_FRAMED.width and self._extent.height >= MIN_FRAMED.height

    @property
    def content_width(self) -> int:
        """Columns between the frame's sides."""
        frame = 3 if self._meets_right else 4
        return max(1, self._extent.width - (frame if self.framed else 1))

    @property
    def content_height(self) -> int:
        """Lines between the frame's edges."""
        return self._extent.height - 2 if self.framed else self._extent.height

    @property
    def content_top(self) -> int:
        """The line of the widget that is the first of its content."""
        return 1 if self.framed else 0

    def content_line(self, y: int) -> list[Segment]:
        """One line of the content, `content_width` cells at most."""
        raise NotImplementedError

    def line_key(self, _y: int) -> Hashable | None:
        """What a line of the content shows, where it looks the same wherever it stands."""
        return None

    def margin(self, _y: int) -> Segment:
        """The column before a line of the content."""
        return Segment(" ")

    def top_edge(self) -> tuple[list[Segment], list[Segment], list[Segment]]:
        """Left, middle and right of the upper edge."""
        return [], [], []

    def bottom_edge(self) -> list[Segment]:
        """What stands at the right of the lower edge."""
        return []

    def restyle(self) -> None:
        """The looks or the size changed: nothing that was drawn is still right."""
        self._kept.clear()
        self.refresh()

    def join(self, *, left: bool = False, right: bool = False) -> None:
        """Whether other panes stand beside this one; of two the right one draws the border between them."""
        if (left, right) != (self._meets_left, self._meets_right):
            self._meets_left, self._meets_right = left, right
            self.restyle()

    def refresh_edges(self) -> None:
        """Draw the edges again, and nothing else."""
        if self.framed:
            width, height = self._extent
            self.refresh(Region(0, 0, width, 1), Region(0, height - 1, width, 1))

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        if not regions:
            self._drawn.clear()
        for region in regions:
            for y in region.line_range:
                self._drawn.pop(y, None)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def on_resize(self, event: events.Resize) -> None:
        self._extent = event.size
        self.restyle()

    def on_focus(self) -> None:
        self.restyle()

    def on_blur(self) -> None:
        self.restyle()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines as Textual draws them; without its own cache, which forgets a line that moved."""
        lines = [self._drawn.get(y) or self._draw(y) for y in crop.line_range]
        if crop.column_span == (0, self._extent.width):
            return lines
        return [line.crop(*crop.column_span) for line in lines]

    def _draw(self, y: int) -> Strip:
        key = self.line_key(y - self.content_top) if self.content_top <= y else None
        strip = self._kept.get(key) if key is not None else None
        if strip is None:
            strip = self._finished(self._safe_line(y))
            if key is not None:
                self._keep(key, strip)
        self._drawn[y] = strip
        return strip

    def _keep(self, key: Hashable, strip: Strip) -> None:
        if len(self._kept) >= MAX_KEPT:
            self._kept.clear()
        self._kept[key] = strip

    def _finished(self, segments: list[Segment]) -> Strip:
        """One strip as wide as the pane, every part on the ground, and as a terminal without colour wants it."""
        ground, width = looks_of(self).text, self._extent.width
        line = [Segment(text, style or ground) for text, style, _ in segments if text]
        strip: Strip = _WholeLine(line, cells(line))
        if strip.cell_length != width:
            strip = strip.adjust_cell_length(width, ground)
        for line_filter in self.get_line_filters():
            if not isinstance(line_filter, ANSIToTruecolor):  # our styles are what the theme is: nothing to convert
                strip = strip.apply_filter(line_filter, self.background_colors[1])
        return strip

    def _safe_line(self, y: int) -> list[Segment]:
        try:
            return self._line(y)
        except Exception:
            log.exception("line %d of %s cannot be drawn", y, type(self).__name__)
            looks = looks_of(self)
            return [Segment(f"{looks.glyphs.fault} this line cannot be drawn", looks.fault)]

    def _line(self, y: int) -> list[Segment]:
        if not self.framed:
            return [self.margin(y), *self.content_line(y)]
        looks = looks_of(self)
        frame = looks.accent if self.has_focus else looks.rule
        if y == 0:
            return self._edge(looks, frame, *self.top_edge(), corners=self._corners(looks, 0))
        if y == self._extent.height - 1:
            return self._edge(looks, frame, [], [], self.bottom_edge(), corners=self._corners(looks, 2))
        side = looks.glyphs.down
        right = Segment(" " if self._meets_right else f" {side}", frame)
        return [Segment(side, frame), self.margin(y - 1), *self._fitted(y - 1), right]

    def _fitted(self, y: int) -> list[Segment]:
        """A line of the content in exactly its width."""
        line, width = self.content_line(y), self.content_width
        missing = width - cells(line)
        if missing < 0:
            return list(Strip(line).crop(0, width))
        return [*line, Segment(" " * missing)] if missing else line

    def _corners(self, looks: Looks, first: int) -> str:
        """Left and right corner of the upper edge (0) or the lower (2)."""
        marks = looks.glyphs
        left = marks.joints[first // 2] if self._meets_left else marks.corners[first]
        return left + (marks.across if self._meets_right else marks.corners[first + 1])

    def _edge(
        self,
        looks: Looks,
        frame: Style,
        left: list[Segment],
        middle: list[Segment],
        right: list[Segment],
        *,
        corners: str,
    ) -> list[Segment]:
        """An edge of the frame; where not all fits, the middle is clipped, then left out, then the left."""
        width, across = self._extent.width, looks.glyphs.across
        left, right = _spaced(left), _spaced(right)
        if cells(left) + cells(right) > width - 6:
            left = []
        room = width - cells(left) - cells(right) - 6
        middle = _spaced(_clipped(middle, room - 4, looks.glyphs.ellipsis)) if room > 10 else []
        gap = width - 4 - cells(left) - cells(middle) - cells(right)
        before = gap * 2 // 3 if middle else gap
        line = [Segment(corners[0] + across, frame), *left, Segment(across * before, frame), *middle]
        line += [Segment(across * (gap - before), frame), *right, Segment(across + corners[1], frame)]
        return line


def _spaced(segments: list[Segment]) -> list[Segment]:
    return [Segment(" "), *segments, Segment(" ")] if segments else []


def _clipped(segments: list[Segment], room: int, ellipsis: str) -> list[Segment]:
    clipped: list[Segment] = []
    for segment in segments:
        text = clip(segment.text, room, ellipsis)
        if text:
            clipped.append(Segment(text, segment.style))
        room -= segment.cell_length
    return clipped
