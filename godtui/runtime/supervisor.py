"""Workers that are kept alive: one that dies is started again, and everyone can see how it is."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeAlias

from godtui.backoff import Backoff
from godtui.bloodbank.health import ComponentHealth
from godtui.clock import Clock
from godtui.dispatcher.errors import DispatcherError
from godtui.eventlog import LogUnavailableError

PAUSES: Final = Backoff(0.5, 30.0)
STEADY_SECONDS: Final = 60.0
"""A worker that ran this long has recovered: its next failure counts as the first."""

STOP_SECONDS: Final = 10.0
ENDED: Final = "it ended by itself"
FORESEEN: Final = (DispatcherError, LogUnavailableError)
"""What tells its reader what to do, who needs no trace of it."""

State: TypeAlias = Literal["starting", "running", "retrying", "standing by", "stopped", "failed"]

logger = logging.getLogger(__name__)


class Turn(Protocol):
    """What only one instance may do at a time."""

    @property
    def active(self) -> str | None:
        """The instance whose turn it is, None where that is not known."""

    @property
    def standing(self) -> str:
        """How it is about the turn, in a sentence."""

    @property
    def fault(self) -> str | None:
        """Why the turn can never come as things are, or None."""

    async def wait(self) -> None:
        """Until it is our turn; at once while it is."""

    async def lost(self) -> None:
        """Until it is not our turn, or no longer."""


@dataclass(slots=True)
class Worker:
    """A coroutine that is meant to run for as long as the engine does, or for as long as it is its turn."""

    name: str
    run: Callable[[], Awaitable[None]]
    state: State = "starting"
    detail: str = "starting"
    failures: int = 0
    reason: str = ""
    """Why it ended last."""
    retry_at: float | None = None
    look: Callable[[], ComponentHealth] | None = None
    turn: Turn | None = None

    def health(self, now: float) -> ComponentHealth:
        """The worker as a component of the whole; `now` in monotonic seconds."""
        figures: dict[str, Any] = {"state": self.state}
        if self.turn is not None:
            figures["active"] = self.turn.active
        if self.state == "standing by" and self.turn is not None:
            return ComponentHealth("degraded" if self.turn.fault else "ok", self.turn.standing, figures)
        if self.state == "retrying" and self.retry_at is not None:
            seconds = max(0.0, self.retry_at - now)
            return ComponentHealth("degraded", f"retrying in {seconds:.0f} s: {self.detail}", figures)
        if self.state == "running" and self.look is not None:
            seen = self.look()
            return ComponentHealth(seen.status, seen.detail, {**figures, **seen.figures})
        return ComponentHealth("degraded" if self.state == "failed" else "ok", self.detail, figures)

    async def until_ended(self) -> str | None:
        """Run until it ends, and say why; None where its turn was over."""
        if self.turn is None:
            await self.run()
            return ENDED
        running, losing = asyncio.ensure_future(self.run()), asyncio.ensure_future(self.turn.lost())
        try:
            await asyncio.wait((running, losing), return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                return None
            running.result()
            return ENDED
        finally:
            for each in (running, losing):
                each.cancel()
            await asyncio.gather(running, losing, return_exceptions=True)


class Supervisor:
    """Starts workers, restarts those that die with growing pauses, and stops them all."""

    def __init__(self, clock: Clock, jitter: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._tasks: list[asyncio.Task[None]] = []
        self.workers: list[Worker] = []

    def start(
        self,
        name: str,
        run: Callable[[], Awaitable[None]],
        look: Callable[[], ComponentHealth] | None = None,
        turn: Turn | None = None,
    ) -> Worker:
        """Run a worker until `stop`, with a `turn` only in it. While it runs, `look` tells how it is, where it can."""
        worker = Worker(name, run, look=look, turn=turn)
        self.workers.append(worker)
        self._tasks.append(asyncio.create_task(self._keep(worker), name=name))
        return worker

    async def stop(self) -> None:
        """Cancel every worker and wait until each has ended; one that will not is left behind."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            _, unending = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
            for task in unending:
                logger.error("worker %s does not end", task.get_name())
        self._tasks.clear()
        for worker in self.workers:
            worker.state, worker.detail = "stopped", "stopped"

    async def _keep(self, worker: Worker) -> None:
        while True:
            if worker.turn is not None:
                worker.state, worker.detail, worker.retry_at = "standing by", "standing by", None
                await worker.turn.wait()
            started = self._clock.monotonic()
            worker.state, worker.detail, worker.retry_at = "running", "running", None
            try:
                reason = await worker.until_ended()
                if reason is None:
                    continue
            except FORESEEN as error:
                reason = str(error)
                if reason != worker.reason:
                    logger.warning("worker %s: %s", worker.name, reason)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                logger.exception("worker %s failed", worker.name)
            worker.reason = reason
            if self._clock.monotonic() - started >= STEADY_SECONDS:
                worker.failures = 0
            worker.failures += 1
            pause = PAUSES.jittered(worker.failures, self._jitter())
            worker.state, worker.detail = "retrying", reason
            worker.retry_at = self._clock.monotonic() + pause
            await self._clock.sleep(pause)
