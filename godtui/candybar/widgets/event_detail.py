"""One event, whole: what is said of it, its violations, and its JSON drawn by visible line."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import ClassVar
from uuid import UUID

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from godtui.candybar.detail import Facts, Heading
from godtui.candybar.figures import count
from godtui.candybar.jsonlines import JsonLine, JsonLines
from godtui.candybar.link import Link
from godtui.candybar.looks import Looks
from godtui.candybar.plaintext import clip, plain
from godtui.candybar.widgets.bar import looks_of
from godtui.candybar.widgets.pane import Pane, movements
from godtui.envelope import StoredEvent

FIRST_TOKENS = 2_000
TOKENS_A_TICK = 4_000
SIDEWAYS = 8


class EventDetail(Pane):
    """Follows the list's cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *movements("detail", "line", first=("top", "the first line"), last=("bottom", "the last line")),
        Binding("h,left", "sideways(-1)", "left", id="detail.left", tooltip="to the start of long lines"),
        Binding("l,right", "sideways(1)", "right", id="detail.right", tooltip="further along"),
        Binding("n", "step(1)", "next event", id="detail.next", tooltip="the next event"),
        Binding("N", "step(-1)", "previous event", id="detail.previous", tooltip="the one before"),
    ]

    class Stepped(Message):
        """The reader wants the next event of the list, or the one before."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self, link: Link) -> None:
        super().__init__(id="detail")
        self._link = link
        self._event: StoredEvent | None = None
        self._facts = Facts()
        self._json = JsonLines("")
        self._heading: Heading | None = None
        self._head: list[list[Segment]] = []
        self._top = 0
        self._left = 0
        self._to_end = False
        self._cause_type: str | None = None
        self._question: Future[StoredEvent | None] | None = None
        self.place_in_chain: Callable[[StoredEvent], str] = lambda _event: ""
        """Which of its chain an event is, where that is known; drawn anew with everything else."""

    @property
    def event(self) -> StoredEvent | None:
        """The event that is shown."""
        return self._event

    def show(self, event: StoredEvent | None) -> None:
        """Turn to another event; the same one stays as it is."""
        if event is None or event == self._event:
            return
        self._event = event
        self._facts = Facts.of(event)
        marks = {fault.path for fault in event.faults()} - {""}
        self._json = JsonLines(event.body.decode("utf-8", "replace"), marks)
        self._json.build(FIRST_TOKENS)
        self._top = self._left = 0
        self._to_end = False
        self._ask_for_cause(self._facts.cause)
        self.restyle()

    def tick(self) -> None:
        """Read on in a long text, and take the name of the cause."""
        if self._question is not None and self._question.done():
            self._take_cause(self._question)
            self._question = None
        if not self._json.done:
            self._json.build(TOKENS_A_TICK)
            self._go(self._last_top if self._to_end else self._top)
            self.refresh_edges()

    def restyle(self) -> None:
        if self._event is not None:
            self._heading = Heading(self._event, self._facts, looks_of(self), max(1, self.content_width))
            self._head = self._heading.lines(self._cause_type, self.place_in_chain(self._event))
        self._go(self._top)
        super().restyle()

    def action_move(self, by: int) -> None:
        self._go(self._top + by)

    def action_page(self, by: int) -> None:
        self._go(self._top + by * max(1, self.content_height - 1))

    def action_edge(self, towards: int) -> None:
        self._left = 0
        self._go(self._last_top if towards > 0 else 0)
        self._to_end = towards > 0 and not self._json.done

    def action_sideways(self, by: int) -> None:
        rest = self._longest_in_sight() - self.content_width + SIDEWAYS
        self._left = max(0, min(self._left + by * SIDEWAYS, rest))
        self.refresh()

    def action_step(self, by: int) -> None:
        self.post_message(self.Stepped(by))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._go(self._top - 3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._go(self._top + 3)

    def content_line(self, y: int) -> list[Segment]:
        index, width = self._top + y, self.content_width
        if index < len(self._head):
            return self._head[index]
        index -= len(self._head)
        if index >= len(self._json):
            return []
        return self._json_segments(self._json.line(index), width)

    def top_edge(self) -> tuple[list[Segment], list[Segment], list[Segment]]:
        event, looks = self._event, looks_of(self)
        if event is None:
            return [], [], []
        faults = len(event.faults())
        right = []
        if faults:
            said = f"{looks.glyphs.attention} {faults} violation{'s' if faults > 1 else ''}"
            right = [Segment(said, looks.attention)]
        room = self.size.width - 10 - sum(segment.cell_length for segment in right)
        version = plain(f" {looks.glyphs.dot} {self._facts.version[:20]}", ascii_only=looks.ascii_only)
        name = plain(event.event_type[:300], ascii_only=looks.ascii_only)
        shown = clip(name, room - len(version), looks.glyphs.ellipsis)
        return [Segment(shown, looks.strong), Segment(version, looks.quiet)], [], right

    def bottom_edge(self) -> list[Segment]:
        looks, lines = looks_of(self), len(self._head) + len(self._json)
        if not self._json.done:
            return [Segment(f"{looks.glyphs.standby} reading {self._json.progress:.0%}", looks.quiet)]
        if lines <= self.content_height:
            return []
        last = min(lines, self._top + self.content_height)
        return [Segment(f"{count(last)} of {count(lines)} lines", looks.quiet)]

    @property
    def _last_top(self) -> int:
        return max(0, len(self._head) + len(self._json) - self.content_height)

    def _longest_in_sight(self) -> int:
        first = max(0, self._top - len(self._head))
        lines = map(self._json.line, range(first, min(len(self._json), first + self.content_height)))
        return max((line.length for line in lines), default=0)

    def _go(self, top: int) -> None:
        top = max(0, min(top, self._last_top))
        self._to_end = self._to_end and top == self._last_top and not self._json.done
        if top != self._top:
            self._top = top
            self.refresh()

    def _json_segments(self, line: JsonLine, width: int) -> list[Segment]:
        """The part of a line that is in sight."""
        looks, text = looks_of(self), self._json.text
        parts: list[tuple[str, Style]] = [("  " * line.depth, looks.quiet)]
        if line.key is not None:
            parts += [(text[slice(*line.key)], looks.key), (": ", looks.quiet)]
        before = sum(len(part) for part, _ in parts)
        begin, end = line.value
        skipped = max(0, min(self._left - before, end - begin))
        shown = text[begin + skipped : min(end, begin + skipped + 2 * width)]
        parts.append((shown, self._value_style(looks, text[begin])))
        parts.append(("," if line.comma else "", looks.quiet))
        parts.append((f"  {looks.glyphs.here}" if line.marked else "", looks.attention))
        return self._in_sight(looks, parts, self._left - skipped, width)

    def _in_sight(self, looks: Looks, parts: list[tuple[str, Style]], skip: int, width: int) -> list[Segment]:
        segments: list[Segment] = []
        for text, style in parts:
            piece = plain(text[skip:], ascii_only=looks.ascii_only)
            skip = max(0, skip - len(text))
            shown = clip(piece, width, looks.glyphs.ellipsis)
            if shown:
                segments.append(Segment(shown, style))
            width -= cell_len(shown)
            if shown != piece:
                break
        return segments

    def _value_style(self, looks: Looks, sign: str) -> Style:
        if sign == '"':
            return looks.value
        if sign in "{}[]":
            return looks.quiet
        return looks.number

    def _ask_for_cause(self, cause: UUID | None) -> None:
        self._cause_type = None
        if self._question is not None:
            self._question.cancel()
        self._question = None if cause is None else self._link.ask(self._link.hosted.operations.store.event(cause))

    def _take_cause(self, question: Future[StoredEvent | None]) -> None:
        if question.cancelled() or question.exception() is not None:
            return
        cause = question.result()
        if cause is not None:
            self._cause_type = cause.event_type
            self.restyle()
