"""The dispatcher: which tickets wait and why, what their checks print, and the keys that act on them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from godtui.candybar.actions import Outcome
from godtui.candybar.dispatching import Answer, DispatcherWatch, Work
from godtui.candybar.figures import size
from godtui.candybar.link import Link
from godtui.candybar.replaying import ReplayWatch
from godtui.candybar.screens.framed import FramedScreen
from godtui.candybar.screens.question import Question, QuestionScreen
from godtui.candybar.screens.stream import StreamScreen
from godtui.candybar.tickets import RETRYABLE, WITHDRAWABLE, TicketFilter
from godtui.candybar.widgets.bar import looks_of
from godtui.candybar.widgets.keyline import ERROR_SECONDS, MAX_HINTS, Hint
from godtui.candybar.widgets.narrow_bar import NarrowBar
from godtui.candybar.widgets.ticket_detail import TicketDetail
from godtui.candybar.widgets.ticket_list import TicketList
from godtui.operations import DispatcherOperations, TicketView

FRAMES = 30


class DispatcherScreen(FramedScreen):
    """Tickets, the selected one, and the lines around them. It asks the engine only while it is there to be seen."""

    CSS_PATH = "dispatcher.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "narrow", "filter", key_display="/", id="tickets.filter", tooltip="narrow the list"),
        Binding("p", "pause", "pause", id="tickets.pause", tooltip="pause dispatching; again: resume it"),
        Binding("r", "retry", "retry", id="tickets.retry", tooltip="check or send the ticket again now"),
        Binding("x", "withdraw", "withdraw", id="tickets.withdraw", tooltip="do not dispatch it in this episode; asks"),
        Binding("d", "dispatch", "dispatch", id="tickets.dispatch", tooltip="past the gate and its checks; asks why"),
        Binding("y", "copy", "copy", id="tickets.copy", tooltip="copy the ticket's JSON"),
        Binding("1", "app.stream", "stream", id="tickets.stream", tooltip="the stream"),
        Binding("3", "app.store", "store", id="tickets.store", tooltip="the store: all that was ever stored"),
        Binding("question_mark", "app.help", "help", key_display="?", id="tickets.help", tooltip="these keys"),
        Binding(
            "colon", "app.command_palette", "palette", key_display=":", id="tickets.palette", tooltip="every command"
        ),
        Binding(
            "escape",
            "back",
            "back",
            key_display="esc",
            id="tickets.back",
            tooltip="leave the ticket, the filter, this screen",
        ),
    ]

    def __init__(self, link: Link, stream: StreamScreen, replays: ReplayWatch) -> None:
        super().__init__(link, replays, stream.banner.alarms)
        self._stream = stream
        self._detail_open = False
        self._before: str | None = None
        self.dispatching = DispatcherWatch(link)
        self.tickets = TicketList(link, self.dispatching)
        self.detail = TicketDetail(link, self.dispatching)
        self.narrow_bar = NarrowBar()

    def body(self) -> ComposeResult:
        with Horizontal(id="dispatcher-panes"):
            yield self.tickets
            yield self.detail
        yield self.narrow_bar

    def on_mount(self) -> None:
        self.set_interval(1 / FRAMES, self._tick_in_sight, name="tick")
        self.tickets.focus()
        self._lay_out()

    def on_screen_resume(self) -> None:
        self.truth.show(self._stream.events.window)
        self.dispatching.resume()
        self.restyle()

    def on_unmount(self) -> None:
        self.dispatching.close()

    def bring_up(self) -> None:
        self.dispatching.poll()
        for outcome in self.dispatching.outcomes():
            self._say(outcome)
        revision = self.tickets.arranged
        self.tickets.tick()
        if self.tickets.arranged != revision:
            self.detail.turn()
        self.keys.show(self._hints())

    def renew(self) -> None:
        self.tickets.renew()
        self.detail.renew()
        super().renew()

    def on_resize(self) -> None:
        self._lay_out()
        self.fit()

    def restyle(self) -> None:
        self.tickets.restyle()
        self.detail.restyle()
        super().restyle()

    def action_narrow(self) -> None:
        if not self.narrow_bar.display:
            self._before = self.dispatching.selected
            self._close_detail()
            self.narrow_bar.open(self.tickets.wanted.text)

    def action_back(self) -> None:
        if self.detail.has_focus or (self._detail_open and self.narrow):
            self._close_detail()
        elif self.tickets.wanted.text:
            self.tickets.narrow(TicketFilter())
        else:
            self.app.pop_screen()

    def action_copy(self) -> None:
        ticket = self.dispatching.ticket
        if ticket is None:
            return
        try:
            text = json.dumps(ticket.document(), indent=2)
        except ValueError as error:  # text that no encoding has, such as half a character
            self.keys.notice(f"this ticket cannot be copied: {error}")
            return
        self.app.copy_to_clipboard(text)
        self.keys.notice(f"copied the ticket's JSON ({size(len(text))})")

    def action_pause(self) -> None:
        status = self.dispatching.status
        if status is not None and status.state == "paused":
            self._act("godtui dispatcher resume", lambda dispatcher: dispatcher.resume())
        else:
            self._act("godtui dispatcher pause", lambda dispatcher: dispatcher.pause())

    def action_retry(self) -> None:
        ticket = self.dispatching.ticket
        if ticket is not None:
            self._act(_command("retry", ticket), lambda dispatcher: dispatcher.retry(ticket.id))

    def action_withdraw(self) -> None:
        ticket = self.dispatching.ticket
        if ticket is None:
            return
        question = Question(
            "Withdraw a ticket",
            "It will not be dispatched in this episode. What was sent already stays sent. "
            "It can be dispatched again when it leaves ready and comes back.",
            _whom(ticket),
            lambda _reason: _command("withdraw", ticket),
            "withdraw",
        )
        self._question(question, lambda _reason: self._withdraw(ticket))

    def action_dispatch(self) -> None:
        ticket = self.dispatching.ticket
        if ticket is None:
            return
        question = Question(
            "Dispatch past the gate",
            "It is handed to OpenClaw although the gate or its checks may say no; both are passed over.",
            _whom(ticket),
            lambda reason: _command("dispatch", ticket, reason),
            "dispatch",
            wants_reason=True,
        )
        self._question(question, lambda reason: self._dispatch(ticket, reason))

    @on(NarrowBar.Changed)
    def _narrow(self, message: NarrowBar.Changed) -> None:
        if self.narrow_bar.display:
            self.tickets.narrow(TicketFilter(message.text))

    @on(NarrowBar.Closed)
    def _close_narrow_bar(self, message: NarrowBar.Closed) -> None:
        self.narrow_bar.display = False
        self.set_focus(self.tickets)
        wanted = TicketFilter(message.text)
        if wanted.text != self.tickets.wanted.text:
            self.tickets.narrow(wanted, None if message.kept else self._before)
        if message.kept and wanted.name is not None and self.tickets.current is None:
            self.dispatching.search(wanted.name)

    @on(TicketList.Moved)
    def _follow_cursor(self) -> None:
        self.detail.turn()

    @on(TicketList.Opened)
    def _open_detail(self) -> None:
        self._detail_open = True
        self._lay_out()
        self.detail.turn()
        self.set_focus(self.detail)

    @on(TicketDetail.Stepped)
    def _step(self, message: TicketDetail.Stepped) -> None:
        self.tickets.action_move(message.by)

    def _close_detail(self) -> None:
        self._detail_open = False
        self._lay_out()
        self.set_focus(self.tickets)

    def _lay_out(self) -> None:
        """Both panes side by side, or the one that is read."""
        narrow = self.narrow
        self.detail.display = self._detail_open or not narrow
        self.tickets.display = not (self._detail_open and narrow)
        self.tickets.says_why = narrow
        self.tickets.join(right=not narrow)
        self.detail.join(left=not narrow)
        if self.focused is not None and not self.focused.display:
            self.set_focus(self.detail if self._detail_open else self.tickets)

    def _question(self, question: Question, go: Callable[[str], None]) -> None:
        def answered(reason: str | None) -> None:
            if reason is not None:
                go(reason)

        self.app.push_screen(QuestionScreen(question, looks_of(self.tickets)), answered)

    def _withdraw(self, ticket: TicketView) -> None:
        self._act(_command("withdraw", ticket), lambda dispatcher: dispatcher.withdraw(ticket.id))

    def _dispatch(self, ticket: TicketView, reason: str) -> None:
        self._act(_command("dispatch", ticket, reason), lambda dispatcher: dispatcher.dispatch(ticket.id, reason))

    def _act(self, command: str, work: Callable[[DispatcherOperations], Work]) -> None:
        begun = self.dispatching.act(command, work)
        self.keys.notice(
            f"{command} {looks_of(self.tickets).glyphs.ellipsis}" if begun else f"{command}: not answered yet"
        )

    def _say(self, outcome: Outcome[Answer]) -> None:
        """What came of an action, with the command line it equals."""
        marks = looks_of(self.tickets).glyphs
        if outcome.answer is None:
            self.keys.notice(f"{marks.fault} {outcome.error} {marks.dot} {outcome.command}", ERROR_SECONDS)
            return
        answer = outcome.answer
        if isinstance(answer, TicketView):
            said = f"{answer.reference} is {answer.state}"
        else:
            said = f"dispatching is {answer.state}"
        self.keys.notice(f"{said} {marks.dot} {outcome.command}")

    def _tick_in_sight(self) -> None:
        if self in self.app.screen_stack:
            self.guarded_tick()

    def _hints(self) -> list[Hint]:
        """Those that work here and now; that nothing is dispatched comes before all."""
        if self.narrow_bar.display:
            return [Hint("enter", "keep"), Hint("esc", "cancel")]
        status, ticket = self.dispatching.status, self.dispatching.ticket
        paused = status is not None and status.state == "paused"
        loud = [Hint("p", "RESUME: nothing is dispatched", loud=True)] if paused else []
        hints = []
        if self.detail.has_focus:
            hints += [Hint("esc", "close")]
        elif ticket is not None:
            hints += [Hint("enter", "open")]
        if ticket is not None and ticket.state in RETRYABLE:
            hints.append(Hint("r", "retry"))
        if ticket is not None and ticket.state in WITHDRAWABLE:
            hints.append(Hint("x", "withdraw"))
        elif ticket is not None and ticket.state == "rejected":
            hints.append(Hint("d", "dispatch"))
        if self.tickets.wanted.text and not self.detail.has_focus:
            hints.append(Hint("esc", "all tickets"))
        pausable = status is not None and status.state in ("running", "held")
        rest = [*([Hint("p", "pause")] if pausable else []), Hint("1", "stream")]
        return [*loud, *[*hints, *rest][: MAX_HINTS - 1 - len(loud)], Hint("?", "help")]


def _whom(ticket: TicketView) -> str:
    return f"{ticket.reference}  {' '.join(ticket.title[:400].split())}".rstrip()


def _command(verb: str, ticket: TicketView, reason: str | None = None) -> str:
    """The command line that does the same; a reference that would be read as an option is no name there."""
    name = ticket.id if ticket.reference.startswith("-") or not ticket.reference else ticket.reference
    words = ["godtui", "dispatcher", verb, name]
    return shlex.join(words if reason is None else [*words, "--reason", reason])
