"""Carrying ready tickets to OpenClaw: their checks, the frozen message, the tries, and what the answers mean."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Literal, Protocol, TypeAlias
from uuid import UUID

from godtui import jsontext
from godtui.clock import Clock, rfc3339
from godtui.dispatcher import episodes
from godtui.dispatcher.answers import (
    Admitted,
    Answer,
    Misconfigured,
    Refused,
    SessionKeyRefused,
    TryAgain,
    pause_before,
)
from godtui.dispatcher.case import Case, Phase, Say
from godtui.dispatcher.errors import TicketStateError
from godtui.dispatcher.gate import holds
from godtui.dispatcher.ledger import SOURCE, Change, Ledger
from godtui.dispatcher.message import key_of, render
from godtui.dispatcher.views import Check
from godtui.envelope import EventDraft, new_id
from godtui.eventlog import LogUnavailableError
from godtui.jsontext import Json
from godtui.racing import first_of

MOST_CARRIED: Final = 256
MOST_SENDS: Final = 8
"""How many requests are under way at once; after a fault of the operator's, one until it is mended."""
STUCK_SECONDS: Final = 60.0
KEEP_AGAIN_SECONDS: Final = 1.0
LEAVE_SECONDS: Final = 5.0
"""How long requests under way may take when the dispatcher stops."""

Policy: TypeAlias = Literal["block", "annotate"]

logger = logging.getLogger(__name__)


class Sender(Protocol):
    """The hook."""

    async def send(self, body: bytes, key: str) -> Answer: ...


class Checker(Protocol):
    """Component checks, one at a time each."""

    async def result(
        self, component: str | None, *, ticket: str, fresh: bool = False, besides: datetime | None = None
    ) -> Check: ...

    def tickets(self, component: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class CarrierRules:
    """How tickets are sent; `retry` is seconds until a check that held a ticket is run again."""

    policy: Policy = "block"
    retry: float = 900.0
    deliver: bool = False
    prefix: str = "comp:"


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
        self._hook = hook
        self._clock = clock
        self._rules = rules
        self._chance = chance
        self._wake = asyncio.Event()
        self._carried: dict[str, _Carried] = {}
        self._doubted: set[str] = set()
        self._fresh: set[str] = set()
        self._sends = asyncio.Semaphore(MOST_SENDS)
        self._trial = asyncio.Lock()
        self._is_trusted = False
        self._without_session = False
        self._check_events: dict[str, tuple[str, bytes]] = {}

    @property
    def hold(self) -> str | None:
        """Why nothing is begun, or None."""
        if self._hook is None:
            return "OPENCLAW_HOOK_TOKEN is not set"
        paused: Json = self._ledger.facts.get("paused")
        return None if not paused else f"dispatching is paused: {paused['reason']}"

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
            await self._keep(ticket_id, partial(_postpone, due_at=due_at), number)

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
                cause = self._cause(case, checks)
                block = partial(_block, checked=case, checks=checks, why=why, due_at=due_at, cause=cause)
                await self._ledger.change(ticket_id, block, episode=number)
                return
        async with self._sends:
            if not self._is_trusted:
                async with self._trial:
                    # Those who waited for a trial that went well need none of their own.
                    if not self._is_trusted:
                        await self._send(case, checks)
                        return
            await self._send(case, checks)

    async def _checked(self, case: Case) -> list[Check]:
        """The checks of all its components, together."""
        carried = self._carried[case.id]
        carried.checking = None if case.episode is None else case.episode.phase
        fresh = case.id in self._fresh
        components: Sequence[str | None] = _components(case) or (None,)
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
        return [task.result() for task in tasks]

    async def _send(self, case: Case, checks: Sequence[Check]) -> None:
        """One try; with a session key refused, one more."""
        if self.hold is not None or self._hook is None:
            return
        begin = partial(self._begin_try, checked=case, checks=checks, cause=self._cause(case, checks))
        begun = await self._ledger.change(case.id, begin, episode=case.number)
        for _ in range(2):
            episode = None if begun is None else begun.episode
            if episode is None or episode.phase != "sending" or episode.body is None or episode.key is None:
                return
            answer = await self._hook.send(episode.body, episode.key)
            if not isinstance(answer, SessionKeyRefused) or b'"sessionKey"' not in episode.body:
                await self._answered(case, episode.attempts, answer)
                return
            self._without_session = True
            begun = await self._keep(case.id, self._thaw, case.number)

    def _begin_try(
        self, case: Case, now: int, *, checked: Case, checks: Sequence[Check], cause: bytes | None
    ) -> list[Say]:
        episode = case.open_episode
        if episode is None or (episode.body is None and not _is_checked(case, checked)):
            return []
        if episode.leaving:
            return episodes.try_again(case, episode.reason, now, self._ledger.rules.rearm, now)
        if cause is not None:
            episode.cause_id = cause
        if episode.body is None:
            key = key_of(case.id, episode.opened_at, episode.number, episode.variant)
            body = render(
                case.ticket,
                _components(case),
                checks,
                prefix=self._rules.prefix,
                deliver=self._rules.deliver,
                key=key,
                forced=episode.forced,
                with_session=not self._without_session,
            )
            episodes.freeze(case, checks, body, key, now)
            return []
        episodes.begin_try(case, now)
        if self._without_session and b'"sessionKey"' in episode.body:
            self._thaw(case, now)
        return []

    def _thaw(self, case: Case, now: int) -> list[Say]:
        """The same message without its session key, under a key of its own."""
        episode = case.episode
        if episode is None or episode.body is None:
            return []
        told = jsontext.parse(episode.body)
        told.pop("sessionKey", None)
        told["idempotencyKey"] = key = key_of(case.id, episode.opened_at, episode.number, episode.variant + 1)
        episodes.thaw(case, jsontext.dumps(told), key, now)
        return []

    async def _answered(self, case: Case, attempts: int, answer: Answer) -> None:
        """Record what the answer means, before anything else happens to the ticket."""
        rearm, now = self._ledger.rules.rearm, self._clock.now()
        facts: dict[str, Json] = {}
        change: Change
        match answer:
            case Admitted(run_id, note):
                change = partial(_dispatched, run_id=run_id, note=note, rearm=rearm)
            case TryAgain(reason, after):
                due_at = now + round(pause_before(attempts, after, self._chance()) * 1_000_000)
                change = partial(_try_again, reason=reason, due_at=due_at, rearm=rearm)
            case Misconfigured(reason):
                logger.error("dispatching is paused: %s", reason)
                facts = {"paused": {"reason": reason, "since": rfc3339(now), "by": "openclaw"}}
                change = partial(_try_again, reason=reason, due_at=now, rearm=rearm)
            case Refused(reason) | SessionKeyRefused(reason):
                change = partial(_failed, reason=reason, rearm=rearm)
        self._is_trusted = not isinstance(answer, Misconfigured)
        await self._keep(case.id, change, case.number, facts)
        if facts:
            self.stop_checking()

    async def _keep(
        self, ticket_id: str, change: Change, number: int, facts: dict[str, Json] | None = None
    ) -> Case | None:
        """Change a case, however long the log takes to come back."""
        while True:
            try:
                return await self._ledger.change(ticket_id, change, episode=number, facts=facts)
            except LogUnavailableError as error:
                logger.warning("what became of ticket %s is yet to be written down: %s", ticket_id, error)
                await self._clock.sleep(KEEP_AGAIN_SECONDS)

    async def check_completed(self, check: Check, component: str) -> None:
        """A check came to its end: said in the chain of the ticket that has waited for it longest."""
        ticket = next(iter(self._checks.tickets(component)), "")
        case = await self._ledger.case(ticket)
        episode = None if case is None else case.episode
        chain = None if episode is None else episode.correlation_id
        cause = None if episode is None else episode.cause_id
        draft = EventDraft(
            event_type="infra.check.completed",
            payload=check.model_dump(
                mode="json",
                include={"component", "command", "cwd", "outcome", "exit_code", "duration_s", "output_tail", "why"},
            ),
            event_id=new_id(),
            source=SOURCE,
            correlation_id=None if chain is None else UUID(bytes=chain),
            causation_id=None if cause is None else UUID(bytes=cause),
        )
        while True:
            try:
                await self._ledger.publish(draft)
                break
            except LogUnavailableError:
                await self._clock.sleep(KEEP_AGAIN_SECONDS)
        self._check_events[component] = (ticket, draft.event_id.bytes)

    def _cause(self, case: Case, checks: Sequence[Check]) -> bytes | None:
        """The last check that was run for this ticket's sake, which so is the cause of what comes next."""
        found = None
        for check in checks:
            ticket, event_id = self._check_events.get(check.component or "", ("", b""))
            if ticket == case.id:
                found = event_id
        return found


def _components(case: Case) -> tuple[str, ...]:
    return () if case.decision is None else case.decision.components


def _checks(case: Case) -> Sequence[Check]:
    return () if case.episode is None else case.episode.checks


def _is_checked(case: Case, checked: Case) -> bool:
    """Whether checks of a ticket as it was then are those that it needs now; if not, it is due to be checked again."""
    is_forced = case.episode is not None and case.episode.forced is not None
    return is_forced or _components(case) == _components(checked)


def _block(
    case: Case, now: int, *, checked: Case, checks: Sequence[Check], why: str, due_at: int, cause: bytes | None
) -> list[Say]:
    if not _is_checked(case, checked):
        return []
    if cause is not None and case.episode is not None:
        case.episode.cause_id = cause
    return episodes.block(case, checks, why, due_at, now)


def _dispatched(case: Case, now: int, *, run_id: str | None, note: str, rearm: int) -> list[Say]:
    return episodes.dispatched(case, run_id, note, rearm, now)


def _try_again(case: Case, now: int, *, reason: str, due_at: int, rearm: int) -> list[Say]:
    return episodes.try_again(case, reason, due_at, rearm, now)


def _failed(case: Case, now: int, *, reason: str, rearm: int) -> list[Say]:
    return episodes.failed(case, reason, rearm, now)


def _postpone(case: Case, now: int, *, due_at: int) -> list[Say]:
    episode = case.open_episode
    if episode is not None:
        episode.due_at, episode.reason, episode.changed_at = due_at, "it could not be carried on; see the log", now
    return []
