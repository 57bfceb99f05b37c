"""The hook against a stand-in over real HTTP: every answer in its class, none read for long, no secret told."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from email.utils import format_datetime

import httpx
import pytest

from godtui.clock import to_datetime
from godtui.dispatcher.answers import (
    Admitted,
    Answer,
    Misconfigured,
    Refused,
    SessionKeyRefused,
    TryAgain,
)
from godtui.dispatcher.message import key_of, render
from godtui.dispatcher.openclaw import MAX_REASON_LENGTH, Hook
from godtui.dispatcher.ticket import Ticket
from tests.clock import ManualClock
from tests.openclaw import Ending, Mood, OpenClaw, Reply

TOKEN = "s3cr3t-Token.of~the(hook)"
KEY = "godtui:1:1:1"
BODY = b'{"message":"a ticket","name":"TeamInfraDispatch"}'
SOON = 0.3
"""Seconds; what stalls here would stall for ever."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def openclaw(clock: ManualClock) -> AsyncIterator[OpenClaw]:
    async with OpenClaw(clock, token=TOKEN) as standin:
        yield standin


@pytest.fixture
async def hook(openclaw: OpenClaw, clock: ManualClock) -> AsyncIterator[Hook]:
    async with hook_at(openclaw.url, clock) as one:
        yield one


@asynccontextmanager
async def hook_at(url: str, clock: ManualClock, *, token: str = TOKEN, timeout: float = 30.0) -> AsyncIterator[Hook]:
    one = Hook(url, token, clock, timeout=timeout)
    try:
        yield one
    finally:
        await one.close()


def reason_of(answer: Answer) -> str:
    return answer.note if isinstance(answer, Admitted) else answer.reason


# What goes out


async def test_exactly_these_bytes_go_out_under_the_token_and_the_key(openclaw: OpenClaw, hook: Hook) -> None:
    assert await hook.send(BODY, KEY) == Admitted("run-1")
    [request] = openclaw.requests
    assert (request.method, request.path, request.body) == ("POST", "/hooks/agent", BODY)
    assert request.header("Authorization") == f"Bearer {TOKEN}"
    assert request.header("Content-Type") == "application/json"
    assert request.header("Idempotency-Key") == KEY
    assert request.header("Content-Length") == str(len(BODY))
    assert openclaw.runs == {"run-1": BODY}


async def test_a_rendered_ticket_is_admitted(openclaw: OpenClaw, hook: Hook) -> None:
    key = key_of("1", 1, 1)
    body = render(Ticket(id="1", reference="GOD-1"), ["a"], [], prefix="comp:", deliver=True, key=key)
    assert await hook.send(body, key) == Admitted("run-1")
    assert json.loads(openclaw.runs["run-1"])["sessionKey"] == "hook:infra:1"


async def test_a_repeat_is_the_same_run_until_the_key_is_forgotten(openclaw: OpenClaw, hook: Hook) -> None:
    assert await hook.send(BODY, KEY) == await hook.send(BODY, KEY) == Admitted("run-1")
    openclaw.forget()
    assert await hook.send(BODY, KEY) == Admitted("run-2")
    assert await hook.send(BODY.replace(b"ticket", b"letter"), KEY) == Admitted("run-3")


async def test_the_stand_in_remembers_a_key_for_minutes(openclaw: OpenClaw, hook: Hook, clock: ManualClock) -> None:
    await hook.send(BODY, KEY)
    clock.advance(299)
    assert await hook.send(BODY, KEY) == Admitted("run-1")
    clock.advance(1)
    assert await hook.send(BODY, KEY) == Admitted("run-2")


async def test_no_cookie_and_no_proxy_of_the_environment_is_used(
    openclaw: OpenClaw, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    openclaw.moods += [Reply(500, {"Set-Cookie": "crumb=1; Path=/"})]
    await hook.send(BODY, KEY)
    await hook.send(BODY, KEY)
    assert openclaw.requests[1].header("Cookie") is None


@pytest.mark.parametrize("key", ["", "a b", "a\r\nX: y", "ä", "k" * 257])
async def test_a_key_that_no_header_carries_is_the_callers_mistake(hook: Hook, openclaw: OpenClaw, key: str) -> None:
    with pytest.raises(ValueError, match="visible ASCII"):
        await hook.send(BODY, key)
    assert openclaw.requests == []


async def test_several_go_at_a_time(openclaw: OpenClaw, hook: Hook) -> None:
    openclaw.moods += [Mood.SLOW, Mood.SLOW]
    async with asyncio.TaskGroup() as group:
        sending = [group.create_task(hook.send(BODY, f"key-{number}")) for number in range(2)]
        await openclaw.received(2)
        assert await hook.send(BODY, "key-2") == Admitted("run-1")
        openclaw.admit()
    assert {task.result() for task in sending} == {Admitted("run-2"), Admitted("run-3")}


async def test_a_hook_that_was_closed_can_be_used_again(hook: Hook) -> None:
    await hook.send(BODY, KEY)
    await hook.close()
    assert await hook.send(BODY, KEY) == Admitted("run-1")


# Admitted


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_admitted(openclaw: OpenClaw, hook: Hook, status: int) -> None:
    openclaw.moods += [Reply(status, body=b"" if status == 204 else b'{"ok":true,"runId":"r-9"}')]
    answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Admitted)
    assert answer.run_id == (None if status == 204 else "r-9")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"junk",
        b"\xff\xfe",
        b"[" * 60_000,
        b'"text"',
        b'["runId"]',
        b"{}",
        b'{"runId":7}',
        b'{"runId":null}',
        b'{"runId":""}',
        b'{"runId":"a\\nb"}',
        b'{"runId":"a\\u202eb"}',
        b'{"runId":"' + b"r" * 256 + b'"}',
        b'{"runId":"r","runId":"s"}',
        b'{"runId":"' + TOKEN.encode() + b'"}',
    ],
)
async def test_an_answer_without_a_good_run_id_is_admitted_and_says_so(
    openclaw: OpenClaw, hook: Hook, body: bytes
) -> None:
    openclaw.moods += [Reply(200, body=body)]
    answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Admitted)
    assert answer.run_id is None
    assert "runId" in answer.note
    assert TOKEN not in answer.note


async def test_the_longest_run_id_is_kept(openclaw: OpenClaw, hook: Hook) -> None:
    openclaw.moods += [Reply(200, body=json.dumps({"runId": "ü" * 255}).encode())]
    assert await hook.send(BODY, KEY) == Admitted("ü" * 255)


@pytest.mark.parametrize("mood", [Mood.HTML, Mood.CUT_WITHIN, Mood.STALL_WITHIN, Mood.ENDLESS])
async def test_what_follows_a_2xx_does_not_undo_it(openclaw: OpenClaw, clock: ManualClock, mood: Mood) -> None:
    openclaw.moods += [mood]
    async with hook_at(openclaw.url, clock, timeout=SOON if mood is Mood.STALL_WITHIN else 30.0) as hook:
        answer = await hook.send(BODY, KEY)
        assert isinstance(answer, Admitted)
        assert answer.run_id is None
        assert "runId" in answer.note
        assert len(openclaw.runs) == 1
        assert await hook.send(BODY, KEY) == Admitted("run-1")


@pytest.mark.parametrize("status", [200, 500, 400])
async def test_of_an_endless_answer_little_is_read(openclaw: OpenClaw, hook: Hook, status: int) -> None:
    openclaw.moods += [Reply(status, ending=Ending.ENDLESS)]
    answer = await hook.send(BODY, KEY)
    assert len(reason_of(answer)) <= MAX_REASON_LENGTH
    assert await hook.send(BODY, KEY) == Admitted("run-1")
    assert openclaw.sent < 2**24  # What the sockets between the two hold is sent but never read.


async def test_a_compressed_answer_is_not_unpacked(openclaw: OpenClaw, hook: Hook) -> None:
    openclaw.moods += [Reply(200, {"Content-Encoding": "gzip"}, gzip.compress(b'{"runId":"r"}' + b" " * 10_000_000))]
    assert openclaw.requests == []
    answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Admitted)
    assert answer.run_id is None
    assert openclaw.requests[0].header("Accept-Encoding") == "identity"


# To be tried again


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


# Refused


@pytest.mark.parametrize("status", [400, 402, 406, 410, 413, 415, 418, 422, 499])
async def test_what_will_never_pass_is_refused_with_its_reason(openclaw: OpenClaw, hook: Hook, status: int) -> None:
    openclaw.moods += [Reply(status, body=b'{"ok":false,"error":"message is\\nno good"}')]
    answer = await hook.send(BODY, KEY)
    assert answer == Refused(f"OpenClaw at 127.0.0.1:{openclaw.port} answered {status}: message is no good")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"error":{"message":"within"}}', ": within"),
        (b'{"message":"beside"}', ": beside"),
        (b'{"code":7}', ': {"code":7}'),
        (b"plain text", ": plain text"),
        (b"<html><body>Bad Request</body></html>", ": (a page, not JSON)"),
        (b"", ""),
        (b'{"error":"\\u001b[31mred\\u202e\\u0000 end"}', ": red end"),
        (b"\xff\xfe", ": \ufffd\ufffd"),
    ],
)
async def test_the_reason_is_read_in_whatever_shape(openclaw: OpenClaw, hook: Hook, body: bytes, told: str) -> None:
    openclaw.moods += [Reply(422, body=body)]
    assert reason_of(await hook.send(BODY, KEY)).endswith(f"answered 422{told}")


async def test_a_long_reason_is_cut(openclaw: OpenClaw, hook: Hook) -> None:
    openclaw.moods += [Reply(400, body=b"word " * 10_000)]
    reason = reason_of(await hook.send(BODY, KEY))
    assert len(reason) <= MAX_REASON_LENGTH
    assert reason.endswith("…")


@pytest.mark.parametrize(
    "body",
    [b"not JSON", b"[]", b"{}", b'{"message":" "}', b'{"message":"a","wakeMode":"later"}', b'{"message":"a","x":1}'],
)
async def test_the_stand_in_refuses_bad_bodies(openclaw: OpenClaw, hook: Hook, body: bytes) -> None:
    answer = await hook.send(body, KEY)
    assert isinstance(answer, Refused)
    assert "answered 400" in answer.reason
    assert openclaw.runs == {}


async def test_the_stand_in_refuses_large_bodies(hook: Hook) -> None:
    answer = await hook.send(b'{"message":"' + b"a" * 262_144 + b'"}', KEY)
    assert isinstance(answer, Refused)
    assert "answered 413" in answer.reason


async def test_a_session_key_that_is_not_wanted_is_told_apart(openclaw: OpenClaw, hook: Hook) -> None:
    openclaw.refuses_session_keys = True
    ticket = Ticket(id="1", reference="GOD-1")
    options = {"prefix": "comp:", "deliver": False, "key": KEY}
    assert isinstance(await hook.send(render(ticket, [], [], **options), KEY), SessionKeyRefused)  # type: ignore[arg-type]
    without = render(ticket, [], [], with_session=False, **options)  # type: ignore[arg-type]
    assert await hook.send(without, KEY) == Admitted("run-1")


@pytest.mark.parametrize(
    "error",
    [
        "sessionKey is disabled for external /hooks/agent payloads; set hooks.allowRequestSessionKey=true to enable",
        "sessionKey is disabled for external requests",
        "Session key not allowed",
        "'session_key' isn't allowed here",
        "field sessionKey is not currently permitted",
    ],
)
async def test_the_wording_of_that_may_change(openclaw: OpenClaw, hook: Hook, error: str) -> None:
    openclaw.moods += [Reply(400, body=json.dumps({"error": error}).encode()), Reply(400, body=error.encode())]
    assert isinstance(await hook.send(BODY, KEY), SessionKeyRefused)
    assert isinstance(await hook.send(BODY, KEY), SessionKeyRefused)


@pytest.mark.parametrize(
    ("status", "error"), [(400, "sessionKey must be text"), (400, "model not allowed"), (422, "sessionKey is disabled")]
)
async def test_other_refusals_are_not_taken_for_it(openclaw: OpenClaw, hook: Hook, status: int, error: str) -> None:
    openclaw.moods += [Reply(status, body=json.dumps({"error": error}).encode())]
    assert isinstance(await hook.send(BODY, KEY), Refused)


# For the operator


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (401, "OPENCLAW_HOOK_TOKEN"),
        (403, "OPENCLAW_HOOK_TOKEN"),
        (404, "OPENCLAW_HOOK_URL"),
        (405, "OPENCLAW_HOOK_URL"),
    ],
)
async def test_an_operators_fault_says_what_to_set(openclaw: OpenClaw, hook: Hook, status: int, names: str) -> None:
    openclaw.moods += [Reply(status)]
    answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Misconfigured)
    assert f"set {names}" in answer.reason
    assert str(status) in answer.reason


async def test_a_wrong_token_and_path_are_told_by_the_stand_in(openclaw: OpenClaw, clock: ManualClock) -> None:
    async with hook_at(openclaw.url, clock, token="another") as hook:
        assert "OPENCLAW_HOOK_TOKEN" in reason_of(await hook.send(BODY, KEY))
    async with hook_at(openclaw.url + "s", clock) as hook:
        assert "OPENCLAW_HOOK_URL" in reason_of(await hook.send(BODY, KEY))


async def test_the_stand_in_locks_out_after_twenty_failures_within_a_minute(
    openclaw: OpenClaw, hook: Hook, clock: ManualClock
) -> None:
    async with hook_at(openclaw.url, clock, token="another") as wrong:
        for _ in range(20):
            assert isinstance(await wrong.send(BODY, KEY), Misconfigured)
            clock.advance(1)
    locked = await hook.send(BODY, KEY)
    assert isinstance(locked, TryAgain)
    assert locked.after == 40.0
    clock.advance(40)
    assert await hook.send(BODY, KEY) == Admitted("run-1")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
async def test_a_redirect_is_not_followed(openclaw: OpenClaw, hook: Hook, clock: ManualClock, status: int) -> None:
    async with OpenClaw(clock, token=TOKEN) as other:
        location = f"http://user:pass@127.0.0.1:{other.port}/hooks/agent?secret=1"
        openclaw.moods += [Reply(status, {"Location": location}, b"")]
        answer = await hook.send(BODY, KEY)
        assert isinstance(answer, Misconfigured)
        assert f"answered {status}" in answer.reason
        assert f"to http://127.0.0.1:{other.port}," in answer.reason
        assert "set OPENCLAW_HOOK_URL to where it lives" in answer.reason
        assert not any(secret in answer.reason for secret in ("pass", "secret", TOKEN))
        assert other.requests == []
    assert len(openclaw.requests) == 1


async def test_the_stand_in_redirects(openclaw: OpenClaw, hook: Hook) -> None:
    openclaw.moods += [Mood.REDIRECT]
    assert "to http://elsewhere.invalid:80," in reason_of(await hook.send(BODY, KEY))


@pytest.mark.parametrize(
    "location", ["", "http://[", "/login", "//", "http://a:999999999/", "javascript:alert(1)", "x" * 50_000, TOKEN]
)
async def test_a_redirect_to_anywhere_is_a_sentence(openclaw: OpenClaw, hook: Hook, location: str) -> None:
    openclaw.moods += [Reply(302, {"Location": location}, b"")]
    answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Misconfigured)
    assert len(answer.reason) < 500
    assert TOKEN not in answer.reason


@pytest.mark.parametrize(
    "url",
    [
        "", "localhost", "ftp://localhost/", "http://", "http:///hooks", "http://[::1", "http://a:0/", "http://a:65536/",
        "http://a:b/", "http://" + "a" * 64 + "/", "http://a..b/", "http://a\x00b/", "file:///etc/passwd", "\ud800",
        "http://user:pass@localhost/",
    ],
)  # fmt: skip
async def test_a_url_that_cannot_be_used_is_for_the_operator(clock: ManualClock, url: str) -> None:
    async with hook_at(url, clock) as hook:
        answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Misconfigured)
    assert "OPENCLAW_HOOK_URL" in answer.reason
    assert "pass@" not in answer.reason


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "tökén"])
async def test_a_token_that_no_header_carries_is_for_the_operator(
    openclaw: OpenClaw, clock: ManualClock, token: str
) -> None:
    async with hook_at(openclaw.url, clock, token=token) as hook:
        answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Misconfigured)
    assert "OPENCLAW_HOOK_TOKEN" in answer.reason
    assert not token or token not in answer.reason
    assert openclaw.requests == []


# Secrets


ECHOES: list[Callable[[int], Reply]] = [
    lambda status: Reply(status, body=json.dumps({"error": f"Bearer {TOKEN} for {KEY}"}).encode()),
    lambda status: Reply(status, body=f"{TOKEN.upper()} {KEY} {TOKEN}".encode()),
    lambda status: Reply(status, body=json.dumps({"runId": TOKEN, "error": {"message": TOKEN}}).encode()),
    lambda status: Reply(status, body=json.dumps({"error": TOKEN[:5] + "\u200b" + TOKEN[5:]}).encode()),
    lambda status: Reply(status, {"Location": f"http://{TOKEN}.example/{TOKEN}", "Retry-After": TOKEN}, TOKEN.encode()),
]


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 422, 429, 500])
async def test_an_echo_of_the_token_is_not_told(
    openclaw: OpenClaw, hook: Hook, caplog: pytest.LogCaptureFixture, status: int, echo: Callable[[int], Reply]
) -> None:
    caplog.set_level(logging.INFO)
    openclaw.moods += [echo(status)]
    told = repr(await hook.send(BODY, KEY)) + repr(hook) + caplog.text
    assert TOKEN.lower() not in told.lower()
    assert KEY not in told


async def test_not_even_the_libraries_underneath_log_the_token(
    hook: Hook, openclaw: OpenClaw, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    openclaw.moods += [Mood.CUT_BEFORE]
    for _ in range(2):
        await hook.send(BODY, KEY)
    assert TOKEN not in caplog.text
    assert KEY not in caplog.text


async def test_the_network_can_be_replaced(clock: ManualClock) -> None:
    taken: list[bytes] = []

    def take(request: httpx.Request) -> httpx.Response:
        taken.append(request.content)
        return httpx.Response(200, json={"runId": "r"})

    hook = Hook("https://openclaw.example/hooks/agent", TOKEN, clock, transport=httpx.MockTransport(take))
    assert await hook.send(BODY, KEY) == Admitted("r")
    await hook.close()
    assert taken == [BODY]
