"""`/replays`: stored events once more, planned, made and controlled."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from godtui import jsontext
from godtui.api.openapi import json_content, json_response, problems
from godtui.api.openapi_replays import EXAMPLE_PLAN, EXAMPLE_REPLAY, EXAMPLE_REPLAYS, EXAMPLE_REQUEST
from godtui.api.parameters import documented, read_query, refuse_parameters
from godtui.api.replay_requests import (
    ReplayBody,
    ReplaysQuery,
    SeekBody,
    StepBody,
    TempoBody,
    read_members,
)
from godtui.clock import Clock
from godtui.operations import Operations, ReplayOperations, ReplayPlan, ReplayView, UnknownReplayError

Named = Annotated[UUID, Path(description="The replay's id.")]
_ANSWER: Final = json_response("How it is now.", "ReplayView", EXAMPLE_REPLAY)


def replays_router(operations: Operations, clock: Clock) -> APIRouter:
    """The routes of replays."""
    router = APIRouter(tags=["replays"])
    _add_making(router, operations, clock)
    _add_reading(router, operations)
    _add_controls(router, operations)
    _add_moving(router, operations)
    return router


def _add_making(router: APIRouter, operations: Operations, clock: Clock) -> None:
    @router.post(
        "/replays",
        operation_id="createReplay",
        summary="Send stored events once more",
        description="What it comprises is fixed now. Nothing is stored or dispatched twice. With `dry_run` the answer "
        "says what it would do. More than 1,000 events to the bus are 409 with their number in `total`, unless "
        "`confirm` is true.",
        status_code=201,
        openapi_extra={"requestBody": {"required": True, "content": json_content("ReplayRequest", EXAMPLE_REQUEST)}},
        responses={
            200: json_response("What it would do.", "ReplayPlan", EXAMPLE_PLAN),
            201: json_response("It is made.", "ReplayView", EXAMPLE_REPLAY),
            **problems(400, 409, 413, 422, 503),
        },
        response_class=Response,
    )
    async def create(request: Request) -> Response:
        body = await read_members(ReplayBody, request.scope, request.receive)
        wanted = body.request(clock.now())
        if body.dry_run:
            return _json(await operations.replays.plan(wanted))
        made = await operations.replays.create(wanted)
        return _json(made, 201, {"Location": f"/replays/{made.replay_id}"})


def _add_reading(router: APIRouter, operations: Operations) -> None:
    @router.get(
        "/replays",
        operation_id="listReplays",
        summary="Replays, those first that are open",
        description="Then the newest of those that ended; the last 1,000 of these are kept.",
        openapi_extra={"parameters": documented(ReplaysQuery)},
        responses={200: json_response("The replays.", "ReplayList", EXAMPLE_REPLAYS), **problems(422, 503)},
        response_class=Response,
    )
    async def list_replays(request: Request) -> Response:
        query = read_query(ReplaysQuery, request.scope)
        found = await operations.replays.replays(query.limit)
        return _answer({"replays": [replay.document() for replay in found]})

    @router.get(
        "/replays/{replay_id}",
        operation_id="getReplay",
        summary="One replay, and how far it is",
        responses={200: _ANSWER, **problems(404, 422, 503)},
        response_class=Response,
    )
    async def get_replay(request: Request, replay_id: Named) -> Response:
        refuse_parameters(request.scope)
        return _json(await _required(operations.replays, replay_id))


def _add_controls(router: APIRouter, operations: Operations) -> None:
    said: dict[str, Any] = {"responses": {200: _ANSWER, **problems(404, 409, 422, 503)}, "response_class": Response}

    @router.post(
        "/replays/{replay_id}/pause",
        operation_id="pauseReplay",
        summary="Send nothing more until it is resumed",
        description="Whatever restarts meanwhile.",
        **said,
    )
    async def pause(request: Request, replay_id: Named) -> Response:
        refuse_parameters(request.scope)
        return _json(await operations.replays.pause(replay_id))

    @router.post(
        "/replays/{replay_id}/resume",
        operation_id="resumeReplay",
        summary="Go on from where it stands",
        **said,
    )
    async def resume(request: Request, replay_id: Named) -> Response:
        refuse_parameters(request.scope)
        return _json(await operations.replays.resume(replay_id))

    @router.post(
        "/replays/{replay_id}/cancel",
        operation_id="cancelReplay",
        summary="End it where it stands",
        description="What was sent stays sent.",
        **said,
    )
    async def cancel(request: Request, replay_id: Named) -> Response:
        refuse_parameters(request.scope)
        return _json(await operations.replays.cancel(replay_id))


def _add_moving(router: APIRouter, operations: Operations) -> None:
    said: dict[str, Any] = {
        "responses": {200: _ANSWER, **problems(400, 404, 409, 413, 422, 503)},
        "response_class": Response,
    }

    @router.post(
        "/replays/{replay_id}/step",
        operation_id="stepReplay",
        summary="Of a paused one: send the next events now, or go back",
        openapi_extra={"requestBody": {"required": False, "content": json_content("ReplayStep", {"count": 1})}},
        **said,
    )
    async def step(request: Request, replay_id: Named) -> Response:
        body = await read_members(StepBody, request.scope, request.receive)
        return _json(await operations.replays.step(replay_id, body.count))

    @router.post(
        "/replays/{replay_id}/seek",
        operation_id="seekReplay",
        summary="Go on from another place",
        description="From a position in the log, or from a moment by the events' own times; nothing is sent by that.",
        openapi_extra={"requestBody": {"required": True, "content": json_content("ReplaySeek", {"seq": 40_313})}},
        **said,
    )
    async def seek(request: Request, replay_id: Named) -> Response:
        body = await read_members(SeekBody, request.scope, request.receive)
        return _json(await operations.replays.seek(replay_id, seq=body.seq, at=body.at))

    @router.post(
        "/replays/{replay_id}/speed",
        operation_id="adjustReplay",
        summary="Change how quickly it goes on",
        description="What is left out stays as it is.",
        openapi_extra={"requestBody": {"required": True, "content": json_content("ReplayTempo", {"speed": 10})}},
        **said,
    )
    async def adjust(request: Request, replay_id: Named) -> Response:
        body = await read_members(TempoBody, request.scope, request.receive)
        speed, rate, max_gap = body.tempo(await _required(operations.replays, replay_id))
        return _json(await operations.replays.adjust(replay_id, speed=speed, rate=rate, max_gap_s=max_gap))


async def _required(replays: ReplayOperations, replay_id: UUID) -> ReplayView:
    found = await replays.replay(replay_id)
    if found is None:
        raise UnknownReplayError(replay_id)
    return found


def _json(view: ReplayView | ReplayPlan, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return _answer(view.document(), status, headers)


def _answer(document: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(jsontext.dumps(document), status, headers, media_type="application/json")
