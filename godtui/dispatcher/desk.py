"""What operators see of the dispatcher and do with it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, get_args
from uuid import UUID

from godtui.bloodbank.asking import asking
from godtui.clock import Clock, rfc3339, to_datetime
from godtui.dispatcher import episodes
from godtui.dispatcher.case import Case, Phase
from godtui.dispatcher.delivery import Delivery
from godtui.dispatcher.errors import DispatcherUnavailableError, UnknownTicketError
from godtui.dispatcher.gate import Decision, judge
from godtui.dispatcher.ledger import Change
from godtui.dispatcher.plane import read_ticket
from godtui.dispatcher.ticket import Unreadable
from godtui.dispatcher.views import (
    OPEN_STATES,
    Condition,
    DispatcherState,
    DispatcherStatus,
    Explanation,
    RunningCheck,
    SettingView,
    TicketState,
    TicketView,
)
from godtui.dispatcher.worker import Dispatcher, Parts
from godtui.envelope import InvalidEventError
from godtui.eventlog import EventLog
from godtui.jsontext import Json

URGENCY: Final[tuple[TicketState, ...]] = (
    "failed", "blocked", "retrying", "checking", "sending", "ready", "withdrawn", "dispatched", "rejected",
)  # fmt: skip
"""The order in which an operator wants to see tickets."""
WAITING: Final[tuple[TicketState, ...]] = ("blocked", "retrying", "ready")
"""What is held while nothing is begun."""
MAX_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where the dispatcher is, where it does not work here; `active` is the instance that dispatches."""

    state: DispatcherState
    reason: str
    active: str | None = None


class Desk:
    """DispatcherOperations of a dispatcher in this process."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        log: EventLog,
        clock: Clock,
        *,
        elsewhere: Callable[[], Place],
        settings: Callable[[], list[SettingView]],
    ) -> None:
        """`elsewhere` says why it does not work here, while it does not."""
        self._dispatcher = dispatcher
        self._log = log
        self._clock = clock
        self._elsewhere = elsewhere
        self._settings = settings

    async def status(self, *, state: TicketState | None = None, limit: int = 100) -> DispatcherStatus:
        parts = self._dispatcher.parts
        if parts is None:
            place = self._elsewhere()
            return DispatcherStatus(
                state=place.state, reason=place.reason, active=place.active, settings=self._settings(),
                state_file=self._dispatcher.state_path,
            )  # fmt: skip
        with asking():
            counts = await parts.ledger.counts()
            cases = await self._listed(parts, state, limit)
            due = await parts.ledger.next_due(self._clock.now())
        hold, paused = parts.carrier.hold, parts.ledger.facts.get("paused")
        return DispatcherStatus(
            state="paused" if paused else "held" if hold else "running",
            reason=paused["reason"] if paused else hold or "",
            since=paused.get("since") if paused else None,
            counts=_counts(counts, parts.carrier.checking, is_held=hold is not None),
            tickets=[view_of(case, hold, parts.carrier.checking) for case in cases],
            checks=await self._running(parts),
            next_try_at=None if due is None or hold is not None else to_datetime(due),
            watermark=parts.ledger.facts.get("watermark"),
            state_file=self._dispatcher.state_path,
            notes=[note for note in (*self._dispatcher.notes, parts.intake.remark) if note],
            settings=self._settings(),
        )

    async def ticket(self, name: str) -> TicketView:
        parts = self._parts()
        return self._view(parts, await self._case(parts, name))

    async def pause(self, reason: str = "") -> DispatcherStatus:
        parts = self._parts()
        told = {
            "reason": reason[:MAX_REASON] or "by an operator",
            "since": rfc3339(self._clock.now()),
            "by": "operator",
        }
        with asking():
            await parts.ledger.record({"paused": told})
        parts.carrier.stop_checking()
        self._dispatcher.touched(frozenset())
        return await self.status()

    async def resume(self) -> DispatcherStatus:
        parts = self._parts()
        with asking():
            await parts.ledger.record({"paused": None}, all_due=True)
        self._dispatcher.touched(frozenset())
        return await self.status()

    async def retry(self, name: str) -> TicketView:
        parts = self._parts()
        case = await self._change(parts, name, episodes.retry)
        if case.episode is not None and not case.episode.is_frozen:
            parts.carrier.check_anew(case.id)
        return self._view(parts, case)

    async def withdraw(self, name: str, reason: str = "") -> TicketView:
        parts = self._parts()
        case = await self._change(parts, name, partial(episodes.withdraw, reason=reason[:MAX_REASON]))
        return self._view(parts, case)

    async def dispatch(self, name: str, reason: str) -> TicketView:
        parts = self._parts()
        case = await self._change(parts, name, partial(episodes.force, reason=reason[:MAX_REASON]))
        parts.carrier.begin_anew(case.id)
        return self._view(parts, case)

    async def explain_body(self, body: Json) -> Explanation:
        parts = self._parts()
        ticket = read_ticket(body, parts.ledger.names())
        if isinstance(ticket, Unreadable):
            return Explanation(verdict="ignored", conditions=[_ignored(ticket.reason)])
        decision = judge(ticket, parts.ledger.rules.gate)
        with asking():
            case = await parts.ledger.case(ticket.id)
        return self._explained(parts, decision, case)

    async def explain_event(self, event_id: UUID) -> Explanation | None:
        self._parts()
        with asking():
            event = await self._log.event(event_id.bytes)
        if event is None:
            return None
        if not event.event_type.startswith("webhook.plane."):
            why = f"an event of the type {event.event_type} is no delivery of Plane's"
            return Explanation(verdict="ignored", conditions=[_ignored(why)])
        try:
            body = Delivery.of_envelope(event.envelope()).body
        except InvalidEventError as error:
            return Explanation(verdict="ignored", conditions=[_ignored(str(error))])
        return await self.explain_body(body)

    async def explain_ticket(self, name: str) -> Explanation:
        parts = self._parts()
        case = await self._case(parts, name)
        if case.decision is None:
            why = "no delivery about this ticket was seen here, only the state file tells of it"
            return Explanation(verdict="ignored", conditions=[_ignored(why)], ticket=self._view(parts, case))
        return self._explained(parts, judge(case.ticket, parts.ledger.rules.gate), case)

    async def watch(self, component: str) -> AsyncGenerator[str]:
        async for piece in self._parts().checks.watch(component):
            yield piece

    def _parts(self) -> Parts:
        parts = self._dispatcher.parts
        if parts is None:
            raise DispatcherUnavailableError(self._elsewhere().reason)
        return parts

    def _view(self, parts: Parts, case: Case) -> TicketView:
        return view_of(case, parts.carrier.hold, parts.carrier.checking)

    async def _case(self, parts: Parts, name: str) -> Case:
        with asking():
            case = await parts.ledger.case(name)
        if case is None:
            raise UnknownTicketError(f"no ticket {name} was ever seen; name it by its reference or Plane's id")
        return case

    async def _change(self, parts: Parts, name: str, change: Change) -> Case:
        found = await self._case(parts, name)
        with asking():
            case = await parts.ledger.change(found.id, change)
        self._dispatcher.touched(frozenset((found.id,)))
        return case or found

    async def _listed(self, parts: Parts, state: TicketState | None, limit: int) -> list[Case]:
        """Up to so many, the most urgent first."""
        checking = parts.carrier.checking
        found: dict[str, Case] = {}
        for one in URGENCY if state is None else _ledger_states(state, is_held=parts.carrier.hold is not None):
            if one == "checking":
                cases = [await parts.ledger.case(ticket_id) for ticket_id in checking]
            else:
                listed = await parts.ledger.of_state(one, limit + len(checking))
                cases = [case for case in listed if case.id not in checking]
            found.update((case.id, case) for case in cases if case is not None)
            if len(found) >= limit:
                break
        return list(found.values())[:limit]

    async def _running(self, parts: Parts) -> list[RunningCheck]:
        """Checks under way, with references in place of ids."""
        named: list[RunningCheck] = []
        for check in parts.checks.running():
            cases = [await parts.ledger.case(ticket_id) for ticket_id in check.tickets[:20]]
            names = [case.ticket.reference for case in cases if case is not None]
            named.append(check.model_copy(update={"tickets": names}))
        return named

    def _explained(self, parts: Parts, decision: Decision, case: Case | None) -> Explanation:
        view = None if case is None else self._view(parts, case)
        return Explanation(
            verdict=decision.verdict,
            conditions=list(decision.conditions),
            components=list(decision.components),
            standing=list(_standing(parts, decision, view)),
            ticket=view,
        )


def view_of(case: Case, hold: str | None, checking: Collection[str]) -> TicketView:
    """A case as it is shown; `hold` is why nothing is begun."""
    episode, ticket, decision = case.episode, case.ticket, case.decision
    state: TicketState = episodes.state_of(case)
    reason = "" if episode is None else episode.reason
    if case.id in checking and state in ("ready", "blocked"):
        state, reason = "checking", "its checks are running"
    elif hold is not None and episode is not None and episode.phase in WAITING:
        state, reason = "held", hold if not reason or episode.phase == "ready" else f"{hold}; before, {reason}"
    if state == "rejected":
        reason = "its next delivery shows why" if decision is None else decision.summary
    elif episode is None:
        reason = "so long ago that no more is kept of it"
    due_at = None if episode is None or hold is not None or state in ("checking", "sending") else episode.due_at
    return TicketView(
        id=case.id,
        reference=ticket.reference,
        title=ticket.title,
        url=ticket.url,
        state=state,
        reason=reason,
        episode=case.number,
        conditions=[] if decision is None else list(decision.conditions),
        components=[] if decision is None else list(decision.components),
        checks=[] if episode is None else list(episode.checks),
        attempts=0 if episode is None else episode.attempts,
        next_try_at=None if due_at is None else to_datetime(due_at),
        run_id=None if episode is None else episode.run_id,
        forced=None if episode is None else episode.forced,
        plane_updated_at=None if case.content_at is None else to_datetime(case.content_at),
        changed_at=to_datetime(case.changed_at if episode is None else episode.changed_at),
        correlation_id=_uuid(episode.correlation_id if episode is not None else case.correlation_id),
        delivery_id=_uuid(case.delivery_id),
    )


def _ignored(why: str) -> Condition:
    """What the gate has nothing to judge."""
    return Condition(name="ticket", holds=False, wanted="a delivery about a ticket", why=why)


def _standing(parts: Parts, decision: Decision, view: TicketView | None) -> Iterator[str]:
    """What else decides, in sentences."""
    if view is None:
        yield "this ticket was never seen here"
    elif view.state in OPEN_STATES:
        yield f"it is {view.state}" + (f": {view.reason}" if view.reason else "")
    elif view.state == "dispatched":
        yield f"it was dispatched in episode {view.episode}; once it has left ready and come back, it is again"
    elif view.state in ("failed", "withdrawn"):
        yield f"episode {view.episode} ended {view.state}: {view.reason}"
    hold = parts.carrier.hold
    if decision.verdict == "qualified" and hold is not None and (view is None or view.state != "held"):
        yield hold


def _ledger_states(state: TicketState, *, is_held: bool) -> Sequence[TicketState]:
    """The ledger's states that are shown as this one."""
    if state == "held":
        return WAITING if is_held else ()
    return () if is_held and state in WAITING else (state,)


def _counts(counts: Mapping[str, int], checking: Mapping[str, Phase], *, is_held: bool) -> dict[TicketState, int]:
    """How many there are of each state that is shown."""
    shown: dict[TicketState, int] = {state: counts.get(state, 0) for state in get_args(TicketState)}
    for phase in checking.values():
        # One may have left that phase a moment ago, while its check is yet to be ended.
        shown[phase] = max(0, shown[phase] - 1)
        shown["checking"] += 1
    if is_held:
        shown["held"] = sum(shown[state] for state in WAITING)
        shown |= dict.fromkeys(WAITING, 0)
    return shown


def _uuid(value: bytes | None) -> UUID | None:
    return None if value is None else UUID(bytes=value)
