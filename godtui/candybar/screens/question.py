"""A question before danger: what happens, to whom, the command line it equals, and the key that does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final, NamedTuple

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from godtui.candybar.looks import Looks
from godtui.candybar.plaintext import clip, plain
from godtui.operations import MAX_REASON_CHARACTERS

YES: Final = "ctrl+y"
MOST_NAME: Final = 200


class Question(NamedTuple):
    """What is asked. `title` and `does` are our own words; `whom` and `command` may hold what others wrote.

    With `wants_reason` a reason must be given; `command` is told it, and makes of it the command line.
    """

    title: str
    what: str
    whom: str
    command: Callable[[str], str]
    does: str
    wants_reason: bool = False


class QuestionScreen(ModalScreen[str | None]):
    """Answers with the reason, empty where none was wanted, or None: nothing is to be done."""

    CSS_PATH = "question.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(YES, "yes", "do it", priority=True, id="question.yes", tooltip="Do it"),
        Binding("escape", "no", "leave", id="question.no", tooltip="Leave everything as it is"),
        Binding("enter", "remind", "remind", show=False, id="question.remind", tooltip="Says which key does it"),
    ]

    def __init__(self, question: Question, looks: Looks) -> None:
        super().__init__()
        self._question = question
        self._looks = looks
        self._reason = Input(
            placeholder="the reason, which is recorded",
            id="question-reason",
            compact=True,
            max_length=MAX_REASON_CHARACTERS,
        )
        self._command = Static(id="question-command", markup=False)
        self._hint = Static(id="question-hint", markup=False)

    def compose(self) -> ComposeResult:
        question, looks = self._question, self._looks
        with VerticalScroll(id="question", can_focus=False) as form:
            form.border_title = question.title
            form.border_subtitle = f"{YES} {question.does}   esc leave"
            whom = clip(plain(question.whom, ascii_only=looks.ascii_only), MOST_NAME, looks.glyphs.ellipsis)
            yield Static(Text(whom, style=looks.strong), id="question-whom", markup=False)
            yield Static(Text(question.what, style=looks.text), id="question-what", markup=False)
            if question.wants_reason:
                yield self._reason
            yield self._command
            yield self._hint

    def on_mount(self) -> None:
        self.set_class(self._looks.ascii_only, "-ascii")
        self._show_command()
        if self._question.wants_reason:
            self.set_focus(self._reason)

    @on(Input.Changed)
    def _show_command(self) -> None:
        looks = self._looks
        command = plain(self._question.command(self._reason.value.strip()), ascii_only=looks.ascii_only)
        self._command.update(Text(f"$ {command}", style=looks.key))
        self._hint.update("")

    @on(Input.Submitted)
    def action_remind(self) -> None:
        self._hint.update(Text(f"{YES} does it; esc leaves everything as it is.", style=self._looks.attention))

    def action_yes(self) -> None:
        reason = self._reason.value.strip()
        if self._question.wants_reason and not reason:
            self._hint.update(Text("Write the reason first: it is recorded.", style=self._looks.attention))
            return
        self.dismiss(reason)

    def action_no(self) -> None:
        self.dismiss(None)
