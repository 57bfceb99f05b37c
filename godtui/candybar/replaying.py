"""The replays there are, as last heard of, and what the reader asked of them; all of it is polled."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeAlias
from uuid import UUID

from godtui.candybar.actions import Actions, Outcome
from godtui.candybar.link import Link
from godtui.filters import FilterError
from godtui.operations import (
    BUS,
    ReplayError,
    ReplayOperations,
    ReplayPlan,
    ReplayRequest,
    ReplayView,
    Speed,
    StoreUnavailableError,
)

POLL_SECONDS: Final = 0.3
LIST_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 5.0
MOST_REPLAYS: Final = 50
SPEEDS: Final[tuple[Speed, ...]] = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0, "max")

Work: TypeAlias = Callable[[ReplayOperations], Coroutine[Any, Any, ReplayView]]


class ReplayWatch:
    """Looks once when there is an engine, and then only while a replay is open or what one sends is seen."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.open: list[ReplayView] = []
        """Those that are open, the newest first."""
        self.fault: str | None = None
        """Why it cannot be told how they are, or None while it can."""
        self.in_hand = False
        """Whether the reader's keys act on the current one."""
        self._current: UUID | None = None
        self._seen = 0
        self._ended: list[ReplayView] = []
        self._actions: Actions[ReplayView] = Actions(ReplayError, FilterError, StoreUnavailableError)
        self._list: Future[list[ReplayView]] | None = None
        self._view: Future[ReplayView | None] | None = None
        self._list_at: float | None = None
        self._view_at = link.clock.monotonic()

    @property
    def current(self) -> ReplayView | None:
        """The one that is shown."""
        return next((one for one in self.open if one.replay_id == self._current), self.open[0] if self.open else None)

    @property
    def place(self) -> int:
        """Which of those that are open is shown, counted from 1."""
        current = self.current
        return self.open.index(current) + 1 if current is not None else 0

    def take_up(self) -> None:
        """Give the keys to the first, from there to the next, and after the last back to the screen."""
        if not self.in_hand:
            self.in_hand = bool(self.open)
        elif self.place < len(self.open):
            self._current = self.open[self.place].replay_id
        else:
            self.in_hand = False
            self._current = self.open[0].replay_id if self.open else None

    def look(self) -> None:
        """Ask for all of them at the next tick."""
        self._list_at = None

    def poll(self) -> None:
        """Take in what was answered, and ask again when it is time."""
        self._take_list()
        self._take_view()
        now, sent = self._link.clock.monotonic(), self._link.feed.ring.replayed
        if sent != self._seen:
            self._seen = sent
            if not self.open and (self._list_at is None or now - self._list_at >= LIST_SECONDS):
                self.look()
        wait = RETRY_SECONDS if self.fault is not None else LIST_SECONDS if self.open else None
        due = self._list_at is None or (wait is not None and now - self._list_at >= wait)
        if self._list is None and due and self._link.hosted.started:
            self._list_at = now
            self._list = self.ask(lambda replays: replays.replays(MOST_REPLAYS))
        current = self.current
        is_due = self._view is None and not self._actions.pending and now - self._view_at >= POLL_SECONDS
        if current is not None and is_due:
            self._view_at = now
            replay_id = current.replay_id
            self._view = self.ask(lambda replays: replays.replay(replay_id))

    def plan(self, request: ReplayRequest) -> Future[ReplayPlan] | None:
        """Ask what a replay would do."""
        return self.ask(lambda replays: replays.plan(request))

    def create(self, request: ReplayRequest) -> None:
        """Make it, and have it in hand."""
        self.act(create_command(request), lambda replays: replays.create(request))

    def act(self, command: str, work: Work) -> bool:
        """Ask for something that makes or changes a replay; False where just that is being asked already."""
        if self._actions.waits_for(command):
            return False
        self._actions.begin(command, self.ask(work))
        return True

    def presume(self, view: ReplayView) -> None:
        """Show what was just asked for; the next answer says what is so."""
        self.open = [view if one.replay_id == view.replay_id else one for one in self.open]
        if self._view is not None:
            self._view.cancel()
            self._view = None

    def outcomes(self) -> list[Outcome[ReplayView]]:
        """What came of what was asked, each once; its answer is what is known of the replay from now on.

        While something else is being asked, that is presumed already, and older answers do not undo it.
        """
        outcomes = self._actions.outcomes()
        known = {one.replay_id for one in self.open}
        for outcome in outcomes:
            told = outcome.answer
            if told is not None and not (self._actions.pending and told.is_open and told.replay_id in known):
                self._adopt(told, fresh=True)
        return outcomes

    def endings(self) -> list[ReplayView]:
        """Those that came to their end while they were watched, each once."""
        ended, self._ended = self._ended, []
        return ended

    def error(self, question: Future[Any]) -> str | None:
        """Why a question about replays was not answered, or None where it was."""
        return self._actions.error(question)

    def ask(self, work: Callable[[ReplayOperations], Coroutine[Any, Any, Any]]) -> Future[Any] | None:
        """Put a question to the engine; None where there is none."""
        if not self._link.hosted.started:
            return None
        return self._link.ask(work(self._link.hosted.operations.replays))

    def _take_list(self) -> None:
        asked = self._list
        if asked is None or not asked.done():
            return
        self._list = None
        self.fault = self._actions.error(asked)
        if self.fault is not None:
            return
        if self._actions.pending:
            self.look()
            return
        told = asked.result()
        known = {one.replay_id for one in told}
        for one in reversed(told):
            if one.is_open or any(one.replay_id == before.replay_id for before in self.open):
                self._adopt(one)
        self.open = [one for one in self.open if one.replay_id in known]
        self._let_go()

    def _take_view(self) -> None:
        asked = self._view
        if asked is None or not asked.done():
            return
        self._view = None
        error = self._actions.error(asked)
        if error is not None:
            self.fault = error
            return
        self.fault = None
        found = asked.result()
        if found is None:
            self.look()
        else:
            self._adopt(found)

    def _adopt(self, view: ReplayView, *, fresh: bool = False) -> None:
        """Know what an answer says; a fresh one is newer than what is still on its way."""
        if fresh and self._view is not None:
            self._view.cancel()
            self._view = None
        places = [one.replay_id for one in self.open]
        if view.replay_id in places:
            place = places.index(view.replay_id)
            if view.is_open:
                self.open[place] = view
            else:
                del self.open[place]
                self._ended.append(view)
        elif view.is_open:
            self.open.insert(0, view)
            if fresh:
                self._current, self.in_hand = view.replay_id, True
        elif fresh:
            self._ended.append(view)
        self._let_go()

    def _let_go(self) -> None:
        """Without a replay there is nothing to have in hand."""
        self.in_hand = self.in_hand and bool(self.open)


def faster(speed: Speed, by: int) -> Speed:
    """The next speed of those offered, upwards or downwards."""
    if speed == "max":
        return SPEEDS[-1] if by > 0 else SPEEDS[-2]
    steps: list[Speed] = [one for one in SPEEDS if one == "max" or (one > speed if by > 0 else one < speed)]
    if by > 0:
        return steps[0]
    slower = [one for one in steps if one != "max"]
    return slower[-1] if slower else speed


def create_command(request: ReplayRequest) -> str:
    """The command line that makes the same replay."""
    words = ["godtui", "replay", request.filter, "--to", request.to, "--speed", speed_word(request.speed)]
    if request.max_gap_s is not None:
        words += ["--max-gap", f"{request.max_gap_s:g}"]
    if request.paused:
        words.append("--paused")
    return shlex.join([*words, "--yes"])


def control_command(view: ReplayView, verb: str, *more: str) -> str:
    """The command line that does the same to a replay."""
    return shlex.join(["godtui", "replays", verb, str(view.replay_id), *more])


def speed_word(speed: Speed) -> str:
    """A speed as it is written: 10 or max."""
    return speed if isinstance(speed, str) else f"{speed:g}"


def speed_text(speed: Speed) -> str:
    """A speed as it is read: 10x or max."""
    return speed if isinstance(speed, str) else f"{speed:g}x"


def target_text(to: str) -> str:
    """Where a replay goes, in words."""
    return "the bus" if to == BUS else to.replace(":", " ", 1)
