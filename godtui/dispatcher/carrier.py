"""Carrying ready tickets as far as they come now: what is due, their checks, and then over to OpenClaw."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from godtui.clock import Clock
from godtui.dispatcher import episodes
from godtui.dispatcher.case import Case, Phase, Say
from godtui.dispatcher.check_news import CheckNews
from godtui.dispatcher.errors import TicketStateError
from godtui.dispatcher.gate import holds
from godtui.dispatcher.handover import KEEP_AGAIN_SECONDS, CarrierRules, Handover, Sender, components_of, is_checked
from godtui.dispatcher.ledger import Ledger
from godtui.dispatcher.views import Check
from godtui.eventlog import LogUnavailableError
from godtui.racing import first_of

MOST_CARRIED: Final = 256
STUCK_SECONDS: Final = 60.0
LEAVE_SECONDS: Final = 5.0
"""How long requests under way may take when the dispatcher stops."""

logger = logging.getLogger(__name__)


class Checker(Protocol):
    """Component checks, one at a time each."""

    async def result(
        self, component: str | None, *, ticket: str, fresh: bool = False, besides: datetime | None = None
    ) -> Check: ...

    def tickets(self, component: str) -> list[str]: ...


@dataclass(slots=True)
class _Carried:
    task: asyncio.Task[None]
    checking: Phase | None = None
    """While its checks are under way, the phase that the ledger says it is in."""


class Carrier:
    """Takes what is due in the ledger as far as it comes. Without a hook, everything qualified waits.

    `chance` is from 0 to 1, for the pauses' jitter.
    """

    def __init__(
        self,
        ledger: Ledger,
        checks: Checker,
        hook: Sender | None,
        clock: Clock,
        rules: CarrierRules,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._ledger = ledger
        self._checks = checks
        self._clock = clock
        self._rules = rules
        self._handover = Handover(ledger, hook, clock, rules, chance=chance, paused=self.stop_checking)
        self._news = CheckNews(ledger, clock)
        self._wake = asyncio.Event()
        self._carried: dict[str, _Carried] = {}
        self._doubted: set[str] = set()
        self._fresh: set[str] = set()

    @property
    def hold(self) -> str | None:
        """Why nothing is begun, or None."""
        return self._handover.hold

    @property
    def checking(self) -> dict[str, Phase]:
        """Tickets whose checks are under way, with the phase that the ledger says they are in."""
        return {ticket_id: one.checking for ticket_id, one in self._carried.items() if one.checking is not None}

    def wake(self, changed: Iterable[str] = ()) -> None:
        """Something may be due, and what is done for these tickets may no longer be wanted."""
        self._doubted.update(self._carried.keys() & set(changed))
        self._wake.set()

    def begin_anew(self, ticket_id: str) -> None:
        """What is being checked of a ticket does not matter any more."""
        carried = self._carried.get(ticket_id)
        if carried is not None and carried.checking is not None:
            carried.task.cancel()
        self.wake()

    def check_anew(self, ticket_id: str) -> None:
        """The next check of a ticket is not to be one that was run before."""
        self._fresh.add(ticket_id)
        self.wake()

    async def _let_go(self) -> None:
        """Stop checking for those that need it no longer. Raises LogUnavailableError."""
        for ticket_id in list(self._doubted):
            carried = self._carried.get(ticket_id)
            if carried is not None and carried.checking is not None:
                case = await self._ledger.case(ticket_id)
                if case is None or case.open_episode is None:
                    carried.task.cancel()
            self._doubted.discard(ticket_id)

    def stop_checking(self) -> None:
        """Dispatching pauses: what is being checked is left where it stands."""
        for carried in self._carried.values():
            if carried.checking is not None:
                carried.task.cancel()

    async def run(self) -> None:
        """Carry until cancelled."""
        try:
            while True:
                self._wake.clear()
                try:
                    await self._let_go()
                    following = None if self.hold is not None else await self._begin()
                    pause = STUCK_SECONDS
                except LogUnavailableError as error:
                    logger.debug("dispatching waits for the log: %s", error)
                    following, pause = None, KEEP_AGAIN_SECONDS
                await first_of(self._wake.wait(), self._rest(following, pause))
        finally:
            await self._leave()

    async def _rest(self, until: int | None, most: float) -> None:
        """Sleep until a time (µs), and so many seconds at most."""
        pause = most if until is None else (until - self._clock.now()) / 1_000_000
        await self._clock.sleep(min(most, max(0.0, pause)))

    async def _begin(self) -> int | None:
        """Take up what is due; when more is, in µs, or None."""
        now = self._clock.now()
        for ticket_id, number in await self._ledger.due(now, MOST_CARRIED + len(self._carried)):
            if len(self._carried) >= MOST_CARRIED:
                break
            if ticket_id not in self._carried:
                task = asyncio.create_task(self._carry(ticket_id, number), name=f"dispatch {ticket_id}")
                self._carried[ticket_id] = _Carried(task)
                task.add_done_callback(partial(self._put_down, ticket_id))
        return await self._ledger.next_due(now)

    def _put_down(self, ticket_id: str, _task: asyncio.Task[None]) -> None:
        self._carried.pop(ticket_id, None)
        self._wake.set()

    async def _leave(self) -> None:
        """Stop checking, and let requests under way be answered for a moment."""
        self.stop_checking()
        tasks = [one.task for one in self._carried.values()]
        if tasks:
            await first_of(asyncio.wait(tasks), self._clock.sleep(LEAVE_SECONDS))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry(self, ticket_id: str, number: int) -> None:
        try:
            await self._carry_on(ticket_id, number)
        except (TicketStateError, LogUnavailableError) as error:
            logger.debug("left where it is: %s", error)
            await self._clock.sleep(KEEP_AGAIN_SECONDS)
        except Exception:
            logger.exception("ticket %s cannot be carried on", ticket_id)
            due_at = self._clock.now() + round(STUCK_SECONDS * 1_000_000)
            await self._handover.keep(ticket_id, partial(_postpone, due_at=due_at), number)

    async def _carry_on(self, ticket_id: str, number: int) -> None:
        """From wherever it stands, as far as it comes now."""
        case = await self._ledger.case(ticket_id)
        episode = None if case is None else case.open_episode
        if case is None or episode is None or case.number != number:
            return
        checks: Sequence[Check] = ()
        if episode.phase in ("ready", "blocked") and episode.forced is None:
            checks = await self._checked(case)
            why = holds(checks, self._rules.policy)
            if why is not None:
                due_at = self._clock.now() + round(self._rules.retry * 1_000_000)
                cause = self._news.cause(checks, ticket_id)
                block = partial(_block, checked=case, checks=checks, why=why, due_at=due_at, cause=cause)
                await self._ledger.change(ticket_id, block, episode=number)
                return
        if self.hold is None:
            await self._handover.hand_over(case, checks, self._news.cause(checks, ticket_id))

    async def _checked(self, case: Case) -> list[Check]:
        """The checks of all its components, together."""
        carried = self._carried[case.id]
        carried.checking = None if case.episode is None else case.episode.phase
        fresh = case.id in self._fresh
        components: Sequence[str | None] = components_of(case) or (None,)
        # What held it is not asked again whether it still does.
        held = {one.component: one.finished_at for one in _checks(case) if holds([one], self._rules.policy)}
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(
                        self._checks.result(component, ticket=case.id, fresh=fresh, besides=held.get(component))
                    )
                    for component in components
                ]
        finally:
            carried.checking = None
        self._fresh.discard(case.id)
        return self._news.named([task.result() for task in tasks])

    async def check_completed(self, check: Check, component: str) -> None:
        """A check came to its end: said in the chain of the ticket that has waited for it longest."""
        await self._news.tell(check, component, next(iter(self._checks.tickets(component)), ""))


def _checks(case: Case) -> Sequence[Check]:
    return () if case.episode is None else case.episode.checks


def _block(
    case: Case, now: int, *, checked: Case, checks: Sequence[Check], why: str, due_at: int, cause: bytes | None
) -> list[Say]:
    if not is_checked(case, checked):
        return []
    if cause is not None and case.episode is not None:
        case.episode.cause_id = cause
    return episodes.block(case, checks, why, due_at, now)


def _postpone(case: Case, now: int, *, due_at: int) -> list[Say]:
    episode = case.open_episode
    if episode is not None:
        episode.due_at, episode.reason, episode.changed_at = due_at, "it could not be carried on; see the log", now
    return []
