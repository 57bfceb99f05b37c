"""The first screen: what flows, whether all is well, and the event that the reader asks for."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen

from godtui.candybar.link import Link
from godtui.candybar.widgets.header import HeaderLine
from godtui.candybar.widgets.keyline import Hint, KeyLine
from godtui.candybar.widgets.stream_list import StreamList
from godtui.candybar.widgets.truthline import TruthLine
from godtui.candybar.window import Window

FRAMES = 30
SLOW_TICKS = 8


class StreamScreen(Screen[None]):
    """List, detail, and the lines around them. Everything is brought up to date by one tick."""

    CSS_PATH = "stream.tcss"

    def __init__(self, link: Link, api_url: str | None) -> None:
        super().__init__()
        self._link = link
        self._ticks = 0
        self.header = HeaderLine(link, api_url)
        self.events = StreamList(link, api_url)
        self.keys = KeyLine(link.clock)
        self.truth = TruthLine(link)

    def compose(self) -> ComposeResult:
        yield self.header
        with Horizontal(id="panes"):
            yield self.events
        yield self.keys
        yield self.truth

    def on_mount(self) -> None:
        self.truth.window = self.events.window
        self.set_interval(1 / FRAMES, self.tick, name="tick")
        self.events.focus()

    def tick(self) -> None:
        """One look at the engine; figures four times a second."""
        self._ticks += 1
        self._link.poll()
        if self.events.window.ring is not self._link.feed.ring:
            self.events.show(Window(self._link.feed.ring))
            self.truth.window = self.events.window
        self.events.tick()
        self.events.refresh_freshness()
        self.keys.show(self._hints())
        if self._ticks % SLOW_TICKS == 1:
            self._link.meter.sample(self._link.clock.monotonic())
            self.header.renew()
            self.truth.renew()
            self.keys.tick()

    def restyle(self) -> None:
        """The theme changed."""
        self.events.restyle()
        for bar in (self.header, self.keys, self.truth):
            bar.renew()

    def _hints(self) -> list[Hint]:
        paused = self.events.window.paused
        return [
            Hint("enter", "open"),
            Hint("/", "filter"),
            Hint("p", "resume" if paused else "pause"),
            Hint("?", "help"),
        ]
