"""Plane's deliveries: what each is called, what makes two of them the same, and the ticket that one shows.

Everything here is a function of the body alone and answers for any JSON value; the forms are those that Plane's
versions 0.14 to 1.x and v2 send, and hand-made senders besides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import sha1
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit
from uuid import NAMESPACE_URL, UUID

from godtui import jsontext
from godtui.dispatcher import fields
from godtui.dispatcher.hashing import fed
from godtui.dispatcher.names import Names, Project
from godtui.dispatcher.ticket import State, Ticket, Unreadable
from godtui.envelope import MAX_TYPE_BYTES, event_type_fault
from godtui.estate import GROUPS
from godtui.jsontext import Json

UNKNOWN_TYPE: Final = "webhook.plane.unknown.received"
MAX_TITLE: Final = 2_000
MAX_LABELS: Final = 1_000
MAX_URL: Final = 2_000
_KNOWN: Final = 256
"""How many names stay in memory once they were taken apart: Plane has a few dozen."""

_PAST: Final = {"create": "created", "update": "updated", "delete": "deleted"}
_ISSUE_NAMES: Final = frozenset({"workitem", "work_item"})
_ENUM_CLASS = re.compile(r"[A-Z]\w*[a-z]\w*")
_NOT_OF_A_WORD = re.compile(r"[^a-z0-9_-]")


class Taught(NamedTuple):
    """The names that a body gives to ids: states as (name, group), labels as names. Ids are in lower case."""

    states: Mapping[str, tuple[str | None, str | None]]
    labels: Mapping[str, str]


def delivery_type(body: Json) -> str:
    """The event type of a delivery: webhook.plane.{entity}.{action}, or `UNKNOWN_TYPE` where the body names neither."""
    return _type(*entity_action(body))


@lru_cache(maxsize=_KNOWN)
def _type(entity: str | None, action: str | None) -> str:
    name = f"webhook.plane.{entity}.{action}"
    return name if entity and action and event_type_fault(name) is None else UNKNOWN_TYPE


def entity_action(body: Json) -> tuple[str | None, str | None]:
    """What was done to what, such as ("issue", "updated"); None is missing, or no word of an event type."""
    if not isinstance(body, dict):
        return None, None
    return _named(_short(body.get("event")), _short(body.get("action")), _is_v2(body))


@lru_cache(maxsize=_KNOWN)
def _named(entity: str | None, action: str | None, is_v2: bool) -> tuple[str | None, str | None]:
    if entity is not None and _says_both(entity, action, is_v2):
        entity, named = _parted(entity)
        action = named or action
    entity, action = _word(entity), _word(action)
    return "issue" if entity in _ISSUE_NAMES else entity, None if action is None else _PAST.get(action, action)


def _says_both(event: str, action: str | None, is_v2: bool) -> bool:
    """Whether `event` names the action too."""
    if is_v2:
        return "." in event or action is None or event.isupper()
    return "." in event and action is None


def _short(value: Json) -> str | None:
    return value if isinstance(value, str) and len(value) <= MAX_TYPE_BYTES else None


def _parted(event: str) -> tuple[str, str | None]:
    """Entity and action of `workitem.updated`, or of an enum's `WebhookScope.ScopeChoices.WORK_ITEM_UPDATED`."""
    parts = event.split(".")
    while len(parts) > 1 and _ENUM_CLASS.fullmatch(parts[0]):
        if len(parts) == 2 and not (parts[1].isupper() and "_" in parts[1]):
            break
        parts = parts[1:]
    entity, _, action = ".".join(parts).rpartition("." if len(parts) > 1 else "_")
    return (entity, action) if entity else (action, None)


def _word(text: str | None) -> str | None:
    word = _NOT_OF_A_WORD.sub("_", (text or "").lower())
    return word if word[:1].isalpha() else None


def delivery_uuid(raw: bytes, body: Json) -> UUID:
    """The event id of a delivery, the same for every redelivery: of v2's `event_id`, else of the bytes themselves."""
    event_id = body.get("event_id") if _is_v2(body) else None
    is_named = isinstance(event_id, str) and event_id not in ("", "None")
    return _uuid5(f"plane:{event_id}".encode() if is_named else raw)


def _uuid5(name: bytes) -> UUID:
    """RFC 9562's version 5 in the URL namespace, of a name that need not be text."""
    digest = fed(sha1(NAMESPACE_URL.bytes, usedforsecurity=False), name).digest()
    return UUID(bytes=digest[:16], version=5)


def payload_of(body: Json) -> tuple[dict[str, Any], str | None]:
    """The payload of a delivery's event, and the id of the try where v2 put it into the body.

    That id is taken out: it changes with every try, and a redelivery is the same event with the same content.
    """
    if not isinstance(body, dict):
        return {"body": body}, None
    event, delivery_id = body.get("event"), None
    if _is_v2(body) and "delivery_id" in body:
        delivery_id = _shown(body["delivery_id"])
        body = {key: value for key, value in body.items() if key != "delivery_id"}
    payload = {
        "provider": "plane",
        "event": event if isinstance(event, str) else None,
        "action": entity_action(body)[1],
        "body": body,
    }
    return payload, delivery_id


def payload_text(payload: Mapping[str, Json], written: bytes) -> bytes:
    """The JSON of a payload whose body, its last member, is written already."""
    told = jsontext.dumps({name: value for name, value in payload.items() if name != "body"})
    return b'%s%s"body":%s}' % (told[:-1], b"," if len(payload) > 1 else b"", written)


def body_of(payload: Json) -> Json:
    """Plane's body out of an event's payload; a foreign publisher may have made it the whole payload."""
    if isinstance(payload, dict) and "body" in payload and "data" not in payload:
        return payload["body"]
    return payload


def _is_v2(body: Json) -> bool:
    return isinstance(body, dict) and body.get("version") == "v2"


def _shown(value: Json) -> str | None:
    if value is None or isinstance(value, str):
        return value[: fields.MAX_TEXT] if value else None
    return jsontext.dumps(value).decode()[: fields.MAX_TEXT]


def read_ticket(body: Json, names: Names) -> Ticket | Unreadable:
    """The ticket that a delivery shows, or why it shows none."""
    if not isinstance(body, dict):
        return Unreadable("the delivery is not a JSON object")
    entity, action = entity_action(body)
    if entity is None:
        return Unreadable("the delivery does not say what it is about: `event` is missing or unreadable")
    if entity != "issue":
        return Unreadable(f"a delivery about {entity} is not about a ticket")
    data = body.get("data")
    if not isinstance(data, dict):
        return Unreadable("the delivery has no data: `data` is not an object")
    issue_id = fields.identifier(data.get("id"))
    if issue_id is None:
        return Unreadable(f"the ticket has no id that can be used: text of 1 to {fields.MAX_TEXT} printable characters")
    labels, nameless = _labels(data, names)
    number = fields.number(data.get("sequence_id"))
    project_id = _project_id(data)
    project = None if project_id is None else names.project(project_id)
    return Ticket(
        id=issue_id,
        reference=_reference(issue_id, project_id, project, number),
        title=title[:MAX_TITLE] if isinstance(title := data.get("name"), str) else "",
        url=_url(project, issue_id, number) or _foreign_url(data.get("url")),
        state=_state(data, names),
        labels=labels,
        nameless_labels=nameless,
        updated_at=fields.moment(data.get("updated_at")),
        is_draft=fields.is_true(data.get("is_draft")),
        is_archived=fields.is_set(data.get("archived_at")),
        is_deleted=action == "deleted" or fields.is_set(data.get("deleted_at")),
    )


def taught(body: Json) -> Taught:
    """Which ids a delivery about a ticket gives names to, at most 1,000 labels."""
    data = body.get("data") if isinstance(body, dict) and entity_action(body)[0] == "issue" else None
    if not isinstance(data, dict):
        return Taught({}, {})
    state, labels = _named_state(data), dict[str, str]()
    for label_id, name in _label_entries(data) or ():
        if label_id is not None and name is not None and len(labels) < MAX_LABELS:
            labels[label_id.lower()] = name
    is_named = state.id is not None and (state.name is not None or state.group is not None)
    return Taught({str(state.id).lower(): (state.name, state.group)} if is_named else {}, labels)


def _project_id(data: Mapping[str, Json]) -> str | None:
    told = fields.either(data, "project", "project_id")
    return fields.identifier(told.get("id") if isinstance(told, dict) else told)


def _reference(issue_id: str, project_id: str | None, project: Project | None, number: int | None) -> str:
    if project_id is None or number is None:
        return issue_id[:8]
    return f"{project_id[:8] if project is None else project.identifier}-{number}"


def _url(project: Project | None, issue_id: str, number: int | None) -> str | None:
    """A ticket's address from its project's: `{issue_id}` and `{sequence_id}` filled in, else `/issues/ID` appended."""
    if project is None or not project.url:
        return None
    url, safe_id = project.url, quote(issue_id, safe="")
    if "{issue_id}" not in url and "{sequence_id}" not in url:
        base = url.rstrip("/")
        return f"{base}/{safe_id}" if base.endswith("/issues") else f"{base}/issues/{safe_id}"
    if "{sequence_id}" in url and number is None:
        return None
    return url.replace("{issue_id}", safe_id).replace("{sequence_id}", str(number))


def _foreign_url(value: Json) -> str | None:
    """An address that a sender wrote by hand, if it leads to the web."""
    if not isinstance(value, str) or len(value) > MAX_URL or not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme in ("http", "https") and parts.hostname else None


def _state(data: Mapping[str, Json], names: Names) -> State | None:
    """The state, with what the body leaves open filled in from what is known of its id."""
    state = _named_state(data)
    if state.id is not None and (state.name is None or state.group is None):
        known = names.state(state.id)
        if known is not None:
            state = State(state.id, state.name or known.name, state.group or known.group)
    return state if state != State() else None


def _named_state(data: Mapping[str, Json]) -> State:
    """The state as the body itself tells it: an object, or a bare text beside which another member may say more."""
    told = fields.either(data, "state", "state_detail")
    detail = told if isinstance(told, dict) else data.get("state_detail")
    detail = detail if isinstance(detail, dict) else {}
    bare = fields.text(told)
    bare_id = fields.uuid(told)
    group = (fields.text(detail.get("group")) or "").lower()
    return State(
        fields.identifier(detail.get("id")) or bare_id or fields.identifier(data.get("state_id")),
        fields.text(detail.get("name")) or (bare if bare_id is None else None),
        group if group in GROUPS else None,
    )


def _labels(data: Mapping[str, Json], names: Names) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """Names, and ids that nobody has a name for, each once and at most 1,000 together; None is not told."""
    entries = _label_entries(data)
    if entries is None:
        return None, ()
    named, nameless = dict[str, None](), dict[str, None]()
    for label_id, told in entries:
        if len(named) + len(nameless) >= MAX_LABELS:
            break
        name = told or (None if label_id is None else names.label(label_id))
        if name is not None:
            named[name] = None
        elif label_id is not None:
            nameless[label_id] = None
    return tuple(named), tuple(nameless)


def _label_entries(data: Mapping[str, Json]) -> Iterator[tuple[str | None, str | None]] | None:
    """Id and name of every label, as far as the body tells them: objects, names or ids."""
    for key in ("labels", "label_ids"):
        entries = data.get(key)
        if isinstance(entries, list):
            return map(_label_entry if key == "labels" else _label_id, entries)
    return None


def _label_entry(entry: Json) -> tuple[str | None, str | None]:
    if isinstance(entry, dict):
        return fields.identifier(entry.get("id")), fields.text(entry.get("name"))
    label_id = fields.uuid(entry)
    return (None, fields.text(entry)) if label_id is None else (label_id, None)


def _label_id(entry: Json) -> tuple[str | None, str | None]:
    return _label_entry(entry) if isinstance(entry, dict) else (fields.identifier(entry), None)
