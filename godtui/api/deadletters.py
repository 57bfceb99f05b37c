"""`/dead-letters`: what left its queue undelivered, put back or thrown away."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from godtui import jsontext
from godtui.api.bodies import read_body
from godtui.api.configuration import ApiConfig
from godtui.api.cursors import read_moment, with_moment
from godtui.api.openapi import (
    EXAMPLE_ENVELOPE,
    EXAMPLE_LETTER,
    EXAMPLE_LETTER_PAGE,
    EXAMPLE_REQUEUED,
    json_content,
    json_response,
    problems,
)
from godtui.api.parameters import LetterId, LettersQuery, documented, read_query, refuse_parameters
from godtui.api.problems import ProblemError
from godtui.clock import Clock
from godtui.envelope import Fault
from godtui.operations import Operations, UnknownLetterError

AROUND_BYTES = 1024
"""How much longer than an event the body of a request may be that corrects one."""


def letters_router(operations: Operations, config: ApiConfig, clock: Clock) -> APIRouter:
    """The routes of dead letters."""
    router = APIRouter(tags=["dead letters"])
    _add_reading(router, operations, clock)
    _add_acting(router, operations, config)
    return router


def _add_reading(router: APIRouter, operations: Operations, clock: Clock) -> None:
    @router.get(
        "/dead-letters",
        operation_id="listDeadLetters",
        summary="List dead letters",
        description="Newest first. All conditions must hold; the filter asks about the event in a letter. Headers are "
        "left out, and of each body no more than its first 1,024 bytes is shown.",
        openapi_extra={"parameters": documented(LettersQuery)},
        responses={
            200: json_response("One page.", "DeadLetterPage", EXAMPLE_LETTER_PAGE),
            **problems(400, 422, 503),
        },
        response_class=Response,
    )
    async def list_letters(request: Request) -> Response:
        query = read_query(LettersQuery, request.scope)
        now, cursor = read_moment(query.cursor, clock.now())
        page = await operations.letters.page(
            query.wanted(now), queue=query.queue, reason=query.reason, limit=query.limit, cursor=cursor
        )
        listed = [letter.listed() for letter in page.letters]
        return _json({"dead_letters": listed, "next_cursor": with_moment(now, page.next_cursor)})

    @router.get(
        "/dead-letters/{letter_id}",
        operation_id="getDeadLetter",
        summary="One dead letter, whole",
        responses={200: json_response("The letter.", "DeadLetter", EXAMPLE_LETTER), **problems(404, 422, 503)},
        response_class=Response,
    )
    async def get_letter(request: Request, letter_id: LetterId) -> Response:
        refuse_parameters(request.scope)
        letter = await operations.letters.letter(letter_id)
        if letter is None:
            raise UnknownLetterError(letter_id)
        return _json(letter.document())


def _add_acting(router: APIRouter, operations: Operations, config: ApiConfig) -> None:
    @router.post(
        "/dead-letters/{letter_id}/requeue",
        operation_id="requeueDeadLetter",
        summary="Put a letter back into the queue it came from",
        description="Into that queue alone, with its headers and its routing key; attempts begin anew. With `body`, a "
        "corrected envelope takes the place of the letter's. The letter goes once the message is durable.",
        openapi_extra={
            "requestBody": {"required": False, "content": json_content("Correction", {"body": EXAMPLE_ENVELOPE})}
        },
        responses={
            200: json_response("It is in its queue again.", "Requeued", EXAMPLE_REQUEUED),
            **problems(400, 404, 409, 413, 422, 503),
        },
        response_class=Response,
    )
    async def requeue_letter(request: Request, letter_id: LetterId) -> Response:
        refuse_parameters(request.scope)
        body = await read_body(request.scope, request.receive, config.max_event_bytes + AROUND_BYTES)
        requeued = await operations.letters.requeue(letter_id, _correction(body))
        return _json(requeued._asdict())

    @router.delete(
        "/dead-letters/{letter_id}",
        operation_id="discardDeadLetter",
        summary="Throw a letter away",
        status_code=204,
        responses=problems(404, 422, 503),
        response_class=Response,
    )
    async def discard_letter(request: Request, letter_id: LetterId) -> Response:
        refuse_parameters(request.scope)
        await operations.letters.discard(letter_id)
        return Response(status_code=204)


def _correction(body: bytes) -> Any:
    """The corrected envelope in a request's body, None where it holds none. Raises JsonError, ProblemError (422)."""
    if not body:
        return None
    given = jsontext.parse(body)
    if not isinstance(given, dict):
        raise _refused("", "a correction is a JSON object with the corrected envelope as its body")
    for name in given:
        if name != "body":
            raise _refused(jsontext.pointer([name]), "there is no such field; a correction has body alone")
    if "body" in given and not isinstance(given["body"], dict):
        raise _refused("/body", "a corrected envelope is a JSON object; leave body out to requeue the letter as it is")
    return given.get("body")


def _refused(path: str, message: str) -> ProblemError:
    return ProblemError(422, f"the correction is not valid: {message}", [Fault(path, message)])


def _json(document: dict[str, Any]) -> Response:
    return Response(jsontext.dumps(document), media_type="application/json")
