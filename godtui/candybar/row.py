"""One event as one line of the list."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment

from godtui.candybar.figures import clock_time, date
from godtui.candybar.looks import Looks, hue
from godtui.candybar.plaintext import clip, clip_middle, fit, plain
from godtui.candybar.preview import preview
from godtui.envelope import StoredEvent

_MAX_CHARACTERS = 300


class Columns(NamedTuple):
    """How wide each part of a line is, in cells; 0 where there is no room for it."""

    time: int
    type: int
    source: int
    preview: int

    @classmethod
    def of(cls, width: int) -> Columns:
        """The columns of a line: where it is narrow the source goes first, then milliseconds, then the preview."""
        if width < 26:
            return cls(0, max(0, width - 3), 0, 0)
        if width < 50:
            return cls(8, width - 13, 0, 0)
        time = 12 if width >= 70 else 8
        source = 14 if width >= 90 else 8 if width >= 70 else 0
        kind = max(min(27, width - 32), min(36, width * 27 // 100))
        rest = width - time - 2 - kind - 3 - (source + 2 if source else 0)
        return cls(time, kind, source, max(0, rest))


class RowPainter:
    """Draws events at one width in one set of looks."""

    def __init__(self, looks: Looks, width: int) -> None:
        self._looks = looks
        self._width = width
        self.columns = Columns.of(width)

    def paint(self, event: StoredEvent, *, again: bool = False) -> list[Segment]:
        """The event's line; `again` where a replay sent it."""
        columns, looks = self.columns, self._looks
        segments: list[Segment] = []
        if columns.time:
            time = clock_time(event.time, milliseconds=columns.time > 8)
            segments.append(Segment(f"{time}  ", looks.quiet))
        segments += self._event_type(event.event_type)
        segments += self._mark(event, again)
        if columns.source:
            source = self._plain(event.source)
            segments.append(Segment(fit(source, columns.source, looks.glyphs.ellipsis) + "  ", looks.text))
        if columns.preview:
            segments += self._preview(event, columns.preview)
        missing = self._width - sum(segment.cell_length for segment in segments)
        return [*segments, Segment(" " * missing, looks.text)] if missing > 0 else segments

    def rule(self, event: StoredEvent) -> list[Segment]:
        """The date rule above an event."""
        across = self._looks.glyphs.across
        text = clip(f"{across * 2} {date(event.time)} ", self._width, self._looks.glyphs.ellipsis)
        return [Segment(text, self._looks.quiet), Segment(across * (self._width - len(text)), self._looks.rule)]

    def _plain(self, text: str) -> str:
        return plain(text[:_MAX_CHARACTERS], ascii_only=self._looks.ascii_only)

    def _event_type(self, event_type: str) -> list[Segment]:
        looks, cells = self._looks, self.columns.type
        name = clip_middle(self._plain(event_type), cells, looks.glyphs.ellipsis)
        domain, dot, rest = name.partition(".")
        filler = " " * (cells - cell_len(name))
        domain_hue = looks.hues[hue(event_type.partition(".")[0])]
        return [Segment(domain, domain_hue), Segment(dot + rest + filler, looks.text)]

    def _mark(self, event: StoredEvent, again: bool) -> list[Segment]:
        looks = self._looks
        sent = Segment(looks.glyphs.again if again else " ", looks.key)
        if event.violations is None:
            return [sent, Segment("  ")]
        return [sent, Segment(f"{looks.glyphs.attention} ", looks.attention)]

    def _preview(self, event: StoredEvent, cells: int) -> list[Segment]:
        complaint = self._complaint(event, cells)
        room = cells - sum(segment.cell_length for segment in complaint)
        return self._pairs(event, room) + complaint

    def _complaint(self, event: StoredEvent, cells: int) -> list[Segment]:
        """The first violation, in the last part of the preview."""
        if event.violations is None or cells < 16:
            return []
        faults = event.faults()
        if not faults:
            return []
        quotes = self._looks.glyphs.quotes
        said = self._plain(f"{faults[0].path.removeprefix('/') or '/'}: {faults[0].message}")
        text = clip(said, max(12, cells * 2 // 3) - 2, self._looks.glyphs.ellipsis)
        return [Segment(f"{quotes[0]}{text}{quotes[1]}", self._looks.attention)]

    def _pairs(self, event: StoredEvent, cells: int) -> list[Segment]:
        looks, segments = self._looks, []
        for name, value in preview(event.body, cells, ascii_only=looks.ascii_only):
            shown = clip(value, cells - cell_len(name) - 1, looks.glyphs.ellipsis)
            if not shown or cells < 4:
                break
            segments += [Segment(f"{name}=", looks.quiet), Segment(f"{shown} ", looks.text)]
            cells -= cell_len(name) + cell_len(shown) + 2
        return segments
