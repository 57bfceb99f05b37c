"""Checks of components: one at a time each, shared by the tickets that wait for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from godtui.clock import Clock, to_datetime
from godtui.dispatcher.check_output import Output
from godtui.dispatcher.check_plan import CheckPlan, Planned, Unplanned
from godtui.dispatcher.check_process import Ended, Run, Shell, check_environment
from godtui.dispatcher.errors import DispatcherError
from godtui.dispatcher.redaction import Redaction
from godtui.dispatcher.views import Check, RunningCheck
from godtui.settings import Settings, component_key

AT_ONCE: Final = 4
"""Checks that run at the same time; others wait their turn."""

SHOWN_CHARACTERS: Final = 4 * 1024
"""Of a running check's output."""

CLOSE_SECONDS: Final = 10.0
"""More than the grace and the looks after KILL take together."""

logger = logging.getLogger(__name__)


class ChecksClosedError(DispatcherError):
    """No check is run any more: the dispatcher is stopping."""


@dataclass(frozen=True, slots=True)
class CheckRules:
    """Whether checks are run, the seconds each may take, and the seconds for which an outcome stands."""

    enabled: bool = True
    timeout: float = 900.0
    reuse: float = 60.0

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The rules as set."""
        return cls(settings.infra_run_checks, settings.infra_check_timeout_seconds, settings.infra_check_reuse_seconds)


@dataclass(eq=False, slots=True)
class _Running:
    """A check that waits its turn, runs, or is being ended. Its task's result is None where it was ended early."""

    planned: Planned
    output: Output
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    started_at: int | None = None
    waiting: dict[object, str] = field(default_factory=dict)
    task: asyncio.Task[Check | None] = field(init=False)

    async def joined(self, ticket: str) -> Check | None:
        """The outcome; whoever leaves as the last before it ends the run."""
        token = object()
        self.waiting[token] = ticket
        try:
            # Unlike awaiting the task, this neither cancels it nor confuses its cancellation with ours.
            await asyncio.wait((self.task,))
        finally:
            del self.waiting[token]
            if not self.waiting:
                self.end()
        return None if self.task.cancelled() else self.task.result()

    def end(self) -> None:
        """End it early, in the background."""
        self.stop.set()
        if self.started_at is None:
            self.task.cancel()

    @property
    def tickets(self) -> list[str]:
        return list(dict.fromkeys(self.waiting.values()))


class Checks:
    """Runs the checks of a plan.

    `environment` is what commands get of it that is neither a setting nor holds one of the `secrets`, which are
    masked in all that is shown. `completed` is awaited with the outcome and its component once for each run that came
    to one, before those who wait get it; `tickets` then still names them. `run` is how a command is run.
    """

    def __init__(
        self,
        plan: CheckPlan,
        rules: CheckRules,
        clock: Clock,
        environment: Mapping[str, str],
        secrets: Collection[str],
        completed: Callable[[Check, str], Awaitable[None]],
        run: Run | None = None,
    ) -> None:
        self._plan = plan
        self._rules = rules
        self._clock = clock
        self._redaction = Redaction(secrets)
        self._completed = completed
        self._run = run or Shell(check_environment(environment, secrets), rules.timeout, clock)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._running: dict[str, _Running] = {}
        self._finished: dict[str, tuple[float, Check]] = {}
        self._is_closed = False

    async def result(
        self, component: str | None, *, ticket: str, fresh: bool = False, besides: datetime | None = None
    ) -> Check:
        """How a component is: by the run under way, else a recent outcome if it need not be `fresh`, else a new run.

        `ticket` is the reference of the one that waits, `besides` when the outcome ended that it waits to see changed.
        Cancelling the last that waits for a run ends it.
        Raises ChecksClosedError.
        """
        planned = self._plan.lookup(component)
        while True:
            if self._is_closed:
                raise ChecksClosedError("the dispatcher is stopping, and runs no checks any more")
            if not self._rules.enabled:
                return Check(component=component, outcome="disabled", why="checks are off (INFRA_RUN_CHECKS)")
            if isinstance(planned, Unplanned):
                return Check(component=component, outcome=planned.outcome, why=planned.why)
            running = self._running.get(planned.component)
            if running is None:
                recent = None if fresh else self._recent(planned.component)
                if recent is not None and (besides is None or recent.finished_at != besides):
                    return recent
                running = self._start(planned)
            check = await running.joined(ticket)
            if check is not None:
                return check
            # It was being ended already, and left the place free: again.

    def running(self) -> list[RunningCheck]:
        """The checks that run now; those that wait their turn are not among them."""
        return [
            RunningCheck(
                component=component,
                command=self._redaction.text(running.planned.command),
                cwd=str(running.planned.cwd),
                started_at=to_datetime(running.started_at),
                tickets=running.tickets,
                output_tail=running.output.tail(SHOWN_CHARACTERS),
            )
            for component, running in self._running.items()
            if running.started_at is not None
        ]

    def tickets(self, component: str) -> list[str]:
        """The references of those that wait for a component's check, in the order in which they came."""
        running = self._running.get(component_key(component))
        return running.tickets if running is not None else []

    async def watch(self, component: str) -> AsyncGenerator[str]:
        """What a component's check prints, from its kept tail on, until it ends; nothing where none is under way."""
        planned = self._plan.lookup(component)
        running = self._running.get(planned.component) if isinstance(planned, Planned) else None
        if running is None:
            return
        async with aclosing(running.output.follow()) as pieces:
            async for piece in pieces:
                yield piece

    async def close(self) -> None:
        """End every run and wait until nothing of it is left; those who wait for one get ChecksClosedError."""
        self._is_closed = True
        tasks = [running.task for running in self._running.values()]
        for running in list(self._running.values()):
            running.end()
        if tasks:
            _, unending = await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
            for task in unending:
                logger.error("%s does not end", task.get_name())
                task.cancel()
            await asyncio.gather(*unending, return_exceptions=True)

    def _recent(self, component: str) -> Check | None:
        finished = self._finished.get(component)
        if finished is None or self._clock.monotonic() - finished[0] >= self._rules.reuse:
            return None
        return finished[1]

    def _start(self, planned: Planned) -> _Running:
        running = _Running(planned, Output(self._redaction))
        running.task = asyncio.create_task(self._carry_out(running), name=f"the check of {planned.component}")
        self._running[planned.component] = running
        # Also of a task that is cancelled before its first step.
        running.task.add_done_callback(lambda task: self._forget(running, task))
        return running

    def _forget(self, running: _Running, task: asyncio.Task[Check | None]) -> None:
        del self._running[running.planned.component]
        running.output.close()
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s could not be carried out: %s", task.get_name(), error, exc_info=error)

    async def _carry_out(self, running: _Running) -> Check | None:
        async with self._turns:
            running.started_at = self._clock.now()
            ended = await self._run(running.planned, running.output.add, running.stop)
        if ended is None:
            return None
        check = self._outcome(running, ended)
        self._finished[running.planned.component] = (self._clock.monotonic(), check)
        try:
            await self._completed(check, running.planned.component)
        except Exception:
            logger.exception("%s came to an outcome that could not be told", running.task.get_name())
        return check

    def _outcome(self, running: _Running, ended: Ended) -> Check:
        return Check(
            component=running.planned.component,
            outcome=ended.outcome,
            command=self._redaction.text(running.planned.command),
            cwd=str(running.planned.cwd),
            exit_code=ended.exit_code,
            duration_s=round(ended.duration_s, 3),
            output_tail=running.output.tail(),
            finished_at=to_datetime(self._clock.now()),
            why=ended.why,
        )
