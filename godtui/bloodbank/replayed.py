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


def is_sent_again(headers: Mapping[str, HeaderValue], time: int) -> bool:
    """Whether a replay sent the event of that time (µs since 1970) once more.

    Who answers a replayed event may have copied its headers: what is published then has a time of its own.
    """
    return replay_of(headers) is not None and headers.get(ORIGINAL_TIME) == rfc3339(time)


def replay_of_stored(event: StoredEvent) -> UUID | None:
    """The replay that sent an event as it was seen on the bus."""
    if not event.headers or _MARK not in event.headers:
        return None
    headers = read_headers(event.headers)
    return replay_of(headers) if is_sent_again(headers, event.time) else None
