"""The engine's operations over HTTP: what a console or a script attached to another instance calls."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx
from websockets.asyncio.client import connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from godtui import jsontext
from godtui.api import answers
from godtui.api.answers import Answer, InstanceUnreachableError
from godtui.clock import rfc3339, to_microseconds
from godtui.envelope import EventDraft, StoredEvent
from godtui.filters import Filter
from godtui.operations import (
    BatchReport,
    Frame,
    Health,
    NotConfirmedError,
    Order,
    Page,
    Receipt,
    StoreUnavailableError,
    Unconfirmed,
)

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
PONG_SECONDS = 30.0
CLOSE_SECONDS = 2.0
_FRAMES_AHEAD = 4
_TRY_AGAIN_LATER = 1013


class HttpOperations:
    """Operations of the instance at a URL, or at the Unix socket of a data directory. An async context manager.

    Every call raises InstanceUnreachableError where nothing answers, or something that is not a godtui, or one that
    wants another token. Raises ValueError on an address that is no http:// or https:// URL, and on a token
    that no header can carry.
    """

    def __init__(self, address: str | Path, *, token: str | None = None) -> None:
        self._connection = _Connection(address, token)
        self.bus = HttpBus(self._connection)
        self.store = HttpStore(self._connection)
        self.schemas = HttpContracts(self._connection)
        self.monitor = HttpMonitor(self._connection)

    @property
    def address(self) -> str:
        """The URL or path that was given."""
        return self._connection.address

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._connection.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


class _Connection:
    """Requests to one instance, and the one sentence where it does not answer them."""

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


class HttpBus:
    """BusOperations."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    async def publish(self, draft: EventDraft) -> Receipt:
        body = jsontext.dumps(document(draft))
        try:
            answer = await self._connection.request("POST", "/publish", content=body)
        except InstanceUnreachableError as error:
            if error.sent:
                raise NotConfirmedError(draft.event_id, str(error)) from None
            raise
        if answer.status != 202:
            raise answers.publish_error(answer, draft.event_id)
        return answer.read(answers.receipt)

    async def publish_batch(self, drafts: Sequence[EventDraft]) -> BatchReport:
        body = jsontext.dumps([document(draft) for draft in drafts])
        try:
            answer = await self._connection.request("POST", "/publish/batch", content=body)
        except InstanceUnreachableError as error:
            if error.sent:
                waiting = [Unconfirmed(index, draft.event_id) for index, draft in enumerate(drafts)]
                return BatchReport(unconfirmed=waiting)
            raise
        if answer.status not in (200, 207):
            raise answers.error(answer)
        return answer.read(answers.batch_report)


class HttpStore:
    """StoreOperations."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    async def query(
        self, wanted: Filter, *, limit: int = 100, cursor: str | None = None, order: Order = "desc"
    ) -> Page:
        parameters = {"filter": str(wanted), "limit": str(limit), "order": order}
        if cursor is not None:
            parameters["cursor"] = cursor
        answer = await self._connection.request("GET", "/events", params=parameters)
        if answer.status != 200:
            raise answers.query_error(answer)
        return answer.read(answers.page)

    async def event(self, event_id: UUID) -> StoredEvent | None:
        answer = await self._connection.request("GET", f"/events/{event_id}")
        return answers.found(answer, StoredEvent.from_document)

    async def stream(
        self, wanted: Filter, *, after: int | None = None, positions: bool = False
    ) -> AsyncGenerator[Frame]:
        parameters = {"filter": str(wanted)}
        if after is not None:
            parameters["after"] = str(after)
        if positions:
            parameters["positions"] = "true"
        try:
            async with self._connection.websocket("/stream", parameters) as socket:
                while True:
                    text = await socket.recv(decode=False)
                    yield Answer(self._connection.address, 101, "", text).read(answers.frame)
        except InvalidStatus as error:
            raise answers.query_error(_denial(self._connection.address, error)) from None
        except ConnectionClosed as error:
            raise self._ended(error) from None
        except (OSError, TimeoutError, InvalidHandshake) as error:
            raise self._connection.unreachable(error) from None

    def _ended(self, error: ConnectionClosed) -> Exception:
        close = error.rcvd
        reason = close.reason if close is not None and close.reason else "the connection was lost"
        if close is not None and close.code == _TRY_AGAIN_LATER:
            return StoreUnavailableError(reason)
        return InstanceUnreachableError(f"the stream from {self._connection.address} ended ({reason})")


class HttpContracts:
    """ContractOperations."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    async def contracts(self) -> list[dict[str, Any]]:
        answer = await self._connection.request("GET", "/schemas")
        if answer.status != 200:
            raise answers.error(answer)
        return answer.read(_listed)

    async def contract(self, event_type: str, version: str | None = None) -> dict[str, Any] | None:
        parameters = {} if version is None else {"version": version}
        answer = await self._connection.request("GET", f"/schemas/{event_type}", params=parameters)
        return answers.found(answer, dict)


class HttpMonitor:
    """HealthOperations."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    async def health(self) -> Health:
        answer = await self._connection.request("GET", "/health")
        if answer.status not in (200, 503) or answer.is_problem:
            raise answers.error(answer)
        return answer.read(answers.health)


def document(draft: EventDraft) -> dict[str, Any]:
    """A draft as the body of `POST /publish`."""
    given = {
        "event_id": str(draft.event_id),
        "timestamp": None if draft.timestamp is None else rfc3339(to_microseconds(draft.timestamp)),
        "version": draft.version,
        "source": draft.source,
        "correlation_id": None if draft.correlation_id is None else str(draft.correlation_id),
        "causation_id": None if draft.causation_id is None else str(draft.causation_id),
    }
    said = {name: value for name, value in given.items() if value is not None}
    return {"event_type": draft.event_type, "payload": draft.payload, **said, **(draft.model_extra or {})}


def _listed(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(contract) for contract in told["schemas"]]


def _checked(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise ValueError("an instance is named by a URL such as http://localhost:8000")
    if url.userinfo:
        raise ValueError("put no password into the URL of an instance; the token goes into GODTUI_API_TOKEN")
    return url


def _sendable(token: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ValueError("GODTUI_API_TOKEN must be visible ASCII characters without spaces")
    return token


def _denial(address: str, error: InvalidStatus) -> Answer:
    response = error.response
    return Answer(address, response.status_code, response.headers.get("content-type", ""), bytes(response.body or b""))


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
