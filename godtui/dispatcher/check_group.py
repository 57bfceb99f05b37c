"""Everything that one command started, and its end."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path
from typing import Final

from godtui.clock import Clock

MARK: Final = "DISPATCHER_CHECK_RUN"
"""The variable by whose value those are known that left the command's group and session."""

GRACE_SECONDS: Final = 2.0
"""Between TERM and KILL."""

LOOK_SECONDS: Final = 0.02
"""Between two looks, in the machine's own time: how soon a process dies is no matter of our clock."""

KILL_LOOKS: Final = 100
QUIET_LOOKS: Final = 2
"""So many looks in a row must find nothing: a process that is just forking can be missed by one."""

_PROCESSES: Final = Path("/proc")
_TELLS: Final = (_PROCESSES / "self" / "environ").exists()
"""Whether the system tells of its processes as Linux does; elsewhere only the group is looked after."""


class CheckGroup:
    """The group and session of a command that leads both, and on Linux whoever carries its mark.

    A leader's number is nobody else's while one process of its group or session is left.
    """

    def __init__(self, leader: Process, mark: str, clock: Clock) -> None:
        self._leader = leader
        self._mark = f"{MARK}={mark}".encode()
        self._clock = clock
        self._strays: set[int] = set()

    async def end(self) -> bool:
        """TERM, and KILL after a grace, until none is left; False where something does not die."""
        if await self._is_gone():
            return True
        await asyncio.to_thread(self._signal, signal.SIGTERM)
        grace = asyncio.ensure_future(self._clock.sleep(GRACE_SECONDS))
        try:
            while not grace.done():
                if await self._is_gone():
                    return True
                await asyncio.wait((grace,), timeout=LOOK_SECONDS)
        finally:
            grace.cancel()
            await asyncio.gather(grace, return_exceptions=True)
        for _ in range(KILL_LOOKS):
            await asyncio.to_thread(self.kill)
            if await self._is_gone():
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    def kill(self) -> None:
        """KILL to all, without waiting for anything."""
        self._signal(signal.SIGKILL)

    async def _is_gone(self) -> bool:
        for look in range(QUIET_LOOKS):
            if look:
                await asyncio.sleep(LOOK_SECONDS)
            if self._leader.returncode is None or await asyncio.to_thread(self._any_is_left):
                return False
        return True

    def _any_is_left(self) -> bool:
        self._reap()
        if _TELLS:
            return bool(self._living())
        return self._is_group_there()

    def _signal(self, number: signal.Signals) -> None:
        if self._is_group_there():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._leader.pid, number)
        for pid, group in self._living():
            if group != self._leader.pid:
                self._strays.add(pid)
                # Found a moment ago: its number cannot have gone round to another.
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)

    def _is_group_there(self) -> bool:
        """Whether the group has a process, dead ones that nobody reaped included."""
        if self._is_number_taken():
            return False
        try:
            os.killpg(self._leader.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def _is_number_taken(self) -> bool:
        """Whether the leader's number is that of another process by now."""
        if self._leader.returncode is None:
            return False
        try:
            os.kill(self._leader.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def _living(self) -> list[tuple[int, int]]:
        """The number and the group of every process that belongs to the command and runs."""
        if not _TELLS:
            return []
        leader = None if self._is_number_taken() else self._leader.pid
        folders = (folder for folder in _PROCESSES.iterdir() if folder.name.isdigit())
        found = ((int(folder.name), self._group_of(folder, leader)) for folder in folders)
        return [(pid, group) for pid, group in found if group is not None]

    def _group_of(self, folder: Path, leader: int | None) -> int | None:
        """The group of a process that belongs to the command; None of another or a dead one."""
        try:
            # proc_pid_stat(5): the name in brackets may hold anything, then come state, parent, group, session.
            stat = (folder / "stat").read_bytes()
            state, _, group, session = stat[stat.rindex(b")") + 2 :].split(b" ", 4)[:4]
            if state in b"ZX":
                return None
            belongs = leader in (int(group), int(session)) or self._mark in (folder / "environ").read_bytes()
        except (OSError, ValueError):
            return None
        return int(group) if belongs else None

    def _reap(self) -> None:
        """Reap those that became our own children, as orphans do where we are the first process of a container."""
        if self._leader.returncode is None:
            return
        for target in (-self._leader.pid, *self._strays):
            with suppress(ChildProcessError):
                while os.waitpid(target, os.WNOHANG)[0]:
                    pass
