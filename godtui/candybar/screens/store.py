"""The store: all that was ever stored, newest first, from any moment on."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from godtui.candybar.link import Link
from godtui.candybar.marks import Marks
from godtui.candybar.reading import StoreReader
from godtui.candybar.replaying import ReplayWatch
from godtui.candybar.screens.searching import SearchingScreen
from godtui.candybar.screens.stream import StreamScreen
from godtui.candybar.widgets.jump_bar import JumpBar
from godtui.candybar.widgets.keyline import MAX_HINTS, Hint
from godtui.candybar.widgets.store_list import StoreList
from godtui.filters import Filter

FRAMES = 30


class StoreScreen(SearchingScreen):
    """Nothing moves here by itself. It asks the store only while it is there to be seen."""

    events: StoreList
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "jump", "go to", id="store.jump", tooltip="go to a time or a position"),
        Binding("R", "reload", "read anew", id="store.reload", tooltip="read anew, from the newest on"),
        Binding("m", "go_on", "look further", id="store.go_on", tooltip="look further back where that was stopped"),
        Binding("1", "app.stream", "stream", id="store.stream", tooltip="the stream"),
        Binding("2", "app.dispatcher", "dispatcher", id="store.dispatcher", tooltip="the dispatcher and its tickets"),
    ]

    def __init__(self, link: Link, marks: Marks, stream: StreamScreen, replays: ReplayWatch) -> None:
        self.reader = StoreReader(link)
        super().__init__(link, marks, replays, StoreList(link, marks, self.reader), stream.banner.alarms)
        self._stream = stream
        self.jump_bar = JumpBar(link.clock)
        self.jump_bar.display = False

    def body(self) -> ComposeResult:
        yield from super().body()
        yield self.jump_bar

    def on_mount(self) -> None:
        self.set_interval(1 / FRAMES, self._tick_in_sight, name="tick")
        self.events.focus()
        self.reader.show("", Filter())

    def on_screen_resume(self) -> None:
        self.truth.show(self._stream.events.window)
        self.restyle()

    def on_unmount(self) -> None:
        self.reader.close()

    @property
    def filter_text(self) -> str:
        return self.reader.text

    @property
    def wanted(self) -> Filter:
        return self.reader.wanted

    def seek(self, text: str, wanted: Filter) -> None:
        self.reader.show(text, wanted)

    def bring_up_events(self) -> None:
        reader, before = self.reader, self.reader.view
        refusal = reader.poll(*self.events.in_sight)
        if refusal is not None and self.filter_bar.display:
            self.filter_bar.refuse(refusal)
        elif refusal is not None:
            self.keys.notice(refusal.message)
        if reader.view is not before:
            self.close_filter_bar()
            if reader.said:
                self.keys.notice(reader.said)
        self.events.tick()

    def action_back(self) -> None:
        if not self.detail_open and self.reader.stop():
            return
        if not (self.detail_open or self.marks or self.filter_text):
            self.app.pop_screen()
            return
        super().action_back()

    def action_jump(self) -> None:
        if not self.jump_bar.display:
            self.jump_bar.open("")

    def action_reload(self) -> None:
        self.reader.show_newest()

    def action_go_on(self) -> None:
        self.reader.go_on()

    @on(JumpBar.Chosen)
    def _jump(self, message: JumpBar.Chosen) -> None:
        self._close_jump_bar()
        self.reader.jump(seq=message.place.seq, moment=message.place.moment)

    @on(JumpBar.Cancelled)
    def _close_jump_bar(self) -> None:
        if self.jump_bar.display:
            self.jump_bar.display = False
            self.focus_panes()

    def _tick_in_sight(self) -> None:
        if self in self.app.screen_stack:
            self.guarded_tick()

    def hints(self) -> list[Hint]:
        if self.jump_bar.display:
            return [Hint("enter", "go there"), Hint("esc", "cancel")]
        reading = self.reading_hints()
        if reading is not None:
            return reading
        hints = [Hint("/", "filter"), Hint("t", "go to a time"), Hint("r", "replay")]
        if self.marks:
            hints = [Hint("r", "replay the marked"), Hint("esc", "unmark"), *hints[:2]]
        elif self.events.current is not None:
            hints.insert(0, Hint("enter", "open"))
        if self.reader.stopped:
            hints.insert(0, Hint("m", "look further"))
        return [*hints[: MAX_HINTS - 1], Hint("?", "help")]
