"""`GET /schemas` and `GET /schemas/{event_type}`: the registered contracts."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from godtui import jsontext
from godtui.api.openapi import EXAMPLE_CONTRACT, EXAMPLE_LISTED_CONTRACT, json_response, problems
from godtui.api.parameters import ContractQuery, documented, read_query, refuse_parameters
from godtui.api.problems import ProblemError
from godtui.operations import Operations


def contracts_router(operations: Operations) -> APIRouter:
    """The routes that read the schema registry."""
    router = APIRouter(tags=["schemas"])

    @router.get(
        "/schemas",
        operation_id="listSchemas",
        summary="Every event type that has a contract, and who speaks and hears by it",
        responses={
            200: json_response("The contracts.", "ContractList", {"schemas": [EXAMPLE_LISTED_CONTRACT]}),
            **problems(422, 503),
        },
        response_class=Response,
    )
    async def list_contracts(request: Request) -> Response:
        refuse_parameters(request.scope)
        document = {"schemas": await operations.schemas.contracts()}
        return Response(jsontext.dumps(document), media_type="application/json")

    @router.get(
        "/schemas/{event_type}",
        operation_id="getSchema",
        summary="The contract of one event type",
        openapi_extra={"parameters": documented(ContractQuery)},
        responses={200: json_response("The contract.", "Contract", EXAMPLE_CONTRACT), **problems(404, 422, 503)},
        response_class=Response,
    )
    async def get_contract(request: Request, event_type: str) -> Response:
        version = read_query(ContractQuery, request.scope).version
        contract = await operations.schemas.contract(event_type, version)
        if contract is None:
            named = event_type[:255] if version is None else f"{event_type[:255]} {version}"
            raise ProblemError(404, f"no contract is registered for {named}; GET /schemas lists those there are")
        return Response(jsontext.dumps(contract), media_type="application/json")

    return router
