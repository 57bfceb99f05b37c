"""The FastAPI application: routes over operations, guarded, with problems for errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute, compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from godtui import __version__, jsontext
from godtui.api import batch, imports, publish, stream, webhooks
from godtui.api.chains import chains_router
from godtui.api.configuration import ApiConfig
from godtui.api.contracts import contracts_router
from godtui.api.deadletters import letters_router
from godtui.api.dispatcher import dispatcher_router
from godtui.api.docs import docs
from godtui.api.events import events_router
from godtui.api.guards import Guard
from godtui.api.health import health_router
from godtui.api.openapi import COMPONENTS
from godtui.api.openapi_dispatcher import DISPATCHER_COMPONENTS
from godtui.api.openapi_replays import REPLAY_COMPONENTS
from godtui.api.openapi_store import STORE_COMPONENTS
from godtui.api.problems import HANDLED, ProblemError, answer, refusal
from godtui.api.replays import replays_router
from godtui.api.statistics import statistics_router
from godtui.clock import Clock
from godtui.operations import Operations

DESCRIPTION = """\
Publish events, ask the log, follow it, see to dead letters and to the dispatcher, and read the contracts.

Errors are problems (RFC 9457, application/problem+json): 400 the body is not JSON, 413 it is too large, 422 anything
else that is wrong with a request, each fault with its place. Parameters that are unknown, repeated or out of range are
refused. Where a token is set, send Authorization: Bearer with it; /health wants none, and /webhooks/plane a signature
in its place. Unknown paths are 404, and nothing redirects.
"""


def create_application(operations: Operations, config: ApiConfig, clock: Clock) -> FastAPI:
    """The API over some operations. `TrustedListener` wraps it for a listener that needs no guard."""
    plain: dict[str, ASGIApp] = {
        "/publish": publish.Publish(operations, config),
        "/publish/batch": batch.PublishBatch(operations),
        "/events/import": imports.Import(operations, config),
        "/webhooks/plane": webhooks.PlaneWebhook(operations),
    }
    application = _Api(
        title="godtui",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    application.add_middleware(HeadAsGet)
    application.outermost = lambda inner: Guard(ShortCut(inner, plain), config)
    for kind in HANDLED:
        application.add_exception_handler(kind, answer)
    application.add_exception_handler(405, _method_not_allowed)
    application.router.routes += [
        *(Route(path, endpoint, methods=["POST"]) for path, endpoint in plain.items()),
        WebSocketRoute("/stream", stream.Stream(operations, clock)),
        Route("/stream", _upgrade_required),
        Route("/openapi.json", _openapi),
        Route("/docs", docs),
    ]
    application.include_router(events_router(operations, clock))
    application.include_router(chains_router(operations))
    application.include_router(statistics_router(operations, clock))
    application.include_router(letters_router(operations, config, clock))
    application.include_router(replays_router(operations, clock))
    application.include_router(dispatcher_router(operations))
    application.include_router(contracts_router(operations))
    application.include_router(health_router(operations))
    application.router.default = _unknown_path
    return application


class _Api(FastAPI):
    outermost: Callable[[ASGIApp], ASGIApp]

    def build_middleware_stack(self) -> ASGIApp:
        """FastAPI's own, behind what is asked before it."""
        return self.outermost(super().build_middleware_stack())

    def openapi(self) -> dict[str, Any]:
        """The generated document with the plain endpoints' own entries and the named shapes."""
        if self.openapi_schema is None:
            document = get_openapi(
                title=self.title, version=self.version, description=self.description, routes=self.routes
            )
            document["paths"] = {**_PLAIN_PATHS, **document["paths"]}
            document["components"] = {
                "schemas": {**COMPONENTS, **DISPATCHER_COMPONENTS, **STORE_COMPONENTS, **REPLAY_COMPONENTS},
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            }
            document["security"] = [{}, {"token": []}]
            self.openapi_schema = document
        return self.openapi_schema


_PLAIN_PATHS: dict[str, Any] = {
    "/publish": {"post": publish.OPERATION},
    "/publish/batch": {"post": batch.OPERATION},
    "/events/import": {"post": imports.OPERATION},
    "/webhooks/plane": {"post": webhooks.OPERATION},
    "/stream": {"get": stream.OPERATION},
}


class ShortCut:
    """Leads a POST straight to the plain endpoint of its path, past what only FastAPI's own routes need.

    Middleware and routing cost as much again as reading, validating and answering one event.
    """

    def __init__(self, application: ASGIApp, endpoints: Mapping[str, ASGIApp]) -> None:
        self.application = application
        self.endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        endpoint = self.endpoints.get(scope["path"]) if is_post else None
        if endpoint is None:
            await self.application(scope, receive, send)
            return
        try:
            await endpoint(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem and the log the rest
            await refusal(error)(scope, receive, send)


class HeadAsGet:
    """Answers HEAD wherever GET is answered; the server leaves the body out."""

    def __init__(self, application: ASGIApp) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        await self.application({**scope, "method": "GET"} if is_head else scope, receive, send)


async def _method_not_allowed(request: Request, error: Exception) -> Response:
    """The refusal names every method of the path, where the routing names those of its first route."""
    headers = error.headers if isinstance(error, HTTPException) and error.headers else {}
    allowed = set(filter(None, headers.get("Allow", "").split(", ")))
    for path, operations in request.app.openapi()["paths"].items():
        if compile_path(path)[0].match(request.scope["path"]):
            allowed.update(map(str.upper, operations))
    return await answer(request, HTTPException(405, headers={"Allow": ", ".join(sorted(allowed))}))


async def _unknown_path(scope: Scope, receive: Receive, send: Send) -> None:
    raise HTTPException(404)


async def _upgrade_required(request: Request) -> Response:
    headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
    raise ProblemError(426, "/stream is a WebSocket; connect with ws:// in place of http://", headers=headers)


async def _openapi(request: Request) -> Response:
    return Response(jsontext.dumps(request.app.openapi()), media_type="application/json")
