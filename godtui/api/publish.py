"""`POST /publish`: one event, answered once it is durable."""

from __future__ import annotations

from typing import Any

from starlette.types import Receive, Scope, Send

from godtui import jsontext
from godtui.api.bodies import read_body, send_json
from godtui.api.configuration import ApiConfig
from godtui.api.openapi import json_content, problems
from godtui.api.parameters import refuse_parameters
from godtui.clock import rfc3339
from godtui.envelope import read_draft
from godtui.jsontext import Json
from godtui.operations import Operations, Receipt

DEFAULT_SOURCE = {"service": "http"}


class Publish:
    """The endpoint; a plain ASGI application, because this is the path that every event takes."""

    def __init__(self, operations: Operations, config: ApiConfig) -> None:
        self.operations = operations
        self.limit = config.max_event_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refuse_parameters(scope)
        body = await read_body(scope, receive, self.limit)
        draft = read_draft(with_source(jsontext.parse(body)))
        receipt = await self.operations.bus.publish(draft)
        await send_json(send, 202, _document(receipt))


def with_source(value: Json) -> Json:
    """The draft as it came, with a source where it names none."""
    return {**value, "source": DEFAULT_SOURCE} if isinstance(value, dict) and "source" not in value else value


def _document(receipt: Receipt) -> bytes:
    return jsontext.dumps(
        {
            "event_id": receipt.event_id,
            "event_type": receipt.event_type,
            "version": receipt.version,
            "correlation_id": receipt.correlation_id,
            "timestamp": rfc3339(receipt.timestamp),
        }
    )


EXAMPLE_DRAFT = {"event_type": "test.event.created", "payload": {"message": "test"}}
EXAMPLE_RECEIPT = {
    "event_id": "0198c5a2-6c1e-7000-8000-000000000001",
    "event_type": "test.event.created",
    "version": "v1",
    "correlation_id": "0198c5a2-6c1e-7000-8000-000000000001",
    "timestamp": "2026-02-12T14:02:11.482000Z",
}

OPERATION: dict[str, Any] = {
    "operationId": "publish",
    "tags": ["bus"],
    "summary": "Publish one event",
    "description": (
        "Answers once the event is durable. `event_id`, `timestamp`, `version`, `source` and `correlation_id` are "
        "filled in where they are left out; fields that the envelope does not name are kept. The body as it is sent "
        "counts against the size limit. A repeat with the same id and content is answered again and stored once; "
        "after a 503 repeat with the `event_id` of the problem."
    ),
    "requestBody": {"required": True, "content": json_content("EventDraft", EXAMPLE_DRAFT)},
    "responses": {
        "202": {"description": "The event is durable.", "content": json_content("Receipt", EXAMPLE_RECEIPT)},
        **problems(400, 409, 413, 422, 503),
    },
}
