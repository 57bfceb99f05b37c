"""Plane's deliveries: verified by their signature, then an event that is durable here."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from typing import Any, Final, NamedTuple, NoReturn
from uuid import UUID

from godtui import jsontext
from godtui.bloodbank.errors import ConflictError, NotConfirmedError
from godtui.bloodbank.receipt import Publish
from godtui.clock import Clock
from godtui.dispatcher.errors import NotDurableError, NotJsonError, SignatureError, WebhookDisabledError
from godtui.dispatcher.hashing import LARGE_BYTES, fed
from godtui.dispatcher.plane import delivery_type, delivery_uuid, payload_of
from godtui.dispatcher.views import Delivered
from godtui.envelope import EventDraft, Fault, InvalidEventError

MAX_DELIVERY_BYTES: Final = 16 * 1024 * 1024
MAX_EVENT_BYTES: Final = 5 * MAX_DELIVERY_BYTES
"""What the event of the largest body may take: numbers are written out, 9e15 as 9000000000000000.0."""
MAX_BODY_DEPTH: Final = jsontext.MAX_DEPTH - 2
"""The body stands within the payload, and that within the envelope."""
MAX_ID_CHARACTERS: Final = 255
DURABLE_SECONDS: Final = 25.0
"""Plane gives up after 30 seconds, and then sends it again; what is refused before, it never sends again."""
TOLD_SECONDS: Final = 60.0
"""How far apart the log's lines about refused signatures are at least."""

_SIGNATURE: Final = re.compile("[0-9a-f]{64}")

logger = logging.getLogger(__name__)


class ClosedIngress:
    """WebhookOperations where no secret is set, so that no delivery can be verified."""

    def require_secret(self) -> NoReturn:
        """Raises WebhookDisabledError."""
        raise WebhookDisabledError(
            "webhooks cannot be verified: set PLANE_WEBHOOK_SECRET to the webhook's secret in Plane, then restart"
        )

    async def plane(self, body: bytes, *, signature: str | None, delivery: str | None) -> Delivered:
        """Raises WebhookDisabledError."""
        self.require_secret()


class PlaneIngress:
    """WebhookOperations: takes Plane's deliveries in.

    `secret` is the webhook's, as Plane shows it. `publish` makes an event durable here, whatever the state of the bus.
    Raises ValueError on an empty secret, with which anybody could sign.
    """

    def __init__(self, secret: str, publish: Publish, clock: Clock) -> None:
        if not secret:
            raise ValueError("the webhook's secret is empty")
        self._keyed = hmac.new(secret.encode(), digestmod="sha256")
        self._publish = publish
        self._refusals = _Refusals(clock)

    def require_secret(self) -> None:
        """There is one."""

    async def plane(self, body: bytes, *, signature: str | None, delivery: str | None) -> Delivered:
        """Raises SignatureError, NotJsonError, InvalidEventError, NotDurableError."""
        # What is large is looked at in a thread, so that other requests are answered meanwhile.
        large = len(body) > LARGE_BYTES
        if not (await asyncio.to_thread(self._verify, body, signature) if large else self._verify(body, signature)):
            self._refusals.note()
            raise SignatureError(
                "the signature (X-Plane-Signature) is missing, or is not that of this body and our secret; "
                "compare PLANE_WEBHOOK_SECRET with the webhook's secret in Plane"
            )
        read = await asyncio.to_thread(_read, body) if large else _read(body)
        return await self._keep(read, delivery)

    def _verify(self, body: bytes, signature: str | None) -> bool:
        """HMAC-SHA256 over the bytes as they came, in 64 lower-case hexadecimal digits, compared in constant time."""
        if signature is None or not _SIGNATURE.fullmatch(signature):
            return False
        return hmac.compare_digest(fed(self._keyed.copy(), body).hexdigest(), signature)

    async def _keep(self, read: _Read, delivery: str | None) -> Delivered:
        named = _name(read.delivery) or _name(delivery)
        draft = EventDraft(
            event_type=read.event_type,
            payload=read.payload,
            event_id=read.event_id,
            source={"service": "plane"} if named is None else {"service": "plane", "delivery_id": named},
        )
        try:
            await self._publish(draft)
        except ConflictError:
            logger.info("a delivery came again with other content as event %s; what is held stays", read.event_id)
        except NotConfirmedError as error:
            raise NotDurableError(f"the delivery was not stored: {error.reason}; send it again") from None
        return Delivered(read.event_id, read.event_type)


class _Read(NamedTuple):
    """What a body becomes; `delivery` is the id of its own that v2 has in the body."""

    event_id: UUID
    event_type: str
    payload: dict[str, Any]
    delivery: Any


def _read(body: bytes) -> _Read:
    """Raises NotJsonError, InvalidEventError."""
    try:
        told = jsontext.parse(body, max_depth=MAX_BODY_DEPTH)
    except jsontext.NumberRangeError as error:
        raise InvalidEventError([Fault("", f"the delivery cannot be kept as it is: {error}")]) from None
    except jsontext.JsonError as error:
        raise NotJsonError(f"the delivery's body is not JSON that can be kept: {error}") from None
    payload, delivery = payload_of(told)
    return _Read(delivery_uuid(body, told), delivery_type(told), payload, delivery)


def _name(delivery: Any) -> str | None:
    """A delivery's id as it is kept; None where it is none that anybody could read."""
    if isinstance(delivery, str) and 0 < len(delivery) <= MAX_ID_CHARACTERS and delivery.isprintable():
        return delivery
    return None


class _Refusals:
    """Says that deliveries are refused, at once and then at most so often: anybody can send them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._untold = 0
        self._silent_until = float("-inf")

    def note(self) -> None:
        """One more was refused."""
        self._untold += 1
        now = self._clock.monotonic()
        if now < self._silent_until:
            return
        logger.warning(
            "webhook deliveries without a valid signature, since this was last said: %d; "
            "compare PLANE_WEBHOOK_SECRET with the webhook's secret in Plane",
            self._untold,
        )
        self._untold = 0
        self._silent_until = now + TOLD_SECONDS
