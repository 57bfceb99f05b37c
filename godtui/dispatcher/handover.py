"""Handing a ticket over: the frozen message, the tries, and what OpenClaw's answers mean."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, Protocol, TypeAlias

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
from godtui.dispatcher.case import Case, Say
from godtui.dispatcher.ledger import Change, Ledger
from godtui.dispatcher.message import key_of, render
from godtui.dispatcher.views import Check
from godtui.eventlog import LogUnavailableError
from godtui.jsontext import Json

MOST_SENDS: Final = 8
"""How many requests are under way at once; after a fault of the operator's, one until it is mended."""
KEEP_AGAIN_SECONDS: Final = 1.0

Policy: TypeAlias = Literal["block", "annotate"]

logger = logging.getLogger(__name__)


class Sender(Protocol):
    """The hook."""

    async def send(self, body: bytes, key: str) -> Answer: ...


@dataclass(frozen=True, slots=True)
class CarrierRules:
    """How tickets are sent; `retry` is seconds until a check that held a ticket is run again."""

    policy: Policy = "block"
    retry: float = 900.0
    deliver: bool = False
    prefix: str = "comp:"


class Handover:
    """Sends to the hook, as many at once as is good for it, and records every answer before anything else happens."""

    def __init__(
        self,
        ledger: Ledger,
        hook: Sender | None,
        clock: Clock,
        rules: CarrierRules,
        *,
        chance: Callable[[], float],
        paused: Callable[[], None],
    ) -> None:
        """`chance` is from 0 to 1, for the pauses' jitter; `paused` is called when an answer pauses dispatching."""
        self._ledger = ledger
        self._hook = hook
        self._clock = clock
        self._rules = rules
        self._chance = chance
        self._paused = paused
        self._sends = asyncio.Semaphore(MOST_SENDS)
        self._trial = asyncio.Lock()
        self._is_trusted = False
        self._without_session = False

    @property
    def hold(self) -> str | None:
        """Why nothing is begun, or None."""
        if self._hook is None:
            return "OPENCLAW_HOOK_TOKEN is not set"
        paused: Json = self._ledger.facts.get("paused")
        return None if not paused else f"dispatching is paused: {paused['reason']}"

    async def hand_over(self, case: Case, checks: Sequence[Check], cause: bytes | None) -> None:
        """Try once, when it is its turn. Raises LogUnavailableError where the try cannot be recorded."""
        async with self._sends:
            if not self._is_trusted:
                async with self._trial:
                    # Those who waited for a trial that went well need none of their own.
                    if not self._is_trusted:
                        await self._send(case, checks, cause)
                        return
            await self._send(case, checks, cause)

    async def keep(
        self, ticket_id: str, change: Change, number: int, facts: dict[str, Json] | None = None
    ) -> Case | None:
        """Change a case, however long the log takes to come back."""
        while True:
            try:
                return await self._ledger.change(ticket_id, change, episode=number, facts=facts)
            except LogUnavailableError as error:
                logger.warning("what became of ticket %s is yet to be written down: %s", ticket_id, error)
                await self._clock.sleep(KEEP_AGAIN_SECONDS)

    async def _send(self, case: Case, checks: Sequence[Check], cause: bytes | None) -> None:
        """One try; with a session key refused, one more."""
        if self.hold is not None or self._hook is None:
            return
        begin = partial(self._begin_try, checked=case, checks=checks, cause=cause)
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
            begun = await self.keep(case.id, self._thaw, case.number)

    def _begin_try(
        self, case: Case, now: int, *, checked: Case, checks: Sequence[Check], cause: bytes | None
    ) -> list[Say]:
        episode = case.open_episode
        if episode is None or (episode.body is None and not is_checked(case, checked)):
            return []
        if episode.leaving:
            return episodes.try_again(case, episode.reason, now, self._ledger.rules.rearm, now)
        if cause is not None:
            episode.cause_id = cause
        if episode.body is None:
            key = key_of(case.id, episode.opened_at, episode.number, episode.variant)
            body = render(
                case.ticket,
                components_of(case),
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
                change = partial(episodes.dispatched, run_id=run_id, note=note, rearm=rearm)
            case TryAgain(reason, after):
                due_at = now + round(pause_before(attempts, after, self._chance()) * 1_000_000)
                change = partial(episodes.try_again, reason=reason, due_at=due_at, rearm=rearm)
            case Misconfigured(reason):
                logger.error("dispatching is paused: %s", reason)
                facts = {"paused": {"reason": reason, "since": rfc3339(now), "by": "openclaw"}}
                change = partial(episodes.try_again, reason=reason, due_at=now, rearm=rearm)
            case Refused(reason) | SessionKeyRefused(reason):
                change = partial(episodes.failed, reason=reason, rearm=rearm)
        self._is_trusted = not isinstance(answer, Misconfigured)
        await self.keep(case.id, change, case.number, facts)
        if facts:
            self._paused()


def components_of(case: Case) -> tuple[str, ...]:
    """The components that a ticket names."""
    return () if case.decision is None else case.decision.components


def is_checked(case: Case, checked: Case) -> bool:
    """Whether checks of a ticket as it was then are those that it needs now; if not, it is due to be checked again."""
    is_forced = case.episode is not None and case.episode.forced is not None
    return is_forced or components_of(case) == components_of(checked)
