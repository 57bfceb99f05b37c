"""What every screen has around its panes: the lines above and below, and a tick that no error stops."""

from __future__ import annotations

import logging

from textual.app import ComposeResult
from textual.screen import Screen

from godtui.candybar.alarms import Alarms
from godtui.candybar.link import Link
from godtui.candybar.replaying import ReplayWatch
from godtui.candybar.widgets.banner import Banner
from godtui.candybar.widgets.header import HeaderLine
from godtui.candybar.widgets.keyline import KeyLine
from godtui.candybar.widgets.transport import TransportLine
from godtui.candybar.widgets.truthline import TruthLine

log = logging.getLogger(__name__)

SLOW_TICKS = 8
WIDE = 100
LOW = 8


class FramedScreen(Screen[None]):
    """Subclasses say what stands between the lines, and bring it up to date in `tick`."""

    def __init__(self, link: Link, replays: ReplayWatch, alarms: Alarms | None = None) -> None:
        super().__init__()
        self._link = link
        self._ticks = 0
        self.replays = replays
        self.header = HeaderLine(link)
        self.banner = Banner(link, alarms)
        self.transport = TransportLine(replays)
        self.keys = KeyLine(link.clock, replays)
        self.truth = TruthLine(link)

    def compose(self) -> ComposeResult:
        yield self.header
        yield self.banner
        yield from self.body()
        yield self.transport
        yield self.keys
        yield self.truth

    def body(self) -> ComposeResult:
        """What stands between the lines."""
        raise NotImplementedError

    @property
    def narrow(self) -> bool:
        """Whether there is room for one pane only."""
        return self.app.size.width < WIDE

    def tick(self) -> None:
        """Bring everything up to date; figures four times a second."""
        self._ticks += 1
        self.bring_up()
        if self._ticks % SLOW_TICKS == 1:
            self.renew()

    def bring_up(self) -> None:
        """Take in what the engine answered."""
        raise NotImplementedError

    def renew(self) -> None:
        """Bring the lines up to date."""
        self.banner.tick()
        self.header.renew()
        self.truth.renew()
        self.keys.tick()
        self.transport.tick()

    def restyle(self) -> None:
        """The theme changed, or others looked after the lines meanwhile."""
        self.banner.tick()
        for bar in (self.header, self.banner, self.transport, self.keys, self.truth):
            bar.renew()

    def fit(self) -> None:
        """Leave lines out where the screen is low."""
        self.header.display = self.keys.fits = self.app.size.height >= LOW
        self.keys.tick()

    def guarded_tick(self) -> None:
        """A tick that fails is said, and the next one comes."""
        try:
            self.tick()
        except Exception as error:
            log.exception("a tick of the console failed")
            self.keys.notice(f"the console stumbled over {type(error).__name__}: {error}")
