"""A message of a queue over the log as it is handed out, and as a letter when it is dead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from godtui import jsontext
from godtui.bloodbank import tables
from godtui.bloodbank.bus import HeaderValue, Message
from godtui.bloodbank.deaths import DEAD_LETTERS, MAX_REASON, event_type_of
from godtui.envelope import StoredEvent
from godtui.eventlog import Transaction

EXPIRED: Final = "expired"


@dataclass(slots=True)
class Handed:
    """A message in its queue: its row, how often it was handed out, since when it is there (µs), what it says."""

    row: int
    attempts: int
    entered_at: int
    message: Message
    put_alone: bool = False
    """It was put into this queue alone: its routing key need not be its event's type."""

    @classmethod
    def from_log(cls, event: StoredEvent, attempts: int) -> Handed:
        """An event that has no row yet."""
        return cls(0, attempts, event.stored_at, message_of(event))

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Handed:
        """A row of the statement `WAITING`."""
        identity, attempts, entered_at, message_id, routing_key, headers, body = row
        put_alone = isinstance(message_id, str)
        name = message_id if put_alone else str(UUID(bytes=message_id))
        return cls(identity, attempts, entered_at, Message(body, routing_key, name, read_headers(headers)), put_alone)

    def bury(self, transaction: Transaction, queue: str, reason: str, now: int) -> None:
        """Write the letter, with its own copy of the message."""
        message = self.message
        key = message.routing_key
        transaction.touched.add(DEAD_LETTERS)
        transaction.execute(
            tables.ADD_LETTER,
            (
                queue, reason[:MAX_REASON], message.message_id, key, self.attempts, self.entered_at, now,
                headers_text(message.headers), message.body,
                event_type_of(message.body, key) if self.put_alone else key, None,
            ),
        )  # fmt: skip


def message_of(event: StoredEvent) -> Message:
    """An event of the log as it goes over the bus."""
    return Message(event.body, event.event_type, str(UUID(bytes=event.event_id)), read_headers(event.headers))


def headers_text(headers: Mapping[str, HeaderValue]) -> bytes | None:
    """Headers as the log keeps them; None for none."""
    return jsontext.dumps(dict(headers)) if headers else None


def read_headers(text: bytes | None) -> dict[str, HeaderValue]:
    """The inverse of `headers_text`."""
    parsed: dict[str, HeaderValue] = jsontext.parse(text) if text else {}
    return parsed
