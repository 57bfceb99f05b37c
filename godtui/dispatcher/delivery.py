"""One of Plane's deliveries as the dispatcher decides on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Self
from uuid import UUID

from godtui import jsontext
from godtui.bloodbank.bus import Message
from godtui.bloodbank.replayed import is_sent_again, replay_of
from godtui.dispatcher.plane import body_of
from godtui.envelope import EventEnvelope, read_envelope
from godtui.jsontext import Json


class Delivery(NamedTuple):
    """An event of `webhook.plane.#`: its ids, its own time (µs since 1970) and Plane's body.

    `replay_id` is the replay that sent it once more, None where it comes as it was published.
    """

    event_id: bytes
    correlation_id: bytes
    time: int
    body: Json
    replay_id: UUID | None = None

    @classmethod
    def of_message(cls, message: Message) -> Self:
        """From the bus. Raises InvalidEventError."""
        envelope = read_envelope(message.body)[0]
        again = message.headers and is_sent_again(message.headers, envelope.time)
        return cls.of_envelope(envelope)._replace(replay_id=replay_of(message.headers) if again else None)

    @classmethod
    def of_envelope(cls, envelope: EventEnvelope) -> Self:
        """From an envelope."""
        chain = envelope.correlation_id or envelope.event_id
        return cls(envelope.event_id.bytes, chain.bytes, envelope.time, body_of(envelope.payload))

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Self:
        """From a row of DELIVERIES."""
        event_id, correlation_id, time, body = row
        return cls(event_id, correlation_id or event_id, time, body_of(jsontext.parse(body)["payload"]))
