"""`/dispatcher` as HTTP has it: shapes, statuses and refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from godtui.api.application import create_application
from godtui.api.configuration import ApiConfig
from godtui.api.dispatcher import EXPLAIN_BYTES
from godtui.api.server import serve
from godtui.operations import DispatcherUnavailableError, StoreUnavailableError
from tests.api.conftest import Idle, connect
from tests.api.test_publish import paths, refused
from tests.api.test_stream import BOUND
from tests.clock import ManualClock
from tests.dispatching import EVENT, FULL, HOSTILE, MemoryDispatcher

TICKET = "/dispatcher/tickets/INFRA-1"
EXPLAIN = "/dispatcher/explain"


class Dispatching(Idle):
    """Operations with a dispatcher alone."""

    def __init__(self, dispatcher: MemoryDispatcher) -> None:
        super().__init__()
        self.dispatcher = dispatcher


@pytest.fixture
def dispatcher() -> MemoryDispatcher:
    return MemoryDispatcher()


@pytest.fixture
async def http(dispatcher: MemoryDispatcher) -> AsyncIterator[httpx.AsyncClient]:
    application = create_application(Dispatching(dispatcher), ApiConfig(), ManualClock())  # type: ignore[arg-type]
    async with connect(application) as client:
        yield client


async def test_the_status(http: httpx.AsyncClient, dispatcher: MemoryDispatcher) -> None:
    response = await http.get("/dispatcher")
    assert response.status_code == 200
    assert response.json() == (await dispatcher.status()).document()
    assert dispatcher.calls[0] == ("status", None, 100)
    await http.get("/dispatcher?state=held&limit=1000")
    assert dispatcher.calls[-1] == ("status", "held", 1000)


async def test_a_ticket(http: httpx.AsyncClient) -> None:
    by_reference, by_id = await http.get(TICKET), await http.get(f"/dispatcher/tickets/{FULL.id}")
    assert by_reference.json() == by_id.json() == FULL.document()
    assert (await http.get(f"/dispatcher/tickets/{quote('INFRA 4?#ü')}")).json()["reference"] == "INFRA 4?#ü"
    assert "INFRA-9" in refused(await http.get("/dispatcher/tickets/INFRA-9"), 404)["detail"]
    refused(await http.get("/dispatcher/tickets/"), 404)


async def test_the_controls(http: httpx.AsyncClient, dispatcher: MemoryDispatcher) -> None:
    assert (await http.post("/dispatcher/pause")).json()["state"] == "paused"
    assert (await http.post("/dispatcher/pause", json={"reason": HOSTILE})).json()["reason"] == HOSTILE
    assert (await http.post("/dispatcher/resume")).json()["state"] == "running"
    assert (await http.post(f"{TICKET}/retry")).json()["state"] == "checking"
    assert (await http.post(f"{TICKET}/withdraw", json={})).json()["state"] == "withdrawn"
    assert (await http.post(f"{TICKET}/withdraw", json={"reason": "no"})).json()["reason"] == "no"
    assert (await http.post(f"{TICKET}/dispatch", json={"reason": "why"})).json()["forced"] == "why"
    assert [call[-1] for call in dispatcher.calls] == ["", HOSTILE, "resume", "INFRA-1", "", "no", "why"]


@pytest.mark.parametrize("action", ["retry", "withdraw", "dispatch"])
async def test_a_state_that_does_not_allow_it_is_409(http: httpx.AsyncClient, action: str) -> None:
    response = await http.post(f"/dispatcher/tickets/INFRA-2/{action}", content=b'{"reason":"x"}')
    assert refused(response, 409)["detail"] == "INFRA-2 is dispatched, which ended its episode"
    refused(await http.post(f"/dispatcher/tickets/INFRA-9/{action}", content=b'{"reason":"x"}'), 404)


@pytest.mark.parametrize(
    ("body", "status", "found"),
    [
        (b"{", 400, []),
        (b'{"reason":"a","reason":"b"}', 400, []),
        (b"[]", 422, [""]),
        (b'{"reasons":""}', 422, ["/reasons"]),
        (b'{"reason":null}', 422, ["/reason"]),
        (b'{"reason":"%b"}' % (b"x" * 501), 422, ["/reason"]),
        (b'{"reason":"%b"}' % (b"x" * 20_000), 413, []),
    ],
)
@pytest.mark.parametrize("path", ["/dispatcher/pause", f"{TICKET}/withdraw", f"{TICKET}/dispatch"])
async def test_a_reason_that_is_none(
    http: httpx.AsyncClient, dispatcher: MemoryDispatcher, path: str, body: bytes, status: int, found: list[str]
) -> None:
    problem = refused(await http.post(path, content=body), status)
    assert [error["path"] for error in problem.get("errors", [])] == found
    assert dispatcher.calls == []


async def test_the_longest_reason_is_taken_however_it_is_written(
    http: httpx.AsyncClient, dispatcher: MemoryDispatcher
) -> None:
    reason = "\U0001f6d1" * 500
    assert (await http.post("/dispatcher/pause", content=json.dumps({"reason": reason}))).json()["reason"] == reason


@pytest.mark.parametrize("body", [b"", b"{}", b'{"reason":""}', b'{"reason":" \\n\\u00a0"}'])
async def test_past_the_gate_wants_a_reason(http: httpx.AsyncClient, dispatcher: MemoryDispatcher, body: bytes) -> None:
    assert paths(refused(await http.post(f"{TICKET}/dispatch", content=body), 422)) == ["/reason"]
    assert dispatcher.calls == []


async def test_explained(http: httpx.AsyncClient, dispatcher: MemoryDispatcher) -> None:
    response = await http.post(EXPLAIN, json={"event": "issue"})
    assert response.status_code == 200
    assert response.json()["verdict"] == "rejected"
    assert set(response.json()["conditions"][0]) == {"name", "holds", "observed", "wanted", "why"}
    assert (await http.post(EXPLAIN, content=b"null")).json()["verdict"] == "ignored"
    assert (await http.post(f"{EXPLAIN}?event_id={EVENT}")).json()["verdict"] == "qualified"
    assert (await http.post(f"{EXPLAIN}?ticket=INFRA-1")).json()["ticket"] == FULL.document()
    large = {"data": ["x" * 1000] * 1000}
    assert (await http.post(EXPLAIN, json=large)).status_code == 200
    assert [call[0] for call in dispatcher.calls] == [
        *("explain_body", "explain_body", "explain_event", "explain_ticket", "explain_body")
    ]
    assert dispatcher.calls[-1][1] == large


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("", b"", 422),
        (f"?event_id={EVENT}", b"{}", 422),
        ("?ticket=INFRA-1", b"{}", 422),
        (f"?ticket=INFRA-1&event_id={EVENT}", b"", 422),
        ("?ticket=", b"", 422),
        ("?ticket=a&ticket=b", b"", 422),
        ("?event_id=x", b"", 422),
        ("?event=x", b"{}", 422),
        ("", b"{", 400),
        ("", b"NaN", 400),
        ("", b"[" * 201 + b"]" * 201, 400),
        ("", b"1e999", 422),
        ("", b'"%b"' % (b"x" * EXPLAIN_BYTES), 413),
        ("?event_id=0198c5a2-6c1e-7000-8000-000000000002", b"", 404),
        ("?ticket=INFRA-9", b"", 404),
    ],
)
async def test_what_cannot_be_explained(http: httpx.AsyncClient, query: str, body: bytes, status: int) -> None:
    refused(await http.post(EXPLAIN + query, content=body), status)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "query:limit"),
        ("limit=1001", "query:limit"),
        ("limit=1.0", "query:limit"),
        ("state=waiting", "query:state"),
        ("state=", "query:state"),
        ("state=held&state=held", "query:state"),
        ("order=asc", "query:order"),
    ],
)
async def test_parameters_are_taken_as_they_are_or_not(http: httpx.AsyncClient, query: str, path: str) -> None:
    assert paths(refused(await http.get(f"/dispatcher?{query}"), 422)) == [path]


ROUTES = [
    ("GET", TICKET),
    ("POST", "/dispatcher/pause"),
    ("POST", "/dispatcher/resume"),
    *(("POST", f"{TICKET}/{action}") for action in ("retry", "withdraw", "dispatch")),
    ("GET", "/dispatcher/checks/bloodbank/output"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_no_parameter_is_taken_where_none_is_wanted(
    http: httpx.AsyncClient, dispatcher: MemoryDispatcher, method: str, path: str
) -> None:
    assert paths(refused(await http.request(method, f"{path}?x=1"), 422)) == ["query:x"]
    assert dispatcher.calls == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/dispatcher"), *ROUTES, ("POST", f"{EXPLAIN}?ticket=INFRA-1")])
async def test_what_is_not_there_now_is_503(
    http: httpx.AsyncClient, dispatcher: MemoryDispatcher, method: str, path: str
) -> None:
    content = b'{"reason":"x"}' if path.endswith(("dispatch", "pause", "withdraw")) else b""
    for error, more in (
        (DispatcherUnavailableError("it is elsewhere"), {"component": "dispatcher"}),
        (StoreUnavailableError("the disk is gone"), {}),
    ):
        dispatcher.error = error
        response = await http.request(method, path, content=content)
        assert int(response.headers["retry-after"]) >= 1
        problem = refused(response, 503)
        assert problem == {"title": "Service Unavailable", "status": 503, "detail": str(error), **more}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/dispatcher", "GET"),
        ("GET", "/dispatcher/pause", "POST"),
        ("GET", f"{TICKET}/retry", "POST"),
        ("DELETE", TICKET, "GET"),
        ("GET", EXPLAIN, "POST"),
        ("POST", "/dispatcher/checks/bloodbank/output", "GET"),
    ],
)
async def test_another_method_is_405(http: httpx.AsyncClient, method: str, path: str, allowed: str) -> None:
    response = await http.request(method, path)
    assert response.headers["allow"] == allowed
    refused(response, 405)


async def test_output_is_plain_text(http: httpx.AsyncClient, dispatcher: MemoryDispatcher) -> None:
    output = dispatcher.output = asyncio.Queue()
    for piece in ("one\n", HOSTILE, "\ud800", None):
        output.put_nowait(piece)
    response = await http.get("/dispatcher/checks/bloodbank/output")
    assert (response.status_code, response.text) == (200, f"one\n{HOSTILE}?")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    response = await http.get("/dispatcher/checks/comp%2F..%2Fx/output")
    assert (response.status_code, response.content) == (200, b"")


async def test_output_that_fails_midway_is_cut() -> None:
    class Failing(MemoryDispatcher):
        async def watch(self, component: str) -> Any:
            yield "one\n"
            raise StoreUnavailableError("the disk is gone")

    application = create_application(Dispatching(Failing()), ApiConfig(), ManualClock())  # type: ignore[arg-type]
    async with await serve(application, "127.0.0.1", 0) as service, httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"{service.url}/dispatcher/checks/bloodbank/output")


@pytest.mark.parametrize("begun", [False, True])
async def test_output_ends_with_the_instance(
    dispatcher: MemoryDispatcher, begun: bool, caplog: pytest.LogCaptureFixture
) -> None:
    dispatcher.output = asyncio.Queue()
    if begun:
        dispatcher.output.put_nowait("one\n")
    application = create_application(Dispatching(dispatcher), ApiConfig(), ManualClock())  # type: ignore[arg-type]
    service = await serve(application, "127.0.0.1", 0, grace=int(BOUND))
    async with service, httpx.AsyncClient(timeout=BOUND) as client, asyncio.timeout(BOUND / 2):
        asking = asyncio.create_task(client.get(f"{service.url}/dispatcher/checks/bloodbank/output"))
        while not dispatcher.calls or not dispatcher.output.empty():
            await asyncio.sleep(0.001)
        await service.stop()
        assert (await asking).text == ("one\n" if begun else "")
    await asyncio.wait_for(dispatcher.left.wait(), BOUND)
    assert caplog.messages == []


async def test_the_guard_stands_before_the_dispatcher(dispatcher: MemoryDispatcher) -> None:
    config = ApiConfig(token="abc")
    application = create_application(Dispatching(dispatcher), config, ManualClock())  # type: ignore[arg-type]
    async with connect(application) as client:
        for method, path in ROUTES:
            refused(await client.request(method, path), 401)
    async with connect(application, Authorization="Bearer abc") as client:
        assert (await client.get("/dispatcher")).status_code == 200
        refused(await client.post("/dispatcher/pause", headers={"Origin": "http://evil.example"}), 403)
    assert [call[0] for call in dispatcher.calls] == ["status"]
