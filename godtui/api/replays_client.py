"""The replays of another instance, asked over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from godtui import jsontext
from godtui.api import answers
from godtui.clock import rfc3339
from godtui.operations import (
    ReplayPlan,
    ReplayRefusedError,
    ReplayRequest,
    ReplayStateError,
    ReplayUnconfirmedError,
    ReplayView,
    Speed,
    UnknownReplayError,
    distant,
)
from godtui.operations.distant import Answer, Connection


class HttpReplays:
    """ReplayOperations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def plan(self, request: ReplayRequest) -> ReplayPlan:
        answer = await self._connection.request("POST", "/replays", content=_body(request, dry_run=True))
        if answer.status != 200:
            raise _refused(answer)
        return answer.read(ReplayPlan.model_validate)

    async def create(self, request: ReplayRequest) -> ReplayView:
        answer = await self._connection.request("POST", "/replays", content=_body(request))
        if answer.status != 201:
            raise _refused(answer)
        return answer.read(ReplayView.model_validate)

    async def replays(self, limit: int = 100) -> list[ReplayView]:
        answer = await self._connection.request("GET", "/replays", params={"limit": str(limit)})
        if answer.status != 200:
            raise distant.error(answer)
        return answer.read(lambda told: [ReplayView.model_validate(one) for one in told["replays"]])

    async def replay(self, replay_id: UUID) -> ReplayView | None:
        answer = await self._connection.request("GET", f"/replays/{replay_id}")
        return answers.found(answer, ReplayView.model_validate)

    async def pause(self, replay_id: UUID) -> ReplayView:
        return await self._change(replay_id, "pause")

    async def resume(self, replay_id: UUID) -> ReplayView:
        return await self._change(replay_id, "resume")

    async def step(self, replay_id: UUID, count: int = 1) -> ReplayView:
        return await self._change(replay_id, "step", count=count)

    async def seek(self, replay_id: UUID, *, seq: int | None = None, at: int | None = None) -> ReplayView:
        places = {"seq": seq, "at": None if at is None else rfc3339(at)}
        return await self._change(
            replay_id, "seek", **{name: place for name, place in places.items() if place is not None}
        )

    async def adjust(self, replay_id: UUID, *, speed: Speed, rate: float | None, max_gap_s: float | None) -> ReplayView:
        return await self._change(replay_id, "speed", speed=speed, rate=rate, max_gap_s=max_gap_s)

    async def cancel(self, replay_id: UUID) -> ReplayView:
        return await self._change(replay_id, "cancel")

    async def _change(self, replay_id: UUID, action: str, **members: Any) -> ReplayView:
        content = jsontext.dumps(members) if members else b""
        answer = await self._connection.request("POST", f"/replays/{replay_id}/{action}", content=content)
        if answer.status != 200:
            raise _unchanged(answer, replay_id)
        return answer.read(ReplayView.model_validate)


def _body(request: ReplayRequest, *, dry_run: bool = False) -> bytes:
    return jsontext.dumps({**request.document(), "dry_run": dry_run})


def _refused(answer: Answer) -> Exception:
    """Why no replay was made."""
    problem = answer.problem()
    if answer.status == 409:
        total = problem.get("total")
        return ReplayUnconfirmedError(total) if isinstance(total, int) else ReplayRefusedError(problem["detail"])
    return _invalid(answer, problem) or distant.filter_error(answer)


def _unchanged(answer: Answer, replay_id: UUID) -> Exception:
    """Why nothing was done with a replay."""
    problem = answer.problem()
    match answer.status:
        case 404:
            return UnknownReplayError(replay_id)
        case 409:
            return ReplayStateError(problem["detail"])
    return _invalid(answer, problem) or distant.error(answer)


def _invalid(answer: Answer, problem: dict[str, Any]) -> ReplayRefusedError | None:
    """What was wrong with the request, where that is a member of it."""
    faults = distant.faults(problem) if answer.status in (413, 422) else []
    if faults and faults[0].path.startswith("/"):
        return ReplayRefusedError(faults[0].message, faults[0].path)
    return None
