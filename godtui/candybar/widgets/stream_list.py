"""The stream: the tail as it moves, or held still while someone reads."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType

from godtui.candybar.figures import count, duration
from godtui.candybar.link import Link
from godtui.candybar.looks import Looks
from godtui.candybar.marks import Marks
from godtui.candybar.plaintext import clip, plain
from godtui.candybar.rowview import Line
from godtui.candybar.teaching import lesson
from godtui.candybar.widgets.bar import looks_of
from godtui.candybar.widgets.event_list import EventList
from godtui.candybar.widgets.pane import movements
from godtui.candybar.window import Window

FLOOD_TICKS = 3
OWN = ("bloodbank.health.status", "candystore.event.persisted")
"""What the system says of itself, unasked."""


class StreamList(EventList):
    """A feed's rows, brought up to date by the screen's tick."""

    TITLE = "Stream"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "pause", id="stream.pause", tooltip="hold the list still; again: jump to the newest"),
        *movements(
            "stream", "event", first=("oldest", "the oldest loaded"), last=("newest", "the newest, and follow it")
        ),
    ]

    def __init__(self, link: Link, marks: Marks) -> None:
        self.window = Window(link.feed.ring)
        super().__init__(link, marks, self.window, id="stream")
        self._drawn_at_tick = 0
        self._ticks = 0

    def show(self, window: Window, filter_text: str) -> None:
        """Turn to another feed's rows."""
        self.window = window
        self.turn(window, filter_text)

    def redraw(self) -> None:
        self._drawn_at_tick = self._ticks
        super().redraw()

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

    def action_pause(self) -> None:
        if self.window.paused:
            self.window.resume()
        else:
            self.window.pause(self.content_height)
        self._moved()

    def action_edge(self, towards: int) -> None:
        if towards < 0:
            self.window.go(self.window.rows.first, self.content_height)
        elif self.window.paused:
            self.window.go(self.window.rows.end - 1, self.content_height)
        else:
            self.window.resume()
        self._moved()

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

    def _lesson_lines(self, looks: Looks) -> list[list[Segment]]:
        if (self._lines and self.filter_text) or any(map(self._was_sent, self._lines)):
            return []
        return lesson(self._link, looks, self.filter_text, self.content_width)

    def _was_sent(self, line: Line) -> bool:
        event = self.window.event(line.row)
        return event is not None and event.event_type not in OWN
