"""The first screen: what flows, whether all is well, and the event that the reader asks for."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from godtui.candybar.link import Link
from godtui.candybar.marks import Marks
from godtui.candybar.replaying import ReplayWatch
from godtui.candybar.screens.searching import SearchingScreen
from godtui.candybar.widgets.keyline import MAX_HINTS, Hint
from godtui.candybar.widgets.stream_list import StreamList
from godtui.candybar.window import Window
from godtui.filters import Filter

FRAMES = 30


class StreamScreen(SearchingScreen):
    """The live tail. Its tick goes on while others are in sight, for it takes in what the engine tells."""

    events: StreamList
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("2", "app.dispatcher", "dispatcher", id="screen.dispatcher", tooltip="the dispatcher and its tickets"),
        Binding("3", "app.store", "store", id="screen.store", tooltip="the store: all that was ever stored"),
    ]

    def __init__(self, link: Link, marks: Marks, replays: ReplayWatch) -> None:
        super().__init__(link, marks, replays, StreamList(link, marks))
        self._filter_text = ""
        self._sought: tuple[str, Filter] | None = None
        self._resume_on_close: int | None = None

    def on_mount(self) -> None:
        self.truth.show(self.events.window)
        self.set_interval(1 / FRAMES, self.guarded_tick, name="tick")
        self.events.focus()

    @property
    def filter_text(self) -> str:
        return self._filter_text

    @property
    def wanted(self) -> Filter:
        return self._link.feed.wanted

    def seek(self, text: str, wanted: Filter) -> None:
        self._sought = (text, wanted)
        self._link.follow(wanted)

    def bring_up_events(self) -> None:
        self._poll()
        self.events.tick()

    def renew(self) -> None:
        self._link.meter.sample(self._link.clock.monotonic())
        super().renew()

    def will_open(self) -> None:
        following = self.events.window.following
        super().will_open()
        self._resume_on_close = self.events.window.cursor if following else None

    def close_detail(self) -> None:
        super().close_detail()
        if self._resume_on_close == self.events.window.cursor and not self.events.window.paused:
            self.events.action_edge(1)

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
        self.close_filter_bar()

    def hints(self) -> list[Hint]:
        reading = self.reading_hints()
        if reading is not None:
            return reading
        window = self.events.window
        hints = [Hint("/", "filter"), Hint("p", "resume" if window.paused else "pause")]
        if self.marks:
            hints = [Hint("r", "replay the marked"), Hint("esc", "unmark"), *hints]
        elif self.events.current is not None:
            hints.insert(0, Hint("enter", "open"))
        if not window.following and not window.paused:
            hints = [Hint("G", "newest"), *hints]
        elif self._filter_text:
            hints.append(Hint("esc", "all events"))
        if len(hints) < MAX_HINTS - 1:
            hints.append(Hint("2 3", "dispatcher, store"))
        return [*hints[: MAX_HINTS - 1], Hint("?", "help")]
