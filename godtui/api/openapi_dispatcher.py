"""What the OpenAPI document says of the dispatcher: shapes from the views themselves, and examples of them."""

from __future__ import annotations

from typing import Any, Final, get_args

from godtui.api.openapi import Shape
from godtui.api.shapes import shapes_of
from godtui.clock import to_datetime
from godtui.operations import (
    MAX_REASON_CHARACTERS,
    Check,
    Condition,
    DispatcherStatus,
    Explanation,
    RunningCheck,
    SettingView,
    TicketState,
    TicketView,
)


def _reason(description: str, **more: Any) -> Shape:
    return {"type": "string", "maxLength": MAX_REASON_CHARACTERS, "description": description, **more}


def _body(*required: str, reason: Shape) -> Shape:
    return {
        "type": "object",
        "properties": {"reason": reason},
        "required": list(required),
        "additionalProperties": False,
    }


DISPATCHER_COMPONENTS: Final[dict[str, Shape]] = {
    **shapes_of(DispatcherStatus, Explanation),
    "Remark": _body(reason=_reason("Why; it is shown to whoever asks.")),
    "DispatchReason": _body("reason", reason=_reason("Why it goes past the gate; it is recorded.", pattern=r"\S")),
}

_EARLIER = to_datetime(1_770_904_920_117_000)
_NOW = to_datetime(1_770_904_931_482_000)
_LATER = to_datetime(1_770_905_831_482_000)
_CONDITIONS = [
    Condition(
        name="state",
        holds=True,
        observed={"name": "Todo", "group": "unstarted"},
        wanted=["unstarted"],
        why="its state Todo is in the group unstarted",
    ),
    Condition(
        name="labels",
        holds=True,
        observed=["ready", "automation:go", "comp:bloodbank"],
        wanted=["ready", "automation:go"],
        why="it has all of the labels",
    ),
]
_TICKET = TicketView(
    id="7f6c1a52-6b0e-4d0e-9b3e-2f6b8f1d0c11",
    reference="INFRA-42",
    title="Rotate the broker's certificate",
    url="https://plane.delo.sh/33god/browse/INFRA-42",
    state="blocked",
    reason="the check of bloodbank failed; it is tried again",
    episode=1,
    conditions=_CONDITIONS,
    components=["bloodbank"],
    checks=[
        Check(
            component="bloodbank",
            outcome="failed",
            command="mise run test",
            cwd="/srv/33god/bloodbank",
            exit_code=1,
            duration_s=11.365,
            output_tail="1 failed, 41 passed\n",
            finished_at=_NOW,
            why="the check of bloodbank failed: exit code 1",
        )
    ],
    next_try_at=_LATER,
    plane_updated_at=_EARLIER,
    changed_at=_NOW,
)
_RUNNING = RunningCheck(
    component="candystore",
    command="mise run test",
    cwd="/srv/33god/candystore",
    started_at=_NOW,
    tickets=["INFRA-43"],
    output_tail="collecting ...\n",
)

EXAMPLE_TICKET: Final = _TICKET.document()
EXAMPLE_STATUS: Final = DispatcherStatus(
    state="running",
    since=_EARLIER,
    counts={**dict.fromkeys(get_args(TicketState), 0), "blocked": 1},
    tickets=[_TICKET],
    checks=[_RUNNING],
    next_try_at=_LATER,
    watermark=1042,
    state_file="/home/delo/.config/openclaw/infra-dispatch-state.json",
    settings=[SettingView(name="INFRA_READY_STATES", value="unstarted", origin="default")],
).document()
EXAMPLE_EXPLANATION: Final = Explanation(
    verdict="qualified",
    conditions=_CONDITIONS,
    components=["bloodbank"],
    standing=["the check of bloodbank failed and holds it until it passes"],
    ticket=_TICKET,
).document()
EXAMPLE_DELIVERY: Final[dict[str, Any]] = {
    "event": "issue",
    "action": "update",
    "data": {
        "id": "7f6c1a52-6b0e-4d0e-9b3e-2f6b8f1d0c11",
        "name": "Rotate the broker's certificate",
        "state": {"name": "Todo", "group": "unstarted"},
        "labels": [{"name": "ready"}, {"name": "automation:go"}, {"name": "comp:bloodbank"}],
    },
}
