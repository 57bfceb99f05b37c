"""Messages as they go over AMQP: properties, headers, and what a broker adds to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from aiormq.abc import DeliveredMessage
from pamqp import common, encode
from pamqp.commands import Basic

from godtui.bloodbank.bus import HeaderValue, Message
from godtui.bloodbank.deaths import ATTEMPTS, ROUTING_KEY
from godtui.bloodbank.rabbitmq.lenient import check_name
from godtui.clock import rfc3339, to_datetime, to_microseconds
from godtui.envelope import read_envelope, violations_text
from godtui.eventlog import Record

DELIVERY_COUNT: Final = "x-delivery-count"
_DEATH: Final = ("x-death", "x-first-death-", "x-last-death-")
_MAX_SHORT: Final = 255
MAX_HEADER_BYTES: Final = 120_000
"""They have to fit into one frame, which RabbitMQ makes 131,072 bytes unless it is told otherwise."""
_MAX_COUNT: Final = 2**31
_MAX_DEPTH: Final = 100


def properties_of(message: Message, more: Mapping[str, HeaderValue] | None = None) -> Basic.Properties:
    """The AMQP properties of an event; `more` headers come beside its own.

    Raises InvalidEventError where the body is no event, ValueError on headers that AMQP cannot carry.
    """
    record = message.record or _read(message.body)
    headers: dict[str, HeaderValue] | None = None
    if message.headers or more:
        headers = {**message.headers, **(more or {})}
        check_headers(headers)
    correlation = record.correlation_id
    return Basic.Properties(
        content_type="application/json",
        headers=headers,
        delivery_mode=2,
        correlation_id=None if correlation is None else str(UUID(bytes=correlation)),
        message_id=message.message_id,
        # AMQP counts from 1970.
        timestamp=to_datetime(record.time) if record.time >= 0 else None,
        message_type=record.event_type if len(record.event_type) <= _MAX_SHORT else None,
        app_id=_short(record.source),
    )


def carried(message: Message, headers: Mapping[str, HeaderValue]) -> Basic.Properties:
    """The properties of a message, event or not, that is put elsewhere with these headers; it lives on for ever."""
    return Basic.Properties(
        content_type="application/json",
        headers=dict(headers) or None,
        delivery_mode=2,
        message_id=_short(message.message_id) or None,
    )


def carriable(headers: Mapping[str, HeaderValue]) -> dict[str, HeaderValue]:
    """A stranger's headers to be carried on beside some of ours: none where they are too large or too deep for that."""
    carried_on = dict(headers)
    try:
        fits = len(encode.field_table(carried_on)) <= MAX_HEADER_BYTES
    except (TypeError, ValueError, OverflowError, RecursionError):
        fits = False
    return carried_on if fits else {}


def route(message: Message, delivered: DeliveredMessage) -> str:
    """The routing key under which a message is put elsewhere; one that a stranger made too long is the broker's own."""
    key = message.routing_key
    return key if len(key.encode(errors="replace")) <= _MAX_SHORT else delivered.routing_key or ""


def check_headers(headers: Mapping[str, HeaderValue]) -> None:
    """Raises ValueError where AMQP cannot carry them."""
    try:
        for name in headers:
            check_name(name)
        size = len(encode.field_table(dict(headers)))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"its headers cannot be carried over AMQP: {error}") from None
    if size > MAX_HEADER_BYTES:
        # The broker would end the connection.
        raise ValueError(f"its headers cannot be carried over AMQP: at most {MAX_HEADER_BYTES:,} bytes, not {size:,}")


def message_of(delivered: DeliveredMessage) -> Message:
    """A message as it was published, whatever way it took into its queue."""
    properties = delivered.header.properties
    headers = {key: plain(value) for key, value in (properties.headers or {}).items()}
    headers.pop(DELIVERY_COUNT, None)
    if headers.pop(ATTEMPTS, None) is not None:
        # It waited in a queue of its own for another try, which left the broker's marks.
        headers = {key: value for key, value in headers.items() if not key.startswith(_DEATH)}
    routing_key = headers.pop(ROUTING_KEY, None)
    if not isinstance(routing_key, str):
        routing_key = delivered.routing_key or ""
    return Message(delivered.body, routing_key, properties.message_id or "", headers)


def letter_of(delivered: DeliveredMessage) -> Message:
    """A message as it lies among the dead, with all that its headers tell of its deaths."""
    properties = delivered.header.properties
    headers = {key: plain(value) for key, value in (properties.headers or {}).items() if key != DELIVERY_COUNT}
    return Message(delivered.body, delivered.routing_key or "", properties.message_id or "", headers)


def attempts_of(delivered: DeliveredMessage, *, is_dead: bool = False) -> int:
    """How often it was handed out, this time included; what `is_dead` says of attempts was before it died."""
    headers = delivered.header.properties.headers or {}
    before = 0 if is_dead else _whole(headers.get(ATTEMPTS))
    count = headers.get(DELIVERY_COUNT)
    if count is None:
        # Classic queues only say that there was an earlier time.
        return before + 1 + bool(delivered.redelivered)
    return before + _whole(count) + 1


def plain(value: Any, depth: int = _MAX_DEPTH) -> HeaderValue:
    """A value of a header table as JSON has it: moments as RFC 3339, bytes as text, decimals as text.

    What lies deeper than a hundred levels is left out.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case bytes() | bytearray():
            return bytes(value).decode("utf-8", "backslashreplace")
        case datetime():
            return rfc3339(to_microseconds(value))
        case Decimal():
            return str(value)
        case Mapping():
            return {str(key): plain(each, depth - 1) for key, each in value.items()} if depth else {}
        case list() | tuple():
            return [plain(each, depth - 1) for each in value] if depth else []
    return str(value)


def _read(body: bytes) -> Record:
    envelope, faults = read_envelope(body)
    return Record.of(envelope, body, violations=violations_text(faults))


def _short(text: str) -> str | None:
    """A text cut so that AMQP can carry it as a short string; None for an empty one."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        encoded = text.encode(errors="replace")
    if len(encoded) <= _MAX_SHORT:
        return encoded.decode() or None
    return encoded[:_MAX_SHORT].decode(errors="ignore")


def _whole(value: common.FieldValue) -> int:
    return value if isinstance(value, int) and 0 <= value <= _MAX_COUNT else 0
