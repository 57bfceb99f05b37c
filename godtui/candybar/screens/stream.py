"""The first screen: what flows, whether all is well, and the event that the reader asks for."""

from __future__ import annotations

import logging
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from godtui.candybar.figures import size
from godtui.candybar.link import Link
from godtui.candybar.widgets.banner import Banner
from godtui.candybar.widgets.event_detail import EventDetail
from godtui.candybar.widgets.filter_bar import FilterBar
from godtui.candybar.widgets.header import HeaderLine
from godtui.candybar.widgets.keyline import MAX_HINTS, Hint, KeyLine
from godtui.candybar.widgets.stream_list import StreamList
from godtui.candybar.widgets.truthline import TruthLine
from godtui.candybar.window import Window
from godtui.filters import Filter

log = logging.getLogger(__name__)

FRAMES = 30
SLOW_TICKS = 8
WIDE = 100
LOW = 8


class StreamScreen(Screen[None]):
    """List, detail, and the lines around them. Everything is brought up to date by one tick."""

    CSS_PATH = "stream.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/", id="screen.filter", tooltip="show only what matches"),
        Binding("y", "copy", "copy", id="screen.copy", tooltip="copy the event's JSON"),
        Binding("2", "app.dispatcher", "dispatcher", id="screen.dispatcher", tooltip="the dispatcher and its tickets"),
        Binding("question_mark", "app.help", "help", key_display="?", id="screen.help", tooltip="keys and filters"),
        Binding(
            "colon", "app.command_palette", "palette", key_display=":", id="screen.palette", tooltip="every command"
        ),
        Binding(
            "escape", "back", "back", key_display="esc", id="screen.back", tooltip="close the event; lift the filter"
        ),
    ]

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self._ticks = 0
        self._detail_open = False
        self._filter_text = ""
        self._sought: tuple[str, Filter] | None = None
        self._resume_on_close: int | None = None
        self.header = HeaderLine(link)
        self.banner = Banner(link)
        self.events = StreamList(link)
        self.detail = EventDetail(link)
        self.detail.display = False
        self.filter_bar = FilterBar(link.clock)
        self.keys = KeyLine(link.clock)
        self.truth = TruthLine(link)

    def compose(self) -> ComposeResult:
        yield self.header
        yield self.banner
        with Horizontal(id="panes"):
            yield self.events
            yield self.detail
        yield self.filter_bar
        yield self.keys
        yield self.truth

    def on_mount(self) -> None:
        self.truth.show(self.events.window)
        self.set_interval(1 / FRAMES, self._guarded_tick, name="tick")
        self.events.focus()

    @property
    def detail_open(self) -> bool:
        """Whether an event is shown beside the list."""
        return self._detail_open

    @property
    def narrow(self) -> bool:
        """Whether there is room for one pane only."""
        return self.app.size.width < WIDE

    def tick(self) -> None:
        """One look at the engine; figures four times a second."""
        self._ticks += 1
        self._poll()
        self.events.tick()
        self.events.refresh_freshness()
        if self.detail_open:
            self.detail.tick()
        self.keys.show(self._hints())
        if self._ticks % SLOW_TICKS == 1:
            self._link.meter.sample(self._link.clock.monotonic())
            self.banner.tick()
            self.header.renew()
            self.truth.renew()
            self.keys.tick()

    def on_resize(self) -> None:
        self._set_detail(shown=self.detail_open)
        self.header.display = self.keys.display = self.app.size.height >= LOW
        if self.focused is not None and not self.focused.display:
            self.set_focus(self.detail)

    def restyle(self) -> None:
        """The theme changed."""
        self.events.restyle()
        self.detail.restyle()
        for bar in (self.header, self.banner, self.keys, self.truth):
            bar.renew()

    def action_filter(self) -> None:
        if not self.filter_bar.display:
            self.filter_bar.open(self._filter_text)

    def action_copy(self) -> None:
        event = self.events.current
        if event is not None:
            self.app.copy_to_clipboard(event.to_json().decode())
            self.keys.notice(f"copied the event's JSON ({size(len(event.body))})")

    def action_back(self) -> None:
        if self.detail_open:
            self._close_detail()
        elif self._filter_text:
            self._seek("", Filter())

    @on(FilterBar.Applied)
    def _apply_filter(self, message: FilterBar.Applied) -> None:
        self._seek(message.text, message.wanted)

    @on(FilterBar.Cancelled)
    def _close_filter_bar(self) -> None:
        if self.filter_bar.display:
            self.filter_bar.display = False
            self.set_focus(self.detail if self.detail_open and self.narrow else self.events)

    @on(StreamList.Opened)
    def _open_detail(self) -> None:
        if self.detail_open:
            self.set_focus(self.detail)
            return
        following = self.events.window.following
        self.events.hold()
        self._resume_on_close = self.events.window.cursor if following else None
        self._show_current()
        self._set_detail(shown=True)
        if self.narrow:
            self.set_focus(self.detail)

    @on(StreamList.Moved)
    def _follow_cursor(self) -> None:
        if self.detail_open:
            self._show_current()

    @on(EventDetail.Stepped)
    def _step(self, message: EventDetail.Stepped) -> None:
        self.events.action_move(message.by)

    def _show_current(self) -> None:
        try:
            self.detail.show(self.events.current)
        except Exception as error:
            log.exception("an event cannot be shown")
            self.keys.notice(f"this event cannot be shown: {type(error).__name__}: {error}")

    def _set_detail(self, *, shown: bool) -> None:
        self._detail_open = shown
        self.detail.display = shown
        self.events.display = not (shown and self.narrow)
        self.events.join(right=shown and not self.narrow)
        self.detail.join(left=shown and not self.narrow)

    def _close_detail(self) -> None:
        self._set_detail(shown=False)
        self.set_focus(self.events)
        if self._resume_on_close == self.events.window.cursor and not self.events.window.paused:
            self.events.action_edge(1)

    def _seek(self, text: str, wanted: Filter) -> None:
        self._sought = (text, wanted)
        self._link.follow(wanted)

    def _guarded_tick(self) -> None:
        try:
            self.tick()
        except Exception as error:
            log.exception("a tick of the console failed")
            self.keys.notice(f"the console stumbled over {type(error).__name__}: {error}")

    def _poll(self) -> None:
        if self._link.hosted.error is not None:
            self.app.exit()  # whoever started it says why
        refusal = self._link.poll()
        if refusal is not None:
            self._sought = None
            if self.filter_bar.display:
                self.filter_bar.refuse(refusal)
            else:
                self.keys.notice(refusal.message)
        if self.events.window.ring is not self._link.feed.ring:
            self._turn_to_feed()

    def _turn_to_feed(self) -> None:
        """Another filter's rows are there."""
        if self._sought is not None:
            self._filter_text, self._sought = self._sought[0], None
        self._resume_on_close = None
        self.events.show(Window(self._link.feed.ring), self._filter_text)
        self.truth.show(self.events.window)
        self._close_filter_bar()

    def _hints(self) -> list[Hint]:
        if self.filter_bar.display:
            return [Hint("enter", "apply"), Hint("esc", "cancel")]
        if self.detail.has_focus:
            return [Hint("esc", "close"), Hint("j k", "scroll"), Hint("n N", "next, previous"), *self._copy_and_help()]
        window = self.events.window
        pause = Hint("p", "resume" if window.paused else "pause")
        if self.detail_open:
            return [Hint("esc", "close"), Hint("j k", "follow"), Hint("enter", "scroll"), *self._copy_and_help()]
        hints = [Hint("/", "filter"), pause]
        if self.events.current is not None:
            hints.insert(0, Hint("enter", "open"))
        if not window.following and not window.paused:
            hints = [Hint("G", "newest"), *hints]
        elif self._filter_text:
            hints.append(Hint("esc", "all events"))
        if len(hints) < MAX_HINTS - 1:
            hints.append(Hint("2", "dispatcher"))
        return [*hints, Hint("?", "help")]

    def _copy_and_help(self) -> list[Hint]:
        return [Hint("y", "copy"), Hint("?", "help")]
