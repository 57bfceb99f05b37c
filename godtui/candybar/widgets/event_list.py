"""A list of events by row number; what it shows and where that comes from is its subclasses'."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message

from godtui.candybar.link import Link
from godtui.candybar.looks import Looks
from godtui.candybar.marks import Marks
from godtui.candybar.plaintext import plain
from godtui.candybar.row import RowPainter
from godtui.candybar.rowview import Line, RowView
from godtui.candybar.widgets.bar import looks_of
from godtui.candybar.widgets.pane import Pane
from godtui.envelope import StoredEvent


class EventList(Pane):
    """Draws what is visible and nothing else."""

    TITLE = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="events.open", tooltip="show the whole event beside the list"),
        Binding("space", "mark", "mark", id="events.mark", tooltip="mark it, or no longer; r replays the marked"),
    ]

    class Opened(Message):
        """The reader wants to see the event under the cursor."""

    class Moved(Message):
        """Another event is under the cursor."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, EventList.Moved)

    class MarksFull(Message):
        """No more can be marked."""

    def __init__(self, link: Link, marks: Marks, view: RowView, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._link = link
        self._marks = marks
        self._marks_seen = marks.revision
        self._painter: RowPainter | None = None
        self._lines: list[Line] = []
        self._edge_text = ""
        self._cursor = 0
        self._lesson: list[list[Segment]] = []
        self.filter_text = ""
        self.view = view

    @property
    def current(self) -> StoredEvent | None:
        """The event under the cursor."""
        return self.view.event(self.view.cursor)

    def turn(self, view: RowView, filter_text: str) -> None:
        """Show other rows."""
        self.view = view
        self.filter_text = filter_text
        self._lines = []
        self._kept.clear()
        self.redraw()

    def hold(self) -> None:
        """What is on screen stays there."""
        self.view.hold(self.content_height)
        self.redraw()

    def redraw(self) -> None:
        """Draw what is not yet as it should be: all of it where rows moved, else a line or two and the edges."""
        before, self._lines = self._lines, self.view.lines(self.content_height)
        cursor, self._cursor = self._cursor, self.view.cursor
        if self._teach() or before != self._lines:
            self.refresh()
            return
        self.refresh_edges()
        for y, line in enumerate(self._lines, self.content_top):
            if cursor != self._cursor and line.row in (cursor, self._cursor):
                self.refresh(Region(0, y, self.size.width, 1))

    def refresh_freshness(self) -> None:
        """Draw the edges again where they say something new, and the marks where others changed them."""
        if self._marks_seen != self._marks.revision:
            self._marks_seen = self._marks.revision
            self.refresh()
        text = "".join(segment.text for part in (*self.top_edge(), self.bottom_edge()) for segment in part)
        if text != self._edge_text:
            self._edge_text = text
            self.refresh_edges()

    def restyle(self) -> None:
        self._painter = None
        self._lines = self.view.lines(self.content_height)
        self._teach()
        super().restyle()

    def action_open(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened())

    def action_mark(self) -> None:
        """Mark the event under the cursor, or take its mark back, and go on to the next."""
        event = self.current
        if event is None:
            return
        self.hold()
        if not self._marks.turn(event):
            self.post_message(self.MarksFull())
            return
        if self.view.cursor < self.view.rows.end - 1:
            self.action_move(1)
        else:
            self.refresh()

    def action_move(self, by: int) -> None:
        self.view.move(by, self.content_height)
        self._moved()

    def action_page(self, by: int) -> None:
        self.action_move(by * max(1, self.content_height - 1))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.view.scroll(-3, self.content_height)
        self._moved()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.view.scroll(3, self.content_height)
        self._moved()

    def on_click(self, event: events.Click) -> None:
        index = event.y - self.content_top
        if 0 <= index < len(self._lines):
            row = self._lines[index].row
            if row == self.view.cursor:
                self.action_open()
            self.view.go(row, self.content_height)
            self._moved()

    def content_line(self, y: int) -> list[Segment]:
        looks = looks_of(self)
        if y >= len(self._lines):
            below = y - len(self._lines)
            return self._lesson[below] if below < len(self._lesson) else []
        line = self._lines[y]
        event = self.view.event(line.row)
        if event is None:
            return [Segment(f" {looks.glyphs.dot}", looks.quiet)]
        segments = self.painted(line, event, looks)
        if line.is_rule or line.row != self.view.cursor:
            return segments
        return [Segment(text, (style or looks.text) + looks.cursor) for text, style, _ in segments]

    def painted(self, line: Line, event: StoredEvent, looks: Looks) -> list[Segment]:
        """A row, or the rule above it, as it looks wherever the cursor is."""
        painter = self._painter or self._new_painter(looks)
        return painter.rule(event) if line.is_rule else painter.paint(event, again=self.view.rows.is_again(line.row))

    def line_key(self, y: int) -> Hashable | None:
        if y >= len(self._lines) or self._lines[y] == (self.view.cursor, False):
            return None
        return self._lines[y], self._is_marked(self._lines[y])

    def margin(self, y: int) -> Segment:
        looks = looks_of(self)
        if y >= len(self._lines) or self._lines[y].is_rule:
            return Segment(" ")
        line, marks = self._lines[y], looks.glyphs
        marked = self._is_marked(line)
        if line.row == self.view.cursor:
            return Segment(marks.mark_here if marked else marks.cursor, looks.accent + looks.cursor)
        return Segment(marks.mark, looks.accent) if marked else Segment(" ")

    def top_edge(self) -> tuple[list[Segment], list[Segment], list[Segment]]:
        looks, left = looks_of(self), [Segment(self.TITLE, looks_of(self).strong)]
        if self._marks:
            left.append(Segment(f" {looks.glyphs.dot} {len(self._marks)} marked", looks.accent))
        middle: list[Segment] = []
        if self.filter_text:
            text = plain(self.filter_text, ascii_only=looks.ascii_only)
            middle = [Segment("filter: ", looks.quiet), Segment(text, looks.strong)]
        return left, middle, self._freshness(looks)

    def _freshness(self, looks: Looks) -> list[Segment]:
        """How fresh what is shown is."""
        raise NotImplementedError

    def _lesson_lines(self, looks: Looks) -> list[list[Segment]]:
        """What stands below the rows, where there is room; nothing where nothing needs to be said."""
        raise NotImplementedError

    def _teach(self) -> bool:
        """Bring what stands below the rows up to date; whether that changed."""
        before, self._lesson = self._lesson, []
        room = self.content_height - len(self._lines)
        said = self._lesson_lines(looks_of(self)) if room > 0 else []
        if said and (not self._lines or room > len(said)):
            self._lesson = [[]] * max(0, min(2, room - len(said))) + said
        return self._lesson != before

    def _is_marked(self, line: Line) -> bool:
        event = self.view.event(line.row) if self._marks and not line.is_rule else None
        return event is not None and event in self._marks

    def _new_painter(self, looks: Looks) -> RowPainter:
        self._painter = RowPainter(looks, self.content_width)
        return self._painter

    def _moved(self) -> None:
        self.redraw()
        self.post_message(self.Moved())
