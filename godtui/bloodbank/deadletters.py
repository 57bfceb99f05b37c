"""Dead letters: messages that left their queue undelivered, as the log keeps them and as they are shown."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Self, TypeAlias

from godtui import jsontext
from godtui.bloodbank import tables
from godtui.bloodbank.bus import HeaderValue
from godtui.bloodbank.deaths import BROKER_DEATHS, REQUEUES, is_of_the_way, whole
from godtui.bloodbank.handed import read_headers
from godtui.clock import rfc3339, to_microseconds
from godtui.envelope import read_timestamp
from godtui.eventlog import EventLog
from godtui.jsontext import Json

Encoding: TypeAlias = Literal["json", "text", "base64"]

WHOLE: Final = (1 << 31) - 1
"""More bytes than any body has."""


class DeadLetter(NamedTuple):
    """A message that left its queue undelivered. Times are microseconds since 1970.

    `headers` are those it was published with, `deaths` what a broker wrote down of it, the latest first. `body` is
    the beginning only of its `body_bytes` where it is not whole.
    """

    id: int
    queue: str
    reason: str
    event_type: str | None
    message_id: str
    routing_key: str
    attempts: int
    requeues: int
    first_at: int
    last_at: int
    headers: Mapping[str, HeaderValue]
    deaths: Sequence[HeaderValue]
    body: bytes
    body_bytes: int
    is_whole: bool

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Self:
        """A row of the statement `LETTERS`."""
        identity, queue, reason, event_type, message_id, routing_key, attempts, first, last, headers, body, size = row
        found = read_headers(headers)
        deaths = found.get(BROKER_DEATHS)
        return cls(
            identity, queue, reason, event_type, message_id, routing_key, attempts, whole(found.get(REQUEUES)),
            first, last,
            {name: value for name, value in found.items() if not is_of_the_way(name)},
            deaths if isinstance(deaths, list) else (),
            body, size, len(body) == size,
        )  # fmt: skip

    def summary(self, most: int) -> DeadLetter:
        """The letter without its headers and with no more of its body than so many bytes."""
        return self._replace(
            headers={}, deaths=(), body=self.body[:most], is_whole=self.is_whole and len(self.body) <= most
        )

    def listed(self) -> dict[str, Any]:
        """The letter as a list shows it."""
        encoding, body = encoded(self.body, self.is_whole)
        return {
            "id": self.id,
            "queue": self.queue,
            "reason": self.reason,
            "event_type": self.event_type,
            "message_id": self.message_id,
            "routing_key": self.routing_key,
            "attempts": self.attempts,
            "requeues": self.requeues,
            "first_at": rfc3339(self.first_at),
            "last_at": rfc3339(self.last_at),
            "body_bytes": self.body_bytes,
            "body_encoding": encoding,
            "body": body,
        }

    def document(self) -> dict[str, Any]:
        """The letter as it is shown alone."""
        return {**self.listed(), "headers": dict(self.headers), "deaths": list(self.deaths)}

    @classmethod
    def from_document(cls, told: Mapping[str, Any]) -> Self:
        """The inverse of `document` and of `listed`; a JSON body comes back as we write JSON."""
        encoding, size = told["body_encoding"], told["body_bytes"]
        body = decoded(encoding, told["body"])
        return cls(
            told["id"], told["queue"], told["reason"], told["event_type"], told["message_id"], told["routing_key"],
            told["attempts"], told["requeues"], _microseconds(told["first_at"]), _microseconds(told["last_at"]),
            told.get("headers", {}), told.get("deaths", ()),
            body, size, encoding == "json" or len(body) == size,
        )  # fmt: skip


def encoded(body: bytes, is_whole: bool = True) -> tuple[Encoding, Json]:
    """A body in JSON: as the value it says, else as text, else in base64; a beginning is never a value."""
    if is_whole:
        try:
            return "json", jsontext.parse(body)
        except jsontext.JsonError:
            pass
    try:
        # The last character of a beginning may be cut in two.
        return "text", codecs.getincrementaldecoder("utf-8")().decode(body, is_whole)
    except UnicodeDecodeError:
        return "base64", base64.b64encode(body).decode()


def decoded(encoding: Encoding, body: Json) -> bytes:
    """The inverse of `encoded`. Raises ValueError."""
    match encoding:
        case "json":
            return jsontext.dumps(body)
        case "text":
            return str(body).encode()
        case "base64":
            return base64.b64decode(body)
    raise ValueError(f"a body in no known encoding: {encoding}")


async def dead_letters(log: EventLog, after: int = 0, limit: int = 100) -> list[DeadLetter]:
    """A page of dead letters beyond an id, whole and oldest first. Raises LogUnavailableError."""
    rows = await log.rows(tables.LETTERS_AFTER, (WHOLE, after, limit), purpose="dead letters")
    return [DeadLetter.from_row(row) for row in rows]


def _microseconds(text: str) -> int:
    return to_microseconds(read_timestamp(text)[0])
