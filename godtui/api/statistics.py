"""`GET /stats`: numbers and rates of stored events, for screens."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from godtui import jsontext
from godtui.api.openapi import json_response, problems
from godtui.api.openapi_store import EXAMPLE_STATISTICS
from godtui.api.parameters import StatisticsQuery, documented, read_query
from godtui.api.problems import ProblemError
from godtui.clock import Clock
from godtui.envelope import Fault
from godtui.operations import Operations, StatisticsRefusedError


def statistics_router(operations: Operations, clock: Clock) -> APIRouter:
    """The route that reads statistics."""
    router = APIRouter(tags=["store"])

    @router.get(
        "/stats",
        operation_id="getStatistics",
        summary="Numbers and rates by type, source and time",
        description="Of when events were stored, not of their own times. Kept as events come, so that the answer costs "
        "the same however many there are; `complete` says whether it holds everything that is stored.",
        openapi_extra={"parameters": documented(StatisticsQuery)},
        responses={200: json_response("The numbers.", "Statistics", EXAMPLE_STATISTICS), **problems(422, 503)},
        response_class=Response,
    )
    async def get_statistics(request: Request) -> Response:
        question = read_query(StatisticsQuery, request.scope).question(clock.now())
        try:
            found = await operations.statistics.ask(question)
        except StatisticsRefusedError as error:
            raise ProblemError(422, str(error), [Fault(f"query:{error.parameter}", str(error))]) from None
        return Response(jsontext.dumps(found.document()), media_type="application/json")

    return router
