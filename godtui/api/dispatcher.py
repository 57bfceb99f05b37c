"""`/dispatcher`: how it is, what it decided and why, and what an operator can have it do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive

from godtui import jsontext
from godtui.api.bodies import read_body
from godtui.api.openapi import json_content, json_response, problems
from godtui.api.openapi_dispatcher import (
    EXAMPLE_DELIVERY,
    EXAMPLE_EXPLANATION,
    EXAMPLE_STATUS,
    EXAMPLE_TICKET,
)
from godtui.api.parameters import DispatcherQuery, ExplainQuery, documented, read_query, refuse_parameters
from godtui.api.problems import ProblemError
from godtui.api.stopping import while_serving
from godtui.envelope import Fault
from godtui.jsontext import Json
from godtui.operations import (
    MAX_REASON_CHARACTERS,
    DispatcherOperations,
    DispatcherStatus,
    Explanation,
    Operations,
    TicketView,
)
from godtui.racing import first_of

REASON_BYTES: Final = 16 * 1024
"""More than a reason can have, however its characters are escaped."""
EXPLAIN_BYTES: Final = 16 * 1024 * 1024
"""As much as a delivery may have."""
_LARGE: Final = 256 * 1024
"""A body of more bytes than this is read in a thread, so that other requests are answered meanwhile."""

Named = Annotated[str, Path(description="The ticket's id, or its reference.", examples=["INFRA-42"])]
_STATUS_ANSWER: Final = json_response("How it is now.", "DispatcherStatus", EXAMPLE_STATUS)
_TICKET_ANSWER: Final = json_response("How the ticket is now.", "TicketView", EXAMPLE_TICKET)
_REMARK: Final = {"required": False, "content": json_content("Remark", {"reason": "OpenClaw moves house"})}


def dispatcher_router(operations: Operations) -> APIRouter:
    """The routes of the dispatcher."""
    router = APIRouter(tags=["dispatcher"])
    _add_reading(router, operations)
    _add_controls(router, operations)
    _add_acting(router, operations)
    _add_explaining(router, operations)
    _add_watching(router, operations)
    return router


def _add_reading(router: APIRouter, operations: Operations) -> None:
    @router.get(
        "/dispatcher",
        operation_id="getDispatcher",
        summary="How the dispatcher is, and its tickets",
        description="The most urgent and the newest tickets, or those of one state.",
        openapi_extra={"parameters": documented(DispatcherQuery)},
        responses={200: _STATUS_ANSWER, **problems(422, 503)},
        response_class=Response,
    )
    async def get_dispatcher(request: Request) -> Response:
        query = read_query(DispatcherQuery, request.scope)
        return _json(await operations.dispatcher.status(state=query.state, limit=query.limit))

    @router.get(
        "/dispatcher/tickets/{ticket}",
        operation_id="getTicket",
        summary="One ticket, and all that was decided about it",
        responses={200: _TICKET_ANSWER, **problems(404, 422, 503)},
        response_class=Response,
    )
    async def get_ticket(request: Request, ticket: Named) -> Response:
        refuse_parameters(request.scope)
        return _json(await operations.dispatcher.ticket(ticket))


def _add_controls(router: APIRouter, operations: Operations) -> None:
    @router.post(
        "/dispatcher/pause",
        operation_id="pauseDispatcher",
        summary="Begin nothing new",
        description="Until it is resumed, whatever restarts; deliveries are still received and decided.",
        openapi_extra={"requestBody": _REMARK},
        responses={200: _STATUS_ANSWER, **problems(400, 413, 422, 503)},
        response_class=Response,
    )
    async def pause(request: Request) -> Response:
        return _json(await operations.dispatcher.pause(await _reason(request)))

    @router.post(
        "/dispatcher/resume",
        operation_id="resumeDispatcher",
        summary="Go on where it stood",
        description="What waited is due at once.",
        responses={200: _STATUS_ANSWER, **problems(422, 503)},
        response_class=Response,
    )
    async def resume(request: Request) -> Response:
        refuse_parameters(request.scope)
        return _json(await operations.dispatcher.resume())


def _add_acting(router: APIRouter, operations: Operations) -> None:
    @router.post(
        "/dispatcher/tickets/{ticket}/retry",
        operation_id="retryTicket",
        summary="Check or send again now",
        responses={200: _TICKET_ANSWER, **problems(404, 409, 422, 503)},
        response_class=Response,
    )
    async def retry(request: Request, ticket: Named) -> Response:
        refuse_parameters(request.scope)
        return _json(await operations.dispatcher.retry(ticket))

    @router.post(
        "/dispatcher/tickets/{ticket}/withdraw",
        operation_id="withdrawTicket",
        summary="Do not dispatch it in this episode",
        openapi_extra={"requestBody": _REMARK},
        responses={200: _TICKET_ANSWER, **problems(400, 404, 409, 413, 422, 503)},
        response_class=Response,
    )
    async def withdraw(request: Request, ticket: Named) -> Response:
        return _json(await operations.dispatcher.withdraw(ticket, await _reason(request)))

    content = json_content("DispatchReason", {"reason": "the check is wrong, see INFRA-40"})

    @router.post(
        "/dispatcher/tickets/{ticket}/dispatch",
        operation_id="dispatchTicket",
        summary="Dispatch it past the gate and its checks",
        openapi_extra={"requestBody": {"required": True, "content": content}},
        responses={200: _TICKET_ANSWER, **problems(400, 404, 409, 413, 422, 503)},
        response_class=Response,
    )
    async def dispatch(request: Request, ticket: Named) -> Response:
        reason = await _reason(request)
        if not reason.strip():
            raise _refused("/reason", "say why it goes past the gate; that is recorded")
        return _json(await operations.dispatcher.dispatch(ticket, reason))


def _add_explaining(router: APIRouter, operations: Operations) -> None:
    any_json = {"application/json": {"schema": {}, "example": EXAMPLE_DELIVERY}}

    @router.post(
        "/dispatcher/explain",
        operation_id="explainDispatch",
        summary="Why something is or is not dispatched",
        description="Of one of three: a delivery's body as Plane sends it (up to 16 MiB), a stored delivery "
        "(`event_id`), or a ticket as it was last seen (`ticket`). Nothing is recorded and nothing is sent.",
        openapi_extra={
            "parameters": documented(ExplainQuery),
            "requestBody": {"required": False, "content": any_json},
        },
        responses={
            200: json_response("Every condition, and the verdict.", "Explanation", EXAMPLE_EXPLANATION),
            **problems(400, 404, 413, 422, 503),
        },
        response_class=Response,
    )
    async def explain(request: Request) -> Response:
        query = read_query(ExplainQuery, request.scope)
        body = await read_body(request.scope, request.receive, EXPLAIN_BYTES)
        return _json(await _explanation(operations.dispatcher, query, body))


async def _explanation(dispatcher: DispatcherOperations, query: ExplainQuery, body: bytes) -> Explanation:
    if sum((query.event_id is not None, query.ticket is not None, bool(body))) != 1:
        raise ProblemError(422, "give one of three: a delivery as the body, ?event_id=, or ?ticket=")
    if query.ticket is not None:
        return await dispatcher.explain_ticket(query.ticket)
    if query.event_id is None:
        given = await asyncio.to_thread(jsontext.parse, body) if len(body) > _LARGE else jsontext.parse(body)
        return await dispatcher.explain_body(given)
    explanation = await dispatcher.explain_event(query.event_id)
    if explanation is None:
        raise ProblemError(404, f"no event {query.event_id} is stored")
    return explanation


def _add_watching(router: APIRouter, operations: Operations) -> None:
    @router.get(
        "/dispatcher/checks/{component:path}/output",
        operation_id="watchCheck",
        summary="What a running check prints, until it ends",
        description="Begins with what is kept of its output so far, and ends with the check, or with the instance. "
        "Empty where no check of the component runs.",
        responses={
            200: {
                "description": "The output as it comes.",
                "content": {"text/plain": {"schema": {"type": "string"}, "example": "collecting ...\n"}},
            },
            **problems(422, 503),
        },
        response_class=Response,
    )
    async def watch(
        request: Request,
        component: Annotated[str, Path(description="The component, as in its label.", examples=["bloodbank"])],
    ) -> Response:
        refuse_parameters(request.scope)
        pieces = while_serving(operations.dispatcher.watch(component), request.scope)
        try:
            first = await _first(pieces, request.receive)
        except BaseException:
            await pieces.aclose()
            raise
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        return StreamingResponse(_encoded(first, pieces), media_type="text/plain", headers=headers)


async def _first(pieces: AsyncGenerator[str], receive: Receive) -> str:
    """The first piece, empty where there is none: an error before it can still be answered as a problem.

    Raises ClientDisconnect where nobody waits for it any more.
    """
    stepping = asyncio.ensure_future(_next(pieces))
    await first_of(stepping, _gone(receive))
    if stepping.cancelled():
        raise ClientDisconnect
    return stepping.result()


async def _next(pieces: AsyncGenerator[str]) -> str:
    return await anext(pieces, "")


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _encoded(first: str, pieces: AsyncGenerator[str]) -> AsyncIterator[bytes]:
    async with aclosing(pieces):
        yield first.encode(errors="replace")
        async for piece in pieces:
            yield piece.encode(errors="replace")


async def _reason(request: Request) -> str:
    """The reason in a request's body, empty where it gives none. Raises JsonError, ProblemError (413, 422)."""
    refuse_parameters(request.scope)
    body = await read_body(request.scope, request.receive, REASON_BYTES)
    if not body:
        return ""
    given: Json = jsontext.parse(body)
    if not isinstance(given, dict):
        raise _refused("", "the body is a JSON object with reason alone")
    for name in given:
        if name != "reason":
            raise _refused(jsontext.pointer([name]), "there is no such field; the body has reason alone")
    reason: Any = given.get("reason", "")
    if not isinstance(reason, str) or len(reason) > MAX_REASON_CHARACTERS:
        raise _refused("/reason", f"a reason is a text of at most {MAX_REASON_CHARACTERS} characters")
    return reason


def _refused(path: str, message: str) -> ProblemError:
    return ProblemError(422, f"the request is not valid: {message}", [Fault(path, message)])


def _json(view: DispatcherStatus | TicketView | Explanation) -> Response:
    return Response(jsontext.dumps(view.document()), media_type="application/json")
