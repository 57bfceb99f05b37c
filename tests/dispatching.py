"""A dispatcher in memory, and the tickets that tests look at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, get_args
from uuid import UUID

from godtui.clock import to_datetime
from godtui.jsontext import Json
from godtui.operations import (
    Check,
    Condition,
    DispatcherStatus,
    Explanation,
    RunningCheck,
    SettingView,
    TicketState,
    TicketStateError,
    TicketView,
    UnknownTicketError,
)
from tests.clock import MORNING

NOW = to_datetime(MORNING)
HOSTILE = "a\x1b[31mred\nnew\x00line \u202e\u2028 日本"
EVENT = UUID("0198c5a2-6c1e-7000-8000-000000000001")
"""The one delivery that is stored."""

CONDITIONS = [
    Condition(name="state", holds=True, observed={"group": "unstarted"}, wanted=["unstarted"], why="it is unstarted"),
    Condition(name="labels", holds=False, observed=[10**30, HOSTILE], wanted=["ready"], why=f"no ready, but {HOSTILE}"),
]
CHECK = Check(
    component="bloodbank",
    outcome="failed",
    command="false",
    cwd="/srv/bloodbank",
    exit_code=1,
    duration_s=1.5,
    output_tail=f"one\n{HOSTILE}\n",
    finished_at=NOW,
    why="the check of bloodbank failed: exit code 1",
)
RUNNING = RunningCheck(
    component="bloodbank", command="sleep 9", cwd="/", started_at=NOW, tickets=["INFRA-1", HOSTILE], output_tail="one\n"
)


def ticket(number: int, state: TicketState, **more: Any) -> TicketView:
    """INFRA-`number`."""
    named = {"id": str(UUID(int=number)), "reference": f"INFRA-{number}", "title": f"ticket {number}"}
    return TicketView(**{**named, "state": state, "reason": f"reason {number}", "changed_at": NOW, **more})


FULL = ticket(
    1,
    "blocked",
    title=HOSTILE,
    url="https://plane.lan/INFRA-1",
    episode=2,
    conditions=CONDITIONS,
    components=["bloodbank"],
    checks=[CHECK],
    attempts=3,
    next_try_at=NOW,
    run_id="run-1",
    forced=HOSTILE,
    plane_updated_at=NOW,
    correlation_id=EVENT,
    delivery_id=EVENT,
)


class MemoryDispatcher:
    """DispatcherOperations on a handful of tickets; with `error`, all of it fails that way."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls: list[tuple[Any, ...]] = []
        self.paused: str | None = None
        self.output: asyncio.Queue[str | None] | None = None
        self.left = asyncio.Event()
        slashed = ticket(4, "ready", reference="INFRA 4?#ü")
        tickets = (FULL, ticket(2, "dispatched", run_id="run-2"), ticket(3, "rejected"), slashed)
        self.tickets = {one.id: one for one in tickets}

    async def status(self, *, state: TicketState | None = None, limit: int = 100) -> DispatcherStatus:
        self._note("status", state, limit)
        return self._status(state, limit)

    def _status(self, state: TicketState | None = None, limit: int = 100) -> DispatcherStatus:
        counts: dict[TicketState, int] = dict.fromkeys(get_args(TicketState), 0)
        for one in self.tickets.values():
            counts[one.state] += 1
        return DispatcherStatus(
            state="running" if self.paused is None else "paused",
            reason=self.paused or "",
            since=NOW,
            counts=counts,
            tickets=[one for one in self.tickets.values() if state in (None, one.state)][:limit],
            checks=[RUNNING],
            next_try_at=NOW,
            watermark=2**60,
            state_file="/state.json",
            notes=[f"a note {HOSTILE}"],
            settings=[
                SettingView(name="INFRA_READY_STATES", value="unstarted", origin="default"),
                SettingView(name="INFRA_CHECK_POLICY", value="annotate", origin="godtui.toml"),
            ],
        )

    async def ticket(self, name: str) -> TicketView:
        self._note("ticket", name)
        return self._named(name)

    async def pause(self, reason: str = "") -> DispatcherStatus:
        self._note("pause", reason)
        self.paused = reason
        return self._status()

    async def resume(self) -> DispatcherStatus:
        self._note("resume")
        self.paused = None
        return self._status()

    async def retry(self, name: str) -> TicketView:
        self._note("retry", name)
        return self._become(name, "checking", "asked to")

    async def withdraw(self, name: str, reason: str = "") -> TicketView:
        self._note("withdraw", name, reason)
        return self._become(name, "withdrawn", reason)

    async def dispatch(self, name: str, reason: str) -> TicketView:
        self._note("dispatch", name, reason)
        return self._become(name, "sending", "past the gate", forced=reason)

    async def explain_body(self, body: Json) -> Explanation:
        self._note("explain_body", body)
        if body is None:
            return Explanation(verdict="ignored", standing=["the body is no delivery"])
        return Explanation(verdict="rejected", conditions=CONDITIONS, components=["bloodbank"], standing=[HOSTILE])

    async def explain_event(self, event_id: UUID) -> Explanation | None:
        self._note("explain_event", event_id)
        return Explanation(verdict="qualified", conditions=CONDITIONS[:1]) if event_id == EVENT else None

    async def explain_ticket(self, name: str) -> Explanation:
        self._note("explain_ticket", name)
        return Explanation(verdict="rejected", conditions=CONDITIONS, standing=["paused"], ticket=self._named(name))

    async def watch(self, component: str) -> AsyncGenerator[str]:
        self._note("watch", component)
        if self.output is None or component != "bloodbank":
            return
        try:
            while (piece := await self.output.get()) is not None:
                yield piece
        finally:
            self.left.set()

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.error is not None:
            raise self.error

    def _named(self, name: str) -> TicketView:
        for one in self.tickets.values():
            if name in (one.id, one.reference):
                return one
        raise UnknownTicketError(f"no ticket {name} was ever seen")

    def _become(self, name: str, state: TicketState, reason: str, **more: Any) -> TicketView:
        one = self._named(name)
        if one.state == "dispatched":
            raise TicketStateError(f"{one.reference} is dispatched, which ended its episode")
        changed = one.model_copy(update={"state": state, "reason": reason, **more})
        self.tickets[one.id] = changed
        return changed
