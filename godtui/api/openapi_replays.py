"""What the OpenAPI document says of replays: bodies by hand, answers from the views themselves, and examples."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from godtui import filters
from godtui.api.openapi import Shape, reference
from godtui.api.replay_requests import MAX_NUMBER, MAX_SEQ, MAX_STEP, MAX_TO_CHARACTERS
from godtui.api.shapes import shapes_of
from godtui.clock import to_datetime
from godtui.operations import BUS, MAX_UNCONFIRMED, QUEUE, ReplayPlan, ReplayQueue, ReplayView


def _object(properties: dict[str, Shape], *required: str, **more: Any) -> Shape:
    members = {"properties": properties, "required": list(required)} if required else {"properties": properties}
    return {"type": "object", **members, "additionalProperties": False, **more}


def _flag(description: str) -> Shape:
    return {"type": "boolean", "default": False, "description": description}


def _or_null(shape: Shape, description: str) -> Shape:
    return {"anyOf": [shape, {"type": "null"}], "description": description}


_POSITIVE: Final[Shape] = {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_NUMBER}
_SPEED: Final[Shape] = {
    "anyOf": [_POSITIVE, {"const": "max"}],
    "description": "How many times as quick as the events came, by their own time; `max` waits for nothing but `rate`.",
}
_RATE: Final = _or_null(_POSITIVE, "The most events a second; null for any number.")
_GAP: Final = _or_null(
    {"type": "number", "minimum": 0, "maximum": MAX_NUMBER},
    "The longest wait between two events, in seconds; null for any.",
)
_TARGET: Final[Shape] = {
    "anyOf": [
        {"const": BUS},
        {"type": "string", "pattern": f"^{QUEUE}", "minLength": len(QUEUE) + 1, "maxLength": MAX_TO_CHARACTERS},
    ],
    "default": BUS,
    "description": "`bus`, or one queue as `queue:NAME`.",
}

REPLAY_COMPONENTS: Final[dict[str, Shape]] = {
    **shapes_of(ReplayView, ReplayPlan),
    "ReplayList": _object({"replays": {"type": "array", "items": reference("ReplayView")}}, "replays"),
    "ReplayRequest": _object(
        {
            "filter": {
                "type": "string",
                "maxLength": filters.MAX_CHARACTERS,
                "description": "The filter language; moments such as `15m` count from now.",
            },
            "to": _TARGET,
            "speed": {**_SPEED, "default": 1},
            "rate": _RATE,
            "max_gap_s": _GAP,
            "paused": _flag("Make it paused: it begins with `resume` or `step`."),
            "dry_run": _flag("Answer with the plan, and send nothing."),
            "confirm": _flag(f"Let more than {MAX_UNCONFIRMED:,} events go to the bus."),
        },
        "filter",
    ),
    "ReplayStep": _object(
        {
            "count": {
                "type": "integer",
                "minimum": -MAX_STEP,
                "maximum": MAX_STEP,
                "not": {"const": 0},
                "default": 1,
                "description": "So many are sent; below 0, so many back and nothing is sent.",
            }
        }
    ),
    "ReplaySeek": _object(
        {
            "seq": {"type": "integer", "minimum": 1, "maximum": MAX_SEQ, "description": "The next to send, or after."},
            "at": {
                "type": "string",
                "format": "date-time",
                "description": "Go on from the first event whose own time is this or later.",
            },
        },
        minProperties=1,
        maxProperties=1,
    ),
    "ReplayTempo": _object({"speed": _SPEED, "rate": _RATE, "max_gap_s": _GAP}, minProperties=1),
}

_ID: Final = UUID("0198c5a2-8f3b-7c41-9d2e-5b6f7a8091c2")
_EARLIER: Final = to_datetime(1_770_904_920_117_000)
_NOW: Final = to_datetime(1_770_904_931_482_000)
_FILTER: Final = "type:agent.task.*"
_TO: Final = "queue:agent.inbox"
_VIEW: Final = ReplayView(
    replay_id=_ID,
    filter=_FILTER,
    to=_TO,
    speed=10.0,
    state="running",
    total=1430,
    done=812,
    sent=812,
    position=40_312,
    at=_EARLIER,
    eta_s=41.2,
    created_at=_NOW,
    started_at=_NOW,
)
EXAMPLE_REPLAY: Final = _VIEW.document()
EXAMPLE_REPLAYS: Final = {"replays": [EXAMPLE_REPLAY]}
EXAMPLE_PLAN: Final = ReplayPlan(
    filter=_FILTER,
    to=_TO,
    speed=10.0,
    total=1430,
    first_at=_EARLIER,
    last_at=_NOW,
    duration_s=1.137,
    queues=(ReplayQueue(name="agent.inbox", count=1430, services=("agent",)),),
    invalid=2,
    notes=("2 of them are refused by today's contracts; they are sent as they are",),
).document()
EXAMPLE_REQUEST: Final[dict[str, Any]] = {"filter": _FILTER, "to": BUS, "speed": "max", "dry_run": True}
