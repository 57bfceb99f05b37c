"""The shapes that the OpenAPI document names, and how operations refer to them."""

from __future__ import annotations

from typing import Any

from godtui.api.problems import MEDIA_TYPE, RETRY_AFTER_SECONDS, TITLES

Shape = dict[str, Any]

_ID = "0198c5a2-6c1e-7000-8000-000000000001"
_UUID: Shape = {"type": "string", "format": "uuid"}
_MOMENT: Shape = {"type": "string", "format": "date-time"}
_TYPE: Shape = {
    "type": "string",
    "maxLength": 255,
    "pattern": r"^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+$",
    "description": "At least two lower-case words joined by dots.",
}
_VERSION: Shape = {"type": "string", "pattern": "^v[1-9][0-9]*$", "description": "Version of the payload's schema."}
_OBJECT: Shape = {"type": "object", "additionalProperties": True}
_NULL: Shape = {"type": "null"}
_STATUS: Shape = {"type": "string", "enum": ["ok", "degraded", "down"]}
_COUNT: Shape = {"type": "integer", "minimum": 0}
_LETTER_ID: Shape = {"type": "integer", "minimum": 1}


def _object(required: dict[str, Shape], optional: dict[str, Shape] | None = None, *, closed: bool = False) -> Shape:
    properties = {**required, **(optional or {})}
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": not closed,
    }


def _list(name: str) -> Shape:
    return {"type": "array", "items": reference(name)}


def reference(name: str) -> Shape:
    """A reference to one of the named shapes."""
    return {"$ref": f"#/components/schemas/{name}"}


_LISTED_LETTER: dict[str, Shape] = {
    "id": _LETTER_ID,
    "queue": {"type": "string", "description": "The queue it came from; empty where nothing tells."},
    "reason": {"type": "string", "description": "Such as `expired`, or what its consumer said."},
    "event_type": {
        "anyOf": [{"type": "string"}, _NULL],
        "description": "Of the event in the body; where that is none, the routing key if it looks like a type.",
    },
    "message_id": {"type": "string"},
    "routing_key": {"type": "string"},
    "attempts": {**_COUNT, "description": "How often it was handed out, or died there."},
    "requeues": {**_COUNT, "description": "How often it was put back before and died again."},
    "first_at": {**_MOMENT, "description": "When it entered its queue, or first died."},
    "last_at": {**_MOMENT, "description": "When it died."},
    "body_bytes": {**_COUNT, "description": "How long the body is."},
    "body_encoding": {
        "type": "string",
        "enum": ["json", "text", "base64"],
        "description": "How `body` is shown: as the value it says, else as text if it is UTF-8, else in base64.",
    },
    "body": {"description": "The body, or its beginning."},
}

_SERVICES: Shape = {"type": "array", "items": {"type": "string"}}
_LISTED_CONTRACT: dict[str, Shape] = {
    "event_type": {"type": "string"},
    "versions": {"type": "array", "items": _VERSION, "description": "Those there are, the lowest first."},
    "title": {"type": "string"},
    "description": {"type": "string"},
    "serves": {**_SERVICES, "description": "Patterns of further event types that the contract is for."},
    "file": {"type": "string", "description": "In the schema folder."},
    "producers": {**_SERVICES, "description": "Ids of the services that say they produce it, by `registry.yaml`."},
    "consumers": {**_SERVICES, "description": "Ids of the services that say they consume it, by `registry.yaml`."},
    "example": {"description": "A payload that the contract allows; null where none was found."},
}

COMPONENTS: dict[str, Shape] = {
    "Fault": _object(
        {
            "path": {
                "type": "string",
                "description": "JSON pointer into the event, `filter:<offset>`, `query:<parameter>` or `path:<name>`.",
            },
            "message": {"type": "string"},
        },
        {"keyword": {"type": "string", "description": "The schema keyword that refused it."}},
        closed=True,
    ),
    "Problem": {
        **_object(
            {"title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}},
            {
                "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}},
                "event_id": _UUID,
                "total": {**_COUNT, "description": "How many events would go to the bus, which is to be confirmed."},
                "component": {"type": "string", "description": "What is not there, such as `dispatcher`."},
                "history": {
                    "anyOf": [
                        _object({"instance": {"type": "string"}, "url": {"anyOf": [{"type": "string"}, _NULL]}}),
                        _NULL,
                    ],
                    "description": "Where an instance that stands by does not have the history: who has.",
                },
            },
        ),
        "description": "RFC 9457.",
    },
    "EventDraft": _object(
        {"event_type": _TYPE, "payload": _OBJECT},
        {
            "event_id": _UUID,
            "timestamp": {**_MOMENT, "description": "RFC 3339 with a zone, of the years 1 to 9999 in UTC."},
            "version": _VERSION,
            "source": {**_OBJECT, "description": '`{"service": "http"}` where left out.'},
            "correlation_id": {"anyOf": [_UUID, _NULL]},
            "causation_id": {
                "anyOf": [_UUID, _NULL],
                "description": "The event that caused this one; kept as `source.causation_id`.",
            },
        },
    ),
    "Receipt": _object(
        {"event_id": _UUID, "event_type": _TYPE, "version": _VERSION, "correlation_id": _UUID, "timestamp": _MOMENT},
        closed=True,
    ),
    "ImportReport": _object(
        {
            "stored": _COUNT,
            "already": {**_COUNT, "description": "How many were held already, or were until retention cut them."},
            "refused": {"type": "array", "items": _object({"index": _COUNT, "errors": _list("Fault")}, closed=True)},
        },
        closed=True,
    ),
    "BatchReport": _object(
        {
            "accepted": _COUNT,
            "rejected": {"type": "array", "items": _object({"index": _COUNT, "errors": _list("Fault")}, closed=True)},
            "unconfirmed": {"type": "array", "items": _object({"index": _COUNT, "event_id": _UUID}, closed=True)},
        },
        closed=True,
    ),
    "StoredEvent": _object(
        {
            "event_id": _UUID,
            "event_type": {"type": "string"},
            "timestamp": _MOMENT,
            "version": {"type": "string"},
            "source": _OBJECT,
            "correlation_id": {"anyOf": [_UUID, _NULL]},
            "payload": _OBJECT,
            "seq": {"type": "integer", "minimum": 1, "description": "Position in the log; commit order."},
            "stored_at": _MOMENT,
            "violations": {**_list("Fault"), "description": "What was irregular when it was stored."},
        },
        {"extra": {**_OBJECT, "description": "Foreign fields whose names are reserved."}},
    ),
    "EventPage": _object(
        {
            "events": _list("StoredEvent"),
            "next_cursor": {"anyOf": [{"type": "string"}, _NULL]},
        },
        {
            "looked_to": {"anyOf": [{"type": "integer"}, _NULL], "description": "Where the page ended early."},
            "count": {**reference("Count"), "description": "Where it was asked for: of all that match."},
        },
        closed=True,
    ),
    "Delivered": _object({"event_id": _UUID, "event_type": _TYPE}, closed=True),
    "ListedDeadLetter": _object(_LISTED_LETTER, closed=True),
    "DeadLetter": _object(
        {
            **_LISTED_LETTER,
            "headers": {**_OBJECT, "description": "Those it was published with."},
            "deaths": {"type": "array", "description": "What RabbitMQ wrote down (x-death), the latest first."},
        },
        closed=True,
    ),
    "DeadLetterPage": _object(
        {"dead_letters": _list("ListedDeadLetter"), "next_cursor": {"anyOf": [{"type": "string"}, _NULL]}},
        closed=True,
    ),
    "Correction": _object(
        {}, {"body": {**_OBJECT, "description": "The envelope that takes the place of the letter's."}}, closed=True
    ),
    "Requeued": _object(
        {
            "id": _LETTER_ID,
            "queue": {"type": "string"},
            "message_id": {"type": "string"},
            "routing_key": {"type": "string"},
            "requeues": {**_COUNT, "description": "How often that was done to it by now."},
        },
        closed=True,
    ),
    "ListedContract": _object(_LISTED_CONTRACT),
    "Contract": _object(
        {
            **_LISTED_CONTRACT,
            "version": _VERSION,
            "digest": {"type": "string", "description": "Of the schema and what it reaches; another where they are."},
            "examples": {"type": "array", "description": "Those that the schema gives, as written."},
            "schema": {**_OBJECT, "description": "As written."},
            "references": {**_OBJECT, "description": "The shared definitions that it reaches, by path."},
        }
    ),
    "ContractList": _object({"schemas": _list("ListedContract")}, closed=True),
    "Health": _object(
        {
            "status": _STATUS,
            "version": {"type": "string"},
            "instance": {"type": "string"},
            "components": {
                "type": "object",
                "additionalProperties": _object({"status": _STATUS, "detail": {"type": "string"}}),
            },
        },
        closed=True,
    ),
}

EXAMPLE_ENVELOPE: Shape = {
    "event_id": _ID,
    "event_type": "test.event.created",
    "timestamp": "2026-02-12T14:02:11.482000Z",
    "version": "v1",
    "source": {"service": "http"},
    "correlation_id": _ID,
    "payload": {"message": "test"},
}
EXAMPLE_EVENT: Shape = {
    **EXAMPLE_ENVELOPE,
    "seq": 1,
    "stored_at": "2026-02-12T14:02:11.490000Z",
    "violations": [],
}
_EXAMPLE_LISTED: Shape = {
    "id": 17,
    "queue": "infra-dispatcher.plane",
    "reason": "expired",
    "event_type": "test.event.created",
    "message_id": _ID,
    "routing_key": "test.event.created",
    "attempts": 1,
    "requeues": 0,
    "first_at": "2026-02-12T14:02:11.490000Z",
    "last_at": "2026-02-13T14:02:11.490000Z",
    "body_bytes": 249,
    "body_encoding": "json",
    "body": EXAMPLE_ENVELOPE,
}
EXAMPLE_CURSOR = "1770904931482000.AAAAAAAAAAEPqnJvY2tldHMgYXJlIGdvb2Q.95f8dffb35572aa0"
EXAMPLE_LETTER: Shape = {**_EXAMPLE_LISTED, "headers": {}, "deaths": []}
EXAMPLE_LETTER_PAGE: Shape = {"dead_letters": [_EXAMPLE_LISTED], "next_cursor": EXAMPLE_CURSOR}
EXAMPLE_REQUEUED: Shape = {
    "id": 17,
    "queue": "infra-dispatcher.plane",
    "message_id": _ID,
    "routing_key": "test.event.created",
    "requeues": 1,
}
EXAMPLE_LISTED_CONTRACT: Shape = {
    "event_type": "worktree.created",
    "versions": ["v1"],
    "title": "Worktree created",
    "description": "A git worktree was created.",
    "serves": [],
    "file": "worktree/created.json",
    "producers": ["workspace-management"],
    "consumers": ["candybar", "candystore"],
    "example": {"worktree_id": "wt-7f3a"},
}
EXAMPLE_CONTRACT: Shape = {
    **EXAMPLE_LISTED_CONTRACT,
    "version": "v1",
    "digest": "5f1c0d6a9b1e4c77a0c35d2a6d2a1f6fb2a8f6b2a7c40f0a8d1b7e0c9a3f4d21",
    "examples": [{"worktree_id": "wt-7f3a"}],
    "schema": {"type": "object", "properties": {"worktree_id": {"type": "string"}}},
    "references": {},
}
EXAMPLE_HEALTH: Shape = {
    "status": "ok",
    "version": "0.1.0",
    "instance": "workstation",
    "components": {
        "bus": {"status": "ok", "detail": "embedded"},
        "store": {"status": "ok", "detail": "stored up to 42"},
    },
}

_PROBLEMS: dict[int, tuple[str, Shape]] = {
    400: (
        "The body is not JSON, or the cursor is not of this query.",
        {"detail": "the body is not JSON: NaN is not JSON"},
    ),
    401: (
        "The signature is missing, or is not that of this body.",
        {"detail": "the signature (X-Plane-Signature) is missing, or is not that of this body and our secret"},
    ),
    404: ("There is no such thing.", {"detail": f"no event {_ID} is stored"}),
    409: (
        "The id is held with other content; a letter's queue refuses it; a ticket or replay is in no state for it.",
        {"detail": f"event {_ID} is already stored with other content; publish it under a new id", "event_id": _ID},
    ),
    413: ("Too large.", {"detail": "the body is 2,097,152 bytes; at most 1,048,576 bytes are accepted"}),
    422: (
        "Anything else that is wrong with the request; every fault is listed.",
        {
            "detail": "the event is not valid: /payload/message: 7 is not of type 'string'",
            "errors": [{"path": "/payload/message", "message": "7 is not of type 'string'", "keyword": "type"}],
        },
    ),
    426: (
        "Only WebSockets are served here.",
        {"detail": "/stream is a WebSocket; connect with ws:// in place of http://"},
    ),
    503: (
        "Not now. Where the problem names an `event_id` the event may still arrive; repeat it, it is stored once.",
        {
            "detail": "not confirmed: no answer within 5 s; repeat with this event_id, it will be stored once",
            "event_id": _ID,
        },
    ),
}


def json_content(name: str, example: Any) -> Shape:
    """The `content` of a JSON body of a named shape."""
    return {"application/json": {"schema": reference(name), "example": example}}


def json_response(description: str, name: str, example: Any) -> Shape:
    """A JSON answer of a named shape."""
    return {"description": description, "content": json_content(name, example)}


def problems(*statuses: int) -> dict[int | str, Shape]:
    """The problems that an operation may answer with, each with an example."""
    return {str(status): _problem(status) for status in statuses}


def _problem(status: int) -> Shape:
    description, members = _PROBLEMS[status]
    example = {"title": TITLES[status], "status": status, **members}
    entry: Shape = {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": reference("Problem"), "example": example}},
    }
    if status != 503:
        return entry
    seconds = {"description": "Seconds to wait.", "schema": {"type": "integer"}, "example": RETRY_AFTER_SECONDS}
    return {**entry, "headers": {"Retry-After": seconds}}
