"""The console: a Textual application over operations that live on another loop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Input

from godtui.candybar.link import Link
from godtui.candybar.looks import DARK, LIGHT, Looks, glyphs, variable_defaults
from godtui.candybar.marks import Marks
from godtui.candybar.replaying import ReplayWatch, control_command, target_text
from godtui.candybar.screens.chain import ChainScreen
from godtui.candybar.screens.events import EventsScreen
from godtui.candybar.screens.framed import FramedScreen
from godtui.candybar.screens.question import Question, QuestionScreen
from godtui.candybar.screens.searching import SearchingScreen
from godtui.candybar.screens.stream import StreamScreen
from godtui.candybar.steering import Steering, ending_text
from godtui.candybar.widgets.keyline import ERROR_SECONDS, NOTICE_SECONDS
from godtui.clock import Clock, SystemClock
from godtui.operations import ReplayView
from godtui.operations.hosted import Hosted

if TYPE_CHECKING:
    from godtui.candybar.screens.dispatcher import DispatcherScreen
    from godtui.candybar.screens.store import StoreScreen

log = logging.getLogger(__name__)

REPLAY_TICKS = 10
ENDING = (signal.SIGTERM, signal.SIGHUP)


class ConsoleApp(App[None]):
    """What flows, what is wrong, since when, and the one key that shows why."""

    TITLE = "godtui"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [*Steering.BINDINGS]

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
        self.replays = ReplayWatch(self.link)
        self._steering = Steering(self.replays)
        self._stream = StreamScreen(self.link, self.marks, self.replays)
        self._dispatcher: DispatcherScreen | None = None
        self._store: StoreScreen | None = None

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return variable_defaults(self.current_theme.dark)

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, self._restyle)
        self.push_screen(self._stream)
        self.set_interval(1 / REPLAY_TICKS, self._guarded_poll, name="replays")
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
        if isinstance(screen, EventsScreen):
            yield SystemCommand(
                "Replay", "The event under the cursor, the marked or all that matches (r)", screen.action_replay
            )
        if isinstance(screen, SearchingScreen):
            yield SystemCommand("Chain", "The event's chain: who caused what, and when (o)", screen.action_chain)
        if screen is self._store and self._store is not None:
            yield SystemCommand("Go to a time", "Or to a position of the store (t)", self._store.action_jump)
        if self.replays.open:
            yield SystemCommand("Steer the replay", "Pause, step, speed or stop what plays (P)", self.action_take_up)
        yield SystemCommand("Store", "All that was ever stored, from any moment on (3)", self.action_store)

    def action_help(self) -> None:
        from godtui.candybar.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.looks, type(self.screen)))

    def action_stream(self) -> None:
        """Back to the first screen."""
        self._leave_chains()
        if self.screen in (self._dispatcher, self._store):
            self.pop_screen()

    def action_dispatcher(self) -> None:
        """The dispatcher's screen, as it was left."""
        from godtui.candybar.screens.dispatcher import DispatcherScreen

        if self._dispatcher is None:
            self._dispatcher = DispatcherScreen(self.link, self._stream, self.replays)
            self.install_screen(self._dispatcher, "dispatcher")
        self._show(self._dispatcher)

    def action_store(self) -> None:
        """The store's screen, as it was left."""
        from godtui.candybar.screens.store import StoreScreen

        if self._store is None:
            self._store = StoreScreen(self.link, self.marks, self._stream, self.replays)
            self.install_screen(self._store, "store")
        self._show(self._store)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of a replay are there while one is in hand and nothing is being written or asked."""
        if action.startswith("steer_"):
            return self.replays.in_hand and self._at_panes and not isinstance(self.focused, Input)
        if action == "take_up":
            return bool(self.replays.open) and self._at_panes
        return super().check_action(action, parameters)

    @property
    def _at_panes(self) -> bool:
        """Whether nothing lies over the screens."""
        return isinstance(self.screen, FramedScreen)

    def action_take_up(self) -> None:
        """Steer the replay that is shown, the next one, or none."""
        self.replays.take_up()

    def action_steer_turn(self) -> None:
        """Pause the replay in hand, or go on."""
        if (view := self.replays.current) is not None:
            self._steering.turn(view)

    def action_steer_step(self, by: int) -> None:
        """One event further, or back."""
        if (view := self.replays.current) is not None and (said := self._steering.step(view, by)):
            self.say(said)

    def action_steer_speed(self, by: int) -> None:
        """Faster or slower."""
        if (view := self.replays.current) is not None and (said := self._steering.speed(view, by)):
            self.say(said)

    def action_steer_cancel(self) -> None:
        """End it, if the reader means it."""
        if (view := self.replays.current) is not None:
            self._ask_to_cancel(view)

    def say(self, sentence: str, seconds: float = NOTICE_SECONDS) -> None:
        """Tell the reader, on whichever screen that is."""
        screen = next((one for one in reversed(self.screen_stack) if isinstance(one, FramedScreen)), None)
        if screen is not None:  # it is not there any more while the console ends
            screen.keys.notice(sentence, seconds)

    def _poll_replays(self) -> None:
        """Take in how replays are, and say what came of what was asked of them."""
        marks = self.looks.glyphs
        self.replays.poll()
        for outcome in self.replays.outcomes():
            if outcome.answer is None:
                self.say(f"{marks.fault} {outcome.error} {marks.dot} {outcome.command}", ERROR_SECONDS)
            elif outcome.answer.is_open:
                self.say(f"replay {outcome.answer.state} {marks.dot} {outcome.command}")
        for view in self.replays.endings():
            self.say(ending_text(view), ERROR_SECONDS)

    def _guarded_poll(self) -> None:
        try:
            self._poll_replays()
        except Exception as error:
            log.exception("replays cannot be looked at")
            self.say(f"the console stumbled over {type(error).__name__}: {error}")

    def _ask_to_cancel(self, view: ReplayView) -> None:
        question = Question(
            "Cancel a replay",
            "It ends where it stands and cannot be gone on with. What was sent stays sent.",
            f"{view.filter or 'everything'} to {target_text(view.to)}, {view.done:,} of {view.total:,}",
            lambda _reason: control_command(view, "cancel"),
            "cancel it",
        )

        def answered(reason: str | None) -> None:
            if reason is not None:
                self._steering.cancel(view)

        self.push_screen(QuestionScreen(question, self.looks), answered)

    @on(EventsScreen.ChainWanted)
    def _open_chain(self, message: EventsScreen.ChainWanted) -> None:
        """Put a chain over the screen that an event of it was found on."""
        if self.screen is message.screen:
            chain, event_id = message.chain, message.event_id
            self.push_screen(ChainScreen(self.link, self.marks, self._stream, self.replays, chain, event_id))

    @on(ChainScreen.SearchWanted)
    def _search_store(self, message: ChainScreen.SearchWanted) -> None:
        self.action_store()
        if self._store is not None:
            self._store.ask(message.text)

    def _leave_chains(self) -> None:
        while isinstance(self.screen, ChainScreen):
            self.pop_screen()

    def _show(self, screen: Screen[None]) -> None:
        """Put a screen over the stream, in the place of another."""
        self._leave_chains()
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
