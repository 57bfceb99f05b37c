"""Operations in memory: small, but true to the protocols, for tests of what stands on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from godtui.clock import Clock, to_datetime, to_microseconds
from godtui.envelope import EventDraft, EventEnvelope, Fault, InvalidEventError, StoredEvent, same_content
from godtui.filters import Filter
from godtui.operations import (
    BadCursorError,
    BatchReport,
    ComponentHealth,
    ConflictError,
    Events,
    Frame,
    Health,
    Order,
    Page,
    Position,
    PublishError,
    Receipt,
    Rejection,
    TooLargeError,
    Welcome,
)

CONTRACT: dict[str, Any] = {
    "event_type": "test.event.created",
    "version": "v1",
    "versions": ["v1"],
    "title": "Test event",
    "description": "Something to try with.",
    "schema": {
        "type": "object",
        "properties": {"message": {"type": "string"}},
        "required": ["message"],
        "additionalProperties": False,
    },
    "examples": [{"message": "test"}],
}


class FakeEngine:
    """All the protocols at once over one list."""

    def __init__(self, clock: Clock, max_event_bytes: int = 1_048_576) -> None:
        self.bus = self.store = self.schemas = self.monitor = self
        self.clock = clock
        self.max_event_bytes = max_event_bytes
        self.log: list[StoredEvent] = []
        self.grown = asyncio.Condition()

    async def publish(self, draft: EventDraft) -> Receipt:
        _judge(draft)
        source = draft.source or {"service": "fake"}
        if draft.causation_id is not None:
            source = {**source, "causation_id": str(draft.causation_id)}
        time = self.clock.now() if draft.timestamp is None else to_microseconds(draft.timestamp)
        envelope = EventEnvelope(
            event_id=draft.event_id,
            event_type=draft.event_type,
            timestamp=draft.timestamp or to_datetime(time),
            version=draft.version or "v1",
            source=source,
            correlation_id=draft.correlation_id or draft.event_id,
            payload=draft.payload,
            **(draft.model_extra or {}),
        )
        await self._append(envelope)
        assert envelope.correlation_id is not None
        return Receipt(envelope.event_id, envelope.event_type, envelope.version, envelope.correlation_id, envelope.time)

    async def _append(self, envelope: EventEnvelope) -> None:
        body = envelope.to_json()
        if len(body) > self.max_event_bytes:
            raise TooLargeError(envelope.event_id, len(body), self.max_event_bytes)
        held = await self.event(envelope.event_id)
        if held is not None and not same_content(held.envelope(), envelope):
            raise ConflictError(envelope.event_id)
        if held is not None:
            return
        assert envelope.correlation_id is not None
        self.log.append(
            StoredEvent(
                seq=len(self.log) + 1,
                stored_at=self.clock.now(),
                event_id=envelope.event_id.bytes,
                event_type=envelope.event_type,
                source=envelope.source_name,
                correlation_id=envelope.correlation_id.bytes,
                time=envelope.time,
                violations=None,
                headers=None,
                body=body,
            )
        )
        async with self.grown:
            self.grown.notify_all()

    async def publish_batch(self, drafts: Sequence[EventDraft]) -> BatchReport:
        report = BatchReport()
        for index, draft in enumerate(drafts):
            try:
                await self.publish(draft)
                report.accepted += 1
            except InvalidEventError as error:
                report.rejected.append(Rejection(index, error.faults))
            except PublishError as error:
                report.rejected.append(Rejection(index, [Fault("", str(error), "conflict")]))
        return report

    async def query(
        self, wanted: Filter, *, limit: int = 100, cursor: str | None = None, order: Order = "desc"
    ) -> Page:
        matches = wanted.predicate()
        step = -1 if order == "desc" else 1
        mark = f"{wanted}|{order}|"
        if cursor is not None and not (cursor.startswith(mark) and cursor.removeprefix(mark).isdigit()):
            raise BadCursorError
        last = None if cursor is None else int(cursor.removeprefix(mark))
        found = [event for event in self.log[::step] if matches(event)]
        rest = [event for event in found if last is None or (event.seq - last) * step > 0]
        page = rest[:limit]
        return Page(page, f"{mark}{page[-1].seq}" if len(rest) > limit else None)

    async def event(self, event_id: UUID) -> StoredEvent | None:
        return next((event for event in self.log if event.event_id == event_id.bytes), None)

    async def stream(
        self, wanted: Filter, *, after: int | None = None, positions: bool = False
    ) -> AsyncGenerator[Frame]:
        matches = wanted.predicate()
        seen = len(self.log) if after is None else after
        yield Welcome(len(self.log))
        while True:
            fresh, seen = self.log[seen:], max(seen, len(self.log))
            if found := [event for event in fresh if matches(event)]:
                yield Events(found)
            if positions and fresh:
                yield Position(seen)
            async with self.grown:
                if len(self.log) <= seen:
                    await self.grown.wait()

    async def contracts(self) -> list[dict[str, Any]]:
        return [{key: CONTRACT[key] for key in ("event_type", "versions", "title", "description")}]

    async def contract(self, event_type: str, version: str | None = None) -> dict[str, Any] | None:
        known = event_type == CONTRACT["event_type"] and version in (None, "v1")
        return CONTRACT if known else None

    async def health(self) -> Health:
        store = ComponentHealth("ok", f"{len(self.log)} events", {"events": len(self.log)})
        return Health("ok", "0", "fake", {"bus": ComponentHealth("ok", "in memory"), "store": store})


def _judge(draft: EventDraft) -> None:
    """The one contract there is."""
    known = str(CONTRACT["event_type"])
    if draft.event_type != known:
        near = get_close_matches(draft.event_type, [known], cutoff=0.0)[0]
        raise InvalidEventError([Fault("/event_type", f"{draft.event_type} is not registered; did you mean {near}?")])
    faults = [
        Fault("", f"{name!r} is not allowed", "additionalProperties") for name in draft.payload if name != "message"
    ]
    if "message" not in draft.payload:
        faults.append(Fault("/payload", "'message' is a required property", "required"))
    elif not isinstance(draft.payload["message"], str):
        faults.append(Fault("/payload/message", "is not of type 'string'", "type"))
    if draft.version not in (None, "v1"):
        faults.append(Fault("/version", f"{draft.version} is not registered"))
    if faults:
        raise InvalidEventError(faults)
