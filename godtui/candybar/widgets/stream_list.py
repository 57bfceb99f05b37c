"""The list of events: the tail as it moves, or held still while someone reads."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message

from godtui.candybar.figures import count, duration
from godtui.candybar.link import Link
from godtui.candybar.looks import Looks
from godtui.candybar.plaintext import clip, plain
from godtui.candybar.row import RowPainter
from godtui.candybar.teaching import lesson
from godtui.candybar.widgets.bar import looks_of
from godtui.candybar.widgets.pane import Pane, movements
from godtui.candybar.window import Line, Window
from godtui.envelope import StoredEvent

FLOOD_TICKS = 3
OWN = ("bloodbank.health.status", "candystore.event.persisted")
"""What the system says of itself, unasked."""


class StreamList(Pane):
    """Events by row number; draws what is visible and nothing else."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="stream.open", tooltip="show the whole event beside the list"),
        Binding("p", "pause", "pause", id="stream.pause", tooltip="hold the list still; again: jump to the newest"),
        *movements(
            "stream", "event", first=("oldest", "the oldest loaded"), last=("newest", "the newest, and follow it")
        ),
    ]

    class Opened(Message):
        """The reader wants to see the event under the cursor."""

    class Moved(Message):
        """Another event is under the cursor."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, StreamList.Moved)

    def __init__(self, link: Link) -> None:
        super().__init__(id="stream")
        self._link = link
        self._painter: RowPainter | None = None
        self._lines: list[Line] = []
        self._drawn_at_tick = 0
        self._ticks = 0
        self._edge_text = ""
        self._cursor = 0
        self._lesson: list[list[Segment]] = []
        self.filter_text = ""
        self.window = Window(link.feed.ring)

    @property
    def current(self) -> StoredEvent | None:
        """The event under the cursor."""
        return self.window.event(self.window.cursor)

    def hold(self) -> None:
        """Stop following, where it does."""
        self.window.hold(self.content_height)
        self.redraw()

    def show(self, window: Window, filter_text: str) -> None:
        """Turn to another feed's rows."""
        self.window = window
        self.filter_text = filter_text
        self._lines = []
        self._kept.clear()
        self.redraw()

    def redraw(self) -> None:
        """Draw what is not yet as it should be: all of it where rows moved, else a line or two and the edges."""
        before, self._lines = self._lines, self.window.lines(self.content_height)
        cursor, self._cursor = self._cursor, self.window.cursor
        self._drawn_at_tick = self._ticks
        if self._teach() or before != self._lines:
            self.refresh()
            return
        self.refresh_edges()
        for y, line in enumerate(self._lines, self.content_top):
            if cursor != self._cursor and line.row in (cursor, self._cursor):
                self.refresh(Region(0, y, self.size.width, 1))

    def tick(self) -> None:
        """Take up what came. When more comes than can be read, every third tick is enough."""
        self._ticks += 1
        window = self.window
        waiting = window.ring.end - (self._lines[-1].row + 1 if self._lines else 0)
        flooded = waiting > self.content_height and self._ticks - self._drawn_at_tick < FLOOD_TICKS
        if window.following and not flooded and window.take():
            self.redraw()
        elif self._ticks % 8 == 0 and self._teach():
            self.refresh()

    def refresh_freshness(self) -> None:
        """Draw the upper edge again where it says something new."""
        text = "".join(segment.text for part in (*self.top_edge(), self.bottom_edge()) for segment in part)
        if text != self._edge_text:
            self._edge_text = text
            self.refresh_edges()

    def restyle(self) -> None:
        self._painter = None
        self._lines = self.window.lines(self.content_height)
        self._teach()
        super().restyle()

    def action_open(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened())

    def action_pause(self) -> None:
        if self.window.paused:
            self.window.resume()
        else:
            self.window.pause(self.content_height)
        self._moved()

    def action_move(self, by: int) -> None:
        self.window.move(by, self.content_height)
        self._moved()

    def action_page(self, by: int) -> None:
        self.window.move(by * max(1, self.content_height - 1), self.content_height)
        self._moved()

    def action_edge(self, towards: int) -> None:
        if towards < 0:
            self.window.go(self.window.rows.first, self.content_height)
        elif self.window.paused:
            self.window.go(self.window.rows.end - 1, self.content_height)
        else:
            self.window.resume()
        self._moved()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.window.scroll(-3, self.content_height)
        self._moved()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.window.scroll(3, self.content_height)
        self._moved()

    def on_click(self, event: events.Click) -> None:
        index = event.y - self.content_top
        if 0 <= index < len(self._lines):
            row = self._lines[index].row
            if row == self.window.cursor:
                self.action_open()
            self.window.go(row, self.content_height)
            self._moved()

    def content_line(self, y: int) -> list[Segment]:
        looks = looks_of(self)
        if y >= len(self._lines):
            below = y - len(self._lines)
            return self._lesson[below] if below < len(self._lesson) else []
        line = self._lines[y]
        event = self.window.event(line.row)
        if event is None:
            return [Segment(f" {looks.glyphs.dot}", looks.quiet)]
        painter = self._painter or self._new_painter(looks)
        if line.is_rule:
            return painter.rule(event)
        segments = painter.paint(event)
        if line.row != self.window.cursor:
            return segments
        return [Segment(text, (style or looks.text) + looks.cursor) for text, style, _ in segments]

    def line_key(self, y: int) -> Hashable | None:
        if y >= len(self._lines) or self._lines[y] == (self.window.cursor, False):
            return None
        return self._lines[y]

    def margin(self, y: int) -> Segment:
        looks = looks_of(self)
        if y < len(self._lines) and self._lines[y] == (self.window.cursor, False):
            return Segment(looks.glyphs.cursor, looks.accent + looks.cursor)
        return Segment(" ")

    def top_edge(self) -> tuple[list[Segment], list[Segment], list[Segment]]:
        looks = looks_of(self)
        middle: list[Segment] = []
        if self.filter_text:
            text = plain(self.filter_text, ascii_only=looks.ascii_only)
            middle = [Segment("filter: ", looks.quiet), Segment(text, looks.strong)]
        return [Segment("Stream", looks.strong)], middle, self._freshness(looks)

    def bottom_edge(self) -> list[Segment]:
        looks, said = looks_of(self), self._link.feed.elsewhere
        if said is None:
            return []
        room = self.size.width - 8
        said = clip(plain(said, ascii_only=looks.ascii_only), room, looks.glyphs.ellipsis)
        return [Segment(f"{looks.glyphs.standby} {said}", looks.quiet)]

    def _freshness(self, looks: Looks) -> list[Segment]:
        """`live`, `paused +1,204`, `held`, `+12 new`, or since when nothing comes."""
        link, window, marks = self._link, self.window, looks.glyphs
        if link.failure is not None:
            return [Segment(f"{marks.fault} ended", looks.fault)]
        trouble = self._trouble(looks)
        beside = [*trouble, Segment(" ")] if trouble else []
        if window.paused:
            return [*beside, Segment(f"paused +{count(window.waiting)}", looks.attention)]
        if not window.following:
            new = Segment(f"+{count(window.waiting)} new", looks.strong)
            return [*beside, new if window.waiting else Segment("held", looks.quiet)]
        if link.searching or not (link.feed.ready or link.feed.fault):
            return [Segment(f"{marks.standby} searching", looks.attention)]
        return trouble or [Segment("live", looks.healthy)]

    def _trouble(self, looks: Looks) -> list[Segment]:
        """Since when nothing of the engine's comes, or, though all that is stored does, of the broker's."""
        link, bus, now = self._link, self._link.bus, self._link.clock.monotonic()
        if link.feed.fault is not None or link.silence:
            age = duration(max(now - link.feed.contact, link.silence))
            return [Segment(f"{looks.glyphs.retrying} stale {age}", looks.attention)]
        if bus.away:
            said = f"{looks.glyphs.retrying} no broker {bus.age_text(link.clock.now())}"
            return [Segment(said.rstrip(), looks.attention)]
        return []

    def _teach(self) -> bool:
        """Bring what stands below the rows up to date; whether that changed."""
        before, self._lesson = self._lesson, []
        room = self.content_height - len(self._lines)
        only_own = not (self._lines and self.filter_text) and not any(map(self._was_sent, self._lines))
        if room > 0 and only_own:
            said = lesson(self._link, looks_of(self), self.filter_text, self.content_width)
            if not self._lines or room > len(said):
                self._lesson = [[]] * max(0, min(2, room - len(said))) + said
        return self._lesson != before

    def _was_sent(self, line: Line) -> bool:
        event = self.window.event(line.row)
        return event is not None and event.event_type not in OWN

    def _new_painter(self, looks: Looks) -> RowPainter:
        self._painter = RowPainter(looks, self.content_width)
        return self._painter

    def _moved(self) -> None:
        self.redraw()
        self.post_message(self.Moved())
