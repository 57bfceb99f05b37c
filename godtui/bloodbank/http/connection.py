"""Requests to one instance, and the one sentence where it does not answer them."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from websockets.asyncio.client import connect, unix_connect
from websockets.exceptions import InvalidStatus

from godtui.bloodbank.errors import InstanceUnreachableError
from godtui.bloodbank.http.answers import Answer

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
PONG_SECONDS: Final = 30.0
CLOSE_SECONDS: Final = 2.0
_FRAMES_AHEAD: Final = 4


class Connection:
    """The way to the instance at a URL, or at the Unix socket of a data directory.

    Raises ValueError on an address that is no http:// or https:// URL, and on a token that no header can carry.
    """

    def __init__(self, address: str | Path, token: str | None) -> None:
        self.address = str(address)
        self.path = address if isinstance(address, Path) else None
        self.url = httpx.URL("http://localhost" if isinstance(address, Path) else _checked(address))
        self.headers = {} if token is None else {"Authorization": f"Bearer {_sendable(token)}"}
        self.http = httpx.AsyncClient(
            base_url=self.url,
            headers=self.headers,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS, pool=None),
            transport=None if self.path is None else httpx.AsyncHTTPTransport(uds=str(self.path)),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close idle connections."""
        await self.http.aclose()

    async def request(self, method: str, path: str, **parts: Any) -> Answer:
        """The answer, whatever its status."""
        try:
            response = await self.http.request(method, path, **parts)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self.unreachable(error) from None
        except httpx.TimeoutException:
            message = f"the instance at {self.address} did not answer within {ANSWER_SECONDS:.0f} s"
            raise InstanceUnreachableError(message, sent=True) from None
        except httpx.RequestError as error:
            message = f"the instance at {self.address} went away before it answered ({_reason(error)})"
            raise InstanceUnreachableError(message, sent=True) from None
        return self.answer(response)

    @asynccontextmanager
    async def opened(self, method: str, path: str) -> AsyncGenerator[httpx.Response]:
        """An answer that is read while it comes; its parts may be any time apart."""
        patient = httpx.Timeout(None, connect=CONNECT_SECONDS)
        try:
            async with self.http.stream(method, path, timeout=patient) as response:
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self.unreachable(error) from None
        except httpx.RequestError as error:
            message = f"the instance at {self.address} went away before it had told all ({_reason(error)})"
            raise InstanceUnreachableError(message, sent=True) from None

    def answer(self, response: httpx.Response) -> Answer:
        """An answer that was read."""
        return Answer(self.address, response.status_code, response.headers.get("content-type", ""), response.content)

    def unreachable(self, error: Exception) -> InstanceUnreachableError:
        """Nothing listens there."""
        return InstanceUnreachableError(
            f"nothing answers at {self.address} ({_reason(error)}); start godtui there, or check the address"
        )

    def websocket(self, path: str, parameters: Mapping[str, str]) -> connect:
        """A WebSocket that is about to be opened."""
        url = self.url.copy_with(scheme="wss" if self.url.scheme == "https" else "ws", query=None)
        uri = str(url.copy_with(path=url.path.rstrip("/") + path, params=parameters))
        options: dict[str, Any] = {
            "additional_headers": self.headers,
            "compression": None,
            "open_timeout": CONNECT_SECONDS,
            "close_timeout": CLOSE_SECONDS,
            "ping_timeout": PONG_SECONDS,
            "max_size": None,
            "max_queue": _FRAMES_AHEAD,
        }
        if self.path is not None:
            return unix_connect(str(self.path), uri, **options)
        return connect(uri, proxy=None, **options)

    def denial(self, error: InvalidStatus) -> Answer:
        """What the instance answered in place of opening a WebSocket."""
        response = error.response
        media_type = response.headers.get("content-type", "")
        return Answer(self.address, response.status_code, media_type, bytes(response.body or b""))


def _checked(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise ValueError("an instance is named by a URL such as http://localhost:8000")
    if url.userinfo:
        raise ValueError("put no password into the URL of an instance; its token is given apart (GODTUI_API_TOKEN)")
    return url


def _sendable(token: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ValueError("the token (GODTUI_API_TOKEN) must be visible ASCII characters without spaces")
    return token


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
