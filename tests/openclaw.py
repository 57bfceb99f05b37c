"""A stand-in for OpenClaw: real HTTP on a loopback port, answering as the contract has it, and badly on demand."""

from __future__ import annotations

import asyncio
import json
import math
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from godtui.clock import Clock, SystemClock

PATH: Final = "/hooks/agent"
MAX_BODY_BYTES: Final = 256 * 1024
FAILURES_ALLOWED: Final = 20
LOCKOUT_SECONDS: Final = 60.0
MEMORY_SECONDS: Final = 300.0
SESSION_KEY_REFUSAL: Final = "sessionKey is disabled for external requests"

_FIELDS: Final[Mapping[str, type]] = {
    "message": str, "name": str, "sessionKey": str, "wakeMode": str, "deliver": bool, "timeoutSeconds": int,
    "idempotencyKey": str,
}  # fmt: skip
_CHUNK: Final = b"x" * 65_536


class Ending(StrEnum):
    """How an answer's body ends."""

    WHOLE = "whole"
    CUT = "cut"
    STALL = "stall"
    ENDLESS = "endless"


class Mood(StrEnum):
    """What befalls one request; the later ones befall it only where it is admitted, whose run then begins."""

    CUT_BEFORE = "cut before the answer"
    STALL = "stall"
    REDIRECT = "redirect"
    SLOW = "admit once `admit` is called"
    CUT_AFTER = "cut after admission before the answer"
    STALL_AFTER = "stall after admission before the answer"
    CUT_WITHIN = "cut in mid-answer"
    STALL_WITHIN = "stall in mid-answer"
    ENDLESS = "endless"
    HTML = "html"


_ENDINGS: Final[Mapping[Mood | None, Ending]] = {
    Mood.CUT_WITHIN: Ending.CUT,
    Mood.STALL_WITHIN: Ending.STALL,
    Mood.ENDLESS: Ending.ENDLESS,
}


class Reply(NamedTuple):
    """A scripted answer, in place of what the request deserves: no run begins."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b'{"ok":false,"error":"not now"}'
    ending: Ending = Ending.WHOLE


class Request(NamedTuple):
    """What came in; header names as they were written."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The header of that name, in any case."""
        return next((value for one, value in self.headers if one.lower() == name.lower()), None)


class OpenClaw:
    """Listens while its context is entered. Everything it remembers may be read and changed between requests.

    `moods` befall the next requests, one each; then requests get what they deserve. `runs` are the bodies that were
    admitted, by runId and in their order. `sent` counts the bytes of endless answers.
    """

    def __init__(
        self, clock: Clock | None = None, *, token: str = "hook-token", refuses_session_keys: bool = False
    ) -> None:
        self.token = token
        self.refuses_session_keys = refuses_session_keys
        self.elsewhere = "http://elsewhere.invalid/hooks/agent"
        self.moods: deque[Mood | Reply] = deque()
        self.requests: list[Request] = []
        self.runs: dict[str, bytes] = {}
        self.sent = 0
        self.port = 0
        self._clock = clock or SystemClock()
        self._memory: dict[tuple[str, bytes], tuple[str, float]] = {}
        self._failures: deque[float] = deque()
        self._admitting = asyncio.Event()
        self._news = asyncio.Event()
        self._conversations: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    async def __aenter__(self) -> Self:
        """Listen, on the same port as before after a pause."""
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await asyncio.sleep(0)  # The closed connections are taken down in the loop's next round.

    def forget(self) -> None:
        """Know no key any more, as after a restart."""
        self._memory.clear()

    def admit(self) -> None:
        """Let the slow admissions go on."""
        self._admitting.set()
        self._admitting = asyncio.Event()

    async def received(self, number: int) -> None:
        """Wait until so many requests have come."""
        while len(self.requests) < number:
            self._news.clear()
            await self._news.wait()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.current_task()
        assert conversation is not None
        self._conversations.add(conversation)
        try:
            while True:
                request = await _read(reader)
                self.requests.append(request)
                self._news.set()
                if not await self._answer(request, reader, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        except asyncio.CancelledError:
            # Only __aexit__ cancels, and nobody awaits what asyncio started.
            writer.transport.abort()
        finally:
            self._conversations.discard(conversation)
            writer.close()

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection can be used again."""
        mood = self.moods.popleft() if self.moods else None
        match mood:
            case Mood.CUT_BEFORE:
                return False
            case Mood.STALL:
                await reader.read()
                return False
            case Mood.SLOW:
                await self._admitting.wait()
        reply = self._reply(request, mood)
        if mood in (Mood.CUT_AFTER, Mood.STALL_AFTER) and reply.status == HTTPStatus.OK:
            if mood is Mood.STALL_AFTER:
                await reader.read()
            return False
        return await _write(reply, reader, writer, self._count)

    def _reply(self, request: Request, mood: Mood | Reply | None) -> Reply:
        if isinstance(mood, Reply):
            return mood
        if mood is Mood.REDIRECT:
            return Reply(307, {"Location": self.elsewhere})
        reply = self._deserved(request)
        if reply.status != HTTPStatus.OK:
            return reply
        if mood is Mood.HTML:
            return Reply(200, {"Content-Type": "text/html"}, b"<!doctype html><title>Control</title>")
        return reply._replace(ending=_ENDINGS.get(mood, Ending.WHOLE))

    def _count(self, sent: int) -> None:
        self.sent += sent

    def _deserved(self, request: Request) -> Reply:
        """The contract's answer."""
        if request.path != PATH:
            return _refusal(404, "Not Found")
        if request.method != "POST":
            return _refusal(405, "Method Not Allowed", Allow="POST")
        if refusal := self._unauthorised(request):
            return refusal
        if len(request.body) > MAX_BODY_BYTES:
            return _refusal(413, "payload too large")
        try:
            body = json.loads(request.body)
        except ValueError:
            return _refusal(400, "invalid JSON")
        if fault := _fault(body):
            return _refusal(400, fault)
        if self.refuses_session_keys and "sessionKey" in body:
            return _refusal(400, SESSION_KEY_REFUSAL)
        key = request.header("Idempotency-Key") or body.get("idempotencyKey")
        if key is not None and len(key) > 256:
            return _refusal(400, "idempotency key too long")
        return Reply(200, body=json.dumps({"ok": True, "runId": self._run(key, request.body)}).encode())

    def _unauthorised(self, request: Request) -> Reply | None:
        now = self._clock.monotonic()
        while self._failures and self._failures[0] <= now - LOCKOUT_SECONDS:
            self._failures.popleft()
        if len(self._failures) >= FAILURES_ALLOWED:
            wait = math.ceil(self._failures[0] + LOCKOUT_SECONDS - now)
            return _refusal(429, "Too Many Requests", **{"Retry-After": str(wait)})
        if request.header("Authorization") == f"Bearer {self.token}":
            return None
        self._failures.append(now)
        return _refusal(401, "Unauthorized")

    def _run(self, key: str | None, body: bytes) -> str:
        """The run that this key and these bytes began not long ago, or else a new one."""
        now = self._clock.monotonic()
        if key is not None:
            run_id, since = self._memory.get((key, body), ("", 0.0))
            if run_id and now - since < MEMORY_SECONDS:
                return run_id
        run_id = f"run-{len(self.runs) + 1}"
        self.runs[run_id] = body
        if key is not None:
            self._memory[key, body] = (run_id, now)
        return run_id


async def _write(
    reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[int], None]
) -> bool:
    """Whether the connection can be used again."""
    headers = {"Content-Type": "application/json", **reply.headers}
    if reply.ending is not Ending.ENDLESS:
        headers["Content-Length"] = str(len(reply.body))
    lines = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}", *(f"{name}: {headers[name]}" for name in headers)]
    is_all = reply.ending in (Ending.WHOLE, Ending.ENDLESS)
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    writer.write(reply.body if is_all else reply.body[: len(reply.body) // 2])
    await writer.drain()
    if reply.ending is Ending.STALL:
        await reader.read()
    while reply.ending is Ending.ENDLESS:
        writer.write(_CHUNK)
        await writer.drain()
        count(len(_CHUNK))
    return reply.ending is Ending.WHOLE


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.split("\r\n")[:-2]
    method, path, _ = first.split(" ")
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in rest))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Request(method, path, headers, await reader.readexactly(length))


def _fault(body: Any) -> str:
    """What is wrong with a request's body, if anything."""
    if not isinstance(body, dict):
        return "the body must be an object"
    if not isinstance(body.get("message"), str) or not body["message"].strip():
        return "message required"
    for name, value in body.items():
        if name not in _FIELDS or type(value) is not _FIELDS[name]:
            return f"invalid {name}"
    if body.get("wakeMode", "now") not in ("now", "next-heartbeat"):
        return "invalid wakeMode"
    return ""


def _refusal(status: int, error: str, **headers: str) -> Reply:
    return Reply(status, headers, json.dumps({"ok": False, "error": error}).encode())


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in {one.value for one in HTTPStatus} else "Odd"
