"""A chain: an event, what led to it and what came of it, as it grows."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from textual.binding import Binding, BindingType
from textual.message import Message

from godtui.candybar.chain_reading import ChainReader
from godtui.candybar.link import Link
from godtui.candybar.marks import Marks
from godtui.candybar.replay_form import Source
from godtui.candybar.replaying import ReplayWatch
from godtui.candybar.screens.events import EventsScreen
from godtui.candybar.screens.stream import StreamScreen
from godtui.candybar.widgets.chain_list import ChainList
from godtui.candybar.widgets.keyline import ERROR_SECONDS, Hint
from godtui.filters import CorrelationTerm, Filter

FRAMES = 30


class ChainScreen(EventsScreen):
    """Over the screen that the reader came from. It asks the engine only while it is there to be seen."""

    events: ChainList
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "back", "back", key_display="esc", id="chain.back", tooltip="close the event; back where you were"
        ),
        Binding(
            "slash", "search", "filter", key_display="/", id="chain.filter", tooltip="look for some of it in the store"
        ),
        Binding("o", "chain", "chain", id="chain.chain", tooltip="of a cause in another chain: that chain"),
        Binding("1", "app.stream", "stream", id="chain.stream", tooltip="the stream"),
        Binding("2", "app.dispatcher", "dispatcher", id="chain.dispatcher", tooltip="the dispatcher and its tickets"),
        Binding("3", "app.store", "store", id="chain.store", tooltip="the store: all that was ever stored"),
    ]

    class SearchWanted(Message):
        """The reader wants to look for some of a chain in the store, with this to begin the filter with."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(
        self, link: Link, marks: Marks, stream: StreamScreen, replays: ReplayWatch, chain: UUID, event_id: UUID
    ) -> None:
        self.reader = ChainReader(link, chain)
        super().__init__(link, marks, replays, ChainList(link, marks, self.reader, event_id), stream.banner.alarms)
        self.detail.place_in_chain = self.events.place_text
        self._stream = stream
        self._looked_for = event_id

    def on_mount(self) -> None:
        self.set_interval(1 / FRAMES, self._tick_in_sight, name="tick")
        self.events.focus()

    def on_screen_resume(self) -> None:
        self.truth.show(self._stream.events.window)
        self.restyle()

    def on_unmount(self) -> None:
        self.reader.close()

    def whole(self) -> Source:
        chain = self.reader.correlation_id
        return Source(f"the whole chain {chain}", Filter((CorrelationTerm((chain,)),)))

    def bring_up_events(self) -> None:
        before = self.reader.picture
        self.reader.poll()
        self.events.tick()
        picture = self.reader.picture
        if picture is before or picture is None:
            return
        if self.detail_open:
            self.detail.restyle()
        if self.events.sought is not None and not self.reader.reading:
            self.events.sought = None
            why = "is not among the events that are read here" if picture.is_cut else "is not stored any more"
            self.keys.notice(f"event {self._looked_for} {why}", ERROR_SECONDS)

    def action_search(self) -> None:
        self.post_message(self.SearchWanted(f"{self.whole().wanted} "))

    def action_chain(self) -> None:
        """Follow a cause into the chain that it is of."""
        orphan = self.events.led_from_elsewhere
        if orphan is None or orphan.correlation_id is None:
            self.keys.notice("this is the chain; o leads to another from an event whose cause is there")
        else:
            self.post_message(self.ChainWanted(self, UUID(bytes=orphan.correlation_id), UUID(bytes=orphan.cause_id)))

    def further(self) -> list[Hint]:
        return [Hint("o", "its cause's chain")] if self.events.led_from_elsewhere is not None else []

    def action_back(self) -> None:
        if self.detail_open:
            self.close_detail()
        else:
            self.app.pop_screen()

    def hints(self) -> list[Hint]:
        reading = self.reading_hints()
        if reading is not None:
            return reading
        back = Hint("esc", "back")
        if self.events.current is None:
            return [Hint("R", "read anew"), back, Hint("?", "help")]
        replay = Hint("r", "replay the marked" if self.marks else "replay")
        way = self.further() or [Hint("space", "mark")]
        return [Hint("enter", "open"), *way, replay, back, Hint("?", "help")]

    def _tick_in_sight(self) -> None:
        if self in self.app.screen_stack:
            self.guarded_tick()
