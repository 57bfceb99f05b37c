"""The publisher of other programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, overload
from uuid import UUID

from godtui.bloodbank.library.address import is_broker, refuse
from godtui.bloodbank.library.event_model import EventModel, event_of
from godtui.bloodbank.library.outlet import Outlet
from godtui.bloodbank.receipt import Receipt
from godtui.bloodbank.report import BatchReport, Rejection
from godtui.envelope import EventDraft, InvalidEventError, read_draft

SERVICE: Final = "python"
TIMEOUT_SECONDS: Final = 10.0

_NAMED: Final = frozenset(EventDraft.model_fields)


class Publisher:
    """Publishes events and waits until they are durable. Made by `connect`; an async context manager.

    May be used from many tasks of one loop. Within a subscriber's handler, what is published inherits the correlation
    of the event that is handled and names it as its cause.
    """

    def __init__(self, outlet: Outlet, service: str = SERVICE) -> None:
        self._outlet = outlet
        self._service = service

    @classmethod
    def connect(
        cls,
        url: str,
        token: str | None = None,
        *,
        service: str = SERVICE,
        timeout: float = TIMEOUT_SECONDS,
        schemas: str | Path | None = None,
        queue_type: Literal["quorum", "classic"] | None = None,
    ) -> Self:
        """A publisher through a broker (`amqp://…`, several with commas between) or a running godtui (`http://…`).

        `service` signs what names no source. `timeout` is how many seconds an event may take to be confirmed. A
        godtui judges events itself and may want a `token`; for a broker they are judged here, by the folder `schemas`
        or else the packaged contracts, and `queue_type` is its GODTUI_QUEUE_TYPE. Nothing is connected before the
        publisher is entered. Raises ValueError on what makes no sense, SchemaFolderError on a folder that is no good.
        """
        if is_broker(url):
            refuse({"token": token}, "is for a running godtui; a broker's name and password go into its URL")
            from godtui.bloodbank.library.broker import outlet

            folder = None if schemas is None else Path(schemas)
            return cls(outlet(url, folder, timeout, queue_type, name=service), service)
        refuse({"schemas": schemas}, "is for a broker; a running godtui judges by its own contracts")
        refuse({"queue_type": queue_type}, "is for a broker")
        from godtui.bloodbank.http.connection import Connection
        from godtui.bloodbank.library.http_outlet import HttpOutlet

        return cls(HttpOutlet(Connection(url, token), timeout), service)

    @overload
    async def publish(self, event: EventDraft, /) -> Receipt: ...

    @overload
    async def publish(
        self,
        event: str,
        payload: Mapping[str, Any],
        /,
        *,
        event_id: UUID | str | None = None,
        timestamp: datetime | str | None = None,
        version: str | None = None,
        source: Mapping[str, Any] | None = None,
        correlation_id: UUID | str | None = None,
        causation_id: UUID | str | None = None,
        **unknown: Any,
    ) -> Receipt: ...

    @overload
    async def publish(
        self,
        event: EventModel,
        /,
        *,
        event_id: UUID | str | None = None,
        timestamp: datetime | str | None = None,
        source: Mapping[str, Any] | None = None,
        correlation_id: UUID | str | None = None,
        causation_id: UUID | str | None = None,
        **unknown: Any,
    ) -> Receipt: ...

    async def publish(
        self, event: str | EventDraft | EventModel, payload: Mapping[str, Any] | None = None, /, **fields: Any
    ) -> Receipt:
        """Publish one event and wait until it is durable: a type with its payload, a generated model, or a draft.

        What is left out is filled in; fields that the envelope does not name are kept. Raises InvalidEventError,
        TooLargeError, ConflictError; NotConfirmedError where the event may or may not arrive: published again under
        the error's `event_id` it is stored once.
        """
        if isinstance(event, EventDraft):
            return await self._outlet.publish(self._signed(event))
        if not isinstance(event, str) and payload is not None:
            raise TypeError("a model is its own payload; publish the model alone, or a type with a payload")
        given = {name: value for name, value in fields.items() if value is not None or name not in _NAMED}
        said = {"event_type": event, "payload": payload} if isinstance(event, str) else event_of(event)
        return await self._outlet.publish(self._draft({**given, **said}))

    async def publish_batch(self, events: Iterable[EventDraft | EventModel | Mapping[str, Any]]) -> BatchReport:
        """Publish any number of events in order: drafts, generated models, or objects with `event_type` and `payload`.

        An event that is refused holds up no other; what is unconfirmed is to be repeated under its id.
        """
        drafts: list[EventDraft] = []
        places: list[int] = []
        rejected: list[Rejection] = []
        for index, event in enumerate(events):
            try:
                drafts.append(self._read(event))
                places.append(index)
            except InvalidEventError as error:
                rejected.append(Rejection(index, error.faults))
        report = await self._outlet.publish_batch(drafts)
        return report.within(places, rejected)

    async def close(self) -> None:
        """Leave; what was confirmed stays so."""
        await self._outlet.close()

    def _read(self, event: EventDraft | EventModel | Mapping[str, Any]) -> EventDraft:
        """Raises InvalidEventError listing every fault."""
        if isinstance(event, EventDraft):
            return self._signed(event)
        return self._draft(event_of(event) if isinstance(event, EventModel) else event)

    def _draft(self, event: Mapping[str, Any]) -> EventDraft:
        """Raises InvalidEventError listing every fault."""
        return read_draft({"source": {"service": self._service}, **event})

    def _signed(self, draft: EventDraft) -> EventDraft:
        return draft if draft.source is not None else draft.model_copy(update={"source": {"service": self._service}})

    async def __aenter__(self) -> Self:
        await self._outlet.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
