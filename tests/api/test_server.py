"""Listeners: ports, the Unix socket, starting and stopping."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from godtui.api.application import create_application
from godtui.api.configuration import ApiConfig
from godtui.api.listeners import ApiBindError, bind
from godtui.api.server import GRACE_SECONDS, serve
from godtui.operations import Operations
from tests.api.test_publish import refused
from tests.api.test_stream import BOUND, until
from tests.clock import ManualClock


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a Unix socket in it."""
    with tempfile.TemporaryDirectory(prefix="g") as path:
        yield Path(path)


@pytest.fixture
async def guarded(operations: Operations, clock: ManualClock) -> FastAPI:
    return create_application(operations, ApiConfig(token="abc"), clock)


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def local(path: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(path)), base_url="http://localhost")


async def test_any_free_port_is_told(application: FastAPI, web: httpx.AsyncClient) -> None:
    async with await serve(application, "127.0.0.1", 0) as service:
        assert service.port > 0
        assert service.url == f"http://127.0.0.1:{service.port}"
        response = await web.get(f"{service.url}/health")
        assert response.status_code == 200
        assert "date" in response.headers
        assert "server" not in response.headers
    with pytest.raises(httpx.ConnectError):
        await web.get(f"{service.url}/health")


@pytest.mark.parametrize(
    ("host", "shown"), [("localhost", "localhost"), ("::1", "[::1]"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]")]
)
async def test_a_host_may_be_a_name_or_an_address(
    operations: Operations, clock: ManualClock, web: httpx.AsyncClient, host: str, shown: str
) -> None:
    if ":" in host and not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    application = create_application(operations, ApiConfig(), clock)
    async with await serve(application, host, 0) as service:
        assert service.url == f"http://{shown}:{service.port}"
        assert (await web.get(f"{service.url}/events")).status_code == 200


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


async def test_a_port_in_use_is_one_sentence(application: FastAPI) -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ApiBindError, match=rf"^cannot listen on 127\.0\.0\.1 port {port} \(.*in use\); choose"):
            await serve(application, "127.0.0.1", port)


async def test_a_host_that_is_not_here_is_one_sentence(application: FastAPI) -> None:
    with pytest.raises(ApiBindError, match=r"192\.0\.2\.1"):
        await serve(application, "192.0.2.1", 0)
    with pytest.raises(ApiBindError, match=r"^no\.such\.invalid is no address of this machine"):
        await serve(application, "no.such.invalid", 0)


async def test_the_socket_asks_for_no_token_and_the_port_does(
    guarded: FastAPI, folder: Path, web: httpx.AsyncClient
) -> None:
    path = folder / "api.sock"
    async with await serve(guarded, "127.0.0.1", 0, socket_path=path) as service:
        assert service.socket_path == path
        assert service.socket_fault is None
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        async with local(path) as client:
            assert (await client.get("/events")).status_code == 200
        assert (await web.get(f"{service.url}/events")).status_code == 401
    assert not path.exists()


async def test_a_dead_socket_is_replaced(guarded: FastAPI, folder: Path) -> None:
    path = folder / "api.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.exists()
    async with await serve(guarded, "127.0.0.1", 0, socket_path=path), local(path) as client:
        assert (await client.get("/events")).status_code == 200


async def test_a_living_socket_is_left_alone(guarded: FastAPI, folder: Path) -> None:
    path = folder / "api.sock"
    async with await serve(guarded, "127.0.0.1", 0, socket_path=path):
        with pytest.raises(ApiBindError, match="another process listens"):
            await serve(guarded, "127.0.0.1", 0, socket_path=path)
        async with local(path) as client:
            assert (await client.get("/events")).status_code == 200


async def test_a_file_in_the_way_is_left_alone(guarded: FastAPI, folder: Path) -> None:
    path = folder / "api.sock"
    path.write_text("precious")
    with pytest.raises(ApiBindError, match="in the way"):
        await serve(guarded, "127.0.0.1", 0, socket_path=path)
    assert path.read_text() == "precious"


async def test_a_folder_that_is_missing_is_one_sentence(guarded: FastAPI, folder: Path) -> None:
    with pytest.raises(ApiBindError, match="cannot listen on"):
        await serve(guarded, "127.0.0.1", 0, socket_path=folder / "missing" / "api.sock")


async def test_a_path_too_long_for_a_socket_is_said_and_the_port_serves(
    application: FastAPI, folder: Path, web: httpx.AsyncClient
) -> None:
    path = folder / ("x" * 120)
    async with await serve(application, "127.0.0.1", 0, socket_path=path) as service:
        assert service.socket_path is None
        assert "bytes long" in (service.socket_fault or "")
        assert (await web.get(f"{service.url}/health")).status_code == 200
    assert not path.exists()


async def test_another_socket_in_its_place_is_not_removed(guarded: FastAPI, folder: Path) -> None:
    path = folder / "api.sock"
    service = await serve(guarded, "127.0.0.1", 0, socket_path=path)
    path.unlink()
    path.write_text("another's")
    await service.stop()
    assert path.read_text() == "another's"


async def test_signals_are_not_touched(application: FastAPI) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with await serve(application, "127.0.0.1", 0):
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_stopping_twice_is_stopping_once(application: FastAPI) -> None:
    service = await serve(application, "127.0.0.1", 0)
    await service.stop()
    await service.stop()
    await service.wait()


async def refusing(port: int) -> None:
    """Wait until the port takes no more connections."""
    async with asyncio.timeout(BOUND):
        with contextlib.suppress(ConnectionRefusedError):
            while True:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()


async def test_what_is_under_way_is_finished(web: httpx.AsyncClient) -> None:
    asked, go = asyncio.Event(), asyncio.Event()
    application = FastAPI()

    async def slow(request: Request) -> Response:
        asked.set()
        await go.wait()
        return Response(b"done")

    application.add_route("/slow", slow)
    service = await serve(application, "127.0.0.1", 0)
    answer = asyncio.create_task(web.get(f"{service.url}/slow"))
    await until(asked)
    stopping = asyncio.create_task(service.stop())
    await refusing(service.port)
    go.set()
    assert (await asyncio.wait_for(answer, BOUND)).content == b"done"
    await asyncio.wait_for(stopping, BOUND)


async def test_what_outlasts_the_grace_is_cut_and_told_so(web: httpx.AsyncClient) -> None:
    asked = asyncio.Event()

    async def deaf(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        asked.set()
        await asyncio.Event().wait()

    service = await serve(deaf, "127.0.0.1", 0, grace=0)
    answer = asyncio.create_task(web.get(f"{service.url}/"))
    await until(asked)
    await asyncio.wait_for(service.stop(), BOUND)
    refused(await asyncio.wait_for(answer, BOUND), 503)


async def test_half_a_request_is_cut_on_every_listener_at_once(guarded: FastAPI, folder: Path) -> None:
    path = folder / "sock"
    service = await serve(guarded, "127.0.0.1", 0, socket_path=path, grace=0)
    by_port = await asyncio.open_connection("127.0.0.1", service.port)
    by_socket = await asyncio.open_unix_connection(str(path))
    head = b"POST /publish HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer abc\r\nExpect: 100-continue\r\n"
    for reader, writer in (by_port, by_socket):
        writer.write(head + b"Content-Length: 100\r\n\r\n{")
        # The server asks for the rest only once the application waits for it.
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), BOUND) == b"HTTP/1.1 100 Continue\r\n\r\n"
    await asyncio.wait_for(service.stop(), BOUND)
    for reader, writer in (by_port, by_socket):
        assert (await asyncio.wait_for(reader.read(), BOUND)).startswith(b"HTTP/1.1 503 ")
        writer.close()
        await writer.wait_closed()


def test_stopping_leaves_half_of_what_containers_are_given() -> None:
    assert GRACE_SECONDS <= 5


async def converse(port: int, said: bytes) -> bytes:
    """All that is answered until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    answer = await asyncio.wait_for(reader.read(), BOUND)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_pipelined_answers_keep_their_order(application: FastAPI) -> None:
    async with await serve(application, "127.0.0.1", 0) as service:
        one = b"GET /%b HTTP/1.1\r\nHost: localhost\r\n%b\r\n"
        asked = [one % (path, b"") for path in (b"health", b"nowhere", b"health")]
        answer = await converse(service.port, b"".join(asked) + one % (b"events", b"Connection: close\r\n"))
    assert [part[1:4] for part in answer.split(b"HTTP/1.1")[1:]] == [b"200", b"404", b"200", b"200"]


@pytest.mark.parametrize(
    "said", [b"hello\r\n\r\n", b"GET /events\xff HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nbad\r\n\r\n"]
)
async def test_what_is_not_http_is_a_problem(application: FastAPI, said: bytes) -> None:
    async with await serve(application, "127.0.0.1", 0) as service:
        answer = await converse(service.port, said)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer


async def test_a_client_that_leaves_in_its_body_harms_nobody(application: FastAPI, web: httpx.AsyncClient) -> None:
    async with await serve(application, "127.0.0.1", 0) as service:
        _, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(b"POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
        writer.close()
        await writer.wait_closed()
        assert (await web.get(f"{service.url}/health")).status_code == 200


async def test_a_body_that_is_too_large_is_answered_before_it_is_sent(application: FastAPI) -> None:
    async with await serve(application, "127.0.0.1", 0) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(b"POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), BOUND)
        assert head.startswith(b"HTTP/1.1 413")
        writer.close()
        await writer.wait_closed()


async def test_a_body_without_a_length_is_answered_before_it_ends(application: FastAPI) -> None:
    async with await serve(application, "127.0.0.1", 0) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(b"POST /publish HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(17):
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            await writer.drain()
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), BOUND)
        assert head.startswith(b"HTTP/1.1 413")
        writer.close()
        await writer.wait_closed()
