"""What is to be tried again, and when."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from email.utils import format_datetime

import pytest

from godtui.clock import to_datetime
from godtui.dispatcher.answers import (
    Admitted,
    Answer,
    Refused,
    TryAgain,
)
from godtui.dispatcher.openclaw import Hook
from tests.clock import ManualClock
from tests.dispatcher.openclaw.sending import BODY, KEY, SOON, hook_at
from tests.openclaw import Ending, Mood, OpenClaw, Reply


@pytest.mark.parametrize("status", [408, 409, 429, 500, 501, 502, 503, 504, 507, 599, 600, 999])
async def test_what_may_pass_is_tried_again(openclaw: OpenClaw, hook: Hook, status: int) -> None:
    openclaw.moods += [Reply(status, {"Retry-After": "7"}, b'{"error":"busy"}')]
    answer = await hook.send(BODY, KEY)
    assert isinstance(answer, TryAgain)
    assert answer.after == 7.0
    assert f"answered {status}: busy" in answer.reason
    assert await hook.send(BODY, KEY) == Admitted("run-1")


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("86401", 86_400.0),
        ("9" * 5000, 86_400.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("nan", None),
        ("Mon, 99 Foo 2026 00:00:00 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86_400.0),
    ],
)
async def test_a_wish_to_wait_is_heard_within_reason(
    openclaw: OpenClaw, hook: Hook, header: str, after: float | None
) -> None:
    openclaw.moods += [Reply(503, {"Retry-After": header})]
    answer = await hook.send(BODY, KEY)
    assert isinstance(answer, TryAgain)
    assert answer.after == after


async def test_a_date_to_wait_for_is_told_by_the_clock(openclaw: OpenClaw, hook: Hook, clock: ManualClock) -> None:
    due = format_datetime(to_datetime(clock.now() // 1_000_000 * 1_000_000 + 90_000_000), usegmt=True)
    openclaw.moods += [Reply(429, {"Retry-After": due})] * 2
    first = await hook.send(BODY, KEY)
    assert isinstance(first, TryAgain)
    assert first.after == pytest.approx(89.518)
    clock.advance(60)
    second = await hook.send(BODY, KEY)
    assert isinstance(second, TryAgain)
    assert second.after == pytest.approx(29.518)


@pytest.mark.parametrize("mood", [Mood.CUT_BEFORE, Mood.STALL, Mood.CUT_AFTER, Mood.STALL_AFTER])
async def test_an_answer_that_never_comes_is_asked_for_again(
    openclaw: OpenClaw, clock: ManualClock, mood: Mood
) -> None:
    stalls = mood in (Mood.STALL, Mood.STALL_AFTER)
    openclaw.moods += [mood]
    async with hook_at(openclaw.url, clock, timeout=SOON if stalls else 30.0) as hook:
        answer = await hook.send(BODY, KEY)
        assert isinstance(answer, TryAgain)
        assert ("did not answer within 0.3 s" if stalls else "went away before it answered") in answer.reason
        assert await hook.send(BODY, KEY) == Admitted("run-1")
        assert len(openclaw.runs) == 1


async def test_a_reason_that_is_never_told_in_full_is_still_a_class(openclaw: OpenClaw, clock: ManualClock) -> None:
    openclaw.moods += [Reply(400, ending=Ending.STALL), Reply(503, ending=Ending.CUT)]
    async with hook_at(openclaw.url, clock, timeout=SOON) as hook:
        assert isinstance(await hook.send(BODY, KEY), Refused)
        assert isinstance(await hook.send(BODY, KEY), TryAgain)


async def test_where_nothing_listens_it_is_tried_again(openclaw: OpenClaw, hook: Hook) -> None:
    await openclaw.__aexit__(None, None, None)
    answer = await hook.send(BODY, KEY)
    assert isinstance(answer, TryAgain)
    assert f"nothing answers at 127.0.0.1:{openclaw.port}" in answer.reason
    assert "OPENCLAW_HOOK_URL" in answer.reason
    async with openclaw:
        assert await hook.send(BODY, KEY) == Admitted("run-1")


async def test_a_host_that_is_not_found_is_named(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    async with hook_at("http://host.docker.internal:18789/hooks/agent", clock) as hook:
        monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", _no_such_host)
        answer = await hook.send(BODY, KEY)
    assert isinstance(answer, TryAgain)
    for part in ("host.docker.internal:18789", "Docker", "OPENCLAW_HOOK_URL"):
        assert part in answer.reason


async def _no_such_host(*_: object, **__: object) -> object:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def something_else(converse: Converse) -> AsyncIterator[str]:
    """A server that reads a request's head and does what it likes, until the other end leaves; its URL."""
    conversations: list[asyncio.Task[None]] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(ConnectionError):
            await converse(reader, writer)
        writer.close()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.append(asyncio.create_task(meet(reader, writer)))

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await asyncio.gather(*conversations)
        await asyncio.sleep(0)


@pytest.mark.parametrize("answer", [b"", b"\x00" * 100, b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 abc\r\n\r\n"])
async def test_what_speaks_no_http_is_tried_again(clock: ManualClock, answer: bytes) -> None:
    async def mumble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with something_else(mumble) as url, hook_at(url, clock) as hook:
        assert isinstance(await hook.send(BODY, KEY), TryAgain)


async def test_an_endless_head_is_not_read_to_its_end(clock: ManualClock) -> None:
    async def begin(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: " + b"x" * 10_000 + b"\r\n")
            await writer.drain()

    async with something_else(begin) as url, hook_at(url, clock) as hook:
        assert isinstance(await hook.send(BODY, KEY), TryAgain)


@pytest.mark.parametrize(
    ("head", "outcome"), [(b"HTTP/1.1 200 OK\r\nX: ", TryAgain), (b"HTTP/1.1 200 OK\r\n\r\n", Admitted)]
)
async def test_an_answer_that_comes_in_drops_is_not_waited_for(
    clock: ManualClock, head: bytes, outcome: type[Answer]
) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not reader.at_eof():
            writer.write(b"x")
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(), SOON / 10)

    async with something_else(drip) as url, hook_at(url, clock, timeout=SOON) as hook:
        assert isinstance(await hook.send(BODY, KEY), outcome)
