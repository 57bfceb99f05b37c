"""What the screens have in common that show what a filter finds: the filter, and the way to an event's chain."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from godtui.candybar.alarms import Alarms
from godtui.candybar.figures import count
from godtui.candybar.link import Link
from godtui.candybar.marks import Marks
from godtui.candybar.replay_form import Source
from godtui.candybar.replaying import ReplayWatch
from godtui.candybar.screens.events import EventsScreen
from godtui.candybar.widgets.event_list import EventList
from godtui.candybar.widgets.filter_bar import FilterBar
from godtui.candybar.widgets.keyline import Hint
from godtui.filters import Filter


class SearchingScreen(EventsScreen):
    """One list, one event beside it, one filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/", id="screen.filter", tooltip="show only what matches"),
        Binding(
            "escape",
            "back",
            "back",
            key_display="esc",
            id="screen.back",
            tooltip="close the event; unmark; lift the filter",
        ),
        Binding("o", "chain", "chain", id="screen.chain", tooltip="the event's chain: who caused what, and when"),
    ]

    def __init__(
        self, link: Link, marks: Marks, replays: ReplayWatch, events: EventList, alarms: Alarms | None = None
    ) -> None:
        super().__init__(link, marks, replays, events, alarms)
        self.filter_bar = FilterBar(link.clock)

    def body(self) -> ComposeResult:
        yield from super().body()
        yield self.filter_bar

    @property
    def filter_text(self) -> str:
        """The filter in force, as it was written."""
        raise NotImplementedError

    @property
    def wanted(self) -> Filter:
        """The filter in force, its moments fixed."""
        raise NotImplementedError

    def seek(self, text: str, wanted: Filter) -> None:
        """Show what matches a filter."""
        raise NotImplementedError

    def whole(self) -> Source:
        name = f"all that matches {self.filter_text}" if self.filter_text else "everything that is stored"
        return Source(name, self.wanted)

    def action_filter(self) -> None:
        if not self.filter_bar.display:
            self.filter_bar.open(self.filter_text)

    def ask(self, text: str) -> None:
        """Let a filter be written, beginning with this."""
        self.call_after_refresh(self.filter_bar.open, text)

    def action_chain(self) -> None:
        event = self.events.current
        if event is None:
            return
        if event.correlation_id is None:
            self.keys.notice("this event is in no chain: it has no correlation_id")
            return
        self.events.hold()
        self.post_message(self.ChainWanted(self, UUID(bytes=event.correlation_id), UUID(bytes=event.event_id)))

    def action_back(self) -> None:
        if self.detail_open:
            self.close_detail()
        elif self.marks:
            number = len(self.marks)
            self.marks.clear()
            self.keys.notice(f"{count(number)} no longer marked")
        elif self.filter_text:
            self.seek("", Filter())

    @on(FilterBar.Applied)
    def _apply_filter(self, message: FilterBar.Applied) -> None:
        self.seek(message.text, message.wanted)

    @on(FilterBar.Cancelled)
    def close_filter_bar(self) -> None:
        """Leave the filter."""
        if self.filter_bar.display:
            self.filter_bar.display = False
            self.focus_panes()

    def further(self) -> list[Hint]:
        event = self.events.current
        return [] if event is None or event.correlation_id is None else [Hint("o", "chain")]

    def reading_hints(self) -> list[Hint] | None:
        if self.filter_bar.display:
            return [Hint("enter", "apply"), Hint("esc", "cancel")]
        return super().reading_hints()
