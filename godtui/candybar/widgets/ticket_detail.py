"""One ticket, whole: where it stands and why, its conditions, its checks, and what a check prints as it runs."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from godtui.candybar.dispatching import DispatcherWatch
from godtui.candybar.figures import SECOND, count
from godtui.candybar.link import Link
from godtui.candybar.plaintext import clip, plain
from godtui.candybar.ticket_text import TicketText
from godtui.candybar.tickets import LOOKS
from godtui.candybar.widgets.bar import cells, looks_of
from godtui.candybar.widgets.pane import Pane, movements


class TicketDetail(Pane):
    """Follows the list's cursor, and the end of a running check's output until the reader scrolls up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *movements("ticket", "line", first=("top", "the first line"), last=("bottom", "the last line, and follow it")),
        Binding("n", "step(1)", "next ticket", id="ticket.next", tooltip="the next ticket"),
        Binding("N", "step(-1)", "previous ticket", id="ticket.previous", tooltip="the one before"),
    ]

    class Stepped(Message):
        """The reader wants the next ticket of the list, or the one before."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self, link: Link, watch: DispatcherWatch) -> None:
        super().__init__(id="ticket")
        self._link = link
        self._watch = watch
        self._lines: list[list[Segment]] = []
        self._text_lines: list[list[Segment]] = []
        self._told: object = None
        self._shown: str | None = None
        self._top = 0
        self._at_end = False
        self._edges: object = None

    @property
    def following(self) -> bool:
        """Whether the end of what a check prints stays in sight."""
        return self._at_end and bool(self._watch.running)

    def turn(self) -> None:
        """Show the selected ticket; another one from its top, or from the end of what its check prints."""
        if self._shown != self._watch.selected:
            self._shown = self._watch.selected
            self._top = 0
            self._at_end = True
        self.renew()

    def renew(self) -> None:
        """Draw again where time, an answer or the looks made a difference."""
        lines = self._text()
        top = self._top
        self._top = self._last_top(lines) if self.following else min(self._top, self._last_top(lines))
        if lines != self._lines or top != self._top:
            self._lines = lines
            self.refresh()
        edges = self.top_edge(), self.bottom_edge()
        if edges != self._edges:
            self._edges = edges
            self.refresh_edges()

    def restyle(self) -> None:
        self.renew()
        super().restyle()

    def action_move(self, by: int) -> None:
        self._go(self._top + by)

    def action_page(self, by: int) -> None:
        self._go(self._top + by * max(1, self.content_height - 1))

    def action_edge(self, towards: int) -> None:
        self._go(self._last_top(self._lines) if towards > 0 else 0)

    def action_step(self, by: int) -> None:
        self.post_message(self.Stepped(by))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._go(self._top - 3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._go(self._top + 3)

    def content_line(self, y: int) -> list[Segment]:
        index = self._top + y
        return self._lines[index] if index < len(self._lines) else []

    def top_edge(self) -> tuple[list[Segment], list[Segment], list[Segment]]:
        looks, ticket = looks_of(self), self._watch.ticket
        if ticket is None:
            return [Segment("Settings in force", looks.quiet)], [], []
        glyph, style = looks.status(LOOKS[ticket.state])
        right = [Segment(f"{glyph} {ticket.state}", style)]
        room = self.size.width - 10 - cells(right)
        reference = plain(ticket.reference[:100], ascii_only=looks.ascii_only)
        return [Segment(clip(reference, room, looks.glyphs.ellipsis), looks.strong)], [], right

    def bottom_edge(self) -> list[Segment]:
        looks, lines = looks_of(self), len(self._lines)
        said = []
        if self._watch.running:
            said = [Segment("live", looks.healthy) if self.following else Segment("G follow", looks.attention)]
        if lines > self.content_height:
            last = min(lines, self._top + self.content_height)
            dot = f" {looks.glyphs.dot} " if said else ""
            said = [Segment(f"{count(last)} of {count(lines)} lines{dot}", looks.quiet), *said]
        return said

    def _text(self) -> list[list[Segment]]:
        """What is to be shown now; written anew only where something in it is not as it was."""
        watch, looks, width, now = self._watch, looks_of(self), self.content_width, self._link.clock.now()
        settings = watch.status.settings if watch.status is not None else []
        told = watch.ticket, watch.running, settings, looks, width, now // SECOND
        if told != self._told:
            self._told = told
            text = TicketText(looks, width, now)
            self._text_lines = text.settings(settings) if watch.ticket is None else text.lines(watch.ticket, told[1])
        return self._text_lines

    def _last_top(self, lines: list[list[Segment]]) -> int:
        return max(0, len(lines) - self.content_height)

    def _go(self, top: int) -> None:
        last = self._last_top(self._lines)
        top = max(0, min(top, last))
        self._at_end = top == last
        if top != self._top:
            self._top = top
            self.refresh()
