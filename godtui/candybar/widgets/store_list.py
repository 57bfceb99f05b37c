"""The store's events, newest first, as far as they are read."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType

from godtui.candybar.figures import SECOND, clock_time, count, date, duration, moment
from godtui.candybar.link import Link
from godtui.candybar.looks import Looks
from godtui.candybar.marks import Marks
from godtui.candybar.plaintext import clip, plain
from godtui.candybar.reading import StoreReader
from godtui.candybar.store_teaching import store_lesson
from godtui.candybar.widgets.bar import looks_of
from godtui.candybar.widgets.event_list import EventList
from godtui.operations import Count


class StoreList(EventList):
    """Shows what a reader holds; moving near an end makes it read on."""

    TITLE = "Store"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k,up", "move(-1)", "up", id="store.up", tooltip="one event up, to newer ones"),
        Binding("j,down", "move(1)", "down", id="store.down", tooltip="down, to older ones"),
        Binding("pageup,ctrl+u", "page(-1)", "page up", id="store.page_up", tooltip="one page up"),
        Binding("pagedown,ctrl+d", "page(1)", "page down", id="store.page_down", tooltip="down"),
        Binding("G,home", "newest", "newest", id="store.newest", tooltip="the newest stored"),
        Binding("g,end", "oldest", "oldest", id="store.oldest", tooltip="the oldest stored"),
    ]

    def __init__(self, link: Link, marks: Marks, reader: StoreReader) -> None:
        super().__init__(link, marks, reader.view, id="store")
        self._reader = reader
        self._ends: tuple[int, int] = (0, 0)

    @property
    def in_sight(self) -> tuple[int, int]:
        """The first and the last row that are drawn."""
        return (self._lines[0].row, self._lines[-1].row) if self._lines else (self.view.rows.first, self.view.rows.end)

    def tick(self) -> None:
        """Take up what was read."""
        reader = self._reader
        if self.view is not reader.view:
            reader.view.centre(self.content_height)
            self.turn(reader.view, reader.text)
            self.post_message(self.Moved())
        ends = (reader.shelf.first, reader.shelf.end)
        if ends != self._ends:
            self._ends = ends
            self.redraw()
        elif not self._lines and self._teach():
            self.refresh()

    def action_newest(self) -> None:
        if self._reader.is_newest:
            self.view.go(self.view.rows.first, self.content_height)
            self._moved()
        else:
            self._reader.show_newest()

    def action_oldest(self) -> None:
        if self._reader.is_oldest:
            self.view.go(self.view.rows.end - 1, self.content_height)
            self._moved()
        else:
            self._reader.show_oldest()

    def bottom_edge(self) -> list[Segment]:
        """How far it was looked, and whether there is more."""
        looks, reader = looks_of(self), self._reader
        room, dot = self.size.width - 8, f" {looks.glyphs.dot} "
        parts = [part for part in (self._extent_text(looks), self._counts_text(), self._place()) if part]
        while len(parts) > 1 and len(dot.join(parts)) > room:
            parts.pop()
        said, style = dot.join(parts), looks.quiet
        if reader.fault is not None and self._lines:
            said, style = f"{looks.glyphs.retrying} {reader.fault}", looks.attention
        text = clip(plain(said, ascii_only=looks.ascii_only), room, looks.glyphs.ellipsis)
        return [Segment(text, style)] if text else []

    def _counts_text(self) -> str:
        """`1,204,551 stored, about 8,300 match`."""
        counts = self._reader.counts
        if counts is None:
            return ""
        stored = f"{_about(counts.stored)} stored"
        return f"{stored}, {_about(counts.matching)} match" if self._reader.wanted.terms else stored

    def _place(self) -> str:
        """Where the cursor is: its day may be far above the screen."""
        event = self.current
        return f"{date(event.time)} {looks_of(self).glyphs.dot} seq {count(event.seq)}" if event is not None else ""

    def _extent_text(self, looks: Looks) -> str:
        reader, dot = self._reader, looks.glyphs.dot
        if reader.as_of is None:
            return ""
        if reader.stopped:
            return f"{self._looked()}stopped {dot} m goes on"
        if reader.looking and reader.looked_at is not None:
            return f"{looks.glyphs.standby} {self._looked()}looking further {dot} esc stops"
        at_end = self._lines and self._lines[-1].row == reader.shelf.end - 1
        if at_end and reader.is_oldest and len(reader.shelf):
            return "nothing older"
        return ""

    def _looked(self) -> str:
        reader = self._reader
        if reader.looked_at is None:
            return ""
        return f"looked back to {moment(reader.looked_at, self._link.clock.now())}, "

    def _freshness(self, looks: Looks) -> list[Segment]:
        """When the newest was read, and how much was stored since."""
        reader, link = self._reader, self._link
        if link.failure is not None:
            return [Segment(f"{looks.glyphs.fault} ended", looks.fault)]
        if reader.opening:
            return [Segment(f"{looks.glyphs.standby} searching", looks.attention)]
        if reader.as_of is None:
            return [Segment(f"{looks.glyphs.retrying} nothing read", looks.attention)]
        said = [Segment(f"as of {clock_time(reader.as_of, milliseconds=False)}", looks.quiet)]
        if reader.fault is not None:
            age = duration((link.clock.now() - reader.as_of) / SECOND)
            return [Segment(f"{looks.glyphs.retrying} stale {age}", looks.attention)]
        if since := reader.stored_since:
            said.append(Segment(f" {looks.glyphs.dot} +{count(since)} since: R", looks.strong))
        return said

    def _lesson_lines(self, looks: Looks) -> list[list[Segment]]:
        if self._lines:
            return []
        width = self.content_width
        return [
            [Segment(clip(plain(line, ascii_only=looks.ascii_only), width, looks.glyphs.ellipsis), style)]
            for line, style in store_lesson(self._reader, self._link, looks)
        ]


def _about(number: Count) -> str:
    return count(number.number) if number.exact else f"about {count(number.number)}"
