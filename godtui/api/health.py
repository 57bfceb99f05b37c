"""`GET /health`: how every component is."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from godtui import jsontext
from godtui.api.openapi import EXAMPLE_HEALTH, json_content, json_response, problems
from godtui.api.parameters import refuse_parameters
from godtui.operations import Operations


def health_router(operations: Operations) -> APIRouter:
    """The route that load balancers and the console ask; it wants no token."""
    router = APIRouter(tags=["health"])

    @router.get(
        "/health",
        operation_id="getHealth",
        summary="How everything is",
        responses={
            200: json_response("Events are accepted.", "Health", EXAMPLE_HEALTH),
            503: {
                "description": "Events cannot be accepted; the status is `down`.",
                "content": json_content("Health", {**EXAMPLE_HEALTH, "status": "down"}),
            },
            **problems(422),
        },
        response_class=Response,
    )
    async def get_health(request: Request) -> Response:
        refuse_parameters(request.scope)
        health = await operations.monitor.health()
        status = 503 if health.status == "down" else 200
        return Response(jsontext.dumps(health.document()), status, media_type="application/json")

    return router
