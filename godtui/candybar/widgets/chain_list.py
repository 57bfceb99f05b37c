"""The events of a chain, each under its cause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final
from uuid import UUID

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType

from godtui.candybar.chain_picture import Picture
from godtui.candybar.chain_reading import ChainReader
from godtui.candybar.chain_teaching import chain_lesson
from godtui.candybar.chain_text import ChainText, Role, Span
from godtui.candybar.chain_view import ChainView
from godtui.candybar.figures import clock_time, count, date, duration, ordinal
from godtui.candybar.link import Link
from godtui.candybar.looks import Looks, hue
from godtui.candybar.marks import Marks
from godtui.candybar.plaintext import clip, plain
from godtui.candybar.rowview import Line, RowView
from godtui.candybar.shelf import Shelf
from godtui.candybar.widgets.bar import looks_of
from godtui.candybar.widgets.event_list import EventList
from godtui.candybar.widgets.pane import movements
from godtui.envelope import StoredEvent
from godtui.operations import Orphan

STYLES: Final[dict[Role, str]] = {
    "time": "quiet",
    "guide": "quiet",
    "source": "quiet",
    "mark": "attention",
    "name": "quiet",
    "fold": "quiet",
}


class ChainList(EventList):
    """Shows what a reader holds. The event under the cursor stays where it is while the chain grows."""

    TITLE = "Chain"
    BINDINGS: ClassVar[list[BindingType]] = [
        *movements("chain", "event", first=("first", "the first root"), last=("last", "the last event")),
        Binding("R", "reload", "read anew", id="chain.reload", tooltip="read the whole chain anew"),
    ]

    def __init__(self, link: Link, marks: Marks, reader: ChainReader, event_id: UUID) -> None:
        super().__init__(link, marks, RowView(Shelf()), id="chain")
        self._reader = reader
        self._picture: Picture | None = None
        self._text: ChainText | None = None
        self.sought: bytes | None = event_id.bytes
        """The event that the reader came from, until it is here or the reader goes elsewhere."""

    def tick(self) -> None:
        """Take up what was read."""
        picture = self._reader.picture
        if picture is not self._picture:
            self._picture = picture
            self._turn_to(picture)
        elif not self._lines and self._teach():
            self.refresh()

    @property
    def led_from_elsewhere(self) -> Orphan | None:
        """Which cause of the event under the cursor is in another chain, if one is."""
        event, picture = self.current, self._picture
        if event is None or picture is None:
            return None
        orphans = picture.outline.tree.orphans.get(picture.outline.places[event.event_id], [])
        return next((one for one in orphans if one.correlation_id is not None), None)

    def place_text(self, event: StoredEvent) -> str:
        """Which of its chain an event is, in the order in which they were stored: `3rd of 7`."""
        picture = self._picture
        place = picture.outline.places.get(event.event_id) if picture is not None else None
        if picture is None or place is None:
            return ""
        total = picture.chain.total
        return f"{ordinal(place + 1)} of {count(total.number)}{'' if total.exact else '+'}"

    def action_reload(self) -> None:
        self._reader.reload()

    def action_edge(self, towards: int) -> None:
        self.view.go(self.view.rows.first if towards < 0 else self.view.rows.end - 1, self.content_height)
        self._moved()

    def restyle(self) -> None:
        self._text = None
        super().restyle()

    def painted(self, line: Line, event: StoredEvent, looks: Looks) -> list[Segment]:
        view, text = self.view, self._text
        if not isinstance(view, ChainView):
            return []
        if text is None:
            outline = view.outline
            text = ChainText(outline.tree, outline.start, self.content_width, ascii_only=looks.ascii_only)
            self._text = text
        outline = view.outline
        drawn = text.gap(outline.gap(line.row)) if line.is_rule else text.event(*outline.node(line.row))
        segments = [segment for span in drawn.spans for segment in _segments(span, event, looks)]
        missing = self.content_width - sum(segment.cell_length for segment in segments)
        return [*segments, Segment(" " * missing, looks.text)] if missing > 0 else segments

    def top_edge(self) -> tuple[list[Segment], list[Segment], list[Segment]]:
        left, _, right = super().top_edge()
        looks, picture = looks_of(self), self._picture
        if picture is not None and picture.is_cut:
            said = f" {looks.glyphs.attention} the first {_of(picture)}"
            left = [*left, Segment(said, looks.attention)]
        return left, [Segment(f"$ godtui trace {self._reader.correlation_id}", looks.key)], right

    def bottom_edge(self) -> list[Segment]:
        """What the chain is, and when the event under the cursor was."""
        looks, reader, picture, event = looks_of(self), self._reader, self._picture, self.current
        if picture is None or event is None:
            return []
        room, dot = self.size.width - 8, f" {looks.glyphs.dot} "
        parts, style = (
            [picture.summary.replace(" · ", dot), f"{date(event.time)} {clock_time(event.time)}"],
            looks.quiet,
        )
        if reader.fault is not None:
            parts, style = [f"{looks.glyphs.retrying} {reader.fault}"], looks.attention
        elif picture.is_cut:
            command = f"godtui trace {reader.correlation_id} --after {picture.reached}"
            parts, style = [f"the rest is not read here: $ {command}"], looks.attention
        while len(parts) > 1 and len(dot.join(parts)) > room:
            parts.pop()
        text = clip(plain(dot.join(parts), ascii_only=looks.ascii_only), room, looks.glyphs.ellipsis)
        return [Segment(text, style)]

    def _turn_to(self, picture: Picture | None) -> None:
        """Draw another picture, the reader where the reader was."""
        event, before = self.current, self._lines
        self._text = None
        if picture is None:
            self.turn(RowView(Shelf()), "")
            return
        view = ChainView(picture.outline)
        found = picture.row_of(self.sought) if self.sought is not None else None
        if found is not None:
            self.sought = None
            view.go(found, self.content_height)
            view.centre(self.content_height)
        elif event is not None:
            row = picture.row_of(event.event_id)
            above = next((y for y, line in enumerate(before) if line == (self.view.cursor, False)), 0)
            view.keep(self.view.cursor if row is None else row, above, self.content_height)
        self.turn(view, "")
        self.post_message(self.Moved())

    def _moved(self) -> None:
        self.sought = None
        super()._moved()

    def _freshness(self, looks: Looks) -> list[Segment]:
        """`live`, for how long more may be stored than is shown, or that it is being read."""
        reader, link, picture, marks = self._reader, self._link, self._picture, looks.glyphs
        if link.failure is not None:
            return [Segment(f"{marks.fault} ended", looks.fault)]
        if picture is None and reader.fault is not None:
            return [Segment(f"{marks.retrying} nothing read", looks.attention)]
        if picture is None and not reader.is_missing:
            return [Segment(f"{marks.standby} reading", looks.attention)]
        if reader.fault is not None or link.silence or link.stale is not None:
            age = max(reader.age, link.silence, link.stale or 0.0)
            return [Segment(f"{marks.retrying} stale {duration(age)}", looks.attention)]
        if picture is not None and reader.reading:
            return [Segment(f"{marks.standby} reading {_of(picture)}", looks.attention)]
        if reader.reading_anew:
            return [Segment(f"{marks.standby} reading anew", looks.attention)]
        if picture is not None and picture.is_cut and reader.as_of is not None:
            return [Segment(f"as of {clock_time(reader.as_of, milliseconds=False)}", looks.quiet)]
        return [Segment(duration(reader.age), looks.quiet) if reader.age else Segment("live", looks.healthy)]

    def _lesson_lines(self, looks: Looks) -> list[list[Segment]]:
        width = self.content_width
        return [
            [Segment(clip(plain(line, ascii_only=looks.ascii_only), width, looks.glyphs.ellipsis), style)]
            for line, style in chain_lesson(self._reader, self._link, looks)
        ]


def _of(picture: Picture) -> str:
    """`16,384 of 30,000`."""
    total = picture.chain.total
    return f"{count(len(picture.chain.events))} of {count(total.number)}{'' if total.exact else '+'}"


def _segments(span: Span, event: StoredEvent, looks: Looks) -> Iterator[Segment]:
    """A piece of a line, its domain in the domain's hue."""
    if span.role != "type":
        style: Style = getattr(looks, STYLES.get(span.role, "text"))
        yield Segment(span.text, style)
        return
    domain, dot, rest = span.text.partition(".")
    yield Segment(domain, looks.hues[hue(event.event_type.partition(".")[0])])
    yield Segment(dot + rest, looks.text)
