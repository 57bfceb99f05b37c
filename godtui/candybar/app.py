"""The console: a Textual application over operations that live on another loop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual.app import App, SystemCommand
from textual.screen import Screen

from godtui.candybar.link import Link
from godtui.candybar.looks import DARK, LIGHT, Looks, glyphs, variable_defaults
from godtui.candybar.marks import Marks
from godtui.candybar.screens.events import EventsScreen
from godtui.candybar.screens.stream import StreamScreen
from godtui.clock import Clock, SystemClock
from godtui.operations.hosted import Hosted

if TYPE_CHECKING:
    from godtui.candybar.screens.dispatcher import DispatcherScreen
    from godtui.candybar.screens.store import StoreScreen

log = logging.getLogger(__name__)

ENDING = (signal.SIGTERM, signal.SIGHUP)


class ConsoleApp(App[None]):
    """What flows, what is wrong, since when, and the one key that shows why."""

    TITLE = "godtui"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, hosted: Hosted, clock: Clock | None = None) -> None:
        self._marks = glyphs()
        super().__init__()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = (LIGHT if _light_terminal() else DARK).name
        self.clock = clock or SystemClock()
        self.link = Link(hosted, self.clock)
        self.looks = Looks.of(self.get_css_variables(), self._marks)
        self.marks = Marks()
        self._stream = StreamScreen(self.link, self.marks)
        self._dispatcher: DispatcherScreen | None = None
        self._store: StoreScreen | None = None

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults(self.current_theme.dark)

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, self._restyle)
        self.push_screen(self._stream)
        self._catch_signals()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """The first screen is painted: now the engine may have the processor."""
        gc.freeze()
        self.link.hosted.begin()

    def on_unmount(self) -> None:
        self._release_signals()
        self.link.close()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        yield from super().get_system_commands(screen)
        yield SystemCommand("Stream", "What flows: every event as it is stored (1)", self.action_stream)
        yield SystemCommand(
            "Dispatcher", "Which tickets wait and why, and what was dispatched (2)", self.action_dispatcher
        )
        yield SystemCommand("Store", "All that was ever stored, from any moment on (3)", self.action_store)

    def action_help(self) -> None:
        from godtui.candybar.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.looks, type(self.screen)))

    def action_stream(self) -> None:
        """Back to the first screen."""
        if self.screen in (self._dispatcher, self._store):
            self.pop_screen()

    def action_dispatcher(self) -> None:
        """The dispatcher's screen, as it was left."""
        from godtui.candybar.screens.dispatcher import DispatcherScreen

        if self._dispatcher is None:
            self._dispatcher = DispatcherScreen(self.link, self._stream)
            self.install_screen(self._dispatcher, "dispatcher")
        self._show(self._dispatcher)

    def action_store(self) -> None:
        """The store's screen, as it was left."""
        from godtui.candybar.screens.store import StoreScreen

        if self._store is None:
            self._store = StoreScreen(self.link, self.marks, self._stream)
            self.install_screen(self._store, "store")
        self._show(self._store)

    def _show(self, screen: Screen[None]) -> None:
        """Put a screen over the stream, in the place of another."""
        if screen in self.screen_stack:
            return
        if self.screen is self._stream:
            self.push_screen(screen)
        elif self.screen in (self._dispatcher, self._store):
            self.switch_screen(screen)

    def _fatal_error(self) -> None:
        """Textual's way out on an error of its own or ours: one sentence for the reader, the rest for the log."""
        log.exception("the console failed")
        error = sys.exc_info()[1]
        reason = f"{type(error).__name__}: {error}" if error is not None else "for an unknown reason"
        self._exit_renderables.append(Text(f"godtui: the console failed ({reason}); start it again, nothing is lost."))
        self._close_messages_no_wait()

    def _restyle(self, _theme: Any) -> None:
        self.looks = Looks.of(self.theme_variables, self._marks)
        for screen in self.screen_stack:
            if isinstance(screen, EventsScreen) or screen is self._dispatcher:
                screen.restyle()

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in ENDING:
            loop.add_signal_handler(number, self.exit)

    def _release_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in ENDING:
            loop.remove_signal_handler(number)


def _light_terminal() -> bool:
    """Whether the terminal says that its background is white."""
    return os.environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")


def run_console(hosted: Hosted) -> int:
    """Show the console until the operator quits or the engine cannot start; the process's exit code."""
    app = ConsoleApp(hosted)
    app.run()
    return app.return_code or 0
