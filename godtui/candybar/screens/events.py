"""What the screens of events have in common: a list, the event beside it, and the lines around them."""

from __future__ import annotations

import logging
from typing import ClassVar
from uuid import UUID

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message

from godtui.candybar.alarms import Alarms
from godtui.candybar.figures import size
from godtui.candybar.link import Link
from godtui.candybar.marks import MAX_MARKS, Marks
from godtui.candybar.replay_form import Source
from godtui.candybar.replaying import ReplayWatch
from godtui.candybar.screens.framed import FramedScreen
from godtui.candybar.widgets.bar import looks_of
from godtui.candybar.widgets.event_detail import EventDetail
from godtui.candybar.widgets.event_list import EventList
from godtui.candybar.widgets.keyline import Hint
from godtui.filters import Filter, IdTerm
from godtui.operations import ReplayRequest

log = logging.getLogger(__name__)


class EventsScreen(FramedScreen):
    """One list, one event beside it."""

    CSS_PATH = "events.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy", id="screen.copy", tooltip="copy the event's JSON"),
        Binding("r", "replay", "replay", id="screen.replay", tooltip="replay the event, the marked or all; asks first"),
        Binding("question_mark", "app.help", "help", key_display="?", id="screen.help", tooltip="keys and filters"),
        Binding(
            "colon", "app.command_palette", "palette", key_display=":", id="screen.palette", tooltip="every command"
        ),
    ]

    class ChainWanted(Message):
        """The reader wants to see a chain over this screen, an event of it under the cursor."""

        def __init__(self, screen: EventsScreen, chain: UUID, event_id: UUID) -> None:
            super().__init__()
            self.screen = screen
            self.chain = chain
            self.event_id = event_id

    def __init__(
        self, link: Link, marks: Marks, replays: ReplayWatch, events: EventList, alarms: Alarms | None = None
    ) -> None:
        super().__init__(link, replays, alarms)
        self._detail_open = False
        self.marks = marks
        self.events = events
        self.detail = EventDetail(link)
        self.detail.display = False

    def body(self) -> ComposeResult:
        with Horizontal(id="panes"):
            yield self.events
            yield self.detail

    @property
    def detail_open(self) -> bool:
        """Whether an event is shown beside the list."""
        return self._detail_open

    def whole(self) -> Source:
        """All that this screen is about, to be replayed."""
        raise NotImplementedError

    def bring_up_events(self) -> None:
        """Take in what the engine answered; the list's part of a tick."""
        raise NotImplementedError

    def hints(self) -> list[Hint]:
        """The keys that work here."""
        raise NotImplementedError

    def bring_up(self) -> None:
        self.bring_up_events()
        self.events.refresh_freshness()
        if self.detail_open:
            self.detail.tick()
        self.keys.show(self.hints())

    def on_resize(self) -> None:
        self._set_detail(shown=self.detail_open)
        self.fit()
        if self.focused is not None and not self.focused.display:
            self.set_focus(self.detail)

    def restyle(self) -> None:
        self.events.restyle()
        self.detail.restyle()
        super().restyle()

    def action_copy(self) -> None:
        event = self.events.current
        if event is not None:
            self.app.copy_to_clipboard(event.to_json().decode())
            self.keys.notice(f"copied the event's JSON ({size(len(event.body))})")

    def action_replay(self) -> None:
        """Ask what is to be replayed, where to and how quickly."""
        from godtui.candybar.screens.replay import ReplayScreen

        def answered(request: ReplayRequest | None) -> None:
            if request is not None:
                self.replays.create(request)

        looks = looks_of(self.events)
        self.app.push_screen(ReplayScreen(self._link, self.replays, self._sources(), looks), answered)

    def _sources(self) -> list[Source]:
        """What may be meant: what is marked, the event under the cursor, all that matches."""
        sources = []
        if self.marks:
            number = len(self.marks)
            sources.append(Source(f"{number} marked event{'s' if number > 1 else ''}", self.marks.wanted))
        event = self.events.current
        if event is not None:
            event_id = UUID(bytes=event.event_id)
            sources.append(Source(f"{event.event_type} {event_id}", Filter((IdTerm((event_id,)),))))
        return [*sources, self.whole()]

    def focus_panes(self) -> None:
        """Give the keys back to what is in sight."""
        self.set_focus(self.detail if self.detail_open and self.narrow else self.events)

    @on(EventList.Opened)
    def _open_detail(self) -> None:
        if self.detail_open:
            self.set_focus(self.detail)
            return
        self.will_open()
        self._show_current()
        self._set_detail(shown=True)
        if self.narrow:
            self.set_focus(self.detail)

    def will_open(self) -> None:
        """An event is about to be shown beside the list."""
        self.events.hold()

    @on(EventList.Moved)
    def _follow_cursor(self) -> None:
        if self.detail_open:
            self._show_current()

    @on(EventList.MarksFull)
    def _say_marks_are_full(self) -> None:
        self.keys.notice(f"{MAX_MARKS} events can be marked, no more; a filter takes in any number")

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

    def close_detail(self) -> None:
        """Only the list."""
        self._set_detail(shown=False)
        self.set_focus(self.events)

    def reading_hints(self) -> list[Hint] | None:
        """The keys while an event is read; None where it is the list's turn."""
        copy_and_help = [Hint("y", "copy"), Hint("?", "help")]
        if self.detail.has_focus:
            way = self.further() or [Hint("j k", "scroll")]
            return [Hint("esc", "close"), *way, Hint("n N", "next, previous"), *copy_and_help]
        if self.detail_open:
            way = self.further() or [Hint("enter", "scroll")]
            return [Hint("esc", "close"), Hint("j k", "follow"), *way, *copy_and_help]
        return None

    def further(self) -> list[Hint]:
        """Where a key leads from the event that is read."""
        return []
