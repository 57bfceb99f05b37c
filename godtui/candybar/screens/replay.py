"""The question before a replay: what, where to, how quickly, what that would do, and the command line it equals."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from godtui.candybar.link import Link
from godtui.candybar.looks import Looks
from godtui.candybar.plaintext import clip, clip_middle, plain
from godtui.candybar.replay_form import (
    GAPS,
    SPEEDS,
    FormError,
    Source,
    needs_confirmation,
    plan_lines,
    read_request,
)
from godtui.candybar.replaying import ReplayWatch, create_command
from godtui.candybar.screens.question import YES
from godtui.operations import BUS, QUEUE, ReplayPlan, ReplayRequest

FRAMES = 10
QUIET_TICKS: Final = 3
"""So many ticks after the last key the plan is asked for."""
INSIDE: Final = 70
MOST_COMMAND: Final = 3 * INSIDE
REST_LINES: Final = 17
"""What the form has beside the plan."""


class Field(Horizontal):
    """A line of the form. Up and down choose among what is offered; the rest may be typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "before", show=False, id="replay.before", tooltip="The choice before"),
        Binding("down", "choose(1)", "next", show=False, id="replay.next", tooltip="The next choice"),
    ]

    def __init__(self, name: str, choices: Sequence[str], unit: str = "") -> None:
        super().__init__(classes="field")
        self._label, self._unit = name, unit
        self.choices = list(choices)
        self.input = Input(value=choices[0], compact=True, select_on_focus=False, classes="field-text")

    @property
    def value(self) -> str:
        """What is written."""
        return self.input.value

    def compose(self) -> ComposeResult:
        yield Label(f"{self._label:<9}", classes="field-name", markup=False)
        yield self.input
        if self._unit:
            yield Label(f" {self._unit}", classes="field-name", markup=False)

    def action_choose(self, by: int) -> None:
        here = self.choices.index(self.value) if self.value in self.choices else -1 if by > 0 else 0
        self.input.value = self.choices[(here + by) % len(self.choices)]
        self.input.cursor_position = len(self.input.value)


class ReplayScreen(ModalScreen[ReplayRequest | None]):
    """Answers with what is to be replayed, or None: nothing."""

    CSS_PATH = ["question.tcss", "replay.tcss"]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(YES, "yes", "do it", priority=True, id="replay.yes", tooltip="Replay it"),
        Binding("escape", "no", "leave", id="replay.no", tooltip="Replay nothing"),
    ]

    def __init__(self, link: Link, watch: ReplayWatch, sources: Sequence[Source], looks: Looks) -> None:
        super().__init__()
        self._link = link
        self._watch = watch
        self._sources = {self._short(source.name, looks): source for source in sources}
        self._looks = looks
        self._what = Field("what", list(self._sources))
        self._to = Field("to", [BUS])
        self._speed = Field("speed", SPEEDS, "times as quick as they came, or max")
        self._gap = Field("wait", GAPS, "seconds at most between two, or none")
        self._plan_text = Static(id="replay-plan", markup=False)
        self._command = Static(id="question-command", markup=False)
        self._hint = Static(id="question-hint", markup=False)
        self._request: ReplayRequest | None = None
        self._plan: ReplayPlan | None = None
        self._asked: Future[ReplayPlan] | None = None
        self._quiet = QUIET_TICKS

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="question", can_focus=False) as form:
            form.border_title = "Replay"
            form.border_subtitle = f"tab field   up down choose   {YES} replay   esc leave"
            yield from (self._what, self._to, self._speed, self._gap)
            yield self._plan_text
            yield self._command
            yield self._hint

    def on_mount(self) -> None:
        self.add_class("replay")
        self.set_class(self._looks.ascii_only, "-ascii")
        self.set_focus(self._to.input)
        self._read()
        self.set_interval(1 / FRAMES, self._tick, name="tick")

    def on_unmount(self) -> None:
        self._drop()

    @on(Input.Changed)
    def _read(self) -> None:
        """Take up what is written; the plan follows when nothing more is typed."""
        self._drop()
        self._request = self._plan = None
        self._quiet = 0
        self._hint.update("")
        source = self._sources.get(self._what.value)
        try:
            if source is None:
                raise FormError("what? up and down choose")
            self._request = read_request(source, self._to.value, self._speed.value, self._gap.value)
        except FormError as error:
            self._say(str(error))
            self._command.update("")
            return
        command = plain(create_command(self._request), ascii_only=self._looks.ascii_only)
        shown = clip_middle(f"$ {command}", MOST_COMMAND, self._looks.glyphs.ellipsis)
        self._command.update(Text(shown, style=self._looks.key))
        self._plan_text.update(Text(f"{self._looks.glyphs.standby} counting", style=self._looks.quiet))

    @on(Input.Submitted)
    def _remind(self) -> None:
        self._warn(f"{YES} replays it; esc leaves everything as it is.")

    def action_yes(self) -> None:
        if self._request is None:
            self._warn("It cannot be asked for like that.")
        elif self._plan is None:
            self._warn("Wait for the count: what it would do is not known yet.")
        elif not self._plan.total:
            self._warn("There is nothing to replay.")
        else:
            self.dismiss(self._request.model_copy(update={"confirm": needs_confirmation(self._plan)}))

    def action_no(self) -> None:
        self.dismiss(None)

    def _tick(self) -> None:
        self._quiet += 1
        if self._quiet == QUIET_TICKS and self._request is not None:
            self._asked = self._watch.plan(self._request)
            if self._asked is None:
                self._say("the engine does not run")
        asked = self._asked
        if asked is None or not asked.done():
            return
        self._asked = None
        error = self._watch.error(asked)
        if error is not None:
            self._say(error)
            return
        self._plan = asked.result()
        self._offer(self._plan)
        lines = list(plan_lines(self._plan, self._looks, self._link.clock.now(), INSIDE))
        room = max(4, self.app.size.height - REST_LINES)
        if len(lines) > room:
            lines = [*lines[: room - 1], Text(f"and {len(lines) - room + 1} more lines", style=self._looks.quiet)]
        self._plan_text.update(Text("\n").join(lines))

    def _offer(self, plan: ReplayPlan) -> None:
        """The queues that are bound to any of it can be chosen."""
        found = [f"{QUEUE}{queue.name}" for queue in plan.queues]
        self._to.choices += [one for one in found if one not in self._to.choices]

    def _say(self, sentence: str) -> None:
        text = f"{self._looks.glyphs.attention} {plain(sentence, ascii_only=self._looks.ascii_only)}"
        self._plan_text.update(Text(text, style=self._looks.attention))

    def _warn(self, sentence: str) -> None:
        self._hint.update(Text(sentence, style=self._looks.attention))

    def _drop(self) -> None:
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None

    @staticmethod
    def _short(name: str, looks: Looks) -> str:
        return clip(plain(name, ascii_only=looks.ascii_only), INSIDE - 12, looks.glyphs.ellipsis)
