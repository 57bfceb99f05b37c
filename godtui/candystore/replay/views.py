"""Replays as operators ask for them and see them: what every skin shows, and what goes over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from godtui.view import View

BUS: Final = "bus"
QUEUE: Final = "queue:"
"""How a target begins that is one queue, as in `queue:agent.inbox`."""
MAX_UNCONFIRMED: Final = 1000
"""Events that go to the bus without being confirmed."""

ReplayState: TypeAlias = Literal["running", "paused", "completed", "cancelled", "failed"]
"""`failed` could not go on; `reason` says why."""

OPEN_STATES: tuple[ReplayState, ...] = ("running", "paused")
"""Those in which something is still to come."""

Speed: TypeAlias = float | Literal["max"]
"""How many times as quick as the events came, by their own time; `max` waits for nothing but `rate`."""


class ReplayRequest(View):
    """What to replay, where to, and how quickly.

    `filter` is text of the filter language whose moments are fixed (`str` of a Filter). `rate` is the most events a
    second, `max_gap_s` the longest wait between two of them, in seconds; None for no such limit. One made `paused`
    begins with `resume` or `step`. `confirm` lets more than MAX_UNCONFIRMED events go to the bus.
    """

    filter: str
    to: str = BUS
    speed: Speed = 1.0
    rate: float | None = Field(default=None, gt=0)
    max_gap_s: float | None = Field(default=None, ge=0)
    paused: bool = False
    confirm: bool = False


class ReplayQueue(View):
    """A queue that events would go to: how many, and which services take from it by `registry.yaml`."""

    name: str
    count: int
    services: tuple[str, ...] = ()


class ReplayPlan(View):
    """What a replay would do. Nothing is sent.

    `exact` says whether `total`, `queues` and `invalid` are counted to the end or estimated from a part. `invalid` is
    how many of them today's contracts refuse. `duration_s` is in seconds, None where nothing limits the speed. `notes`
    are sentences that an operator should read first.
    """

    filter: str
    to: str
    speed: Speed
    rate: float | None = None
    max_gap_s: float | None = None
    total: int
    exact: bool = True
    first_at: datetime | None = None
    last_at: datetime | None = None
    duration_s: float | None = None
    queues: tuple[ReplayQueue, ...] = ()
    invalid: int = 0
    notes: tuple[str, ...] = ()


class ReplayView(View):
    """One replay: what was asked, how far it is.

    `position` is the `seq` up to which everything is sent, `at` the own time of the event there. `done` is how many of
    its events lie up to there: with `total`, which is fixed when it is made as is what it comprises, that is how far it
    is. `sent` counts every sending, so that who went back sends some events twice; `skipped` counts those that the bus
    refused for good. `eta_s` is in seconds, None where it is not known or does not move. `reason` says why it failed,
    or what a running one waits for.
    """

    replay_id: UUID
    filter: str
    to: str
    speed: Speed
    rate: float | None = None
    max_gap_s: float | None = None
    state: ReplayState
    reason: str = ""
    total: int
    exact: bool = True
    done: int = 0
    sent: int = 0
    skipped: int = 0
    position: int = 0
    at: datetime | None = None
    eta_s: float | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether something is still to come."""
        return self.state in OPEN_STATES
