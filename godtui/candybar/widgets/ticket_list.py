"""The list of tickets: by state, the most urgent first, under a cursor that stays on its ticket."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from godtui.candybar.dispatcher_teaching import Said, lesson, standing
from godtui.candybar.dispatching import DispatcherWatch
from godtui.candybar.figures import SECOND, count, duration, moment, moments
from godtui.candybar.folding import sentences
from godtui.candybar.link import Link
from godtui.candybar.looks import Look, Looks
from godtui.candybar.plaintext import clip, fit, plain
from godtui.candybar.tickets import LOOKS, TROUBLED, Entry, TicketFilter, arrange, microseconds
from godtui.candybar.widgets.bar import cells, looks_of
from godtui.candybar.widgets.pane import Pane, movements
from godtui.operations import DispatcherState, TicketView

MOST_HEAD = 5
LEAST_ROWS = 4
WHEN = 9
REFERENCE = 9
LONGEST_REFERENCE = 18
NARROW = 36

STATES: dict[DispatcherState, Look] = {
    "running": "ok",
    "paused": "degraded",
    "held": "degraded",
    "standing by": "standing by",
    "off": "unknown",
    "failed": "down",
}


class TicketList(Pane):
    """Reads the watch; draws again only what looks different."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="tickets.open", tooltip="all of the ticket: conditions, checks, output"),
        *movements("tickets", "ticket", first=("first", "the most urgent"), last=("last", "the last one")),
    ]

    class Opened(Message):
        """The reader wants to read the ticket under the cursor."""

    class Moved(Message):
        """Another ticket is under the cursor."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, TicketList.Moved)

    def __init__(self, link: Link, watch: DispatcherWatch) -> None:
        super().__init__(id="tickets")
        self._link = link
        self._watch = watch
        self._wanted = TicketFilter()
        self._entries: list[Entry] = []
        self.arranged = -1
        """The revision of the watch that is shown."""
        self._index = 0
        self._top = 0
        self._reference = REFERENCE
        self._head: list[list[Segment]] = []
        self._picture: list[list[Segment]] = []
        self._edges: object = None
        self.says_why = False
        """Whether the lower edge says why the ticket under the cursor stands where it does."""

    @property
    def wanted(self) -> TicketFilter:
        """What the list is narrowed to."""
        return self._wanted

    @property
    def current(self) -> TicketView | None:
        """The ticket under the cursor."""
        entry = self._entries[self._index] if self._index < len(self._entries) else None
        return entry.ticket if entry is not None else None

    def narrow(self, wanted: TicketFilter, ticket_id: str | None = None) -> None:
        """Show what the reader wants to see and nothing else; the cursor goes to that ticket, else it stays on its
        own, where that is wanted."""
        if ticket_id is not None:
            self._watch.select(ticket_id)
        self._wanted = wanted
        self._watch.look_for(wanted.only_state)
        kept = self._watch.ticket
        if kept is not None and not wanted.admits(kept):
            self._watch.select(None)
        self._index = self._top = 0
        self._arrange()

    def tick(self) -> None:
        """Take up what is known now."""
        if self.arranged != self._watch.revision:
            self._arrange()

    def renew(self) -> None:
        """Draw again where time or anything else made a difference."""
        looks = looks_of(self)
        self._head = self._head_lines(looks)
        self._keep_in_sight()
        picture = self._paint(looks)
        if picture != self._picture:
            self._picture = picture
            self.refresh()
        edges = self.top_edge(), self.bottom_edge()
        if edges != self._edges:
            self._edges = edges
            self.refresh_edges()

    def restyle(self) -> None:
        self._picture = []
        self.renew()
        super().restyle()

    def action_open(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened())

    def action_move(self, by: int) -> None:
        places = self._places()
        if places:
            here = places.index(self._index) if self._index in places else 0
            self._go(places[max(0, min(here + by, len(places) - 1))])

    def action_page(self, by: int) -> None:
        self.action_move(by * max(1, self._rows - 1))

    def action_edge(self, towards: int) -> None:
        places = self._places()
        if places:
            self._go(places[-1 if towards > 0 else 0])
            if towards < 0:
                self._top = 0
                self.renew()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll(3)

    def on_click(self, event: events.Click) -> None:
        index = event.y - self.content_top - len(self._head) + self._top
        if event.y - self.content_top >= len(self._head) and index in self._places():
            if index == self._index:
                self.action_open()
            self._go(index)

    def content_line(self, y: int) -> list[Segment]:
        return self._picture[y] if y < len(self._picture) else []

    def margin(self, y: int) -> Segment:
        looks = looks_of(self)
        if self.current is not None and y == len(self._head) + self._index - self._top:
            return Segment(looks.glyphs.cursor, looks.accent + looks.cursor)
        return Segment(" ")

    def top_edge(self) -> tuple[list[Segment], list[Segment], list[Segment]]:
        looks = looks_of(self)
        middle: list[Segment] = []
        if self._wanted.text:
            text = plain(self._wanted.text, ascii_only=looks.ascii_only)
            middle = [Segment("filter: ", looks.quiet), Segment(text, looks.strong)]
        return [Segment("Dispatcher", looks.strong)], middle, self._freshness(looks)

    def bottom_edge(self) -> list[Segment]:
        looks, ticket = looks_of(self), self.current
        tail = self._shown_text()
        room = self.size.width - 8 - len(tail) - (3 if tail else 0)
        if not (self.says_why and ticket is not None and ticket.reason and room > 10):
            return [Segment(tail, looks.quiet)] if tail else []
        why = plain(" ".join(ticket.reason[:500].split()), ascii_only=looks.ascii_only)
        said = [Segment(clip(why, room, looks.glyphs.ellipsis), looks.text)]
        return [*said, Segment(f" {looks.glyphs.dot} {tail}", looks.quiet)] if tail else said

    @property
    def _rows(self) -> int:
        """How many lines there are for tickets."""
        return max(1, self.content_height - len(self._head))

    def _places(self) -> list[int]:
        return [index for index, entry in enumerate(self._entries) if entry.ticket is not None]

    def _arrange(self) -> None:
        """Take up the tickets as they are known now, with the cursor on its ticket and, if it was not at the top,
        on its line."""
        watch = self._watch
        before = self._index - self._top
        at_top = self._top == 0
        counts = watch.status.counts if watch.status else {}
        self._entries = arrange(watch.tickets, counts, self._wanted, watch.selected)
        places = {entry.ticket.id: index for index, entry in enumerate(self._entries) if entry.ticket is not None}
        if watch.selected not in places:
            rest = list(places.values())
            nearest = next((place for place in rest if place >= self._index), rest[-1] if rest else 0)
            self._index = nearest
            watch.select(self.current.id if self.current else None)
            self.post_message(self.Moved())
        else:
            self._index = places[watch.selected]
        self._top = self._index - before if not at_top else 0
        longest = max((cell_len(one.ticket.reference[:40]) for one in self._entries if one.ticket), default=0)
        self._reference = max(self._reference, min(longest, LONGEST_REFERENCE))
        self.arranged = watch.revision
        self.renew()

    def _go(self, index: int) -> None:
        if index != self._index:
            self._index = index
            self._watch.select(self.current.id if self.current else None)
            self.post_message(self.Moved())
            self.renew()

    def _scroll(self, by: int) -> None:
        """Move what is seen, and the cursor only as far as it must to stay in sight."""
        self._top = max(0, min(self._top + by, len(self._entries) - self._rows))
        inside = [place for place in self._places() if self._top <= place < self._top + self._rows]
        if inside:
            self._go(max(inside[0], min(self._index, inside[-1])))
        self.renew()

    def _keep_in_sight(self) -> None:
        """The cursor's line, the heading above it, and below the last ticket the headings that follow it."""
        rows, index, end = self._rows, self._index, len(self._entries)
        heading = 0 < index <= end and self._entries[index - 1].ticket is None
        first = index - 1 if heading and rows > 1 else index
        follows = any(entry.ticket is not None for entry in self._entries[index + 1 :])
        last = index if follows else end - 1
        self._top = min(max(last - rows + 1, min(self._top, first)), first)
        self._top = max(0, min(self._top, end - rows))

    def _paint(self, looks: Looks) -> list[list[Segment]]:
        """Every line of the content."""
        entries = self._entries[self._top : self._top + self._rows]
        lines = [self._entry(looks, entry, self._top + row) for row, entry in enumerate(entries)]
        if not self._places():
            room = self.content_height - len(self._head) - len(lines)
            said = self._wrapped(lesson(self._link, self._watch, self._wanted, looks), looks)
            if len(said) > room:
                said = [line for line in said if line]
            lines += [[]] * max(0, min(1 if self._head or lines else 2, room - len(said))) + said
        return [*self._head, *lines]

    def _entry(self, looks: Looks, entry: Entry, index: int) -> list[Segment]:
        if entry.ticket is None:
            return self._heading(looks, entry)
        segments = self._ticket(looks, entry.ticket)
        if index != self._index:
            return segments
        missing = self.content_width - cells(segments)
        segments.append(Segment(" " * max(0, missing), looks.text))
        return [Segment(text, (style or looks.text) + looks.cursor) for text, style, _ in segments]

    def _heading(self, looks: Looks, entry: Entry) -> list[Segment]:
        glyph, style = looks.status(LOOKS[entry.state])
        across, width = looks.glyphs.across, self.content_width
        number = count(entry.total) if entry.shown == entry.total else f"{count(entry.shown)} of {count(entry.total)}"
        said = clip(f"{entry.state} {number} ", width - 2, looks.glyphs.ellipsis)
        line = [Segment(f"{glyph} ", style), Segment(said, looks.strong if entry.state in TROUBLED else looks.quiet)]
        return [*line, Segment(across * max(0, width - cells(line)), looks.rule)]

    def _ticket(self, looks: Looks, ticket: TicketView) -> list[Segment]:
        """Glyph, reference, title, and the time until it is tried again or since it changed."""
        glyph, style = looks.status(LOOKS[ticket.state])
        width, ellipsis = self.content_width, looks.glyphs.ellipsis
        reference = plain(ticket.reference[:100], ascii_only=looks.ascii_only)
        if width < NARROW:
            return [Segment(f"{glyph} ", style), Segment(fit(reference, width - 2, ellipsis), looks.strong)]
        title = plain(" ".join(ticket.title[:400].split()), ascii_only=looks.ascii_only)
        room = width - 2 - self._reference - 2 - 1 - WHEN
        return [
            Segment(f"{glyph} ", style),
            Segment(fit(reference, self._reference, ellipsis) + "  ", looks.strong),
            Segment(fit(title, room, ellipsis), looks.text),
            Segment(f" {self._when(ticket):>{WHEN}}", looks.quiet),
        ]

    def _when(self, ticket: TicketView) -> str:
        now = self._link.clock.now()
        if ticket.next_try_at is not None:
            left = (microseconds(ticket.next_try_at) - now) / SECOND
            return f"in {duration(left + 0.999)}" if left > 0 else "now"
        return duration((now - microseconds(ticket.changed_at)) / SECOND)

    def _head_lines(self, looks: Looks) -> list[list[Segment]]:
        """How the dispatcher stands, where that is not well; as much as leaves room for tickets."""
        status = self._watch.status
        said = standing(status, looks) if status is not None and self._link.failure is None else []
        lines = self._wrapped(said, looks)
        room = max(0, min(MOST_HEAD, self.content_height - LEAST_ROWS))
        if len(lines) > room > 0:
            more = clip(f"  and {len(lines) - room + 1} more lines", self.content_width, looks.glyphs.ellipsis)
            return [*lines[: room - 1], [Segment(more, looks.quiet)]]
        return lines[:room]

    def _wrapped(self, said: Said, looks: Looks) -> list[list[Segment]]:
        """The sentences in lines; a glyph or an indent stands before the first, and as much room before the rest."""
        width, now, marks = self.content_width, self._link.clock.now(), looks.glyphs
        signs = (marks.fault, marks.attention, marks.standby, marks.retrying, marks.quiet, " ")
        lines: list[list[Segment]] = []
        for text, style in said:
            mark = text[:2] if text[:1] in signs and text[1:2] == " " else ""
            body = sentences(moments(text[len(mark) :], now), width - len(mark), ascii_only=looks.ascii_only)
            before = [mark, *[" " * len(mark)] * len(body)]
            lines += [[Segment(first + line, style)] for first, line in zip(before, body, strict=False)] or [[]]
        return lines

    def _shown_text(self) -> str:
        """`200 of 9,812 shown`, where that is not all."""
        status = self._watch.status
        total = sum(status.counts.values()) if status is not None else 0
        shown = len(self._places())
        return f"{count(shown)} of {count(total)} shown" if shown < total else ""

    def _freshness(self, looks: Looks) -> list[Segment]:
        """`live`, since when it is paused, or for how long nothing was heard."""
        link, watch, marks = self._link, self._watch, looks.glyphs
        if link.failure is not None:
            return [Segment(f"{marks.fault} ended", looks.fault)]
        if watch.status is None:
            return [Segment(f"{marks.standby} asking", looks.quiet)]
        if watch.stale is not None:
            return [Segment(f"{marks.retrying} stale {duration(watch.stale)}", looks.attention)]
        status = watch.status
        if status.state == "running":
            return [Segment("live", looks.healthy)]
        glyph, style = looks.status(STATES[status.state])
        since = f" since {moment(microseconds(status.since), link.clock.now())}" if status.since else ""
        beside = status.active and f"{status.active} is active" if status.state == "standing by" else status.reason
        said, room = f"{glyph} {status.state}{since}", max(10, self.size.width - 20)
        whole = plain(f"{said} {marks.dot} {' '.join((beside or '').split())}", ascii_only=looks.ascii_only)
        fits = beside and cell_len(whole) <= room  # what does not fit stands above the tickets
        return [Segment(whole if fits else clip(said, room, marks.ellipsis), style)]
