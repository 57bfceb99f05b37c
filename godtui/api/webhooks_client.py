"""Deliveries handed to another instance over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from godtui.api.components import WEBHOOKS
from godtui.envelope import Fault, InvalidEventError
from godtui.operations import Delivered, NotDurableError, NotJsonError, SignatureError, WebhookDisabledError, distant
from godtui.operations.distant import Answer, Connection


class HttpWebhooks:
    """WebhookOperations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def require_secret(self) -> None:
        """The instance tells when it is asked."""

    async def plane(self, body: bytes, *, signature: str | None, delivery: str | None) -> Delivered:
        headers = {"Content-Type": b"application/json"}
        for name, value in (("X-Plane-Signature", signature), ("X-Plane-Delivery", delivery)):
            # What no header carries is no signature, and no id that would be kept.
            if value is not None and value.isprintable() and value.isascii():
                headers[name] = value.encode()
        answer = await self._connection.request("POST", "/webhooks/plane", content=body, headers=headers)
        if answer.status != 200:
            raise _refusal(answer)
        return answer.read(_delivered)


def _delivered(told: dict[str, Any]) -> Delivered:
    return Delivered(UUID(told["event_id"]), told["event_type"])


def _refusal(answer: Answer) -> Exception:
    """Why a delivery was not taken in."""
    problem = answer.problem()
    match answer.status:
        case 400:
            return NotJsonError(problem["detail"])
        case 401:
            return SignatureError(problem["detail"])
        case 413 | 422:
            return InvalidEventError(distant.faults(problem) or [Fault("", problem["detail"])])
        case 503 if problem.get("component") == WEBHOOKS:
            return WebhookDisabledError(problem["detail"])
        case 503:
            return NotDurableError(problem["detail"])
    return distant.error(answer)
