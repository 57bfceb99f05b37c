"""`/stream`: catching up and live, over a real socket."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from godtui.api.application import create_application
from godtui.api.configuration import ApiConfig
from godtui.api.server import ApiService, serve
from godtui.api.stream import Stream, render
from godtui.bloodbank.http import answers
from godtui.clock import to_datetime
from godtui.envelope import EventEnvelope, StoredEvent, read_draft
from godtui.filters import Filter
from godtui.operations import (
    Dropped,
    Events,
    Frame,
    Gap,
    Operations,
    Position,
    Replayed,
    StoreUnavailableError,
    Welcome,
)
from tests.api.test_batch import said
from tests.api.test_publish import ID
from tests.clock import MORNING, ManualClock

BOUND = 20.0
"""Seconds after which a test gives up; none comes near it."""


@pytest.fixture
async def service(operations: Operations, clock: ManualClock) -> AsyncIterator[ApiService]:
    application = create_application(operations, ApiConfig(), clock)
    async with await serve(application, "127.0.0.1", 0) as running:
        yield running


def dial(service: ApiService, query: str = "", **options: Any) -> connect:
    url = service.url.replace("http://", "ws://")
    return connect(f"{url}/stream?{query}", proxy=None, max_size=None, **options)


async def publish(operations: Operations, *texts: str, **fields: Any) -> None:
    for text in texts:
        await operations.bus.publish(read_draft(said(text, **fields)))


async def frame(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(BOUND):
        told: dict[str, Any] = json.loads(await socket.recv())
    return told


async def events(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    """So many events, in however many frames they come."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        told = await frame(socket)
        assert told["type"] in ("event", "events"), told
        found += [told["event"]] if told["type"] == "event" else told["events"]
    return found


def texts(found: list[dict[str, Any]]) -> list[str]:
    return [event["payload"]["message"] for event in found]


async def denied(opening: connect, status: int) -> dict[str, Any]:
    with pytest.raises(InvalidStatus) as caught:
        async with opening:
            pass
    response = caught.value.response
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(response.body or b"")
    assert problem["status"] == status
    return problem


async def test_live_events_come_once_each_in_order(service: ApiService, operations: Operations) -> None:
    await publish(operations, "before")
    async with dial(service) as socket:
        assert await frame(socket) == {"type": "welcome", "seq": 1}
        await publish(operations, "a", "b", "c")
        found = await events(socket, 3)
    assert texts(found) == ["a", "b", "c"]
    assert [event["seq"] for event in found] == [2, 3, 4]
    assert found[0]["stored_at"]
    assert found[0]["violations"] == []


async def test_catching_up_and_live_are_one_thing(service: ApiService, operations: Operations) -> None:
    await publish(operations, "a", "b", "c")
    async with dial(service, "after=1") as socket:
        assert await frame(socket) == {"type": "welcome", "seq": 3}
        assert texts(await events(socket, 2)) == ["b", "c"]
        await publish(operations, "d")
        assert texts(await events(socket, 1)) == ["d"]


async def test_only_what_matches_comes(service: ApiService, operations: Operations) -> None:
    await publish(operations, "red fox", "blue fox")
    async with dial(service, f"after=0&filter={quote('fox -payload.message~blue')}") as socket:
        await frame(socket)
        assert texts(await events(socket, 1)) == ["red fox"]
        await publish(operations, "blue fox", "grey fox")
        assert texts(await events(socket, 1)) == ["grey fox"]


async def test_positions_come_where_they_are_asked_for(service: ApiService, operations: Operations) -> None:
    async with dial(service, "positions=true&filter=type:other.%23") as socket:
        await frame(socket)
        await publish(operations, "a")
        assert await frame(socket) == {"type": "position", "seq": 1}


REFUSED = {
    "filter=type:": "filter:0",
    "filter=a%20b:c": "filter:2",
    "after=-1": "query:after",
    "after=": "query:after",
    "after=1.5": "query:after",
    "after=" + "9" * 19: "query:after",
    "after=1&after=1": "query:after",
    "after=3": "query:after",
    "positions=1": "query:positions",
    "limit=5": "query:limit",
    "filter=%ff": "query:filter",
}


async def test_what_cannot_be_served_is_denied(service: ApiService, operations: Operations) -> None:
    await publish(operations, "a", "b")
    for query, path in REFUSED.items():
        problem = await denied(dial(service, query), 422)
        assert [error["path"] for error in problem["errors"]] == [path], query


async def test_a_handshake_that_is_too_long_is_denied(service: ApiService) -> None:
    async with dial(service, f"filter={quote('é' * 1_000)}") as socket:
        await frame(socket)
    assert "shorten" in (await denied(dial(service, f"filter={quote('é' * 4_000)}"), 431))["detail"]
    await denied(dial(service, additional_headers={"Cookie": "x" * 10_000}), 431)


async def test_another_path_is_404(service: ApiService) -> None:
    url = service.url.replace("http://", "ws://")
    for path in ("/", "/streams", "/events", "/publish"):
        await denied(connect(f"{url}{path}", proxy=None), 404)


async def test_another_origin_or_host_is_403(service: ApiService) -> None:
    await denied(dial(service, origin="http://example.com"), 403)
    await denied(dial(service, additional_headers={"Origin": "null"}), 403)
    async with dial(service, origin=service.url) as socket:
        assert (await frame(socket))["type"] == "welcome"


async def test_without_the_token_it_is_401(operations: Operations, clock: ManualClock) -> None:
    application = create_application(operations, ApiConfig(token="abc"), clock)
    async with await serve(application, "127.0.0.1", 0) as service:
        await denied(dial(service), 401)
        await denied(dial(service, additional_headers={"Authorization": "Bearer abd"}), 401)
        async with dial(service, additional_headers={"Authorization": "Bearer abc"}) as socket:
            assert (await frame(socket))["type"] == "welcome"


async def test_a_denied_handshake_is_no_error_in_the_log(
    operations: Operations, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    authorized = {"Authorization": "Bearer abc"}
    application = create_application(operations, ApiConfig(token="abc"), clock)
    async with await serve(application, "127.0.0.1", 0) as service:
        await denied(dial(service), 401)
        await denied(dial(service, origin="http://example.com", additional_headers=authorized), 403)
        await denied(dial(service, "filter=type:", additional_headers=authorized), 422)
        elsewhere = service.url.replace("http://", "ws://") + "/elsewhere"
        await denied(connect(elsewhere, proxy=None, additional_headers=authorized), 404)
    assert any("401" in record.getMessage() for record in caplog.records)
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []


KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
VERSION = "Sec-WebSocket-Version: 13"


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ([VERSION], "Sec-WebSocket-Key"),
        (["Sec-WebSocket-Key: x", VERSION], "Sec-WebSocket-Key"),
        ([KEY, KEY, VERSION], "Sec-WebSocket-Key"),
        ([KEY], "Sec-WebSocket-Version"),
        ([KEY, "Sec-WebSocket-Version: 8"], "Sec-WebSocket-Version"),
    ],
)
async def test_what_is_no_handshake_is_a_problem(
    service: ApiService, caplog: pytest.LogCaptureFixture, lines: list[str], named: str
) -> None:
    caplog.set_level(logging.INFO)
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    head = ["GET /stream HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket", *lines, "", ""]
    writer.write("\r\n".join(head).encode())
    answer = (await asyncio.wait_for(reader.read(), BOUND)).decode()
    writer.close()
    await writer.wait_closed()
    fields, _, body = answer.partition("\r\n\r\n")
    assert fields.startswith("HTTP/1.1 400 ")
    assert "content-type: application/problem+json" in fields.lower().split("\r\n")
    assert named in json.loads(body)["detail"]
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []


async def test_frames_stay_under_their_size(service: ApiService, operations: Operations) -> None:
    large = ["x" * 100_000] * 12 + ["y" * 700_000] + ["z" * 200_000] * 3
    await publish(operations, *large)
    found: list[str] = []
    sizes: list[tuple[int, int]] = []
    async with dial(service, "after=0") as socket:
        await frame(socket)
        while len(found) < len(large):
            text = await socket.recv(decode=False)
            told = json.loads(text)
            batch = told.get("events") or [told["event"]]
            found += texts(batch)
            sizes.append((len(text), len(batch)))
    assert found == large
    assert all(size < 512 * 1024 or count == 1 for size, count in sizes)
    assert max(count for _, count in sizes) > 1


async def test_what_a_client_says_is_not_listened_to(service: ApiService, operations: Operations) -> None:
    async with dial(service) as socket:
        await frame(socket)
        for number in range(100):
            await socket.send("hello" * number)
            await socket.send(b"\0\xff")
        await publish(operations, "a")
        assert texts(await events(socket, 1)) == ["a"]


async def test_an_overlong_message_of_a_client_ends_its_stream(service: ApiService) -> None:
    async with dial(service) as socket:
        await frame(socket)
        await socket.send("x" * 100_000)
        with pytest.raises(ConnectionClosed) as caught:
            await frame(socket)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1009


class Scripted:
    """A store whose stream is the test's."""

    def __init__(self, script: Callable[[], AsyncGenerator[Frame]]) -> None:
        self.bus = self.store = self.schemas = self.monitor = self
        self.script = script
        self.ended = asyncio.Event()

    async def stream(self, wanted: Filter, *, after: int | None, positions: bool) -> AsyncGenerator[Frame]:
        try:
            async for one in self.script():
                yield one
        finally:
            self.ended.set()


def scripted(script: Callable[[], AsyncGenerator[Frame]], clock: ManualClock) -> tuple[Scripted, Awaitable[ApiService]]:
    store = Scripted(script)
    application = create_application(store, ApiConfig(), clock)  # type: ignore[arg-type]
    return store, serve(application, "127.0.0.1", 0)


async def until(event: asyncio.Event) -> None:
    async with asyncio.timeout(BOUND):
        await event.wait()


async def silence() -> AsyncGenerator[Frame]:
    yield Welcome(7)
    await asyncio.Event().wait()


async def test_a_client_that_leaves_ends_the_stream_of_the_store(clock: ManualClock) -> None:
    store, starting = scripted(silence, clock)
    async with await starting as service:
        async with dial(service) as socket:
            assert await frame(socket) == {"type": "welcome", "seq": 7}
        await until(store.ended)


async def test_a_connection_that_breaks_ends_the_stream_of_the_store(clock: ManualClock) -> None:
    store, starting = scripted(silence, clock)
    async with await starting as service:
        socket = await dial(service)
        await frame(socket)
        socket.transport.abort()
        await until(store.ended)


async def test_what_was_missed_is_told(clock: ManualClock) -> None:
    async def gaps() -> AsyncGenerator[Frame]:
        yield Welcome(90)
        yield Gap(3, 40)
        yield Dropped(5, 41, 60)
        yield Position(60)
        await asyncio.Event().wait()

    _, starting = scripted(gaps, clock)
    async with await starting as service, dial(service) as socket:
        assert [await frame(socket) for _ in range(4)] == [
            {"type": "welcome", "seq": 90},
            {"type": "gap", "from_seq": 3, "to_seq": 40},
            {"type": "dropped", "count": 5, "from_seq": 41, "to_seq": 60},
            {"type": "position", "seq": 60},
        ]


@pytest.mark.parametrize(
    ("error", "code"), [(None, 1001), (StoreUnavailableError("the disk is gone"), 1013), (RuntimeError("secret"), 1011)]
)
async def test_a_stream_that_ends_says_why(clock: ManualClock, error: Exception | None, code: int) -> None:
    async def ending() -> AsyncGenerator[Frame]:
        yield Welcome(0)
        if error is not None:
            raise error

    _, starting = scripted(ending, clock)
    async with await starting as service, dial(service) as socket:
        await frame(socket)
        with pytest.raises(ConnectionClosed) as caught:
            await frame(socket)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == code
    assert caught.value.rcvd.reason
    assert "secret" not in caught.value.rcvd.reason


@pytest.mark.parametrize(("error", "status"), [(StoreUnavailableError("gone"), 503), (RuntimeError("secret"), 500)])
async def test_a_stream_that_cannot_begin_is_denied(clock: ManualClock, error: Exception, status: int) -> None:
    async def failing() -> AsyncGenerator[Frame]:
        raise error
        yield

    store, starting = scripted(failing, clock)
    async with await starting as service:
        problem = await denied(dial(service), status)
        assert "secret" not in problem["detail"]
        assert store.ended.is_set()


async def test_a_server_that_stops_says_so(clock: ManualClock) -> None:
    store, starting = scripted(silence, clock)
    service = await starting
    async with dial(service) as socket:
        await frame(socket)
        await service.stop()
        with pytest.raises(ConnectionClosed) as caught:
            await frame(socket)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code in (1001, 1012)
    assert store.ended.is_set()


async def test_a_slow_client_holds_back_the_reading_of_the_store(clock: ManualClock) -> None:
    read = 0

    async def endless() -> AsyncGenerator[Frame]:
        nonlocal read
        yield Welcome(0)
        while True:
            read += 1
            yield Position(read)

    stalled, leave = asyncio.Event(), asyncio.Event()
    arriving = iter([{"type": "websocket.connect"}])

    async def receive() -> MutableMapping[str, Any]:
        for message in arriving:
            return message
        await leave.wait()
        return {"type": "websocket.disconnect", "code": 1005}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message.get("text") == '{"type":"position","seq":3}':
            stalled.set()
            await asyncio.Event().wait()

    store = Scripted(endless)
    scope = {"type": "websocket", "path": "/stream", "query_string": b"", "headers": []}
    serving = asyncio.create_task(Stream(store, clock)(scope, receive, send))  # type: ignore[arg-type]
    await until(stalled)
    for _ in range(100):
        await asyncio.sleep(0)
    assert read == 3
    leave.set()
    await asyncio.wait_for(serving, BOUND)
    assert store.ended.is_set()


def stored(seq: int, size: int) -> StoredEvent:
    envelope = EventEnvelope(
        event_id=UUID(ID),
        event_type="test.event.created",
        timestamp=to_datetime(MORNING),
        source={"service": "http"},
        payload={"message": "x" * size},
    )
    return StoredEvent(
        seq, 0, envelope.event_id.bytes, envelope.event_type, "", None, 0, None, None, envelope.to_json()
    )


def test_what_a_replay_sent_says_so_and_is_read_as_such() -> None:
    frame = Replayed(UUID(ID), stored(3, 1))
    (text,) = render(frame)
    told = json.loads(text)
    assert (told["type"], told["replay_id"], told["event"]["seq"]) == ("event", ID, 3)
    read = answers.frame(told)
    assert isinstance(read, Replayed)
    assert (read.replay_id, read.event.seq, read.event.event_id) == (frame.replay_id, 3, frame.event.event_id)


def test_events_are_split_at_the_last_byte() -> None:
    overhead = len(next(render(Events([stored(1, 0), stored(2, 0)]))))
    fits = 512 * 1024 - 1 - overhead
    assert len(list(render(Events([stored(1, fits), stored(2, 0)])))) == 1
    assert len(next(render(Events([stored(1, fits), stored(2, 0)])))) == 512 * 1024 - 1
    assert len(list(render(Events([stored(1, fits + 1), stored(2, 0)])))) == 2
    assert list(render(Events([]))) == []
