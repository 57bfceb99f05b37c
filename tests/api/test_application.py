"""Paths, methods, documents, and what becomes of errors nobody foresaw."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from referencing import Registry as Schemas
from referencing import Resource
from referencing.jsonschema import DRAFT202012

from godtui.api.application import create_application
from godtui.api.configuration import ApiConfig
from godtui.api.problems import TITLES
from godtui.envelope import read_draft
from godtui.holyfields import Registry
from godtui.operations import ComponentHealth, Health, NotConfirmedError, StoreUnavailableError
from godtui.settings import packaged
from tests.api.conftest import connect
from tests.api.test_publish import ID, draft, paths, post, refused
from tests.clock import ManualClock


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/events/", "/publish/", "/health/", "/schemas/", "//events", "/redoc"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_path_is_404_and_nothing_redirects(gate: httpx.AsyncClient, method: str, path: str) -> None:
    refused(await gate.request(method, path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/publish", "POST"),
        ("HEAD", "/publish", "POST"),
        ("PUT", "/publish/batch", "POST"),
        ("POST", "/events", "GET"),
        ("DELETE", f"/events/{ID}", "GET"),
        ("POST", "/health", "GET"),
        ("PATCH", "/schemas", "GET"),
        ("TRACE", "/events", "GET"),
    ],
)
async def test_another_method_is_405(gate: httpx.AsyncClient, method: str, path: str, allowed: str) -> None:
    response = await gate.request(method, path)
    assert response.status_code == 405
    assert allowed in response.headers["allow"]
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/events", "/health", "/schemas", "/openapi.json", "/docs"])
async def test_head_is_answered_where_get_is(gate: httpx.AsyncClient, path: str) -> None:
    assert (await gate.head(path)).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/schemas", "/schemas/test.event.created", f"/events/{ID}"])
async def test_unknown_parameters_are_422_everywhere(gate: httpx.AsyncClient, path: str) -> None:
    assert paths(refused(await gate.get(f"{path}?verbose=1"), 422)) == ["query:verbose"]


async def test_health_tells_every_component(http: httpx.AsyncClient) -> None:
    response = await http.get("/health")
    assert response.status_code == 200
    health = response.json()
    assert set(health) == {"status", "version", "instance", "components"}
    assert health["status"] == "ok"
    assert {"bus", "store", "schemas"} <= set(health["components"])
    assert all({"status", "detail"} <= set(component) for component in health["components"].values())


async def test_schemas_are_listed_and_shown(http: httpx.AsyncClient) -> None:
    listed = (await http.get("/schemas")).json()["schemas"]
    assert "test.event.created" in [contract["event_type"] for contract in listed]
    shown = (await http.get("/schemas/test.event.created")).json()
    described = Registry.load(packaged("schemas")).describe("test.event.created")
    assert shown == {**described, "producers": [], "consumers": [], "example": described["examples"][0]}
    assert (await http.get("/schemas/test.event.created?version=v1")).json() == shown


@pytest.mark.parametrize("path", ["test.event.missing", "test.event.created?version=v9", "%20", "x" * 5000])
async def test_a_contract_that_is_not_registered_is_404(http: httpx.AsyncClient, path: str) -> None:
    assert len(refused(await http.get(f"/schemas/{path}"), 404)["detail"]) < 400


@pytest.mark.parametrize("version", ["1", "", "v0", "latest"])
async def test_what_is_no_version_is_422(gate: httpx.AsyncClient, version: str) -> None:
    response = await gate.get(f"/schemas/test.event.created?version={version}")
    assert paths(refused(response, 422)) == ["query:version"]


async def test_plain_http_on_the_stream_is_told_to_upgrade(gate: httpx.AsyncClient) -> None:
    response = await gate.get("/stream")
    assert response.headers["upgrade"] == "websocket"
    refused(response, 426)


class Broken:
    """Operations of which everything fails in one way."""

    def __init__(self, error: Exception, health: Health | None = None) -> None:
        self.error = error
        self.told = health
        self.bus = self.store = self.schemas = self.monitor = self

    async def publish(self, *args: Any, **options: Any) -> Any:
        raise self.error

    publish_batch = query = event = contracts = contract = publish

    async def health(self) -> Health:
        if self.told is None:
            raise self.error
        return self.told


def broken(error: Exception, clock: ManualClock, health: Health | None = None) -> httpx.AsyncClient:
    return connect(create_application(Broken(error, health), ApiConfig(), clock))  # type: ignore[arg-type]


async def test_an_error_nobody_foresaw_tells_nothing_of_the_inside(clock: ManualClock) -> None:
    async with broken(RuntimeError("a secret of the inside"), clock) as http:
        for response in (await http.get("/events"), await post(http, draft()), await http.get("/health")):
            problem = refused(response, 500)
            assert "secret" not in response.text
            assert "errors" not in problem


async def test_what_is_not_confirmed_is_503_with_the_id_to_repeat(clock: ManualClock) -> None:
    known = read_draft(draft(event_id=ID)).event_id
    async with broken(NotConfirmedError(known, "the disk is full"), clock) as http:
        response = await post(http, draft())
    problem = refused(response, 503)
    assert int(response.headers["retry-after"]) >= 1
    assert problem["event_id"] == ID
    assert "the disk is full" in problem["detail"]


async def test_a_store_that_cannot_answer_is_503(clock: ManualClock) -> None:
    async with broken(StoreUnavailableError("the disk is gone"), clock) as http:
        for path in ("/events", f"/events/{ID}", "/schemas", "/schemas/a.b"):
            response = await http.get(path)
            assert refused(response, 503)["detail"] == "the disk is gone"
            assert "retry-after" in response.headers


async def test_health_that_is_down_is_503_and_still_tells(clock: ManualClock) -> None:
    health = Health("down", "1", "here", {"store": ComponentHealth("down", "read-only", {"free_bytes": 0})})
    async with broken(RuntimeError(), clock, health) as http:
        response = await http.get("/health")
    assert response.status_code == 503
    assert response.json() == {
        "status": "down",
        "version": "1",
        "instance": "here",
        "components": {"store": {"status": "down", "detail": "read-only", "free_bytes": 0}},
    }


async def test_the_document_names_every_path(gate: httpx.AsyncClient) -> None:
    document = json.loads((await gate.get("/openapi.json")).content)
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        "/publish",
        "/publish/batch",
        "/stream",
        "/events",
        "/events/import",
        "/events/{event_id}",
        "/chains/{correlation_id}",
        "/dead-letters",
        "/dead-letters/{letter_id}",
        "/dead-letters/{letter_id}/requeue",
        "/replays",
        "/replays/{replay_id}",
        "/replays/{replay_id}/pause",
        "/replays/{replay_id}/resume",
        "/replays/{replay_id}/cancel",
        "/replays/{replay_id}/step",
        "/replays/{replay_id}/seek",
        "/replays/{replay_id}/speed",
        "/dispatcher",
        "/dispatcher/pause",
        "/dispatcher/resume",
        "/dispatcher/tickets/{ticket}",
        "/dispatcher/tickets/{ticket}/retry",
        "/dispatcher/tickets/{ticket}/withdraw",
        "/dispatcher/tickets/{ticket}/dispatch",
        "/dispatcher/explain",
        "/dispatcher/checks/{component}/output",
        "/stats",
        "/schemas",
        "/schemas/{event_type}",
        "/webhooks/plane",
        "/health",
    }
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        for status, response in operation["responses"].items():
            assert response["description"]
            for media_type, content in response.get("content", {}).items():
                assert "example" in content, (operation["operationId"], status)
                is_problem = content["schema"].get("$ref", "").endswith("/Problem")
                assert (media_type == "application/problem+json") == is_problem


async def test_the_examples_of_the_document_are_true(http: httpx.AsyncClient, application: FastAPI) -> None:
    document = application.openapi()
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    schemas = Schemas().with_resource("urn:api", resource)
    count = 0
    for path in document["paths"].values():
        for operation in path.values():
            holders = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (content for holder in holders for content in holder.get("content", {}).values()):
                schema = json.loads(json.dumps(content["schema"]).replace('"#/', '"urn:api#/'))
                Draft202012Validator(schema, registry=schemas).validate(content["example"])
                count += 1
    assert count > 30
    published = document["paths"]["/publish"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert (await post(http, published)).status_code == 202


async def test_every_problem_has_its_title() -> None:
    assert all(TITLES[status] for status in (400, 401, 403, 404, 405, 409, 413, 422, 426, 500, 503))


async def test_the_docs_load_nothing(http: httpx.AsyncClient, application: FastAPI) -> None:
    response = await http.get("/docs")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert not re.search(r"<(script|link|img|iframe|object)|src=|url\(|@import", response.text)
    assert re.findall(r'href="([^"]*)"', response.text) == ["openapi.json"]
    for path in application.openapi()["paths"]:
        assert path in response.text
