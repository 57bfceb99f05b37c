"""`POST /publish/batch`: many events in order, an outcome for each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from godtui import jsontext
from godtui.api.bodies import header, read_body
from godtui.api.openapi import json_content, problems
from godtui.api.parameters import refuse_parameters
from godtui.api.problems import ProblemError
from godtui.api.publish import EXAMPLE_DRAFT, with_source
from godtui.envelope import EventDraft, Fault, InvalidEventError, read_draft
from godtui.jsontext import Json, JsonError
from godtui.operations import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, BatchReport, Operations, Rejection

NDJSON_TYPES = frozenset(
    {b"application/x-ndjson", b"application/ndjson", b"application/jsonl", b"application/jsonlines"}
)
_LARGE = 256 * 1024
"""A body of more bytes than this is read in a thread, so that other requests are answered meanwhile."""


class PublishBatch:
    """The endpoint. Events that are not valid are rejected by index; the others are published in order."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refuse_parameters(scope)
        body = await read_body(scope, receive, MAX_BATCH_BYTES)
        is_lines = header(scope, b"content-type").partition(b";")[0].strip().lower() in NDJSON_TYPES
        batch = await asyncio.to_thread(Batch, body, is_lines) if len(body) > _LARGE else Batch(body, is_lines)
        report = batch.merged(await self.operations.bus.publish_batch(batch.drafts))
        complete = not report.rejected and not report.unconfirmed
        response = Response(_document(report), 200 if complete else 207, media_type="application/json")
        await response(scope, receive, send)


class Batch:
    """The drafts of a body and where each stood in it.

    A body that begins with `[` is an array, unless its content type says NDJSON; any other is NDJSON. Blank lines are
    no events and are not counted. Raises JsonError where the array, or every line, is not JSON; ProblemError (422)
    where there are more than 1,000 events.
    """

    def __init__(self, body: bytes, is_lines: bool) -> None:
        self.drafts: list[EventDraft] = []
        self.places: list[int] = []
        self.rejected: list[Rejection] = []
        entries = _lines(body) if is_lines or not body.lstrip(b" \t\r\n").startswith(b"[") else jsontext.parse(body)
        _bounded(len(entries))
        for index, entry in enumerate(entries):
            self._add(index, entry)

    def _add(self, index: int, entry: Json | JsonError) -> None:
        if isinstance(entry, JsonError):
            self.rejected.append(Rejection(index, [Fault("", f"not JSON that can be kept: {entry}")]))
            return
        try:
            self.drafts.append(read_draft(with_source(entry)))
            self.places.append(index)
        except InvalidEventError as error:
            self.rejected.append(Rejection(index, error.faults))

    def merged(self, report: BatchReport) -> BatchReport:
        """The report on the drafts, told by their places in the body, with what never became a draft."""
        return report.within(self.places, self.rejected)


def _lines(body: bytes) -> list[Json | JsonError]:
    """One value a line, or why the line is none."""
    lines = [line for line in body.split(b"\n") if line.strip()]
    _bounded(len(lines))
    entries = [_line(line) for line in lines]
    if all(isinstance(entry, JsonError) for entry in entries):
        raise entries[0] if entries else JsonError("it is empty; send an array or one event a line")
    return entries


def _line(line: bytes) -> Json | JsonError:
    try:
        return jsontext.parse(line)
    except JsonError as error:
        return error


def _bounded(count: int) -> None:
    if count > MAX_BATCH_EVENTS:
        message = f"{count:,} events; a batch holds at most {MAX_BATCH_EVENTS:,}"
        raise ProblemError(422, f"the batch is not valid: {message}", [Fault("", message)])


def _document(report: BatchReport) -> bytes:
    return jsontext.dumps(
        {
            "accepted": report.accepted,
            "rejected": [{"index": one.index, "errors": _errors(one.faults)} for one in report.rejected],
            "unconfirmed": [{"index": one.index, "event_id": str(one.event_id)} for one in report.unconfirmed],
        }
    )


def _errors(faults: Sequence[Fault]) -> list[dict[str, str]]:
    return [fault.as_json() for fault in faults]


OPERATION: dict[str, Any] = {
    "operationId": "publishBatch",
    "tags": ["bus"],
    "summary": "Publish many events",
    "description": (
        "A JSON array or NDJSON, at most 1,000 events and 16 MiB, published in order; valid events are published "
        "although others are not. Indexes count events from 0; blank lines are not counted. A line of NDJSON that is "
        "not JSON is rejected by its index; 400 where the array, or every line, is not JSON. An empty array is 200. "
        "Repeat what is unconfirmed under its `event_id`."
    ),
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "array",
                    "maxItems": MAX_BATCH_EVENTS,
                    "items": {"$ref": "#/components/schemas/EventDraft"},
                },
                "example": [EXAMPLE_DRAFT, EXAMPLE_DRAFT],
            },
            "application/x-ndjson": {
                "schema": {"type": "string"},
                "example": '{"event_type":"test.event.created","payload":{"message":"test"}}\n',
            },
        },
    },
    "responses": {
        "200": {
            "description": "Every event is durable.",
            "content": json_content("BatchReport", {"accepted": 2, "rejected": [], "unconfirmed": []}),
        },
        "207": {
            "description": "Some events are durable.",
            "content": json_content(
                "BatchReport",
                {
                    "accepted": 1,
                    "rejected": [{"index": 1, "errors": [{"path": "/payload/message", "message": "is missing"}]}],
                    "unconfirmed": [],
                },
            ),
        },
        **problems(400, 413, 422, 503),
    },
}
