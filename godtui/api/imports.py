"""`POST /events/import`: stored events from elsewhere, as history."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from godtui import jsontext
from godtui.api.bodies import read_body
from godtui.api.configuration import ApiConfig
from godtui.api.openapi import EXAMPLE_EVENT, json_content, problems
from godtui.api.parameters import refuse_parameters
from godtui.api.problems import ProblemError
from godtui.envelope import Fault
from godtui.operations import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, ImportReport, Operations

STORAGE_BYTES = 64 * 1024
"""What a stored event's line may have beyond the event itself."""


class Import:
    """The endpoint. Lines that cannot be stored are refused by index; the others are stored in order."""

    def __init__(self, operations: Operations, config: ApiConfig) -> None:
        self.operations = operations
        self.limit = max(MAX_BATCH_BYTES, config.max_event_bytes + STORAGE_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refuse_parameters(scope)
        body = await read_body(scope, receive, self.limit)
        lines = [line for line in body.split(b"\n") if line.strip()]
        if len(lines) > MAX_BATCH_EVENTS:
            message = f"{len(lines):,} lines; one request holds at most {MAX_BATCH_EVENTS:,}"
            raise ProblemError(422, f"the import is not valid: {message}", [Fault("", message)])
        report = await self.operations.archive.import_lines(lines)
        response = Response(_document(report), 207 if report.refused else 200, media_type="application/json")
        await response(scope, receive, send)


def _document(report: ImportReport) -> bytes:
    refused = [{"index": one.index, "errors": [fault.as_json() for fault in one.faults]} for one in report.refused]
    return jsontext.dumps({"stored": report.stored, "already": report.already, "refused": refused})


OPERATION: dict[str, Any] = {
    "operationId": "importEvents",
    "tags": ["store"],
    "summary": "Bring in stored events",
    "description": (
        "NDJSON, at most 1,000 lines and 16 MiB: stored events as `GET /events` gives them, or plain envelopes. They "
        "are history: stored in order, but handed to no queue and dispatched by nobody. `seq` and `stored_at` are "
        "this log's own; an event whose id is held already is counted and not stored again. Indexes count lines from "
        "0; blank lines are not counted."
    ),
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {
                "schema": {"type": "string"},
                "example": jsontext.dumps(EXAMPLE_EVENT).decode() + "\n",
            }
        },
    },
    "responses": {
        "200": {
            "description": "Every line is in the store.",
            "content": json_content("ImportReport", {"stored": 1, "already": 0, "refused": []}),
        },
        "207": {
            "description": "Some lines are not in the store.",
            "content": json_content(
                "ImportReport",
                {
                    "stored": 1,
                    "already": 0,
                    "refused": [{"index": 1, "errors": [{"path": "", "message": "not JSON that can be kept"}]}],
                },
            ),
        },
        **problems(413, 422, 503),
    },
}
