"""A framed part of the screen, drawn line by line."""

from __future__ import annotations

import logging

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from godtui.candybar.looks import Looks
from godtui.candybar.plaintext import clip
from godtui.candybar.widgets.bar import cells, looks_of, solid

log = logging.getLogger(__name__)

MIN_FRAMED = (24, 5)


class Pane(Widget, can_focus=True):
    """A frame with title, middle and freshness in its upper edge, hints in its lower; the frame goes when it is tiny.

    Subclasses draw `content_line(y)` at `content_width` by `content_height` and say what stands in the edges.
    """

    ALLOW_SELECT = False

    meets_right = False
    """Another pane begins at the right and draws the border that both share."""
    meets_left = False

    @property
    def framed(self) -> bool:
        """Whether there is room for a frame."""
        return self.size.width >= MIN_FRAMED[0] and self.size.height >= MIN_FRAMED[1]

    @property
    def content_width(self) -> int:
        """Columns between the frame's sides."""
        frame = 3 if self.meets_right else 4
        return max(1, self.size.width - (frame if self.framed else 1))

    @property
    def content_height(self) -> int:
        """Lines between the frame's edges."""
        return self.size.height - 2 if self.framed else self.size.height

    @property
    def content_top(self) -> int:
        """The line of the widget that is the first of its content."""
        return 1 if self.framed else 0

    def content_line(self, y: int) -> Strip:
        """One line of the content, exactly `content_width` wide."""
        raise NotImplementedError

    def margin(self, _y: int) -> Segment:
        """The column before a line of the content."""
        return Segment(" ")

    def top_edge(self) -> tuple[list[Segment], list[Segment], list[Segment]]:
        """Left, middle and right of the upper edge."""
        return [], [], []

    def bottom_edge(self) -> list[Segment]:
        """What stands at the right of the lower edge."""
        return []

    def refresh_edges(self) -> None:
        """Draw the edges again, and nothing else."""
        if self.framed:
            self.refresh(Region(0, 0, self.size.width, 1), Region(0, self.size.height - 1, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        try:
            return self._line(y).apply_style(looks_of(self).ground)
        except Exception:
            log.exception("line %d of %s cannot be drawn", y, type(self).__name__)
            looks = looks_of(self)
            text = f"{looks.glyphs.fault} this line cannot be drawn"
            return Strip([Segment(text, looks.fault)]).adjust_cell_length(self.size.width)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def _line(self, y: int) -> Strip:
        if not self.framed:
            return Strip([self.margin(y), *self._fitted(y)])
        looks = looks_of(self)
        frame = looks.accent if self.has_focus else looks.rule
        if y == 0:
            return self._edge(looks, frame, *self.top_edge(), corners=self._corners(looks, 0))
        if y == self.size.height - 1:
            return self._edge(looks, frame, [], [], self.bottom_edge(), corners=self._corners(looks, 2))
        side = looks.glyphs.down
        right = Segment(" " if self.meets_right else f" {side}", frame)
        line = [Segment(side, frame), self.margin(y - 1), *self._fitted(y - 1), right]
        return Strip(line, self.size.width)

    def _fitted(self, y: int) -> Strip:
        return self.content_line(y).adjust_cell_length(self.content_width)

    def _corners(self, looks: Looks, first: int) -> str:
        """Left and right corner of the upper edge (0) or the lower (2)."""
        marks = looks.glyphs
        left = marks.joints[first // 2] if self.meets_left else marks.corners[first]
        return left + (marks.across if self.meets_right else marks.corners[first + 1])

    def _edge(
        self,
        looks: Looks,
        frame: Style,
        left: list[Segment],
        middle: list[Segment],
        right: list[Segment],
        *,
        corners: str,
    ) -> Strip:
        """An edge of the frame; where not all fits, the middle is clipped, then left out, then the left."""
        width, across = self.size.width, looks.glyphs.across
        left, right = _spaced(left), _spaced(right)
        if cells(left) + cells(right) > width - 6:
            left = []
        room = width - cells(left) - cells(right) - 6
        middle = _spaced(_clipped(middle, room - 4, looks.glyphs.ellipsis)) if room > 10 else []
        gap = width - 4 - cells(left) - cells(middle) - cells(right)
        before = gap * 2 // 3 if middle else gap
        line = [Segment(corners[0] + across, frame), *left, Segment(across * before, frame), *middle]
        line += [Segment(across * (gap - before), frame), *right, Segment(across + corners[1], frame)]
        return solid(line).adjust_cell_length(width)


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
