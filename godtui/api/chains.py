"""`GET /chains/{correlation_id}`: what belongs together, and who caused whom."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from godtui.api.openapi import json_response, problems
from godtui.api.openapi_store import EXAMPLE_CHAIN
from godtui.api.parameters import ChainQuery, documented, read_query
from godtui.api.problems import ProblemError
from godtui.operations import Operations


def chains_router(operations: Operations) -> APIRouter:
    """The route that reads chains."""
    router = APIRouter(tags=["store"])

    @router.get(
        "/chains/{correlation_id}",
        operation_id="getChain",
        summary="The events of one correlation, and who caused whom",
        description="Causes are `source.causation_id` and a peer's parents in `correlation_ids`. One answer holds at "
        "most some 8 MiB of bodies and 50,000 events; where there are more, `next_after` is the `after` of the rest.",
        openapi_extra={"parameters": documented(ChainQuery)},
        responses={200: json_response("The chain.", "Chain", EXAMPLE_CHAIN), **problems(404, 422, 503)},
        response_class=Response,
    )
    async def get_chain(
        request: Request, correlation_id: Annotated[UUID, Path(description="What its events have in common.")]
    ) -> Response:
        query = read_query(ChainQuery, request.scope)
        chain = await operations.chains.chain(correlation_id, after=query.after)
        if chain is None:
            raise ProblemError(404, f"no event of chain {correlation_id} is stored")
        return Response(await asyncio.to_thread(chain.to_json), media_type="application/json")

    return router
