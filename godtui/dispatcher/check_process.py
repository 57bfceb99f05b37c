"""One run of a check's command, as `/bin/sh -c COMMAND` in a process group of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import subprocess
from asyncio.subprocess import Process
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, closing, suppress
from typing import Final, Literal, NamedTuple, Protocol

from godtui.clock import Clock
from godtui.dispatcher.check_group import MARK, CheckGroup
from godtui.dispatcher.check_plan import Planned
from godtui.settings import VARIABLES

SHELL: Final = "/bin/sh"
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
"""What a shell ends with (POSIX, Shell Command Language 2.8.2)."""

READ_BYTES: Final = 64 * 1024
LAST_READS: Final = 32
"""How often the pipe is read after the end: what it holds, and not what a survivor goes on to print."""

OURS: Final = ("GODTUI_", "OPENCLAW_", "PLANE_WEBHOOK", "INFRA_", MARK)
"""How variables begin that are no check's business."""

NEEDED: Final = frozenset({"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "LC_ALL"})
"""Variables that stay even where a short secret, such as `guest`, happens to stand in them."""

logger = logging.getLogger(__name__)


class Ended(NamedTuple):
    """How a command went; `why` is that in a sentence. `exit_code` is negative for a signal."""

    outcome: Literal["passed", "failed", "timeout", "unrunnable"]
    why: str
    exit_code: int | None
    duration_s: float


class Run(Protocol):
    """Running a command. What it prints goes to `feed`; None where `stop` ended it. Nothing of it is left after."""

    async def __call__(self, planned: Planned, feed: Callable[[bytes], None], stop: asyncio.Event) -> Ended | None: ...


def check_environment(environment: Mapping[str, str], secret_values: Collection[str]) -> dict[str, str]:
    """The environment without our settings, and without what holds a secret."""
    ours = frozenset(VARIABLES.values())
    return {
        name: value
        for name, value in environment.items()
        if name not in ours
        and not name.startswith(OURS)
        and (name in NEEDED or not any(secret in value for secret in secret_values if secret))
    }


class Shell:
    """Runs commands with this environment, each at most `timeout` seconds."""

    def __init__(self, environment: Mapping[str, str], timeout: float, clock: Clock) -> None:
        self._environment = environment
        self._timeout = timeout
        self._clock = clock

    async def __call__(self, planned: Planned, feed: Callable[[bytes], None], stop: asyncio.Event) -> Ended | None:
        started = self._clock.monotonic()
        mark = secrets.token_hex(16)
        with ExitStack() as stack:
            try:
                pipe = stack.enter_context(closing(_Pipe(feed)))
                leader = await self._start(planned, mark, pipe)
            except (OSError, ValueError) as error:
                return Ended("unrunnable", _why_not_started(planned, error), None, self._clock.monotonic() - started)
            return await self._until_over(leader, CheckGroup(leader, mark, self._clock), stop, started)

    async def _start(self, planned: Planned, mark: str, pipe: _Pipe) -> Process:
        try:
            return await asyncio.create_subprocess_exec(
                SHELL,
                "-c",
                planned.command,
                stdin=subprocess.DEVNULL,
                stdout=pipe.write_end,
                stderr=subprocess.STDOUT,
                cwd=planned.cwd,
                env={**self._environment, MARK: mark},
                start_new_session=True,
            )
        finally:
            pipe.close_write_end()

    async def _until_over(
        self, leader: Process, group: CheckGroup, stop: asyncio.Event, started: float
    ) -> Ended | None:
        """Wait for the command, the timeout or the stop, then end what is left."""
        exiting = asyncio.ensure_future(leader.wait())
        late = asyncio.ensure_future(self._clock.sleep(self._timeout))
        stopping = asyncio.ensure_future(stop.wait())
        waiting = (exiting, late, stopping)
        is_gone = False
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            duration = self._clock.monotonic() - started
            by_itself, was_stopped = exiting.done(), stop.is_set()
            is_gone = await group.end()
            if not is_gone:
                logger.error("processes of a check do not end; the command led process group %d", leader.pid)
        finally:
            if not is_gone:
                group.kill()
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        if by_itself:
            return _ended(exiting.result(), duration)
        if was_stopped:
            return None
        why = (
            f"the command still ran after {self._timeout:g} s and was ended; INFRA_CHECK_TIMEOUT_SECONDS sets how long"
        )
        return Ended("timeout", why, leader.returncode, duration)


class _Pipe:
    """Where a command prints to, read as fast as it comes; nobody waits for its end, which a survivor can hold open."""

    def __init__(self, feed: Callable[[bytes], None]) -> None:
        self._feed = feed
        self._loop = asyncio.get_running_loop()
        self._read_end, self.write_end = os.pipe()
        self._is_write_end_open = True
        os.set_blocking(self._read_end, False)
        self._loop.add_reader(self._read_end, self._read)

    def close_write_end(self) -> None:
        """Only the command holds it from now on."""
        if self._is_write_end_open:
            self._is_write_end_open = False
            os.close(self.write_end)

    def close(self) -> None:
        """Read what is left, and no more."""
        self.close_write_end()
        for _ in range(LAST_READS):
            if not self._read():
                break
        self._loop.remove_reader(self._read_end)
        os.close(self._read_end)

    def _read(self) -> bool:
        data = b""
        with suppress(BlockingIOError):
            data = os.read(self._read_end, READ_BYTES)
            if not data:
                # At its end a pipe is always readable.
                self._loop.remove_reader(self._read_end)
        if data:
            self._feed(data)
        return bool(data)


def _ended(code: int, duration: float) -> Ended:
    if code == 0:
        return Ended("passed", "the command ended well", code, duration)
    if code in (NOT_FOUND, NOT_EXECUTABLE):
        why = "was not found" if code == NOT_FOUND else "may not be executed"
        sentence = f"the shell ended with {code}: a program {why}; install it, or correct the check's command"
        return Ended("unrunnable", sentence, code, duration)
    if code < 0:
        return Ended("failed", f"the command was ended by {_signal_name(-code)}", code, duration)
    by_signal = _signal_name(code - 128) if 128 < code <= 128 + signal.NSIG else ""
    hint = f", as a shell does when {by_signal} ended a program" if by_signal.startswith("SIG") else ""
    return Ended("failed", f"the command ended with {code}{hint}", code, duration)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _why_not_started(planned: Planned, error: OSError | ValueError) -> str:
    if not isinstance(error, OSError):
        return "the command or its folder holds a character that no system takes; correct the check"
    if str(error.filename) != str(planned.cwd):
        return f"{SHELL} could not be started: {error.strerror}"
    match error:
        case FileNotFoundError():
            return f"the folder {planned.cwd} does not exist; create it, or correct the check's cwd"
        case NotADirectoryError():
            return f"{planned.cwd} is no folder; correct the check's cwd"
        case PermissionError():
            return f"the folder {planned.cwd} may not be entered; permit it, or correct the check's cwd"
    return f"the folder {planned.cwd} cannot be used: {error.strerror}"
