"""How a message died: what its headers say of that, ours or those that RabbitMQ adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from godtui.bloodbank.bus import HeaderValue, Message
from godtui.clock import to_microseconds
from godtui.envelope import InvalidEventError, event_type_fault, read_envelope, read_timestamp

DEAD_LETTERS: Final = "bloodbank.dead-letters"
"""The queue in which a broker gathers them; also what those wait for by name who follow them in the log."""

REASON: Final = "x-godtui-reason"
QUEUE: Final = "x-godtui-queue"
ATTEMPTS: Final = "x-godtui-attempts"
FIRST_AT: Final = "x-godtui-first-at"
LAST_AT: Final = "x-godtui-last-at"
LETTER: Final = "x-godtui-letter"
"""What a dead letter of ours says on its way: why, where, how often handed out, when (µs since 1970), its own id."""
REQUEUES: Final = "x-godtui-requeues"
"""How often a message was put back into its queue after it had died."""
ROUTING_KEY: Final = "x-original-routing-key"
"""The routing key of a message that came into its queue by the queue's name."""
BROKER_DEATHS: Final = "x-death"
"""Every death so far, the latest first, as RabbitMQ counts them by queue and reason."""
UNKNOWN: Final = "unknown"

MAX_REASON: Final = 1000
"""Characters of a reason that are kept."""
MAX_WHOLE: Final = 2**53
LATEST: Final = 253_402_300_799_999_999
"""The end of the year 9999 in microseconds since 1970."""

_OURS: Final = frozenset({REASON, QUEUE, ATTEMPTS, FIRST_AT, LAST_AT, LETTER, REQUEUES, ROUTING_KEY})
_BROKERS: Final = (BROKER_DEATHS, "x-first-death-", "x-last-death-")
_MAX_DEPTH: Final = 100


class Death(NamedTuple):
    """Where, why, and how often handed out; first and last time in microseconds since 1970."""

    queue: str
    reason: str
    routing_key: str
    attempts: int
    first_at: int
    last_at: int


def death_of(message: Message, now: int) -> Death:
    """What is known of the death of a message that arrived among the dead; what nothing tells happened now."""
    headers = message.headers
    queue, reason = _text(headers.get(QUEUE)), _text(headers.get(REASON))
    deaths = [each for each in _list(headers.get(BROKER_DEATHS)) if isinstance(each, Mapping)]
    attempts = whole(headers.get(ATTEMPTS))
    if not queue and deaths:
        return _by_broker(deaths, message, attempts, now)
    return Death(
        queue or _text(headers.get("x-first-death-queue")) or "",
        reason or _text(headers.get("x-first-death-reason")) or UNKNOWN,
        _text(headers.get(ROUTING_KEY)) or message.routing_key,
        attempts,
        _moment(headers.get(FIRST_AT)) or now,
        _moment(headers.get(LAST_AT)) or now,
    )


def _by_broker(deaths: Sequence[Mapping[str, HeaderValue]], message: Message, attempts: int, now: int) -> Death:
    """The latest death that RabbitMQ wrote down; it counts deaths where nobody counted attempts."""
    latest = deaths[0]
    times = [time for each in deaths if (time := _broker_time(each.get("time"))) is not None] or [now]
    return Death(
        _text(latest.get("queue")) or "",
        _text(latest.get("reason")) or UNKNOWN,
        _text(message.headers.get(ROUTING_KEY)) or _key_before(latest, message.routing_key),
        attempts or whole(latest.get("count")),
        min(times),
        max(times),
    )


def _key_before(death: Mapping[str, HeaderValue], routing_key: str) -> str:
    """The key before a queue's own dead-letter key took its place; by the default exchange it was only a queue's."""
    keys = _list(death.get("routing-keys"))
    return (_text(keys[0]) if keys and death.get("exchange") else None) or routing_key


def event_type_of(body: bytes, routing_key: str) -> str | None:
    """The type of the event in a body; where that is none, of the routing key if it looks like one."""
    try:
        return read_envelope(body)[0].event_type
    except InvalidEventError:
        return None if event_type_fault(routing_key) else routing_key


def is_of_the_way(name: str) -> bool:
    """Whether a header tells of the message's deaths rather than being the publisher's."""
    return name in _OURS or name.startswith(_BROKERS)


def kept(value: Any, depth: int = _MAX_DEPTH) -> HeaderValue:
    """A header's value as JSON can keep it, whoever sent it."""
    match value:
        case None | bool():
            return value
        case int() if abs(value) <= MAX_WHOLE**4:
            return value
        case float() if value - value == 0:
            return value
        case str():
            return said(value)
        case Mapping() if depth:
            return {said(str(key)): kept(each, depth - 1) for key, each in value.items()}
        case list() | tuple() if depth:
            return [kept(each, depth - 1) for each in value]
    return said(str(value)[:MAX_REASON])


def said(text: str) -> str:
    """A text that UTF-8 can carry."""
    return text.encode(errors="backslashreplace").decode()


def whole(value: object) -> int:
    """A count from outside; 0 for what is none."""
    return value if type(value) is int and 0 <= value <= MAX_WHOLE else 0


def _list(value: HeaderValue) -> list[HeaderValue]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return said(value) if isinstance(value, str) else None


def _moment(value: object) -> int | None:
    return value if type(value) is int and 0 < value <= LATEST else None


def _broker_time(value: object) -> int | None:
    """A time of the broker's, which counts whole seconds, in microseconds since 1970."""
    if type(value) is int:
        return _moment(value * 1_000_000)
    if not isinstance(value, str):
        return None
    try:
        return to_microseconds(read_timestamp(value)[0])
    except ValueError:
        return None
