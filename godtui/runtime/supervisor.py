"""Workers that are kept alive: one that dies is started again, and everyone can see how it is."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from godtui.bloodbank.health import ComponentHealth
from godtui.clock import Clock

FIRST_BACKOFF: Final = 0.5
LONGEST_BACKOFF: Final = 30.0
STEADY_SECONDS: Final = 60.0
"""A worker that ran this long has recovered: its next failure counts as the first."""

STOP_SECONDS: Final = 10.0

State: TypeAlias = Literal["starting", "running", "retrying", "stopped", "failed"]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Worker:
    """A coroutine that is meant to run for as long as the engine does."""

    name: str
    run: Callable[[], Awaitable[None]]
    state: State = "starting"
    detail: str = "starting"
    failures: int = 0
    retry_at: float | None = None
    look: Callable[[], ComponentHealth] | None = None

    def health(self, now: float) -> ComponentHealth:
        """The worker as a component of the whole; `now` in monotonic seconds."""
        if self.state == "retrying" and self.retry_at is not None:
            seconds = max(0.0, self.retry_at - now)
            return ComponentHealth("degraded", f"retrying in {seconds:.0f} s: {self.detail}", {"state": self.state})
        if self.state == "running" and self.look is not None:
            seen = self.look()
            return ComponentHealth(seen.status, seen.detail, {"state": self.state, **seen.figures})
        return ComponentHealth("degraded" if self.state == "failed" else "ok", self.detail, {"state": self.state})


class Supervisor:
    """Starts workers, restarts those that die with growing pauses, and stops them all."""

    def __init__(self, clock: Clock, jitter: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._tasks: list[asyncio.Task[None]] = []
        self.workers: list[Worker] = []

    def start(
        self, name: str, run: Callable[[], Awaitable[None]], look: Callable[[], ComponentHealth] | None = None
    ) -> Worker:
        """Run a worker until `stop`. While it runs, `look` tells how it is, where it can."""
        worker = Worker(name, run, look=look)
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
            started = self._clock.monotonic()
            worker.state, worker.detail, worker.retry_at = "running", "running", None
            try:
                await worker.run()
                reason = "it ended by itself"
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                logger.exception("worker %s failed", worker.name)
            if self._clock.monotonic() - started >= STEADY_SECONDS:
                worker.failures = 0
            worker.failures += 1
            pause = self._pause(worker.failures)
            worker.state, worker.detail = "retrying", reason
            worker.retry_at = self._clock.monotonic() + pause
            await self._clock.sleep(pause)

    def _pause(self, failures: int) -> float:
        longest: float = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(failures - 1, 10))
        return longest * (0.5 + self._jitter() / 2)
