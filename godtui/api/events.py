"""`GET /events` and `GET /events/{event_id}`: what the log holds."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from godtui import jsontext
from godtui.api.cursors import read_moment, with_moment
from godtui.api.openapi import EXAMPLE_CURSOR, EXAMPLE_EVENT, json_response, problems
from godtui.api.parameters import EventsQuery, documented, read_query, refuse_parameters
from godtui.api.problems import ProblemError
from godtui.clock import Clock, rfc3339
from godtui.operations import Count, Operations, Page

_EXAMPLE = {"events": [EXAMPLE_EVENT], "next_cursor": EXAMPLE_CURSOR, "looked_to": None}


def events_router(operations: Operations, clock: Clock) -> APIRouter:
    """The routes that read the store."""
    router = APIRouter(tags=["store"])

    @router.get(
        "/events",
        operation_id="listEvents",
        summary="List stored events",
        description="Newest first, or oldest first with `order=asc`; pages stay stable while events arrive. "
        "All conditions must hold. A page that takes longer than about a second ends early, even without events, and "
        "so does one before its events have more than 8 MiB: `looked_to` is then the position up to which it says "
        "everything, and `next_cursor` goes on from there. "
        "With `count=true` the number of all that match comes along, exact where that is cheap.",
        openapi_extra={"parameters": documented(EventsQuery)},
        responses={
            200: json_response("One page.", "EventPage", _EXAMPLE),
            **problems(400, 422, 503),
        },
        response_class=Response,
    )
    async def list_events(request: Request) -> Response:
        query = read_query(EventsQuery, request.scope)
        now, cursor = read_moment(query.cursor, clock.now())
        wanted = query.wanted(now)
        page = await operations.store.query(
            wanted, limit=query.limit, cursor=cursor, order=query.order, from_seq=query.from_seq
        )
        number = await operations.store.count(wanted) if query.count == "true" else None
        if number is not None and not number.exact:
            number = number._replace(number=max(number.number, len(page.events)))
        return Response(_document(page, now, number), media_type="application/json")

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
            cut_at = await operations.archive.cut_at(event_id)
            if cut_at is not None:
                moment = rfc3339(cut_at)
                raise ProblemError(404, f"event {event_id} was cut by retention at {moment}", cut_at=moment)
            raise ProblemError(404, f"no event {event_id} is stored")
        return Response(event.to_json(), media_type="application/json")

    return router


def _document(page: Page, now: int, number: Count | None) -> bytes:
    """The page around the events as they are stored; nothing of them is read again."""
    events = b",".join(event.to_json() for event in page.events)
    cursor = jsontext.dumps(with_moment(now, page.next_cursor))
    tail = b"" if number is None else b',"count":%b' % jsontext.dumps(number.document())
    return b'{"events":[%b],"next_cursor":%b,"looked_to":%b%b}' % (
        events,
        cursor,
        jsontext.dumps(page.looked_to),
        tail,
    )
