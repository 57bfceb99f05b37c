"""The dispatcher of another instance, asked over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import quote
from uuid import UUID

from godtui import jsontext
from godtui.api.components import DISPATCHER
from godtui.jsontext import Json
from godtui.operations import (
    DispatcherStatus,
    DispatcherUnavailableError,
    Explanation,
    TicketState,
    TicketStateError,
    TicketView,
    UnknownTicketError,
    distant,
)
from godtui.operations.distant import Answer, Connection


class HttpDispatcher:
    """DispatcherOperations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def status(self, *, state: TicketState | None = None, limit: int = 100) -> DispatcherStatus:
        parameters = {"limit": str(limit)} | ({} if state is None else {"state": state})
        return _status(await self._connection.request("GET", "/dispatcher", params=parameters))

    async def ticket(self, name: str) -> TicketView:
        return _ticket(await self._connection.request("GET", _path(name)))

    async def pause(self, reason: str = "") -> DispatcherStatus:
        return _status(await self._post("/dispatcher/pause", reason))

    async def resume(self) -> DispatcherStatus:
        return _status(await self._post("/dispatcher/resume"))

    async def retry(self, name: str) -> TicketView:
        return _ticket(await self._post(f"{_path(name)}/retry"))

    async def withdraw(self, name: str, reason: str = "") -> TicketView:
        return _ticket(await self._post(f"{_path(name)}/withdraw", reason))

    async def dispatch(self, name: str, reason: str) -> TicketView:
        return _ticket(await self._post(f"{_path(name)}/dispatch", reason))

    async def explain_body(self, body: Json) -> Explanation:
        return _explanation(await self._explain(content=jsontext.dumps(body)))

    async def explain_event(self, event_id: UUID) -> Explanation | None:
        answer = await self._explain(params={"event_id": str(event_id)})
        return None if answer.status == 404 and answer.is_problem else _explanation(answer)

    async def explain_ticket(self, name: str) -> Explanation:
        return _explanation(await self._explain(params={"ticket": name}))

    def watch(self, component: str) -> AsyncGenerator[str]:
        return distant.text(self._connection, f"/dispatcher/checks/{_quoted(component)}/output", _refusal)

    async def _post(self, path: str, reason: str = "") -> Answer:
        return await self._connection.request(
            "POST", path, content=jsontext.dumps({"reason": reason}) if reason else b""
        )

    async def _explain(self, **parts: Any) -> Answer:
        return await self._connection.request("POST", "/dispatcher/explain", **parts)


def _path(name: str) -> str:
    """Where a ticket is. Raises UnknownTicketError on what no path can name."""
    if not name or "/" in name:
        raise UnknownTicketError(f'no ticket is named "{name}"; name one by its id, or its reference such as INFRA-42')
    return f"/dispatcher/tickets/{_quoted(name)}"


def _quoted(name: str) -> str:
    """A name as one part of a path; dots alone would lead elsewhere."""
    return quote(name, safe="").replace(".", "%2E")


def _status(answer: Answer) -> DispatcherStatus:
    return _accepted(answer).read(DispatcherStatus.model_validate)


def _ticket(answer: Answer) -> TicketView:
    return _accepted(answer).read(TicketView.model_validate)


def _explanation(answer: Answer) -> Explanation:
    return _accepted(answer).read(Explanation.model_validate)


def _accepted(answer: Answer) -> Answer:
    if answer.status != 200:
        raise _refusal(answer)
    return answer


def _refusal(answer: Answer) -> Exception:
    problem = answer.problem()
    match answer.status:
        case 404:
            return UnknownTicketError(problem["detail"])
        case 409:
            return TicketStateError(problem["detail"])
        case 503 if problem.get("component") == DISPATCHER:
            return DispatcherUnavailableError(problem["detail"])
    return distant.error(answer)
