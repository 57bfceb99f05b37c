"""OpenClaw's hook: one rendered message handed over, and what its answer means."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, cast

import httpx

from godtui import __version__, jsontext
from godtui.clock import Clock, to_microseconds
from godtui.dispatcher.answers import Admitted, Answer, Misconfigured, Refused, SessionKeyRefused, TryAgain
from godtui.dispatcher.plaintext import one_line

ANSWER_SECONDS: Final = 30.0
"""Admission may take OpenClaw 15 s."""

MAX_ANSWER_BYTES: Final = 64 * 1024
MAX_KEY_LENGTH: Final = 256
MAX_RUN_ID_LENGTH: Final = 255
MAX_REASON_LENGTH: Final = 300
LONGEST_WISH_SECONDS: Final = 86_400.0
"""More than a day is not waited, whatever `Retry-After` says."""

RETRIED: Final = frozenset({408, 409, 429})
"""Those below 500 after which the same bytes may yet be taken."""

_VISIBLE = re.compile(r"[\x21-\x7e]+")
_SESSION_KEY = re.compile(r"session[\s_-]?key", re.IGNORECASE)
_NOT_WANTED = re.compile(r"disabled|(?:not|n't)\s+(?:\w+\s+)?(?:allowed|enabled|permitted)|disallowed", re.IGNORECASE)


@dataclass
class _Heard:
    """As much of an answer as has come; status 0 while there is none."""

    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    content: bytearray = field(default_factory=bytearray)
    is_whole: bool = False


class Hook:
    """The hook at a URL. One may serve many sends at a time, all on one event loop.

    OpenClaw locks out whoever fails 20 authorisations within 60 s. Nothing is held back here: the caller stops
    sending on Misconfigured until the operator has acted. Neither token nor key appears in any reason.
    """

    def __init__(
        self,
        url: str,
        token: str,
        clock: Clock,
        *,
        timeout: float = ANSWER_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`timeout` bounds a whole call, in seconds. `transport` replaces the network."""
        self._fault, self._url = _usable(url, token)
        self._token = token
        self._clock = clock
        self._timeout = timeout
        self._transport = transport
        self._where = _place(self._url)

    async def close(self) -> None:
        """Close idle connections."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def send(self, body: bytes, key: str) -> Answer:
        """Hand over exactly these bytes. A repeat must bring the same bytes and key: OpenClaw knows it by both.

        Answers for whatever the network or the other end does; raises ValueError on a key that is not 1 to 256
        visible ASCII characters.
        """
        if not 0 < len(key) <= MAX_KEY_LENGTH or not _VISIBLE.fullmatch(key):
            raise ValueError(f"a key is 1 to {MAX_KEY_LENGTH} visible ASCII characters")
        if self._fault is not None:
            return Misconfigured(self._fault)
        heard = _Heard()
        broken = ""
        try:
            async with asyncio.timeout(self._timeout):
                await self._exchange(body, key, heard)
        except (TimeoutError, httpx.TimeoutException):
            broken = f"OpenClaw at {self._where} did not answer within {self._timeout:g} s"
        except (httpx.TransportError, OSError, ValueError) as error:
            broken = self._unreachable(error)
        return self._judged(heard, key) if heard.status else TryAgain(broken)

    async def _exchange(self, body: bytes, key: str, heard: _Heard) -> None:
        """Ask, and listen to no more of the answer than is of use."""
        request = httpx.Request(
            "POST",
            self._url,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "Idempotency-Key": key,
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": f"godtui/{__version__}",
            },
            content=body,
            extensions={"timeout": httpx.Timeout(self._timeout).as_dict()},
        )
        if self._transport is None:
            self._transport = _network(self._url.scheme)
        response = await self._transport.handle_async_request(request)
        content = cast("httpx.AsyncByteStream", response.stream)
        try:
            heard.status, heard.headers = response.status_code, response.headers
            # As it comes: a small compressed answer can be gigabytes.
            async for part in content:
                heard.content += part[: MAX_ANSWER_BYTES - len(heard.content)]
                if len(heard.content) >= MAX_ANSWER_BYTES:
                    return
            heard.is_whole = True
        finally:
            await content.aclose()

    def _unreachable(self, error: Exception) -> str:
        """Why there was no answer at all, in a sentence."""
        origin = _origin_of(error)
        if isinstance(origin, socket.gaierror):
            hint = " (that name exists inside Docker only)" if self._url.host == "host.docker.internal" else ""
            return f"the host of {self._where} cannot be found{hint}: set OPENCLAW_HOOK_URL to where OpenClaw listens"
        why = one_line(getattr(origin, "strerror", None) or str(error) or type(error).__name__, 100).lower()
        if isinstance(error, httpx.ConnectError):
            return f"nothing answers at {self._where} ({why}): start OpenClaw there, or check OPENCLAW_HOOK_URL"
        return f"OpenClaw at {self._where} went away before it answered ({why})"

    def _judged(self, heard: _Heard, key: str) -> Answer:
        """What an answer means, by its status alone but for 400."""
        status = heard.status
        if 200 <= status < 300:
            return self._admitted(heard)
        if 300 <= status < 400:
            return Misconfigured(self._moved(heard, key))
        if status in (401, 403):
            return Misconfigured(
                f"OpenClaw at {self._where} refuses the token ({status}): set OPENCLAW_HOOK_TOKEN to that of its hooks"
            )
        if status in (404, 405):
            return Misconfigured(
                f"{self._where} has no hook at that path ({status}): set OPENCLAW_HOOK_URL to OpenClaw's, "
                "such as http://localhost:18789/hooks/agent"
            )
        told = self._without_secrets(_told(bytes(heard.content)), key)
        reason = f"OpenClaw at {self._where} answered {status}" + (f": {told}" if told else "")
        reason = one_line(reason, MAX_REASON_LENGTH)
        if status in RETRIED or not 400 <= status < 500:
            return TryAgain(reason, self._wish(heard.headers.get("retry-after", "")))
        if status == 400 and _SESSION_KEY.search(told) and _NOT_WANTED.search(told):
            return SessionKeyRefused(reason)
        return Refused(reason)

    def _admitted(self, heard: _Heard) -> Admitted:
        if not heard.is_whole:
            too_long = len(heard.content) >= MAX_ANSWER_BYTES
            why = f"is over {MAX_ANSWER_BYTES // 1024} KiB" if too_long else "was cut"
            return Admitted(None, f"admitted, but the answer {why}: its runId is not known")
        try:
            answer = jsontext.parse(bytes(heard.content))
        except jsontext.JsonError:
            answer = None
        if not isinstance(answer, dict):
            return Admitted(None, "admitted, but the answer is no JSON object: its runId is not known")
        run_id = answer.get("runId")
        if not isinstance(run_id, str) or not 0 < len(run_id) <= MAX_RUN_ID_LENGTH or not run_id.isprintable():
            wanted = f"text of at most {MAX_RUN_ID_LENGTH} printable characters"
            return Admitted(None, f"admitted, but the answer has no runId that is {wanted}")
        if self._token in run_id:
            return Admitted(None, "admitted, but the runId repeats OPENCLAW_HOOK_TOKEN and is not kept")
        return Admitted(run_id)

    def _moved(self, heard: _Heard, key: str) -> str:
        """Where a redirect leads, without what may be secret in it."""
        to = ""
        if location := heard.headers.get("location", ""):
            try:
                target = self._url.join(location)
                to = f"to {target.scheme}://{_place(target)}" if target.host else ""
            except (httpx.InvalidURL, ValueError):
                to = "to what is no URL"
        to = one_line(self._without_secrets(to, key), 200)
        return (
            f"{self._where} answered {heard.status}, a redirect{to and ' '}{to}, which is not followed with the token: "
            "set OPENCLAW_HOOK_URL to where it lives"
        )

    def _wish(self, header: str) -> float | None:
        """The seconds that `Retry-After` asks for (RFC 9110, 10.2.3); None where it is absent, past or nonsense."""
        header = header.strip()
        if re.fullmatch(r"[0-9]+", header):
            return LONGEST_WISH_SECONDS if len(header) > 9 else min(float(header), LONGEST_WISH_SECONDS)
        try:
            moment = parsedate_to_datetime(header)
            due = to_microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
        seconds = (due - self._clock.now()) / 1_000_000
        return min(seconds, LONGEST_WISH_SECONDS) if seconds >= 0 else None

    def _without_secrets(self, text: str, key: str) -> str:
        secrets = "|".join(re.escape(secret) for secret in (self._token, key))
        return re.sub(secrets, "***", text, flags=re.IGNORECASE)


def _network(scheme: str) -> httpx.AsyncHTTPTransport:
    """The bare transport follows no redirect, keeps no cookie, takes no login from a URL and asks no proxy."""
    # Reading every authority takes long, and http:// needs none; a context without them trusts nobody.
    context = httpx.create_ssl_context() if scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncHTTPTransport(verify=context, trust_env=False)


def _usable(url: str, token: str) -> tuple[str | None, httpx.URL]:
    """What is wrong with the two, if anything, and the URL as far as it is one."""
    nowhere = httpx.URL("http://localhost")
    if not _VISIBLE.fullmatch(token):
        return (
            "OPENCLAW_HOOK_TOKEN must be visible ASCII characters without spaces: set it to that of OpenClaw",
            nowhere,
        )
    try:
        parsed = httpx.URL(url)
        parsed.raw_host.decode("ascii").encode("idna")
    except (httpx.InvalidURL, ValueError):
        parsed = nowhere.copy_with(scheme="")
    has_port = parsed.port is None or 0 < parsed.port < 65_536
    if parsed.scheme not in ("http", "https") or not parsed.host or not has_port:
        return "OPENCLAW_HOOK_URL must be a URL such as http://localhost:18789/hooks/agent", nowhere
    if parsed.userinfo:
        return "put no user or password into OPENCLAW_HOOK_URL: OpenClaw knows us by OPENCLAW_HOOK_TOKEN alone", nowhere
    return None, parsed


def _place(url: httpx.URL) -> str:
    """Host and port, the default one too."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return one_line(f"{host}:{url.port or (443 if url.scheme == 'https' else 80)}", 150)


def _origin_of(error: BaseException) -> BaseException:
    """The first of a chain of errors."""
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return error


def _told(content: bytes) -> str:
    """What an answer says of an error: OpenClaw's `error`, or the text itself where it is neither JSON nor a page."""
    try:
        answer = jsontext.parse(content)
    except jsontext.JsonError:
        text = content.decode("utf-8", "replace").strip()
        told = "(a page, not JSON)" if text.startswith("<") else text
    else:
        error = answer.get("error", answer.get("message")) if isinstance(answer, dict) else answer
        if isinstance(error, dict):
            error = error.get("message")
        told = error if isinstance(error, str) else content.decode("utf-8", "replace")
    return one_line(told, MAX_ANSWER_BYTES)
