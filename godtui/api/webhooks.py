"""`POST /webhooks/plane`: one of Plane's deliveries, answered once it is durable here."""

from __future__ import annotations

from typing import Any

from starlette.types import Receive, Scope, Send

from godtui import jsontext
from godtui.api.bodies import read_body, send_json
from godtui.api.openapi import json_content, problems
from godtui.api.parameters import refuse_parameters
from godtui.operations import MAX_DELIVERY_BYTES, Operations


class PlaneWebhook:
    """The endpoint; a plain ASGI application, because Plane sends several deliveries for every edit."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        webhooks = self.operations.webhooks
        webhooks.require_secret()
        refuse_parameters(scope)
        body = await read_body(scope, receive, MAX_DELIVERY_BYTES)
        delivered = await webhooks.plane(
            body, signature=_only(scope, b"x-plane-signature"), delivery=_only(scope, b"x-plane-delivery")
        )
        document = {"event_id": delivered.event_id, "event_type": delivered.event_type}
        await send_json(send, 200, jsontext.dumps(document))


def _only(scope: Scope, name: bytes) -> str | None:
    """The value of a header that was sent once; of one that was repeated, nobody can say which was meant."""
    values: list[bytes] = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


EXAMPLE_DELIVERY = {
    "event": "issue",
    "action": "updated",
    "data": {
        "id": "ac871e81-b1c6-5a18-b35a-154aa1f9cb9a",
        "name": "Hook up infra routing",
        "state": {"name": "Todo", "group": "unstarted"},
        "labels": [{"name": "ready"}, {"name": "automation:go"}],
    },
}
EXAMPLE_DELIVERED = {
    "event_id": "f3b2f3a8-0d6c-5d0e-9a54-5d2b7f0f6a11",
    "event_type": "webhook.plane.issue.updated",
}

OPERATION: dict[str, Any] = {
    "operationId": "plane_webhook",
    "tags": ["webhooks"],
    "summary": "Take in a delivery of Plane's",
    "description": (
        "Answers once the delivery is durable here, whatever the state of the bus. The signature is over the body's "
        "bytes: send them as they were signed. Any JSON value is stored; the same delivery again is answered with the "
        "same `event_id` and stored once. Needs no token, but PLANE_WEBHOOK_SECRET on this instance: 503 without it."
    ),
    "security": [],
    "parameters": [
        {
            "name": "X-Plane-Signature",
            "in": "header",
            "required": True,
            "description": "HMAC-SHA256 of the body with the webhook's secret, in lower-case hexadecimal digits.",
            "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        },
        {
            "name": "X-Plane-Delivery",
            "in": "header",
            "required": False,
            "description": "Of this try; kept as `source.delivery_id`.",
            "schema": {"type": "string"},
        },
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {}, "example": EXAMPLE_DELIVERY}}},
    "responses": {
        "200": {"description": "The delivery is durable.", "content": json_content("Delivered", EXAMPLE_DELIVERED)},
        **problems(400, 401, 413, 422, 503),
    },
}
