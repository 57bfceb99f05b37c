"""Who may ask: `Host`, `Origin`, token."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from godtui.api.configuration import ApiConfig
from godtui.api.guards import TrustedListener
from tests.api.conftest import idle_application
from tests.api.test_publish import refused

TOKEN = "s3cret-of-the-house"


def guarded(**options: Any) -> FastAPI:
    """An application of another configuration."""
    return idle_application(ApiConfig(**options))


def ask(application: object, *, client: tuple[str, int] = ("127.0.0.1", 5)) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(application, client=client)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000")


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "LOCALHOST:1", "127.0.0.1:8000", "127.8.9.1", "[::1]:8000", "[::1]", "a.localhost"],
)
async def test_a_loopback_name_is_answered(host: str) -> None:
    async with ask(guarded()) as http:
        assert (await http.get("/events", headers={"host": host})).status_code == 200


FOREIGN = [
    "example.com",
    "example.com:8000",
    "localhost.example.com",
    "notlocalhost",
    "127.0.0.1.example.com",
    "192.168.0.7:8000",
    "0.0.0.0",
    "[::]",
    "[::2]:8000",
    "",
    "localhost:port",
    "user@localhost",
    "localhost/x",
    "localhost localhost",
    "2130706433",
]


@pytest.mark.parametrize("host", FOREIGN)
async def test_another_name_is_403_on_a_loopback_bind(host: str) -> None:
    async with ask(guarded()) as http:
        refused(await http.get("/events", headers={"host": host}), 403)
        assert (await http.get("/health", headers={"host": host})).status_code == 200


async def test_two_hosts_are_403() -> None:
    async with ask(guarded()) as http:
        refused(await http.get("/events", headers=[("host", "localhost"), ("host", "localhost")]), 403)


@pytest.mark.parametrize("host", ["box.lan", "BOX.lan:9", "10.0.0.2:8000", "[fd00::1]:8000", "other:8080", "localhost"])
async def test_an_allowed_name_is_answered(host: str) -> None:
    allowed = ("Box.lan", "10.0.0.2", "fd00::1", "other:8080")
    async with ask(guarded(allowed_hosts=allowed)) as http:
        assert (await http.get("/events", headers={"host": host})).status_code == 200
        refused(await http.get("/events", headers={"host": "other:8081"}), 403)


async def test_on_another_bind_the_token_is_the_guard() -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    async with ask(guarded(loopback=False, token=TOKEN)) as http:
        assert (await http.get("/events", headers={"host": "anything.example", **bearer})).status_code == 200
    async with ask(guarded(loopback=False, token=TOKEN, allowed_hosts=("box.lan",))) as http:
        assert (await http.get("/events", headers={"host": "box.lan:8000", **bearer})).status_code == 200
        refused(await http.get("/events", headers={"host": "localhost:8000", **bearer}), 403)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8000", "localhost:8000"),
        ("https://localhost:8000", "localhost:8000"),
        ("http://LocalHost", "localhost"),
        ("http://localhost", "localhost:80"),
        ("https://localhost", "localhost:443"),
        ("https://localhost", "localhost"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
async def test_the_own_origin_is_answered(origin: str, host: str) -> None:
    async with ask(guarded()) as http:
        assert (await http.get("/events", headers={"origin": origin, "host": host})).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://example.com",
        "http://localhost",
        "http://localhost:8001",
        "http://127.0.0.1:8000",
        "http://localhost:8000.example.com",
        "null",
        "",
        "localhost:8000",
        "file://",
        "ftp://localhost:8000",
        "http://localhost:8000/",
        "http://a@localhost:8000",
    ],
)
@pytest.mark.parametrize("path", ["/events", "/health", "/publish"])
async def test_another_origin_is_403(origin: str, path: str) -> None:
    async with ask(guarded()) as http:
        refused(await http.get(path, headers={"origin": origin}), 403)
        assert "access-control-allow-origin" not in (await http.get("/events")).headers


async def test_two_origins_are_403() -> None:
    own = ("origin", "http://localhost:8000")
    async with ask(guarded()) as http:
        refused(await http.get("/events", headers=[own, own]), 403)


async def test_no_preflight_is_answered() -> None:
    headers = {"origin": "http://localhost:8000", "access-control-request-method": "POST"}
    async with ask(guarded()) as http:
        response = await http.options("/publish", headers=headers)
    assert not [name for name in response.headers if name.startswith("access-control")]
    refused(response, 405)


PATHS = ["/events", "/schemas", "/openapi.json", "/docs", "/nowhere", "/publish", "/health/", "/Health"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
    ],
)
async def test_without_the_token_it_is_401(path: str, header: str | None) -> None:
    async with ask(guarded(token=TOKEN)) as http:
        response = await http.get(path, headers={} if header is None else {"authorization": header})
    refused(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in response.text


async def test_with_the_token_it_is_answered() -> None:
    async with ask(guarded(token=TOKEN)) as http:
        for header in (f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN}"):
            assert (await http.get("/events", headers={"authorization": header})).status_code == 200


async def test_health_wants_no_token() -> None:
    async with ask(guarded(token=TOKEN)) as http:
        assert (await http.get("/health")).status_code == 200


async def test_two_authorizations_are_401() -> None:
    header = ("authorization", f"Bearer {TOKEN}")
    async with ask(guarded(token=TOKEN)) as http:
        refused(await http.get("/events", headers=[header, header]), 401)


async def test_a_trusted_listener_asks_for_nothing() -> None:
    async with ask(TrustedListener(guarded(token=TOKEN))) as http:
        assert (await http.get("/events", headers={"host": "socket"})).status_code == 200


async def test_the_token_is_in_no_representation() -> None:
    assert TOKEN not in repr(ApiConfig(token=TOKEN))
