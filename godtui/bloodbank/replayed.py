"""What a message says of itself that is sent once more: by which replay, where to, and when its event was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from godtui import jsontext
from godtui.bloodbank.bus import HeaderValue
from godtui.bloodbank.handed import read_headers
from godtui.clock import rfc3339
from godtui.envelope import StoredEvent

REPLAY: Final = "x-godtui-replay"
"""The replay's id."""
TARGET: Final = "x-godtui-replay-target"
"""`bus`, or `queue:NAME`."""
ORIGINAL_TIME: Final = "x-godtui-original-time"
"""The event's own time, RFC 3339 in UTC with microseconds: AMQP's own property counts whole seconds from 1970."""

_MARK: Final = REPLAY.encode()


class Marks(NamedTuple):
    """What a replay writes on everything it sends."""

    replay_id: UUID
    target: str

    def headers(self, event: StoredEvent) -> dict[str, HeaderValue]:
        """The headers of one event: those it was stored with, and the marks."""
        marks = {REPLAY: str(self.replay_id), TARGET: self.target, ORIGINAL_TIME: rfc3339(event.time)}
        return {**read_headers(event.headers), **marks} if event.headers else marks

    def text(self, event: StoredEvent) -> bytes:
        """The same as the log keeps headers."""
        return jsontext.dumps(self.headers(event))


def replay_of(headers: Mapping[str, HeaderValue]) -> UUID | None:
    """The replay that sent a message; None where it is no replay's, or nobody's id."""
    named = headers.get(REPLAY)
    if not isinstance(named, str):
        return None
    try:
        return UUID(named)
    except ValueError:
        return None


def replay_of_stored(headers: bytes | None) -> UUID | None:
    """The same of headers as the log keeps them."""
    return replay_of(read_headers(headers)) if headers and _MARK in headers else None
