"""What the OpenAPI document says of chains and statistics."""

from __future__ import annotations

from typing import Any, Final

from godtui.api.openapi import EXAMPLE_EVENT, Shape, reference


def _closed(properties: dict[str, Shape]) -> Shape:
    """An object with these members; those that may be null, which FastAPI leaves out of examples, are not required."""
    required = [name for name, shape in properties.items() if "anyOf" not in shape]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _list(items: Shape, description: str) -> Shape:
    return {"type": "array", "items": items, "description": description}


def _or_null(shape: Shape, description: str) -> Shape:
    return {"anyOf": [shape, {"type": "null"}], "description": description}


_UUID: Final[Shape] = {"type": "string", "format": "uuid"}
_SEQ: Final[Shape] = {"type": "integer", "minimum": 0}
_EDGE: Final[Shape] = {"type": "array", "items": _UUID, "minItems": 2, "maxItems": 2}

_NUMBER: Final[Shape] = {"type": "integer", "minimum": 0}
_RATE: Final[Shape] = {"type": "number", "minimum": 0, "description": "Events a second."}
_MOMENT: Final[Shape] = {"type": "string", "format": "date-time"}
_COUNTS: Final[Shape] = {
    "type": "array",
    "items": {"anyOf": [_NUMBER, {"type": "null"}]},
    "description": "Bucket by bucket; null where minutes are no longer kept.",
}

STORE_COMPONENTS: Final[dict[str, Shape]] = {
    "Count": _closed(
        {
            "number": {"type": "integer", "minimum": 0},
            "exact": {"type": "boolean", "description": "Whether it is no estimate, and not cut off."},
        }
    ),
    "Orphan": _closed(
        {
            "event_id": _UUID,
            "cause_id": {**_UUID, "description": "The cause outside of the chain that the event names."},
            "stored": _or_null({"type": "boolean"}, "Whether that one is stored; null where that was not looked up."),
            "correlation_id": _or_null(_UUID, "The chain of a stored one."),
        }
    ),
    "Chain": _closed(
        {
            "correlation_id": _UUID,
            "events": _list(reference("StoredEvent"), "By `seq`."),
            "roots": _list(_UUID, "Events without a cause in the chain."),
            "edges": _list(_EDGE, "Cause and effect, each pair once."),
            "orphans": _list(reference("Orphan"), "Events that name a cause outside of it."),
            "cycles": _list({"type": "array", "items": _UUID}, "Sets of events that are their own causes."),
            "late": _list(_UUID, "Events that were stored before a cause of theirs."),
            "total": {**reference("Count"), "description": "Of the whole chain."},
            "complete": {"type": "boolean", "description": "Whether this is the whole chain."},
            "next_after": _or_null(_SEQ, "The `after` with which the next part is asked for."),
        }
    ),
    "Latest": _closed({"event_id": _UUID, "seq": _SEQ, "stored_at": _MOMENT}),
    "StatisticsGroup": _closed(
        {
            "name": {"type": "string", "description": "The event type, or the source."},
            "number": _NUMBER,
            "rate_1m": _RATE,
            "rate_5m": _RATE,
            "latest": _or_null(reference("Latest"), "The event stored last, where types or sources were not chosen."),
            "counts": _COUNTS,
        }
    ),
    "Statistics": _closed(
        {
            "number": _NUMBER,
            "rate_1m": {**_RATE, "description": "Events a second over the last minute."},
            "rate_5m": {**_RATE, "description": "Events a second over the last five minutes."},
            "since": _or_null(_MOMENT, "What was counted from: what was asked for, or where a tally begins before it."),
            "until": _or_null(_MOMENT, "What was counted to, in the same way."),
            "by": {"type": "string", "enum": ["type", "source", "none"]},
            "bucket": _or_null({"type": "string", "enum": ["minute", "hour", "day"]}, "As asked."),
            "buckets": _list(_MOMENT, "When each bucket begins."),
            "counts": _COUNTS,
            "groups": _list(reference("StatisticsGroup"), "The largest first."),
            "others": {**_NUMBER, "description": "Groups beyond `limit`."},
            "others_number": {**_NUMBER, "description": "Their events."},
            "counted_to": {**_SEQ, "description": "The position up to which everything is counted."},
            "last_seq": {**_SEQ, "description": "The last position when this was asked."},
            "complete": {"type": "boolean", "description": "Whether everything is counted."},
        }
    ),
}

_EFFECT: Final = "0198c5a2-6c1e-7000-8000-000000000002"
_CAUSE: Final[str] = EXAMPLE_EVENT["event_id"]
EXAMPLE_CHAIN: Final[dict[str, Any]] = {
    "correlation_id": _CAUSE,
    "events": [
        EXAMPLE_EVENT,
        {
            **EXAMPLE_EVENT,
            "event_id": _EFFECT,
            "source": {"service": "http", "causation_id": _CAUSE},
            "correlation_id": _CAUSE,
            "seq": 2,
        },
    ],
    "roots": [_CAUSE],
    "edges": [[_CAUSE, _EFFECT]],
    "orphans": [],
    "cycles": [],
    "late": [],
    "total": {"number": 2, "exact": True},
    "complete": True,
    "next_after": None,
}
EXAMPLE_STATISTICS: Final[dict[str, Any]] = {
    "number": 61,
    "rate_1m": 0.017,
    "rate_5m": 0.053,
    "since": "2026-02-12T13:00:00Z",
    "until": "2026-02-12T15:00:00Z",
    "by": "type",
    "bucket": "hour",
    "buckets": ["2026-02-12T13:00:00Z", "2026-02-12T14:00:00Z"],
    "counts": [44, 17],
    "groups": [
        {
            "name": "test.event.created",
            "number": 61,
            "rate_1m": 0.017,
            "rate_5m": 0.053,
            "latest": {"event_id": _CAUSE, "seq": 61, "stored_at": "2026-02-12T14:02:11.490000Z"},
            "counts": [44, 17],
        }
    ],
    "others": 0,
    "others_number": 0,
    "counted_to": 61,
    "last_seq": 61,
    "complete": True,
}
