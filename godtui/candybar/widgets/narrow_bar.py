"""Where words are written that narrow a list, which follows with every letter."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

EXAMPLE = "blocked   INFRA-42   words of the title"


class NarrowBar(Horizontal):
    """An input line; `enter` keeps what is written, `esc` brings back what was before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="narrow.cancel", tooltip="Leave the list as it was"),
    ]

    class Changed(Message):
        """The reader wrote this so far."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Closed(Message):
        """The reader is done; `kept` says whether what is written stays."""

        def __init__(self, text: str, *, kept: bool) -> None:
            super().__init__()
            self.text = text
            self.kept = kept

    def __init__(self) -> None:
        super().__init__(id="narrow")
        self._input = Input(placeholder=EXAMPLE, id="narrow-text", compact=True, select_on_focus=False)
        self._before = ""
        self.display = False

    def compose(self) -> ComposeResult:
        yield Label(" / ", id="narrow-sign", markup=False)
        yield self._input

    def open(self, text: str) -> None:
        """Be there, with this text to change; the very next key is typed into it."""
        self._before = text
        with self.prevent(Input.Changed):
            self._input.value = text
        self._input.cursor_position = len(text)
        self.display = True
        self.screen.set_focus(self._input)

    @on(Input.Changed)
    def _pass_on(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self.post_message(self.Changed(event.value))

    @on(Input.Submitted)
    def _keep(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Closed(event.value, kept=True))

    def action_cancel(self) -> None:
        self.post_message(self.Closed(self._before, kept=False))
