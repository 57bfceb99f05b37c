"""What tests of checks share: commands that say which processes they started, and how to wait for what comes."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from godtui.clock import Clock
from godtui.dispatcher.check_plan import CheckPlan, Planned
from godtui.dispatcher.check_process import Ended, Run
from godtui.dispatcher.checks import CheckRules, Checks
from godtui.dispatcher.views import Check
from godtui.settings import CheckSetting
from tests.processes import PATIENCE


async def until(condition: Callable[[], object]) -> None:
    """Wait, in real time, until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came to hold"
        await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether a process runs; a dead one that its parent has not looked at does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text(errors="replace").rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pids(folder: Path, number: int) -> list[int]:
    """The processes that wrote their numbers into `folder`/pids, once there are so many; else nothing."""
    file = folder / "pids"
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    found = [int(line) for line in lines if line.endswith("\n")]
    return found if len(found) >= number else []


@dataclass
class Commands:
    """A Run of the test's own: each command goes on until the test says how it ends."""

    clock: Clock
    started: list[str] = field(default_factory=list)
    feeds: dict[str, Callable[[bytes], None]] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    _going: dict[str, asyncio.Future[Ended]] = field(default_factory=dict)

    async def __call__(self, planned: Planned, feed: Callable[[bytes], None], stop: asyncio.Event) -> Ended | None:
        self.started.append(planned.component)
        self.feeds[planned.component] = feed
        going = self._going[planned.component] = asyncio.get_running_loop().create_future()
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((going, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if going.done():
            return going.result()
        self.stopped.append(planned.component)
        return None

    def finish(self, component: str, code: int = 0) -> None:
        """The component's command ends by itself."""
        outcome = Ended("failed", "the command failed", code, 1.5) if code else Ended("passed", "well", 0, 1.5)
        self._going[component].set_result(outcome)

    def crash(self, component: str) -> None:
        """Running the component's command fails in a way that nobody foresaw."""
        self._going[component].set_exception(RuntimeError("nobody foresaw this"))


@dataclass
class Told:
    """What was told of outcomes."""

    checks: list[tuple[Check, str]] = field(default_factory=list)

    async def __call__(self, check: Check, component: str) -> None:
        self.checks.append((check, component))


def checks_of(
    commands: Mapping[str, str],
    folder: Path,
    clock: Clock,
    *,
    run: Run | None = None,
    rules: CheckRules | None = None,
    environment: Mapping[str, str] | None = None,
    secrets: tuple[str, ...] = (),
    completed: Callable[[Check, str], Awaitable[None]] | None = None,
) -> Checks:
    """Checks that run these commands in a folder."""
    plan = CheckPlan({name: CheckSetting(command=text, cwd=folder) for name, text in commands.items()}, None)
    passed_on = {"PATH": os.environ["PATH"], **(environment or {})}
    return Checks(plan, rules or CheckRules(), clock, passed_on, secrets, completed or Told(), run)


async def collect(pieces: AsyncGenerator[str]) -> str:
    """All that is watched, until its end."""
    return "".join([piece async for piece in pieces])
