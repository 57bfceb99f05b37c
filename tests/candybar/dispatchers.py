"""A dispatcher in memory: tickets that a test sets, and what an operator asked of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from godtui.clock import to_datetime
from godtui.jsontext import Json
from godtui.operations import (
    OPEN_STATES,
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


def ago(seconds: float) -> datetime:
    """So long before the tests' morning; negative for after it."""
    return to_datetime(MORNING - round(seconds * 1_000_000))


def ticket(number: int, state: TicketState = "dispatched", title: str = "", **more: Any) -> TicketView:
    """INFRA-number; its id is made of the number."""
    return TicketView(**{
        "id": str(UUID(int=number)),
        "reference": f"INFRA-{number}",
        "title": title or f"Ticket number {number}",
        "state": state,
        "episode": 1,
        "changed_at": ago(60 * number),
        **more,
    })  # fmt: skip


CONDITIONS = [
    Condition(name="state", holds=True, observed="Todo (unstarted)", wanted="unstarted"),
    Condition(
        name="labels",
        holds=False,
        observed=["ready"],
        wanted=["ready", "automation:go"],
        why="the label automation:go is missing",
    ),
    Condition(name="not deleted", holds=True, observed=False, wanted=False),
]
FAILED = Check(
    component="candystore",
    outcome="failed",
    command="make check",
    cwd="/srv/33god/candystore",
    exit_code=1,
    duration_s=3.21,
    output_tail="collected 412 items\nFAILED tests/test_store.py::test_append - disk full\n1 failed, 411 passed",
    finished_at=ago(180),
    why="the check ended with exit code 1",
)
PASSED = Check(component="bloodbank", outcome="passed", command="make check", exit_code=0, duration_s=12.0)
RUNNING = RunningCheck(
    component="holyfields",
    command="make check",
    cwd="/srv/33god/holyfields",
    started_at=ago(12),
    tickets=["INFRA-7"],
    output_tail="".join(f"test {number} ok\n" for number in range(1, 61)),
)
SETTINGS = [
    SettingView(name="INFRA_READY_STATES", value="unstarted", origin="default"),
    SettingView(name="INFRA_READY_LABELS", value="ready,automation:go", origin="godtui.toml"),
    SettingView(name="OPENCLAW_HOOK_TOKEN", value="set", origin="~/.config/openclaw/infra-dispatch.env"),
]


def night() -> list[TicketView]:
    """What an operator may find at two in the morning: one ticket or more of every state."""
    return [
        ticket(3, "failed", "Replace the retired mirror", reason="OpenClaw refused it: 400 the agent is unknown"),
        ticket(
            17,
            "blocked",
            "Rotate the broker's certificates",
            reason="the check of candystore failed (exit 1)",
            conditions=CONDITIONS[:1],
            components=["candystore", "bloodbank"],
            checks=[FAILED, PASSED],
            next_try_at=ago(-724),
            url="https://plane.example/33god/projects/infra/issues/17",
            correlation_id=UUID("018f2c7e-51d4-7a10-8c2a-5b1f6e0aa012"),
            delivery_id=UUID("018f2c7e-51d4-7a10-8c2a-5b1f6e0aa013"),
            plane_updated_at=ago(1100),
        ),
        ticket(18, "blocked", "Compact the archive", reason="the check of candystore failed (exit 1)"),
        ticket(9, "retrying", "Move the runners", reason="503: busy", attempts=4, next_try_at=ago(-41)),
        ticket(7, "checking", "Lint every schema", reason="holyfields is being checked", components=["holyfields"]),
        ticket(12, "sending", "Prune stale worktrees", attempts=1),
        ticket(40, "ready", "Upgrade the broker 日本語"),
        ticket(31, "withdrawn", "Delete the old bucket", reason="no longer ready: state is Done"),
        ticket(33, "rejected", "Think about naming", conditions=CONDITIONS, reason="labels: automation:go is missing"),
        ticket(35, "rejected", "Draft: a second region", reason="it is a draft"),
        *(ticket(50 + number, "dispatched", f"Routine {number}", run_id=f"run-{number}") for number in range(20)),
    ]


class MemoryDispatcher:
    """What the console asks of a dispatcher; `break_with` makes every call fail, `hang` leaves it unanswered."""

    def __init__(self) -> None:
        self.state = DispatcherStatus(state="running", since=ago(3600))
        self.tickets: dict[str, TicketView] = {}
        self.more: Counter[TicketState] = Counter()
        """Tickets that are only counted."""
        self.asked: list[tuple[str, ...]] = []
        self.polls = 0
        self.wanted: list[TicketState | None] = []
        self.break_with: Exception | None = None
        self.hang = False

    def show(self, *tickets: TicketView, **status: Any) -> None:
        """These tickets, and this of the status."""
        self.tickets = {one.id: one for one in tickets}
        self.change(**status)

    def change(self, **status: Any) -> None:
        self.state = self.state.model_copy(update=status)

    def put(self, one: TicketView) -> None:
        self.tickets[one.id] = one

    async def status(self, *, state: TicketState | None = None, limit: int = 100) -> DispatcherStatus:
        self.polls += 1
        self.wanted.append(state)
        await self._answer()
        counts = Counter(one.state for one in self.tickets.values()) + self.more
        order = sorted(self.tickets.values(), key=lambda one: one.state not in ("failed", *OPEN_STATES))
        told = [one for one in order if state in (None, one.state)][:limit]
        return self.state.model_copy(update={"counts": dict(counts), "tickets": told})

    async def ticket(self, name: str) -> TicketView:
        await self._answer()
        return self._find(name)

    async def pause(self, reason: str = "") -> DispatcherStatus:
        await self._answer()
        self.asked.append(("pause", reason))
        self.change(state="paused", since=ago(0), reason=reason)
        return self.state

    async def resume(self) -> DispatcherStatus:
        await self._answer()
        self.asked.append(("resume",))
        self.change(state="running", reason="")
        return self.state

    async def retry(self, name: str) -> TicketView:
        await self._answer()
        self.asked.append(("retry", name))
        return self._turn(name, "checking", ("blocked", "retrying", "failed"))

    async def withdraw(self, name: str, reason: str = "") -> TicketView:
        await self._answer()
        self.asked.append(("withdraw", name, reason))
        return self._turn(name, "withdrawn", OPEN_STATES)

    async def dispatch(self, name: str, reason: str) -> TicketView:
        await self._answer()
        self.asked.append(("dispatch", name, reason))
        return self._turn(name, "sending", ("blocked", "held", "rejected", "failed", "withdrawn"), forced=reason)

    async def explain_body(self, body: Json) -> Explanation:
        raise NotImplementedError("the console explains nothing")

    async def explain_event(self, event_id: UUID) -> Explanation | None:
        raise NotImplementedError("the console explains nothing")

    async def explain_ticket(self, name: str) -> Explanation:
        raise NotImplementedError("the console explains nothing")

    async def watch(self, component: str) -> AsyncGenerator[str]:
        raise NotImplementedError("the console looks at kept tails")
        yield ""

    def _find(self, name: str) -> TicketView:
        for one in self.tickets.values():
            if name in (one.id, one.reference):
                return one
        raise UnknownTicketError(f"no ticket {name} was ever seen")

    def _turn(self, name: str, state: TicketState, allowed: Sequence[TicketState], **more: Any) -> TicketView:
        one = self._find(name)
        if one.state not in allowed:
            raise TicketStateError(f"{one.reference} is {one.state}: that needs a ticket that is {', '.join(allowed)}")
        self.put(one.model_copy(update={"state": state, "changed_at": ago(0), **more}))
        return self.tickets[one.id]

    async def _answer(self) -> None:
        if self.hang:
            await asyncio.Event().wait()
        if self.break_with is not None:
            raise self.break_with
