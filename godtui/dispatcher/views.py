"""The dispatcher as operators see it: what every skin shows, and what goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

from pydantic import Field

from godtui.view import View

TicketState: TypeAlias = Literal[
    "ready", "held", "checking", "blocked", "sending", "retrying", "dispatched", "failed", "withdrawn", "rejected"
]
"""Where a ticket stands.

`ready` waits its turn, `held` waits for the operator (paused, or no token), `checking` has a check running, `blocked`
waits for its next check, `sending` is being handed over, `retrying` waits for the next try at that. `dispatched`,
`failed` and `withdrawn` ended an episode; `rejected` does not meet the conditions.
"""

OPEN_STATES: tuple[TicketState, ...] = ("ready", "held", "checking", "blocked", "sending", "retrying")
"""Those in which something is still to come."""

DispatcherState: TypeAlias = Literal["running", "paused", "held", "standing by", "off", "failed"]
"""`held`: no token is set. `standing by`: another instance dispatches. `off`: no dispatcher is to run here."""

CheckOutcome: TypeAlias = Literal[
    "passed", "failed", "timeout", "unrunnable", "not_configured", "no_component", "disabled"
]


class Condition(View):
    """One condition of the gate: what was seen, what was wanted, and whether it holds."""

    name: str
    holds: bool
    observed: Any = None
    wanted: Any = None
    why: str = ""


class Check(View):
    """How a component's check went; `why` is the outcome in a sentence, `event_id` the event that said so."""

    component: str | None
    outcome: CheckOutcome
    command: str | None = None
    cwd: str | None = None
    exit_code: int | None = None
    duration_s: float | None = None
    output_tail: str = ""
    finished_at: datetime | None = None
    why: str = ""
    event_id: UUID | None = None


class RunningCheck(View):
    """A check under way, and the references of the tickets that wait for it."""

    component: str
    command: str
    cwd: str
    started_at: datetime
    tickets: list[str] = Field(default_factory=list)
    output_tail: str = ""


class TicketView(View):
    """A ticket with all that was decided about it. `reason` says why it stands where it does.

    `forced` is the reason an operator gave for dispatching it past the gate.
    """

    id: str
    reference: str
    title: str = ""
    url: str | None = None
    state: TicketState
    reason: str = ""
    episode: int = 0
    conditions: list[Condition] = Field(default_factory=list)
    components: list[str] = Field(default_factory=list)
    checks: list[Check] = Field(default_factory=list)
    attempts: int = 0
    next_try_at: datetime | None = None
    run_id: str | None = None
    forced: str | None = None
    plane_updated_at: datetime | None = None
    changed_at: datetime
    correlation_id: UUID | None = None
    delivery_id: UUID | None = None


class SettingView(View):
    """A setting in force and where it was written; secrets show only that they are set."""

    name: str
    value: str
    origin: str


class DispatcherStatus(View):
    """The dispatcher now. `counts` has every ticket state; `tickets` are the most urgent and the newest.

    `active` names the instance that dispatches, where that is known. `watermark` is the position up to which every
    stored delivery is decided.
    """

    state: DispatcherState
    reason: str = ""
    since: datetime | None = None
    active: str | None = None
    counts: dict[TicketState, int] = Field(default_factory=dict)
    tickets: list[TicketView] = Field(default_factory=list)
    checks: list[RunningCheck] = Field(default_factory=list)
    next_try_at: datetime | None = None
    watermark: int | None = None
    state_file: str = ""
    notes: list[str] = Field(default_factory=list)
    settings: list[SettingView] = Field(default_factory=list)


class Explanation(View):
    """Why a ticket is or is not dispatched. `verdict` is the gate's; `standing` what else decides, in sentences."""

    verdict: Literal["qualified", "rejected", "ignored"]
    conditions: list[Condition] = Field(default_factory=list)
    components: list[str] = Field(default_factory=list)
    standing: list[str] = Field(default_factory=list)
    ticket: TicketView | None = None


class Delivered(NamedTuple):
    """A delivery that is durable here, whether it came now or had come before."""

    event_id: UUID
    event_type: str
