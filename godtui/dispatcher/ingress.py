"""Plane's deliveries: verified by their signature, then an event that is durable here."""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from typing import Any, Final, NamedTuple, NoReturn, Protocol

from godtui import jsontext
from godtui.bloodbank.bus import Message
from godtui.bloodbank.errors import ConflictError, NotConfirmedError
from godtui.clock import Clock
from godtui.dispatcher.errors import NotDurableError, NotJsonError, SignatureError, WebhookDisabledError
from godtui.dispatcher.hashing import LARGE_BYTES, fed
from godtui.dispatcher.plane import delivery_type, delivery_uuid, payload_of, payload_text
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


class Publishes(Protocol):
    """A publisher's two halves: from any thread what would be sent, then sending it."""

    def message(self, draft: EventDraft, payload: bytes | None = None) -> Message: ...

    async def send(self, message: Message) -> None: ...


class PlaneIngress:
    """WebhookOperations: takes Plane's deliveries in.

    `secret` is the webhook's, as Plane shows it. `publisher` makes an event durable here, whatever the state of the
    bus. Raises ValueError on an empty secret, with which anybody could sign.
    """

    def __init__(self, secret: str, publisher: Publishes, clock: Clock) -> None:
        if not secret:
            raise ValueError("the webhook's secret is empty")
        self._keyed = hmac.new(secret.encode(), digestmod="sha256")
        self._publisher = publisher
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
        made = await asyncio.to_thread(self._made, body, delivery) if large else self._made(body, delivery)
        await self._keep(made)
        return made.delivered

    def _verify(self, body: bytes, signature: str | None) -> bool:
        """HMAC-SHA256 over the bytes as they came, in 64 lower-case hexadecimal digits, compared in constant time."""
        if signature is None or not _SIGNATURE.fullmatch(signature):
            return False
        return hmac.compare_digest(fed(self._keyed.copy(), body).hexdigest(), signature)

    def _made(self, body: bytes, delivery: str | None) -> _Made:
        """Raises NotJsonError, InvalidEventError."""
        read = _read(body)
        payload, told = payload_of(read.value)
        named = _name(told) or _name(delivery)
        draft = EventDraft(
            event_type=delivery_type(read.value),
            payload=payload,
            event_id=delivery_uuid(body, read.value),
            source={"service": "plane"} if named is None else {"service": "plane", "delivery_id": named},
        )
        is_whole = payload["body"] is read.value
        text = payload_text(payload, read.written) if is_whole and read.written is not None else None
        return _Made(Delivered(draft.event_id, draft.event_type), self._publisher.message(draft, text))

    async def _keep(self, made: _Made) -> None:
        """Nothing of what was read is held while the commit is awaited: many deliveries wait for the same one."""
        try:
            await self._publisher.send(made.message)
        except ConflictError:
            event_id = made.delivered.event_id
            logger.info("a delivery came again with other content as event %s; what is held stays", event_id)
        except NotConfirmedError as error:
            raise NotDurableError(f"the delivery was not stored: {error.reason}; send it again") from None


class _Made(NamedTuple):
    """What a body became."""

    delivered: Delivered
    message: Message


def _read(body: bytes) -> jsontext.Read:
    """Raises NotJsonError, InvalidEventError."""
    try:
        return jsontext.read(body, max_depth=MAX_BODY_DEPTH)
    except jsontext.NumberRangeError as error:
        raise InvalidEventError([Fault("", f"the delivery cannot be kept as it is: {error}")]) from None
    except jsontext.JsonError as error:
        raise NotJsonError(f"the delivery's body is not JSON that can be kept: {error}") from None


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
