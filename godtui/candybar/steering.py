"""The keys that steer the replay in hand, on every screen."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from godtui.candybar.figures import count
from godtui.candybar.replaying import ReplayWatch, control_command, faster, speed_word, target_text
from godtui.operations import ReplayView


class Steering:
    """What each key asks of a replay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("P", "take_up", "steer", id="replay.take_up", tooltip="steer the replay, the next one, or let go"),
        Binding("p", "steer_turn", "pause", priority=True, id="replay.pause", tooltip="pause it; again: go on"),
        Binding("left_square_bracket", "steer_step(-1)", "back", priority=True, id="replay.back",
                tooltip="of a paused one: back, sending nothing"),
        Binding("right_square_bracket", "steer_step(1)", "step", priority=True, id="replay.step",
                tooltip="send the next"),
        Binding("plus", "steer_speed(1)", "faster", priority=True, id="replay.faster", tooltip="faster"),
        Binding("minus", "steer_speed(-1)", "slower", priority=True, id="replay.slower", tooltip="or slower"),
        Binding("escape", "steer_cancel", "stop", priority=True, id="replay.cancel",
                tooltip="end it where it stands; asks first"),
    ]  # fmt: skip

    def __init__(self, watch: ReplayWatch) -> None:
        self._watch = watch

    def cancel(self, view: ReplayView) -> None:
        """End it where it stands."""
        self._watch.act(control_command(view, "cancel"), lambda replays: replays.cancel(view.replay_id))

    def turn(self, view: ReplayView) -> None:
        """Pause it, or go on."""
        if view.state == "paused":
            self._watch.act(control_command(view, "resume"), lambda replays: replays.resume(view.replay_id))
            self._watch.presume(view.model_copy(update={"state": "running"}))
        else:
            self._watch.act(control_command(view, "pause"), lambda replays: replays.pause(view.replay_id))
            self._watch.presume(view.model_copy(update={"state": "paused"}))

    def step(self, view: ReplayView, by: int) -> str:
        """Send the next, or go one back; what is to be said of it at once, or nothing."""
        if view.state != "paused":
            return "p pauses it first; then [ and ] step"
        self._watch.act(control_command(view, "step", str(by)), lambda replays: replays.step(view.replay_id, by))
        return ""

    def speed(self, view: ReplayView, by: int) -> str:
        """The next speed up or down; what is to be said of it at once, or nothing."""
        speed = faster(view.speed, by)
        if speed == view.speed:
            return "there is nothing faster" if by > 0 else "there is nothing slower; p pauses it"
        self._watch.act(
            control_command(view, "speed", speed_word(speed)),
            lambda replays: replays.adjust(view.replay_id, speed=speed, rate=view.rate, max_gap_s=view.max_gap_s),
        )
        self._watch.presume(view.model_copy(update={"speed": speed}))
        return ""


def ending_text(view: ReplayView) -> str:
    """How a replay ended."""
    if view.state == "completed":
        refused = f"; the bus refused {count(view.skipped)} of them" if view.skipped else ""
        return f"replay completed: {count(view.sent)} sent to {target_text(view.to)}{refused}"
    reason = f": {view.reason}" if view.reason and view.reason != view.state else ""
    return f"replay {view.state} after {count(view.done)} of {count(view.total)}{reason}"
