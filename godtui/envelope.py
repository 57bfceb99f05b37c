"""The event envelope: its fields and their grammar, what makes two events the same, and who caused whom."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any, NamedTuple
from uuid import UUID, SafeUUID

import orjson
import uuid_utils
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from godtui import jsontext
from godtui.clock import rfc3339, to_microseconds
from godtui.jsontext import Json

MAX_TYPE_BYTES = 255
_SET_INT = UUID.__dict__["int"].__set__
_SET_SAFETY = UUID.__dict__["is_safe"].__set__
RESERVED = ("seq", "stored_at", "violations", "extra")
"""Names that a stored event adds to its envelope; a foreign field of such a name is shown under `extra`."""

_STORED_ONLY = {"seq", "stored_at", "violations"}
_EVENT_TYPE = re.compile(r"[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)+")
_VERSION = re.compile(r"v[1-9][0-9]*")
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))?", re.ASCII
)
_OWN_HEAD = re.compile(
    rb'\{"event_id":"[0-9a-f-]{36}","event_type":"[^"\\]*","timestamp":"[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z",'
    rb'"version":"[^"\\]*","source":\{'
)
_OWN_MIDDLE = re.compile(rb'"correlation_id":(?:null|"[0-9a-f-]{36}"),"payload":\{')
_OWN_FIELDS = ("event_id", "event_type", "timestamp", "version", "source", "correlation_id", "payload")
_OWN_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OWN_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_NEEDS_READING = (b"\\u", *(f'"{name}"'.encode() for name in RESERVED))
"""An escape that may spell a reserved name, or such a name itself, somewhere within."""


class Fault(NamedTuple):
    """One thing wrong with a document: JSON pointer, sentence, and the schema keyword that refused it."""

    path: str
    message: str
    keyword: str | None = None

    def as_json(self) -> dict[str, str]:
        """The object that problems and violations carry."""
        plain = {"path": self.path, "message": self.message}
        return plain if self.keyword is None else {**plain, "keyword": self.keyword}


def violations_text(faults: Sequence[Fault]) -> bytes | None:
    """Faults as the log keeps them; None for none."""
    return jsontext.dumps([fault.as_json() for fault in faults]) if faults else None


class EventError(Exception):
    """The root of what publishing and consuming raise."""


class InvalidEventError(EventError, ValueError):
    """The event cannot be accepted; every fault found is listed."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path or '/'}: {fault.message}" for fault in faults))
        self.faults = faults


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): ids made later sort later, which keeps the log's index fast."""
    # As uuid_utils.compat does, in half the time: one is made for every event.
    made = object.__new__(UUID)
    _SET_INT(made, int.from_bytes(uuid_utils.uuid7().bytes, "big"))
    _SET_SAFETY(made, SafeUUID.unknown)
    return made


def id_text(event_id: UUID) -> str:
    """What `str` says of a UUID, somewhat sooner."""
    digits = event_id.bytes.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def event_type_fault(name: str) -> str | None:
    """Why a name is not an event type, or None where it is one."""
    if len(name.encode("utf-8", "surrogatepass")) > MAX_TYPE_BYTES:
        return f"an event type has at most {MAX_TYPE_BYTES} bytes"
    if not _EVENT_TYPE.fullmatch(name):
        return "an event type is at least two lower-case words joined by dots, such as agent.task.completed"
    return None


def version_fault(version: str) -> str | None:
    """Why a text is not a schema version, or None where it is one."""
    return None if _VERSION.fullmatch(version) else f"{version[:40]!r} is not a version such as v1"


def read_timestamp(text: str) -> tuple[datetime, bool]:
    """An RFC 3339 timestamp in UTC, and whether it named its zone (a naive one is read as UTC).

    Digits beyond the microsecond are cut; a leap second counts as the second after it. Raises ValueError on anything
    else and outside the years 1 to 9999 in UTC.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 timestamp such as 2026-02-12T14:02:11.482Z")
    year, month, day, hour, minute, second = (int(part) for part in match.group(1, 2, 3, 4, 5, 6))
    fraction, zulu, sign, zone_hour, zone_minute = match.group(7, 8, 9, 10, 11)
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    leap = second == 60
    try:
        zone = UTC if sign is None else _zone(sign, int(zone_hour), int(zone_minute))
        moment = datetime(year, month, day, hour, minute, 59 if leap else second, 0 if leap else microsecond, zone)
        moment = moment + timedelta(seconds=1) if leap else moment
        return moment.astimezone(UTC), zulu is not None or sign is not None
    except (ValueError, OverflowError) as error:
        raise ValueError(f"not a moment of the years 1 to 9999 in UTC ({error})") from None


def _zone(sign: str, hours: int, minutes: int) -> timezone:
    if hours > 23 or minutes > 59:
        raise ValueError("the zone is out of range")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if sign == "-" else offset)


def _aware_timestamp(value: object) -> datetime:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("the timestamp has no zone; append Z or an offset such as +02:00")
        return value.astimezone(UTC)
    if not isinstance(value, str):
        raise ValueError("a timestamp is a string in RFC 3339 form")
    moment, zoned = read_timestamp(value)
    if not zoned:
        raise ValueError("the timestamp has no zone; append Z or an offset such as +02:00")
    return moment


AwareTimestamp = Annotated[datetime, BeforeValidator(_aware_timestamp)]
Document = dict[str, Any]
# pydantic matches patterns in native code; what it refuses, `_faults` explains in our words.
EventType = Annotated[str, StringConstraints(pattern=f"^{_EVENT_TYPE.pattern}$", max_length=MAX_TYPE_BYTES)]
Version = Annotated[str, StringConstraints(pattern=f"^{_VERSION.pattern}$")]


_CORRELATION: TypeAdapter[UUID | None] = TypeAdapter(UUID | None)
_MAX_SHOWN = 200


class EventEnvelope(BaseModel):
    """One event as every part of the domain sees it. Unknown fields are kept untouched in `model_extra`."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    event_id: UUID
    event_type: str
    timestamp: AwareTimestamp
    version: str = "v1"
    source: Document
    correlation_id: UUID | None = None
    payload: Document

    @property
    def extra(self) -> dict[str, Any]:
        """The fields that the envelope does not name."""
        return self.model_extra or {}

    @property
    def source_name(self) -> str:
        """`source.service`, else `source.app`, else nothing."""
        return source_name(self.source)

    @property
    def time(self) -> int:
        """The event's own time in microseconds since 1970."""
        return to_microseconds(self.timestamp)

    def document(self) -> dict[str, Any]:
        """The envelope as a JSON object, unknown fields last."""
        return {
            "event_id": str(self.event_id),
            "event_type": self.event_type,
            "timestamp": rfc3339(to_microseconds(self.timestamp)),
            "version": self.version,
            "source": self.source,
            "correlation_id": None if self.correlation_id is None else str(self.correlation_id),
            "payload": self.payload,
            **self.extra,
        }

    def to_json(self) -> bytes:
        """The envelope as it goes over a bus and into the log."""
        return jsontext.dumps(self.document())


class EventDraft(BaseModel):
    """What a publisher says of an event; what it leaves out is filled in on publishing."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    event_type: EventType
    payload: Document
    event_id: UUID = Field(default_factory=new_id)
    timestamp: AwareTimestamp | None = None
    version: Version | None = None
    source: Document | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None


def read_draft(value: Json) -> EventDraft:
    """A draft from a JSON value. Raises InvalidEventError listing every fault."""
    faults = [
        Fault(f"/{name}", f"{name} may be left out, but is not null")
        for name in ("event_id", "timestamp", "version", "source")
        if isinstance(value, dict) and name in value and value[name] is None
    ]
    try:
        draft = EventDraft.model_validate(value)
    except ValidationError as error:
        named = {fault.path for fault in faults}
        faults += [fault for fault in _faults(error) if fault.path not in named]
    if faults:
        raise InvalidEventError(faults)
    return draft


def read_envelope(body: bytes) -> tuple[EventEnvelope, list[Fault]]:
    """An envelope that anyone may have written, and what is irregular about it though it can be kept.

    A naive timestamp is read as UTC, a correlation that is no UUID as null, a version that is no text as its JSON text.
    Raises InvalidEventError where the body is not a JSON object or `event_id`, `event_type`, `timestamp`, `source`,
    `payload` is missing or of the wrong type: such bytes name no event. An id that is no UUID and a time that is no
    moment of RFC 3339 are of the wrong type: the log has no place for them.
    """
    try:
        document = jsontext.parse(body)
    except jsontext.JsonError as error:
        raise InvalidEventError([Fault("", f"not JSON that can be kept: {error}")]) from None
    irregular: list[Fault] = []
    if isinstance(document, dict):
        document, irregular = _with_zone(document)
    try:
        envelope = EventEnvelope.model_validate(document)
    except ValidationError as error:
        faults = _faults(error)
        if any(fault.path not in _OPTIONAL for fault in faults):
            raise InvalidEventError(faults) from None
        document, more = _without_oddities(document)
        envelope, irregular = EventEnvelope.model_validate(document), irregular + more
    irregular += name_faults(envelope.event_type, envelope.version)
    return envelope, irregular


def name_faults(event_type: str, version: str) -> list[Fault]:
    """What is wrong with an event's names by their grammar."""
    found = (("/event_type", event_type_fault(event_type)), ("/version", version_fault(version)))
    return [Fault(path, message) for path, message in found if message]


_OPTIONAL = frozenset({"/version", "/correlation_id"})
"""What an event can be kept without."""


def _without_oddities(document: dict[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """A document in which something optional is of the wrong type, as it can be read."""
    faults: list[Fault] = []
    read = dict(document)
    version = read.get("version", "v1")
    if version is None:
        read["version"] = "v1"
        faults.append(Fault("/version", "version may be left out, but is not null; read as v1"))
    elif not isinstance(version, str):
        read["version"] = jsontext.dumps(version).decode()
    try:
        _CORRELATION.validate_python(read.get("correlation_id"))
    except ValidationError:
        shown = jsontext.dumps(read["correlation_id"]).decode()[:_MAX_SHOWN]
        faults.append(Fault("/correlation_id", f"correlation_id is a UUID or null; {shown} is read as null"))
        read["correlation_id"] = None
    return read, faults


def _with_zone(document: dict[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    stamp = document.get("timestamp")
    if not isinstance(stamp, str):
        return document, []
    try:
        moment, zoned = read_timestamp(stamp)
    except ValueError:
        return document, []
    if zoned:
        return document, []
    return {**document, "timestamp": moment}, [Fault("/timestamp", "the timestamp has no zone; read as UTC")]


def _faults(error: ValidationError) -> list[Fault]:
    details = error.errors(include_url=False, include_context=False)
    return [Fault(jsontext.pointer(detail["loc"]), _explained(detail)) for detail in details]


def _explained(detail: ErrorDetails) -> str:
    """What pydantic found wrong, in the words of the domain."""
    match detail["type"], detail["loc"]:
        case "missing", (*_, name):
            return f"{name} is missing"
        case "model_type", _:
            return "an event is a JSON object"
        case "string_pattern_mismatch" | "string_too_long", ("event_type",):
            return event_type_fault(detail["input"]) or detail["msg"]
        case "string_pattern_mismatch", ("version",):
            return version_fault(detail["input"]) or detail["msg"]
        case "string_type", ("event_type",):
            return "an event type is a string"
        case "string_type", ("version",):
            return "a version is a string such as v1"
        case "dict_type", (*_, name):
            return f"{name} is a JSON object"
        case "uuid_type" | "uuid_parsing", (*_, name):
            return f"{name} is a UUID such as 0198c5a2-8f3b-7c41-9d2e-5b6f7a8091c2"
    return detail["msg"].removeprefix("Value error, ")


def source_name(source: Mapping[str, Any]) -> str:
    """Who published: `source.service`, else `source.app`, else nothing."""
    for key in ("service", "app"):
        name = source.get(key)
        if isinstance(name, str):
            return name
    return ""


def same_content(one: EventEnvelope, other: EventEnvelope) -> bool:
    """Whether two events of one id say the same; time, source and correlation are not compared."""
    return _content(one) == _content(other)


def _content(envelope: EventEnvelope) -> bytes:
    return jsontext.canonical([envelope.event_type, envelope.version, envelope.payload, envelope.extra])


class Cause(NamedTuple):
    """The event that is being handled, of which everything published now is an effect.

    `replay_id` is the replay that sent it, None where it is handled as it came.
    """

    event_id: UUID
    correlation_id: UUID | None
    replay_id: UUID | None = None


_cause: ContextVar[Cause | None] = ContextVar("cause", default=None)


def current_cause() -> Cause | None:
    """The event being handled in this context, if any."""
    return _cause.get()


@contextmanager
def handling(envelope: EventEnvelope, replay_id: UUID | None = None) -> Iterator[None]:
    """Within the block, publishes inherit the envelope's correlation and name it as their cause.

    Where a replay sent it, they name that too.
    """
    token = _cause.set(Cause(envelope.event_id, envelope.correlation_id, replay_id))
    try:
        yield
    finally:
        _cause.reset(token)


class OwnForm(NamedTuple):
    """What the log wants to know of a body in our own form. Ids are bytes, `time` is microseconds since 1970."""

    event_id: bytes
    event_type: str
    source: str
    correlation_id: bytes | None
    time: int
    version: str
    payload: dict[str, Any]


def read_own_form(body: bytes) -> OwnForm | None:
    """A body that is byte for byte what `to_json` would write of it, much sooner read than any other; None for others.

    What comes out as it went in has no duplicate key, and no number that was cut.
    """
    if body.count(b"{") + body.count(b"[") > jsontext.MAX_DEPTH:
        return None
    try:
        document = orjson.loads(body)
        if type(document) is not dict or orjson.dumps(document) != body:
            return None
        event_id, event_type, stamp, version, source, correlation, payload = islice(document.values(), 7)
        if (*islice(document, 7),) != _OWN_FIELDS or _OWN_STAMP.fullmatch(stamp) is None:
            return None
        identity = _id_bytes(event_id)
        correlation_id = (
            None if correlation is None else identity if correlation == event_id else _id_bytes(correlation)
        )
        time = _second(stamp[:19]) + int(stamp[20:26])
    except (ValueError, TypeError):
        return None
    if type(event_type) is type(version) is str and type(source) is type(payload) is dict:
        return OwnForm(identity, event_type, source_name(source), correlation_id, time, version, payload)
    return None


def _id_bytes(text: str) -> bytes:
    """The bytes of a UUID as we write it. Raises ValueError, TypeError on anything else."""
    if _OWN_ID.fullmatch(text) is None:
        raise ValueError("not a UUID in our form")
    return bytes.fromhex(text.replace("-", ""))


@lru_cache(maxsize=64)
def _second(text: str) -> int:
    """A second such as 2026-02-12T14:02:11 in microseconds since 1970. Raises ValueError."""
    return to_microseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


class StoredEvent(NamedTuple):
    """One event of the log. Times are microseconds since 1970; `body` is the envelope as JSON.

    `seq` 0 is an event that is not known to be stored: JSON has null for it and for `stored_at`, which is then when it
    was seen, or 0.
    """

    seq: int
    stored_at: int
    event_id: bytes
    event_type: str
    source: str
    correlation_id: bytes | None
    time: int
    violations: bytes | None
    headers: bytes | None
    body: bytes

    def envelope(self) -> EventEnvelope:
        """The event itself."""
        return read_envelope(self.body)[0]

    def faults(self) -> list[Fault]:
        """What was irregular when it was stored."""
        listed = orjson.loads(self.violations) if self.violations else []
        return [Fault(one["path"], one["message"], one.get("keyword")) for one in listed]

    def to_json(self) -> bytes:
        """The envelope's fields plus `seq`, `stored_at` and `violations`; a stranger's body in our form."""
        violations = self.violations or b"[]"
        if self.seq:
            stored_at = rfc3339(self.stored_at).encode()
            tail = b',"seq":%d,"stored_at":"%s","violations":%s}' % (self.seq, stored_at, violations)
        else:
            tail = b',"seq":null,"stored_at":null,"violations":%s}' % violations
        body = self.body
        if not _is_own_form(body):
            body = _in_own_form(body)
        return body[:-1] + tail

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> StoredEvent:
        """The inverse of `to_json`, for those who read the log through another process."""
        envelope = EventEnvelope.model_validate(without_storage(document))
        violations = document.get("violations")
        seq, stored_at = document["seq"], document["stored_at"]
        return cls(
            seq=0 if seq is None else seq,
            stored_at=0 if stored_at is None else to_microseconds(read_timestamp(stored_at)[0]),
            event_id=envelope.event_id.bytes,
            event_type=envelope.event_type,
            source=envelope.source_name,
            correlation_id=None if envelope.correlation_id is None else envelope.correlation_id.bytes,
            time=envelope.time,
            violations=jsontext.dumps(violations) if violations else None,
            headers=None,
            body=envelope.to_json(),
        )


def is_stored_form(value: Json) -> bool:
    """Whether a JSON value has the fields that every stored event has, and only together."""
    return isinstance(value, dict) and value.keys() >= _STORED_ONLY


def without_storage(document: Document) -> Document:
    """A stored event as it was published: what storing added is left out, what was set aside is back."""
    aside = document.get("extra", {})
    fields = {key: member for key, member in document.items() if key not in RESERVED}
    return fields | aside if isinstance(aside, dict) else document


def _is_own_form(body: bytes) -> bool:
    """Whether the body is surely as we write it, and has no field of a reserved name."""
    for mark in _NEEDS_READING:
        if mark in body:
            return False
    return body.endswith(b"}") and _OWN_HEAD.match(body) is not None and _OWN_MIDDLE.search(body) is not None


def _in_own_form(body: bytes) -> bytes:
    """The body as we would have written it, with fields of reserved names moved under `extra`."""
    document = read_envelope(body)[0].document()
    aside = {key: document.pop(key) for key in RESERVED if key in document}
    return jsontext.dumps({**document, "extra": aside} if aside else document)
