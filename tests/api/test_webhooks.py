"""`POST /webhooks/plane`: what is answered, and in which order it is looked at."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from godtui.api.application import create_application
from godtui.api.client import HttpOperations
from godtui.api.configuration import ApiConfig
from godtui.api.server import serve
from godtui.eventlog import Ownership
from godtui.operations import (
    MAX_DELIVERY_BYTES,
    Delivered,
    InvalidEventError,
    NotDurableError,
    NotJsonError,
    Operations,
    SignatureError,
    WebhookDisabledError,
)
from godtui.runtime.engine import Engine
from godtui.settings import Settings
from tests.api.conftest import connect
from tests.api.test_publish import refused, stored
from tests.clock import ManualClock
from tests.dispatcher.samples import sample
from tests.dispatcher.test_ingress import SECRET, VECTOR, signed
from tests.eventlog.test_disk import Disk, disk

__all__ = ["disk"]

PATH = "/webhooks/plane"
BODY = json.dumps(sample("issue_updated_state")).encode()


@pytest.fixture
def config() -> ApiConfig:
    """Plane has no token of ours, and calls us by whatever name we have there."""
    return ApiConfig(token="of-the-api")


@pytest.fixture
async def engine(clock: ManualClock, schemas: Path, tmp_path: Path) -> AsyncIterator[Engine]:
    """With contracts of the user's own among which none is Plane's, and events of at most 1,000 bytes."""
    settings = Settings(
        data_dir=tmp_path / "data", schemas=schemas, max_event_bytes=1000, plane_webhook_secret=SecretStr(SECRET)
    )
    engine = Engine(settings, Ownership.take(settings.data_dir), workers=False, clock=clock)
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
async def plane(application: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Plane, as it calls us."""
    async with connect(application, Host="godtui.example", **{"User-Agent": "Autopilot"}) as client:
        yield client


@pytest.fixture
async def http(application: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with connect(application, Authorization="Bearer of-the-api") as client:
        yield client


async def post(to: httpx.AsyncClient, body: bytes = BODY, headers: dict[str, str] | None = None) -> httpx.Response:
    """A delivery as Plane sends it, rightly signed unless told otherwise."""
    sent = {"X-Plane-Signature": signed(body), "X-Plane-Event": "issue", **(headers or {})}
    return await to.post(PATH, content=body, headers=sent)


async def test_a_delivery_is_answered_with_its_event(plane: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    response = await plane.post(PATH, content=VECTOR["raw_body"], headers=VECTOR["headers"])
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    answered = response.json()
    assert set(answered) == {"event_id", "event_type"}
    assert answered["event_type"] == "webhook.plane.issue.updated"
    event = await stored(http, answered["event_id"])
    assert event["event_type"] == "webhook.plane.issue.updated"
    assert event["correlation_id"] == event["event_id"]
    assert event["source"]["service"] == "plane"
    assert event["source"]["delivery_id"] == VECTOR["headers"]["X-Plane-Delivery"]
    assert event["payload"]["body"] == json.loads(VECTOR["raw_body"])
    assert event["violations"] == []


async def test_a_redelivery_is_answered_alike_and_stored_once(
    plane: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    answers = [await post(plane, headers={"X-Plane-Delivery": str(uuid4())}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.text for answer in answers}) == 1
    assert len((await http.get("/events")).json()["events"]) == 1


async def test_no_content_type_is_insisted_on(plane: httpx.AsyncClient) -> None:
    assert (await post(plane, headers={"Content-Type": "text/plain"})).status_code == 200


@pytest.mark.parametrize("body", [b"", b"no JSON", b'{"a": 1, "a": 2}', b"[" * 199 + b"]" * 199])
async def test_what_is_not_json_is_400(plane: httpx.AsyncClient, body: bytes) -> None:
    refused(await post(plane, body), 400)


async def test_what_is_nested_as_deep_as_fits_can_be_read_again(
    plane: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    response = await post(plane, b"[" * 198 + b"]" * 198)
    assert response.status_code == 200
    assert (await stored(http, response.json()["event_id"]))["event_type"] == "webhook.plane.unknown.received"


@pytest.mark.parametrize("body", [b"1e400", b"9" * 4301])
async def test_a_number_that_cannot_be_kept_is_422(plane: httpx.AsyncClient, body: bytes) -> None:
    refused(await post(plane, body), 422)


async def test_a_delivery_may_be_larger_than_a_published_event(plane: httpx.AsyncClient) -> None:
    assert (await post(plane, json.dumps({"x": "y" * 100_000}).encode())).status_code == 200


@pytest.mark.parametrize("body", [BODY, b"no JSON"])
@pytest.mark.parametrize("signature", ["", "0" * 64, signed(BODY, "another"), signed(BODY).upper(), signed(BODY)[1:]])
async def test_a_wrong_signature_is_401_before_anything_is_read(
    plane: httpx.AsyncClient, body: bytes, signature: str
) -> None:
    response = await post(plane, body, {"X-Plane-Signature": signature})
    problem = refused(response, 401)
    assert "PLANE_WEBHOOK_SECRET" in problem["detail"]
    assert response.headers["www-authenticate"] == "X-Plane-Signature"
    assert SECRET not in response.text


async def test_no_signature_is_401(plane: httpx.AsyncClient) -> None:
    refused(await plane.post(PATH, content=BODY), 401)


@pytest.mark.parametrize("second", [signed(BODY), "0" * 64])
async def test_a_repeated_signature_is_401(plane: httpx.AsyncClient, second: str) -> None:
    headers = [("X-Plane-Signature", signed(BODY)), ("X-Plane-Signature", second)]
    refused(await plane.post(PATH, content=BODY, headers=headers), 401)


async def test_a_repeated_id_of_a_delivery_is_left_out(plane: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    headers = [("X-Plane-Signature", signed(BODY)), ("X-Plane-Delivery", "a"), ("X-Plane-Delivery", "b")]
    response = await plane.post(PATH, content=BODY, headers=headers)
    assert response.status_code == 200
    assert "delivery_id" not in (await stored(http, response.json()["event_id"]))["source"]


async def test_what_is_too_large_is_413_and_read_no_further(plane: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 65_536

    refused(await plane.post(PATH, content=endless(), headers={"X-Plane-Signature": "0" * 64}), 413)
    assert sent <= MAX_DELIVERY_BYTES // 65_536 + 1

    async def nothing() -> AsyncIterator[bytes]:
        yield pytest.fail("the body was asked for")

    declared = {"Content-Length": str(MAX_DELIVERY_BYTES + 1)}
    refused(await plane.post(PATH, content=nothing(), headers=declared), 413)


async def test_the_largest_delivery_is_taken_in(plane: httpx.AsyncClient, http: httpx.AsyncClient) -> None:
    body = b'{"event":"issue","action":"updated","data":"' + b"x" * (MAX_DELIVERY_BYTES - 46) + b'"}'
    assert len(body) == MAX_DELIVERY_BYTES
    response = await post(plane, body)
    assert response.status_code == 200
    assert len((await http.get(f"/events/{response.json()['event_id']}")).content) > MAX_DELIVERY_BYTES


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
async def test_only_post_is_taken(plane: httpx.AsyncClient, method: str) -> None:
    response = await plane.request(method, PATH)
    assert response.status_code == 405
    assert "POST" in response.headers["allow"]


async def test_parameters_are_refused(plane: httpx.AsyncClient) -> None:
    refused(await plane.post(f"{PATH}?secret=1", content=BODY), 422)


async def test_a_page_of_another_host_may_not_deliver(plane: httpx.AsyncClient) -> None:
    refused(await post(plane, headers={"Origin": "https://plane.example"}), 403)


async def test_without_a_disk_it_is_503_and_then_taken_in(disk: Disk, plane: httpx.AsyncClient, engine: Engine) -> None:
    body = json.dumps({"event": "issue", "action": "updated", "data": "x" * 100_000}).encode()
    await disk.fill(engine._log)
    response = await post(plane, body)
    assert "disk is full" in refused(response, 503)["detail"]
    assert response.headers["retry-after"] == "1"
    await disk.empty(engine._log)
    assert (await post(plane, body)).status_code == 200


async def test_without_a_secret_it_is_503_whatever_comes(tmp_path: Path, clock: ManualClock) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    engine = Engine(settings, Ownership.take(settings.data_dir), workers=False, clock=clock)
    await engine.start()
    async with connect(create_application(engine.operations, ApiConfig(), clock)) as plane:
        for response in (
            await post(plane),
            await plane.post(PATH),
            await plane.post(PATH, content=b"", headers={"Content-Length": str(MAX_DELIVERY_BYTES + 1)}),
        ):
            assert "PLANE_WEBHOOK_SECRET" in refused(response, 503)["detail"]
            assert "retry-after" not in response.headers
    await engine.stop()


async def test_nothing_secret_is_logged(plane: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        await post(plane)
        await post(plane, headers={"X-Plane-Signature": signed(BODY, "another")})
        await post(plane, b"no JSON")
    assert "webhook deliveries without a valid signature" in caplog.text
    for secret in (SECRET, signed(BODY), signed(BODY, "another"), "Hook up infra routing"):
        assert secret not in caplog.text


async def exchange(url: str, *parts: bytes) -> bytes:
    """What a server answers to these bytes on one connection, until it closes; a pause for its word between parts."""
    address = httpx.URL(url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    answer = b""
    for part in parts:
        writer.write(part)
        await writer.drain()
        if part is not parts[-1]:
            answer += await reader.readuntil(b"\r\n\r\n")
    answer += await reader.read()
    writer.close()
    return answer


async def test_over_real_http(application: FastAPI) -> None:
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: plane.example:8000\r\nConnection: close\r\n"
        f"X-Plane-Signature: {signed(BODY)}\r\n"
    ).encode()
    async with await serve(application, "127.0.0.1", 0) as service:
        length = b"Content-Length: %d\r\n" % len(BODY)
        plain = await exchange(service.url, head + length + b"\r\n" + BODY)
        waited = await exchange(service.url, head + length + b"Expect: 100-continue\r\n\r\n", BODY)
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:1], BODY[1:700], BODY[700:]))
        chunked = await exchange(service.url, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        large = await exchange(service.url, head + b"Content-Length: 16777217\r\nExpect: 100-continue\r\n\r\n")
    assert plain.startswith(b"HTTP/1.1 200 OK\r\n")
    assert waited.startswith(b"HTTP/1.1 100 Continue\r\n")
    assert plain.split(b"\r\n\r\n")[1] == waited.split(b"\r\n\r\n")[2] == chunked.split(b"\r\n\r\n")[1]
    assert large.startswith(b"HTTP/1.1 413 ")


@pytest.fixture(params=["in process", "port", "socket"])
async def ways(request: pytest.FixtureRequest, application: FastAPI, engine: Engine) -> AsyncIterator[Operations]:
    """The same engine, reached in one of the ways there are."""
    if request.param == "in process":
        yield engine.operations
        return
    with tempfile.TemporaryDirectory(prefix="g") as folder:
        path = Path(folder) / "s"
        async with await serve(application, "127.0.0.1", 0, socket_path=path) as service:
            is_port = request.param == "port"
            async with HttpOperations(service.url if is_port else path, token="of-the-api" if is_port else None) as way:
                yield way


async def deliver(to: Operations, body: bytes = BODY, signature: str | None = None, **more: Any) -> Delivered:
    given = {"delivery": None, **more}
    return await to.webhooks.plane(body, signature=signature or signed(body), **given)


async def test_every_way_in_is_the_same(ways: Operations, disk: Disk, engine: Engine) -> None:
    ways.webhooks.require_secret()
    delivered = await deliver(ways, delivery="f819eff4")
    assert delivered.event_type == "webhook.plane.issue.updated"
    assert isinstance(delivered.event_id, UUID)
    assert await deliver(ways, delivery="unsendable\r\nX: y") == delivered
    event = await engine.operations.store.event(delivered.event_id)
    assert event is not None
    assert event.envelope().source["delivery_id"] == "f819eff4"
    for signature in ("0" * 64, "é", "a\r\nb"):
        with pytest.raises(SignatureError, match="PLANE_WEBHOOK_SECRET"):
            await deliver(ways, signature=signature)
    with pytest.raises(NotJsonError, match="not JSON"):
        await deliver(ways, b"no JSON")
    with pytest.raises(InvalidEventError, match="4301 digits"):
        await deliver(ways, b"9" * 4301)
    await disk.fill(engine._log)
    with pytest.raises(NotDurableError, match="disk is full; send it again"):
        await deliver(ways, json.dumps("x" * 100_000).encode())
    await disk.empty(engine._log)


async def test_no_secret_is_told_over_http(operations: Operations, tmp_path: Path, clock: ManualClock) -> None:
    settings = Settings(data_dir=tmp_path / "other")
    engine = Engine(settings, Ownership.take(settings.data_dir), workers=False, clock=clock)
    await engine.start()
    application = create_application(engine.operations, ApiConfig(), clock)
    async with await serve(application, "127.0.0.1", 0) as service, HttpOperations(service.url) as way:
        with pytest.raises(WebhookDisabledError, match="set PLANE_WEBHOOK_SECRET"):
            await deliver(way)
    await engine.stop()
