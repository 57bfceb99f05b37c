"""`GET /events` and `GET /events/{event_id}`: what the log holds."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from godtui import jsontext
from godtui.api.openapi import EXAMPLE_CURSOR, EXAMPLE_EVENT, json_response, problems
from godtui.api.parameters import EventsQuery, documented, read_query, refuse_parameters
from godtui.api.problems import ProblemError
from godtui.clock import Clock
from godtui.operations import BadCursorError, Operations, Page


def events_router(operations: Operations, clock: Clock) -> APIRouter:
    """The routes that read the store."""
    router = APIRouter(tags=["store"])

    @router.get(
        "/events",
        operation_id="listEvents",
        summary="List stored events",
        description="Newest first, or oldest first with `order=asc`; pages stay stable while events arrive. "
        "All conditions must hold.",
        openapi_extra={"parameters": documented(EventsQuery)},
        responses={
            200: json_response("One page.", "EventPage", {"events": [EXAMPLE_EVENT], "next_cursor": EXAMPLE_CURSOR}),
            **problems(400, 422, 503),
        },
        response_class=Response,
    )
    async def list_events(request: Request) -> Response:
        query = read_query(EventsQuery, request.scope)
        now, cursor = (clock.now(), None) if query.cursor is None else _read_cursor(query.cursor)
        page = await operations.store.query(query.wanted(now), limit=query.limit, cursor=cursor, order=query.order)
        return Response(_document(page, now), media_type="application/json")

    @router.get(
        "/events/{event_id}",
        operation_id="getEvent",
        summary="One stored event",
        responses={200: json_response("The event.", "StoredEvent", EXAMPLE_EVENT), **problems(404, 422, 503)},
        response_class=Response,
    )
    async def get_event(request: Request, event_id: Annotated[UUID, Path(description="The event's id.")]) -> Response:
        refuse_parameters(request.scope)
        event = await operations.store.event(event_id)
        if event is None:
            raise ProblemError(404, f"no event {event_id} is stored")
        return Response(event.to_json(), media_type="application/json")

    return router


def _document(page: Page, now: int) -> bytes:
    """The page around the events as they are stored; nothing of them is read again."""
    events = b",".join(event.to_json() for event in page.events)
    cursor = None if page.next_cursor is None else _write_cursor(now, page.next_cursor)
    return b'{"events":[%b],"next_cursor":%b}' % (events, jsontext.dumps(cursor))


def _write_cursor(now: int, cursor: str) -> str:
    marked = f"{now}.{cursor}"
    return f"{marked}.{_mark(marked)}"


def _read_cursor(text: str) -> tuple[int, str]:
    """The moment that the first page counted `15m` back from, and the store's own cursor. Raises BadCursorError."""
    marked, _, mark = text.rpartition(".")
    match = _CURSOR.fullmatch(marked)
    if match is None or int(match[1]) > _LATEST or mark != _mark(marked):
        raise BadCursorError
    return int(match[1]), match[2]


def _mark(marked: str) -> str:
    """A check against mistakes as the store's own, whose mark knows nothing of the moment."""
    return blake2b(marked.encode(), digest_size=8, person=b"godtui moment").hexdigest()


_CURSOR = re.compile(r"([0-9]{1,18})\.(.+)", re.ASCII)
_LATEST = 253_402_300_799_999_999
"""The end of the year 9999 in microseconds since 1970."""
