"""The dispatcher as a whole: what works together while it is this instance's turn to dispatch."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final, Protocol

from godtui.bloodbank.health import ComponentHealth
from godtui.clock import Clock, rfc3339
from godtui.dispatcher.carrier import Carrier
from godtui.dispatcher.case import Case
from godtui.dispatcher.checks import Checks
from godtui.dispatcher.errors import DispatcherError
from godtui.dispatcher.intake import Intake
from godtui.dispatcher.ledger import Ledger
from godtui.dispatcher.state_file import CorruptStateError, StateFile, cases_of, head_of
from godtui.eventlog import LogUnavailableError

WRITE_SECONDS: Final = 1.0
PAGE: Final = 1000
IDENTITY: Final = "ledger"

logger = logging.getLogger(__name__)


class Closing(Protocol):
    """The hook, as far as ending goes."""

    async def close(self) -> None: ...


class Parts(Protocol):
    """What a turn is worked with; made anew for each."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def intake(self) -> Intake: ...

    @property
    def carrier(self) -> Carrier: ...

    @property
    def checks(self) -> Checks: ...

    @property
    def hook(self) -> Closing | None: ...


class Dispatcher:
    """Takes deliveries in, decides, and carries, for as long as `run` does.

    `parts` are there while it works. `notes` are sentences on what an operator should know.
    """

    def __init__(
        self,
        make: Callable[[Dispatcher], Parts],
        state_file: StateFile,
        clock: Clock,
        me: Callable[[], Mapping[str, Any]],
    ) -> None:
        """`me` is how others are told of this instance: instance and url."""
        self._make = make
        self._state_file = state_file
        self._clock = clock
        self._me = me
        self._changed = asyncio.Event()
        self.parts: Parts | None = None
        self.notes: list[str] = []
        self.is_projected = True
        """Whether the state file says what the ledger does."""

    @property
    def state_path(self) -> str:
        """Where the state file is."""
        return str(self._state_file.path)

    async def run(self) -> None:
        """Work until cancelled. Raises StateFileError where another dispatcher has the state file."""
        async with AsyncExitStack() as stack:
            self._state_file.take(self._me())
            stack.callback(self._state_file.release)
            parts = self._make(self)
            if parts.hook is not None:
                stack.push_async_callback(parts.hook.close)
            stack.push_async_callback(parts.checks.close)
            is_known = await parts.ledger.open()
            await self._take_over(parts.ledger, is_known=is_known)
            identity = parts.ledger.facts.get(IDENTITY) or secrets.token_hex(8)
            await parts.ledger.record({IDENTITY: identity}, all_due=True)
            stack.push_async_callback(self._write, parts.ledger)
            parts.ledger.changed = self._changed.set
            self.parts = parts
            stack.callback(self._rest)
            await parts.intake.catch_up()
            await self._work(parts)

    def touched(self, tickets: frozenset[str]) -> None:
        """The ledger has changed; of these tickets something may be due, or no longer."""
        if self.parts is not None:
            self.parts.carrier.wake(tickets)

    def health(self) -> ComponentHealth:
        """How it is: degraded where nothing is decided, or an operator has to do something."""
        parts = self.parts
        if parts is None:
            return ComponentHealth("ok", "starting")
        figures: dict[str, Any] = {
            "decided": parts.intake.count,
            "watermark": parts.ledger.facts.get("watermark"),
            "checking": len(parts.carrier.checking),
        }
        if parts.intake.fault:
            return ComponentHealth("degraded", parts.intake.fault, figures)
        paused = parts.ledger.facts.get("paused")
        if paused and paused.get("by") != "operator":
            return ComponentHealth("degraded", f"dispatching is paused: {paused['reason']}", figures)
        if not self.is_projected:
            return ComponentHealth("degraded", f"{self.state_path} cannot be written; dispatching goes on", figures)
        hold = parts.carrier.hold
        return ComponentHealth("ok", "deciding and dispatching" if hold is None else f"deciding only: {hold}", figures)

    async def _work(self, parts: Parts) -> None:
        """All of it until one part fails, which ends the others; what that one raises is raised here."""
        works = (parts.intake.consume(), parts.intake.survey(), parts.carrier.run(), self._keep_written(parts.ledger))
        tasks = [asyncio.create_task(work) for work in works]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _rest(self) -> None:
        self.parts = None

    async def _take_over(self, ledger: Ledger, *, is_known: bool) -> None:
        """Take in what the state file knows and the ledger does not; one that nobody can read pauses all."""
        self.notes.clear()
        try:
            told = self._state_file.read()
            if told is None or (is_known and told.get(IDENTITY) == ledger.facts.get(IDENTITY)):
                return
            cases = cases_of(told, ledger.rules.gate, self._clock.now())
        except CorruptStateError as error:
            await self._set_aside(ledger, error)
            return
        await self._add(ledger, cases)
        paused = told.get("paused")
        if paused and not is_known and isinstance(paused, dict) and isinstance(paused.get("reason"), str):
            await ledger.record({"paused": paused})
        if not told and not is_known:
            self.notes.append(f"{self.state_path} is blank: what was dispatched before is not known")
            logger.warning("%s", self.notes[-1])
        if cases:
            counted = "1 ticket was" if len(cases) == 1 else f"{len(cases):,} tickets were"
            self.notes.append(f"{counted} taken over from {self.state_path}")
            logger.info("%s", self.notes[-1])

    async def _add(self, ledger: Ledger, cases: list[Case]) -> None:
        for start in range(0, len(cases), PAGE):
            await ledger.add(cases[start : start + PAGE])

    async def _set_aside(self, ledger: Ledger, error: DispatcherError) -> None:
        aside = self._state_file.set_aside()
        reason = (
            f"{self.state_path} could not be read ({error}) and was kept as {aside.name}; "
            "see what it should have said, then resume"
        )
        logger.error("dispatching starts paused: %s", reason)
        self.notes.append(reason)
        await ledger.record({"paused": {"reason": reason, "since": rfc3339(self._clock.now()), "by": "state file"}})

    async def _keep_written(self, ledger: Ledger) -> None:
        """Write the state file after changes, at most once a second, and less often where that takes long."""
        self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            started = self._clock.monotonic()
            await self._write(ledger)
            taken = self._clock.monotonic() - started
            await self._clock.sleep(max(WRITE_SECONDS, 20 * taken))

    async def _write(self, ledger: Ledger) -> None:
        rows: list[tuple[Any, ...]] = []
        try:
            while page := await ledger.page(rows[-1][0] if rows else "", PAGE):
                rows += page
        except LogUnavailableError as error:
            logger.debug("the state file waits for the log: %s", error)
            self._changed.set()
            return
        me = self._me()
        self._state_file.announce(me)
        facts = ledger.facts
        head = head_of(str(facts.get(IDENTITY)), str(me.get("instance")), facts.get("paused"), self._clock.now())
        # In a thread: with many tickets it takes long, and deliveries do not wait for it.
        self.is_projected = await asyncio.to_thread(self._state_file.write, head, rows)
        if not self.is_projected:
            self._changed.set()
