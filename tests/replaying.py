"""Replays in memory, for those that show and control them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from godtui import filters
from godtui.clock import to_datetime
from godtui.operations import (
    BUS,
    MAX_UNCONFIRMED,
    ReplayPlan,
    ReplayQueue,
    ReplayRefusedError,
    ReplayRequest,
    ReplayState,
    ReplayStateError,
    ReplayUnconfirmedError,
    ReplayView,
    Speed,
    UnknownReplayError,
)
from tests.clock import MORNING

NOW = to_datetime(MORNING)
QUEUE = "infra-dispatcher.plane"
"""The one queue there is."""


class MemoryReplays:
    """ReplayOperations over `total` events, the first at seq 1; with `error` all of it fails that way, and with
    `blind` who looks at one.

    `ticks` is how many more a running replay has sent each time that it is looked at.
    """

    def __init__(self, total: int = 10) -> None:
        self.total = total
        self.ticks = 0
        self.error: Exception | None = None
        self.blind: Exception | None = None
        self.calls: list[tuple[Any, ...]] = []
        self.all: dict[UUID, ReplayView] = {}

    async def plan(self, request: ReplayRequest) -> ReplayPlan:
        self._note("plan", request)
        self._judge(request)
        return ReplayPlan(
            filter=request.filter,
            to=request.to,
            speed=request.speed,
            rate=request.rate,
            max_gap_s=request.max_gap_s,
            total=self.total,
            first_at=NOW if self.total else None,
            last_at=NOW if self.total else None,
            duration_s=None if request.speed == "max" else 12.5,
            queues=(ReplayQueue(name=QUEUE, count=self.total, services=("infra-dispatcher",)),),
            invalid=1,
            notes=("a note \x1b[31m",),
        )

    async def create(self, request: ReplayRequest) -> ReplayView:
        self._note("create", request)
        self._judge(request)
        if request.to == BUS and self.total > MAX_UNCONFIRMED and not request.confirm:
            raise ReplayUnconfirmedError(self.total)
        view = ReplayView(
            replay_id=UUID(int=len(self.all) + 1),
            filter=request.filter,
            to=request.to,
            speed=request.speed,
            rate=request.rate,
            max_gap_s=request.max_gap_s,
            state="paused" if request.paused else "running",
            total=self.total,
            created_at=NOW,
        )
        self.all[view.replay_id] = view
        return view

    async def replays(self, limit: int = 100) -> list[ReplayView]:
        self._note("replays", limit)
        return sorted(self.all.values(), key=lambda one: not one.is_open)[:limit]

    async def replay(self, replay_id: UUID) -> ReplayView | None:
        self._note("replay", replay_id)
        if self.blind is not None:
            raise self.blind
        found = self.all.get(replay_id)
        if found is not None and found.state == "running" and self.ticks:
            return self._sent(found, self.ticks)
        return found

    async def pause(self, replay_id: UUID) -> ReplayView:
        self._note("pause", replay_id)
        return self._become(replay_id, state="paused")

    async def resume(self, replay_id: UUID) -> ReplayView:
        self._note("resume", replay_id)
        return self._become(replay_id, state="running")

    async def step(self, replay_id: UUID, count: int = 1) -> ReplayView:
        self._note("step", replay_id, count)
        view = self._open(replay_id)
        if view.state != "paused":
            raise ReplayStateError("a replay that runs goes on by itself; pause it first")
        return self._sent(view, count) if count > 0 else self._become(replay_id, done=max(0, view.done + count))

    async def seek(self, replay_id: UUID, *, seq: int | None = None, at: int | None = None) -> ReplayView:
        self._note("seek", replay_id, seq, at)
        position = self.total if seq is None else min(seq - 1, self.total)
        return self._become(replay_id, position=position, done=position)

    async def adjust(self, replay_id: UUID, *, speed: Speed, rate: float | None, max_gap_s: float | None) -> ReplayView:
        self._note("adjust", replay_id, speed, rate, max_gap_s)
        return self._become(replay_id, speed=speed, rate=rate, max_gap_s=max_gap_s)

    async def cancel(self, replay_id: UUID) -> ReplayView:
        self._note("cancel", replay_id)
        return self._become(replay_id, state="cancelled", ended_at=NOW)

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.error is not None:
            raise self.error

    def _judge(self, request: ReplayRequest) -> None:
        filters.parse(request.filter, now=MORNING)
        if request.to not in (BUS, f"queue:{QUEUE}"):
            raise ReplayRefusedError(f"no queue named {request.to.removeprefix('queue:')} is declared", "/to")

    def _open(self, replay_id: UUID) -> ReplayView:
        found = self.all.get(replay_id)
        if found is None:
            raise UnknownReplayError(replay_id)
        if not found.is_open:
            raise ReplayStateError(f"the replay is {found.state}; make a new one")
        return found

    def _become(self, replay_id: UUID, **more: Any) -> ReplayView:
        changed = self.all[replay_id] = self._open(replay_id).model_copy(update=more)
        return changed

    def _sent(self, view: ReplayView, count: int) -> ReplayView:
        done = min(view.done + count, view.total)
        state: ReplayState = "completed" if view.state == "running" and done == view.total else view.state
        return self._become(
            view.replay_id, done=done, sent=view.sent + done - view.done, position=done, at=NOW, state=state
        )
