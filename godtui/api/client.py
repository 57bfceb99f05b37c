"""The engine's operations over HTTP: what a console or a script attached to another instance calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from godtui import jsontext
from godtui.api import answers
from godtui.api.archive_client import HttpArchive
from godtui.api.dispatcher_client import HttpDispatcher
from godtui.api.replays_client import HttpReplays
from godtui.api.store_client import HttpChains, HttpStatistics
from godtui.api.webhooks_client import HttpWebhooks
from godtui.envelope import EventDraft, StoredEvent
from godtui.filters import Filter
from godtui.operations import (
    BatchReport,
    Count,
    DeadLetter,
    Frame,
    Health,
    LetterPage,
    Order,
    Page,
    Receipt,
    Requeued,
    distant,
)
from godtui.operations.distant import Connection


class HttpOperations:
    """Operations of the instance at a URL, or at the Unix socket of a data directory. An async context manager.

    Every call raises InstanceUnreachableError where nothing answers, or something that is not a godtui, or one that
    wants another token. Raises ValueError on an address that is no http:// or https:// URL, and on a token
    that no header can carry.
    """

    def __init__(self, address: str | Path, *, token: str | None = None) -> None:
        self._connection = Connection(address, token)
        self.bus = HttpBus(self._connection)
        self.store = HttpStore(self._connection)
        self.chains = HttpChains(self._connection)
        self.archive = HttpArchive(self._connection)
        self.statistics = HttpStatistics(self._connection)
        self.letters = HttpLetters(self._connection)
        self.replays = HttpReplays(self._connection)
        self.schemas = HttpContracts(self._connection)
        self.dispatcher = HttpDispatcher(self._connection)
        self.webhooks = HttpWebhooks(self._connection)
        self.monitor = HttpMonitor(self._connection)

    @property
    def address(self) -> str:
        """The URL or path that was given."""
        return self._connection.address

    async def aclose(self) -> None:
        """Close idle connections."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


class HttpBus:
    """BusOperations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def publish(self, draft: EventDraft) -> Receipt:
        return await distant.publish(self._connection, draft)

    async def publish_batch(self, drafts: Sequence[EventDraft]) -> BatchReport:
        return await distant.publish_batch(self._connection, drafts)


class HttpStore:
    """StoreOperations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def query(
        self,
        wanted: Filter,
        *,
        limit: int = 100,
        cursor: str | None = None,
        order: Order = "desc",
        from_seq: int | None = None,
    ) -> Page:
        parameters = {"filter": str(wanted), "limit": str(limit), "order": order}
        if cursor is not None:
            parameters["cursor"] = cursor
        elif from_seq is not None:
            parameters["from_seq"] = str(from_seq)
        answer = await self._connection.request("GET", "/events", params=parameters)
        if answer.status != 200:
            raise answers.query_error(answer)
        return answer.read(answers.page)

    async def count(self, wanted: Filter) -> Count:
        parameters = {"filter": str(wanted), "limit": "1", "count": "true"}
        answer = await self._connection.request("GET", "/events", params=parameters)
        if answer.status != 200:
            raise answers.query_error(answer)
        return answer.read(lambda told: Count.from_document(told["count"]))

    async def event(self, event_id: UUID) -> StoredEvent | None:
        answer = await self._connection.request("GET", f"/events/{event_id}")
        return answers.found(answer, StoredEvent.from_document)

    def stream(self, wanted: Filter, *, after: int | None = None, positions: bool = False) -> AsyncGenerator[Frame]:
        return distant.stream(self._connection, str(wanted), after=after, positions=positions)


class HttpLetters:
    """LetterOperations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def page(
        self,
        wanted: Filter,
        *,
        queue: str | None = None,
        reason: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> LetterPage:
        given = {"filter": str(wanted), "queue": queue, "reason": reason, "limit": str(limit), "cursor": cursor}
        parameters = {name: value for name, value in given.items() if value is not None}
        answer = await self._connection.request("GET", "/dead-letters", params=parameters)
        if answer.status != 200:
            raise answers.query_error(answer)
        return answer.read(answers.letter_page)

    async def letter(self, letter_id: int) -> DeadLetter | None:
        answer = await self._connection.request("GET", f"/dead-letters/{letter_id}")
        return answers.found(answer, DeadLetter.from_document)

    async def requeue(self, letter_id: int, correction: Any = None) -> Requeued:
        body = b"" if correction is None else jsontext.dumps({"body": correction})
        answer = await self._connection.request("POST", f"/dead-letters/{letter_id}/requeue", content=body)
        if answer.status != 200:
            raise answers.requeue_error(answer, letter_id, correction)
        return answer.read(answers.requeued)

    async def discard(self, letter_id: int) -> None:
        answer = await self._connection.request("DELETE", f"/dead-letters/{letter_id}")
        if answer.status != 204:
            raise answers.letter_error(answer, letter_id)


class HttpContracts:
    """ContractOperations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def contracts(self) -> list[dict[str, Any]]:
        answer = await self._connection.request("GET", "/schemas")
        if answer.status != 200:
            raise distant.error(answer)
        return answer.read(_listed)

    async def contract(self, event_type: str, version: str | None = None) -> dict[str, Any] | None:
        parameters = {} if version is None else {"version": version}
        answer = await self._connection.request("GET", f"/schemas/{event_type}", params=parameters)
        return answers.found(answer, dict)


class HttpMonitor:
    """HealthOperations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def health(self) -> Health:
        answer = await self._connection.request("GET", "/health")
        if answer.status not in (200, 503) or answer.is_problem:
            raise distant.error(answer)
        return answer.read(answers.health)


def _listed(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(contract) for contract in told["schemas"]]
