"""The client where the instance is not there, is something else, or refuses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from godtui.api.application import create_application
from godtui.api.client import HttpOperations
from godtui.api.configuration import ApiConfig
from godtui.api.server import serve
from godtui.envelope import read_draft
from godtui.filters import Filter, FilterError
from godtui.operations import (
    ComponentHealth,
    Frame,
    Health,
    InstanceUnreachableError,
    NotConfirmedError,
    Operations,
    StoreUnavailableError,
    UnknownPositionError,
    Welcome,
)
from tests.api.test_application import Broken
from tests.api.test_batch import said
from tests.api.test_stream import BOUND, scripted, silence
from tests.clock import ManualClock

DRAFT = read_draft(said("a"))


async def first(client: HttpOperations, **options: Any) -> Frame:
    async with aclosing(client.store.stream(Filter(), **options)) as frames, asyncio.timeout(BOUND):
        return await anext(frames)


def calls(client: HttpOperations) -> dict[str, Callable[[], Awaitable[Any]]]:
    return {
        "publish": lambda: client.bus.publish(DRAFT),
        "publish_batch": lambda: client.bus.publish_batch([DRAFT]),
        "query": lambda: client.store.query(Filter()),
        "event": lambda: client.store.event(DRAFT.event_id),
        "stream": lambda: first(client),
        "contracts": lambda: client.schemas.contracts(),
        "contract": lambda: client.schemas.contract("a.b"),
        "status": lambda: client.dispatcher.status(),
        "watch": lambda: anext(client.dispatcher.watch("bloodbank")),
        "health": lambda: client.monitor.health(),
    }


CALLS = ("publish", "publish_batch", "query", "event", "stream", "contracts", "contract", "status", "watch", "health")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("name", CALLS)
async def test_nobody_there_is_one_sentence(name: str) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with HttpOperations(url) as client:
        with pytest.raises(InstanceUnreachableError, match=f"^nothing answers at {url} .*; start godtui") as caught:
            await calls(client)[name]()
    assert not caught.value.sent


@pytest.mark.parametrize("name", CALLS)
async def test_no_socket_there_is_one_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with HttpOperations(path) as client:
        with pytest.raises(InstanceUnreachableError, match=f"^nothing answers at {path} "):
            await calls(client)[name]()


@pytest.mark.parametrize(
    "address", ["localhost:8000", "", "ftp://localhost", "http://", "http://localhost?x=1", "http://[::1"]
)
def test_what_is_no_url_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="such as http://localhost:8000"):
        HttpOperations(address)


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="GODTUI_API_TOKEN") as caught:
        HttpOperations("http://me:hunter2@localhost:8000")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "schlüssel"])
def test_a_token_that_no_header_carries_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ValueError, match=r"GODTUI_API_TOKEN\) must be") as caught:
        HttpOperations("http://localhost:8000", token=token)
    assert not token or token not in str(caught.value)


async def test_the_wrong_token_is_one_sentence(operations: Operations, clock: ManualClock) -> None:
    application = create_application(operations, ApiConfig(token="abc"), clock)
    async with await serve(application, "127.0.0.1", 0) as service, HttpOperations(service.url, token="abd") as client:
        for name in CALLS[:-1]:
            with pytest.raises(InstanceUnreachableError, match="GODTUI_API_TOKEN") as caught:
                await calls(client)[name]()
            assert "abd" not in str(caught.value)
        assert (await client.monitor.health()).status == "ok"


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Another program's HTTP server."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<p/>"
    )
    writer.close()


async def answering_json(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Another program's HTTP server, of a kind that is easily taken for one of ours."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = b"202 Accepted" if b" /publish HTTP" in head else b"200 OK"
    body = b"Content-Type: application/json\r\nContent-Length: 11\r\nConnection: close\r\n\r\n" + b'{"ok":true}'
    writer.write(b"HTTP/1.1 %b\r\n%b" % (status, body))
    writer.close()


async def hanging_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


@pytest.mark.parametrize("other", [answering, answering_json])
async def test_something_else_there_is_one_sentence(other: Any) -> None:
    server = await asyncio.start_server(other, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, HttpOperations(url) as client:
        for name in CALLS if other is answering else [name for name in CALLS if name not in ("contract", "watch")]:
            with pytest.raises(InstanceUnreachableError, match=f"^what answers at {url} is not a godtui"):
                await calls(client)[name]()


async def test_a_publish_whose_answer_is_lost_may_have_happened() -> None:
    server = await asyncio.start_server(hanging_up, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, HttpOperations(url) as client:
        with pytest.raises(NotConfirmedError) as caught:
            await client.bus.publish(DRAFT)
        assert caught.value.event_id == DRAFT.event_id
        report = await client.bus.publish_batch([DRAFT, DRAFT])
        assert [(one.index, one.event_id) for one in report.unconfirmed] == [(0, DRAFT.event_id), (1, DRAFT.event_id)]
        with pytest.raises(InstanceUnreachableError, match="went away") as lost:
            await client.store.query(Filter())
        assert lost.value.sent


async def test_output_whose_end_is_lost_is_one_sentence() -> None:
    async def breaking_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        writer.close()

    server = await asyncio.start_server(breaking_off, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, HttpOperations(url) as client, aclosing(client.dispatcher.watch("bloodbank")) as pieces:
        assert await anext(pieces) == "one"
        with pytest.raises(InstanceUnreachableError, match=f"^the instance at {url} went away before it had told all"):
            await anext(pieces)


async def test_errors_come_back_as_what_they_were(clock: ManualClock) -> None:
    async def ask(error: Exception, *names: str, health: Health | None = None) -> None:
        application = create_application(Broken(error, health), ApiConfig(), clock)  # type: ignore[arg-type]
        async with await serve(application, "127.0.0.1", 0) as service, HttpOperations(service.url) as client:
            for name in names:
                with pytest.raises(type(error)) as caught:
                    await calls(client)[name]()
                assert str(caught.value) == str(error)

    await ask(NotConfirmedError(DRAFT.event_id, "the disk is full"), "publish")
    await ask(StoreUnavailableError("the disk is gone"), "query", "event", "contracts", "contract")
    error = FilterError("not understood", 4)
    await ask(error, "query")


async def test_health_that_is_down_is_told(clock: ManualClock) -> None:
    health = Health("down", "1", "here", {"store": ComponentHealth("down", "read-only", {"free_bytes": 0})})
    application = create_application(Broken(RuntimeError(), health), ApiConfig(), clock)  # type: ignore[arg-type]
    async with await serve(application, "127.0.0.1", 0) as service, HttpOperations(service.url) as client:
        assert await client.monitor.health() == health
        with pytest.raises(InstanceUnreachableError, match=r"answered 500: something went wrong"):
            await client.store.query(Filter())


async def test_a_position_that_was_never_given_out_is_refused(operations: Operations, clock: ManualClock) -> None:
    application = create_application(operations, ApiConfig(), clock)
    async with await serve(application, "127.0.0.1", 0) as service, HttpOperations(service.url) as client:
        with pytest.raises(UnknownPositionError, match="the log ends at 0"):
            await first(client, after=1)
        assert await first(client, after=0) == Welcome(0)


async def test_a_stream_that_ends_is_one_sentence(clock: ManualClock) -> None:
    _, starting = scripted(silence, clock)
    service = await starting
    async with HttpOperations(service.url) as client, aclosing(client.store.stream(Filter())) as frames:
        assert await anext(frames) == Welcome(7)
        await service.stop()
        with pytest.raises(InstanceUnreachableError, match=rf"^the stream from {service.url} ended"):
            await anext(frames)


async def test_a_store_that_fails_in_a_stream_is_told(clock: ManualClock) -> None:
    async def failing() -> AsyncGenerator[Frame]:
        yield Welcome(7)
        raise StoreUnavailableError("the disk is gone")

    _, starting = scripted(failing, clock)
    async with (
        await starting as service,
        HttpOperations(service.url) as client,
        aclosing(client.store.stream(Filter())) as frames,
    ):
        assert await anext(frames) == Welcome(7)
        with pytest.raises(StoreUnavailableError, match="the disk is gone"):
            await anext(frames)


async def test_leaving_a_stream_early_ends_it_there(clock: ManualClock) -> None:
    store, starting = scripted(silence, clock)
    async with await starting as service, HttpOperations(service.url) as client:
        assert await first(client) == Welcome(7)
        await asyncio.wait_for(store.ended.wait(), BOUND)
