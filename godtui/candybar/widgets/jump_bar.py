"""Where a moment or a position is written that the list is to go to."""

from __future__ import annotations

from textual.message import Message

from godtui.candybar.moments import EXAMPLE, Place, read_place
from godtui.candybar.widgets.filter_bar import AskingBar
from godtui.clock import Clock


class JumpBar(AskingBar):
    """An input line; `enter` goes there."""

    SIGN = " go to "

    class Chosen(Message):
        """The reader wants to be there."""

        def __init__(self, place: Place) -> None:
            super().__init__()
            self.place = place

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, EXAMPLE, id="jump")

    def apply(self, text: str) -> None:
        self.post_message(self.Chosen(read_place(text, self._clock.now())))
