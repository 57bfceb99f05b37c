"""All keys, read from the classes that act on them, and the filter language in short."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, groupby
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from godtui.candybar.feed import HISTORY
from godtui.candybar.looks import Looks
from godtui.candybar.plaintext import plain
from godtui.candybar.screens.chain import ChainScreen
from godtui.candybar.screens.dispatcher import DispatcherScreen
from godtui.candybar.screens.events import EventsScreen
from godtui.candybar.screens.searching import SearchingScreen
from godtui.candybar.screens.store import StoreScreen
from godtui.candybar.screens.stream import StreamScreen
from godtui.candybar.steering import Steering
from godtui.candybar.tickets import LOOKS, URGENCY
from godtui.candybar.widgets.chain_list import ChainList
from godtui.candybar.widgets.event_detail import EventDetail
from godtui.candybar.widgets.event_list import EventList
from godtui.candybar.widgets.store_list import StoreList
from godtui.candybar.widgets.stream_list import StreamList
from godtui.candybar.widgets.ticket_detail import TicketDetail
from godtui.candybar.widgets.ticket_list import TicketList
from godtui.operations import TicketState

FILTERS = (
    ("type:agent.#", "* stands for one word, # for any number"),
    ("source:jelmore,grolf", "who published; a comma means any of"),
    ("correlation:UUID id:UUID", "one chain; one event"),
    ("since:15m until:2026-02-12", "event time: a distance, a date, RFC 3339"),
    ("payload.task.status=failed", "also != > >= < <= and ~ for a part of a text"),
    ("is:invalid is:replayed", "with violations; sent again"),
    ('disk "no space"', "whole words of type, source and payload"),
    ("-type:bloodbank.#", "a minus negates a term; all terms must hold"),
)
COUNTS = (
    ("seen", f"the newest {HISTORY} stored that match, all since"),
    ("matched", "of those seen, what the filter lets through"),
    ("shown", "what the list has taken up"),
    ("dropped", "matched, but lost before it was shown"),
)
TICKET_FILTERS = (
    ("blocked", "the tickets in a state, looked for among all"),
    ("INFRA-42", "a part of the reference; enter looks among all"),
    ("disk candystore", "words of title, reason, component or run id"),
)
STATES: Mapping[TicketState, str] = {
    "failed": "OpenClaw refused it for good",
    "blocked": "a check did not pass; it is run again",
    "retrying": "handing over did not work; it is tried again",
    "held": "dispatching is paused, or no token is set",
    "checking": "a check runs",
    "sending": "being handed to OpenClaw",
    "ready": "waits its turn",
    "withdrawn": "not to be dispatched in this episode",
    "rejected": "does not meet the conditions",
    "dispatched": "OpenClaw has it",
}
AT_STREAM = (
    ("Stream", StreamList),
    ("", EventList),
    ("Event", EventDetail),
    ("Everywhere", EventsScreen),
    ("", SearchingScreen),
    ("", StreamScreen),
    ("Replay", Steering),
)
AT_STORE = (
    ("Store", StoreList),
    ("", EventList),
    ("Event", EventDetail),
    ("Everywhere", EventsScreen),
    ("", SearchingScreen),
    ("", StoreScreen),
    ("Replay", Steering),
)
AT_CHAIN = (
    ("Chain", ChainList),
    ("", EventList),
    ("Event", EventDetail),
    ("Everywhere", EventsScreen),
    ("", ChainScreen),
    ("Replay", Steering),
)
AT_DISPATCHER = (
    ("Dispatcher", DispatcherScreen),
    ("Tickets", TicketList),
    ("Ticket", TicketDetail),
    ("Replay", Steering),
)
OWNERS: Mapping[type[Screen[Any]], tuple[tuple[str, type], ...]] = {
    DispatcherScreen: AT_DISPATCHER,
    StoreScreen: AT_STORE,
    ChainScreen: AT_CHAIN,
}
ODDITIES = (
    ("cause ID is not stored", "it names a cause that is not in the store"),
    ("cause ID is in chain ID", "or in the store, but of another chain"),
    ("cause ID is outside", "or one that was not looked up"),
    ("stored before its cause", "what led to it came later than it did"),
    ("its own cause", "by what they say, these lead to each other in a ring"),
    ("2 more causes", "it names several, and stands under the first"),
)
KEY_CELLS = 28
NAMES = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "plus": "+",
    "minus": "-",
}


class HelpScreen(ModalScreen[None]):
    """Over whatever was there; any of esc, ?, q and enter closes it."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "close", id="help.close", tooltip="Close the help"),
        Binding("j", "scroll_by(1)", "down", show=False, id="help.down", tooltip="One line down"),
        Binding("k", "scroll_by(-1)", "up", show=False, id="help.up", tooltip="One line up"),
    ]

    def __init__(self, looks: Looks, at: type[Screen[Any]]) -> None:
        super().__init__()
        self._looks = looks
        self._at = at

    def on_mount(self) -> None:
        self.set_class(self._looks.ascii_only, "-ascii")

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as page:
            page.border_title = "Help"
            page.border_subtitle = "esc close"
            yield Static(self._text())

    def action_scroll_by(self, lines: int) -> None:
        self.query_one("#help", VerticalScroll).scroll_relative(y=lines, animate=False)

    def _text(self) -> Text:
        text = Text(no_wrap=False)
        at_dispatcher = self._at is DispatcherScreen
        for title, owner in OWNERS.get(self._at, AT_STREAM):
            self._section(text, title, _keys(owner))
        self._section(text, "", [("tab", "between list and detail"), ("ctrl+p", "every command, and the themes")])
        self._section(text, "", [("ctrl+q", "quit")])
        if at_dispatcher:
            self._section(text, "Filter", list(TICKET_FILTERS))
            self._section(text, "States", self._ticket_states())
            return text
        marks = self._looks.glyphs
        if self._at is ChainScreen:
            self._section(text, "In a chain", [(f"{marks.attention} {name}", meaning) for name, meaning in ODDITIES])
        else:
            self._section(text, "Filter", list(FILTERS))
            self._section(text, "Counts", list(COUNTS))
        signs = [
            (marks.healthy, "well"),
            (marks.quiet, "quiet, or not known yet"),
            (marks.attention, "needs attention; before an event: it breaks its contract"),
            (marks.fault, "does not work"),
            (marks.retrying, "lost, being tried again"),
            (marks.standby, "standing by: another instance is active"),
            (marks.again, "sent once more by a replay; counted nowhere"),
            (marks.mark, "marked by you"),
        ]
        self._section(text, "Signs", signs)
        return text

    def _ticket_states(self) -> list[tuple[str, str]]:
        return [(f"{self._looks.status(LOOKS[state])[0]} {state}", STATES[state]) for state in URGENCY]

    def _section(self, text: Text, title: str, rows: list[tuple[str, str]]) -> None:
        if title:
            text.append(f"\n{title}\n" if text else f"{title}\n", self._looks.key)
        for key, meaning in rows:
            text.append(f"  {plain(key, ascii_only=self._looks.ascii_only):<{KEY_CELLS}}", self._looks.strong)
            text.append(f"{meaning}\n", self._looks.text)


def _keys(owner: type) -> list[tuple[str, str]]:
    """The keys of a class; those that do the same in two directions share a line."""
    bindings = [one for one in owner.__dict__["BINDINGS"] if isinstance(one, Binding)]
    rows = []
    for _, group in groupby(bindings, lambda one: one.action.partition("(")[0]):
        pair = list(group)
        keys = [[NAMES.get(key, key) for key in one.key.split(",")] for one in pair]
        rows.append((" ".join(chain(*zip(*keys, strict=True))), ", ".join(one.tooltip for one in pair)))
    return rows
