"""Where a filter is written; one that cannot be understood is pointed at, and the old one stays."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label

from godtui.candybar.plaintext import clip, plain
from godtui.candybar.widgets.bar import Bar, looks_of
from godtui.clock import Clock
from godtui.filters import Filter, FilterError, parse

EXAMPLE = "type:agent.#  source:jelmore  -is:invalid  payload.outcome=failed  words"


class Caret(Bar):
    """Points at the faulty term, with the reason beside it where there is room."""

    def __init__(self) -> None:
        super().__init__(id="filter-caret")
        self.column = 0
        self.sentence = ""

    @property
    def beside(self) -> bool:
        """Whether the sentence fits on the caret's line."""
        return self.column + 3 + cell_len(self.sentence) <= self.app.size.width

    def segments(self, width: int) -> list[Segment]:
        style = looks_of(self).attention
        column = max(0, min(self.column, width - 1))
        return [Segment(" " * column), Segment("^ ", style), Segment(self.sentence if self.beside else "", style)]


class Reason(Bar):
    """What is wrong with the term, on a line of its own."""

    def __init__(self) -> None:
        super().__init__(id="filter-reason")
        self.sentence = ""

    def segments(self, width: int) -> list[Segment]:
        looks = looks_of(self)
        return [Segment(" " + clip(self.sentence, width - 1, looks.glyphs.ellipsis), looks.attention)]


class AskingBar(Vertical):
    """An input line; `enter` applies, `esc` leaves everything as it was. What cannot be read is pointed at."""

    SIGN = " / "

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="filter.cancel", tooltip="Leave the filter as it was"),
    ]

    class Cancelled(Message):
        """The reader wants what was before."""

    def __init__(self, clock: Clock, example: str, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._clock = clock
        self._input = Input(placeholder=example, classes="asking-text", compact=True, select_on_focus=False)
        self.display = False
        self._caret = Caret()
        self._reason = Reason()
        self._forget_fault()

    @property
    def text(self) -> str:
        """What is written so far."""
        return self._input.value

    def compose(self) -> ComposeResult:
        with Horizontal(classes="asking-line"):
            yield Label(self.SIGN, classes="asking-sign", markup=False)
            yield self._input
        yield self._caret
        yield self._reason

    def open(self, text: str) -> None:
        """Be there, with this text to change; the very next key is typed into it."""
        self._input.value = text
        self._input.cursor_position = len(text)
        self._forget_fault()
        self.display = True
        self.screen.set_focus(self._input)

    def refuse(self, error: FilterError) -> None:
        """Point at what cannot be understood."""
        before = self._input.value[: error.offset]
        self._caret.column = cell_len(self.SIGN) + cell_len(before) - self._input.scroll_offset.x
        self._caret.sentence = self._reason.sentence = plain(error.message, ascii_only=looks_of(self).ascii_only)
        self._caret.display = True
        self._reason.display = not self._caret.beside
        self._caret.renew()
        self._reason.renew()

    @on(Input.Changed)
    def _forget_fault(self) -> None:
        self._caret.display = self._reason.display = False

    def apply(self, text: str) -> None:
        """Do what is written; raises FilterError where it cannot be read."""
        raise NotImplementedError

    @on(Input.Submitted)
    def _apply(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self.apply(event.value)
        except FilterError as error:
            self.refuse(error)

    def action_cancel(self) -> None:
        self.post_message(self.Cancelled())


class FilterBar(AskingBar):
    """Where a filter is written."""

    class Applied(Message):
        """The reader wants this filter; `text` is empty for none."""

        def __init__(self, text: str, wanted: Filter) -> None:
            super().__init__()
            self.text = text
            self.wanted = wanted

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, EXAMPLE, id="filter")

    def apply(self, text: str) -> None:
        wanted = parse(text, now=self._clock.now()) if text.strip() else Filter()
        wanted.predicate()
        self.post_message(self.Applied(text.strip(), wanted))
