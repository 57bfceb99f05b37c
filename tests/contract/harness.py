"""What the contract suite needs of a transport beside its bus."""

from __future__ import annotations

import asyncio
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar, NamedTuple

from godtui.bloodbank.bus import Bus, HeaderValue

PATIENCE = 30.0
"""Real seconds after which something that should happen is said not to."""


class Letter(NamedTuple):
    """A dead letter, wherever the transport keeps it."""

    queue: str
    reason: str
    attempts: int
    message_id: str
    routing_key: str
    headers: Mapping[str, HeaderValue]
    body: bytes


class Elsewhere:
    """A process of its own that uses the same storage and says a line for everything it did."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def says(self, lines: int) -> list[str]:
        """Its next lines."""
        assert self._process.stdout is not None
        said: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while len(said) < lines:
                line = await self._process.stdout.readline()
                if not line.endswith(b"\n"):
                    raise AssertionError(f"the other process ended with {await self._process.wait()}")
                said.append(line.decode().rstrip("\n"))
        return said

    async def kill(self) -> list[str]:
        """End it without warning; what it had said by then and was not read."""
        assert self._process.stdout is not None
        if self._process.returncode is None:
            self._process.kill()
        rest = await self._process.stdout.read()
        await self._process.wait()
        whole = rest[: rest.rfind(b"\n") + 1]
        return whole.decode().splitlines()


class Harness(ABC):
    """One transport on fresh storage. Tests talk to `bus`; a restart replaces it."""

    transport: ClassVar[str]
    moment: float
    """A stretch of time, in seconds, that the tests of this transport can afford to let pass."""
    bus: Bus

    @property
    @abstractmethod
    def address(self) -> str:
        """What another process needs to open the same storage."""

    @abstractmethod
    async def start(self) -> None:
        """Open the bus on the storage as it is."""

    @abstractmethod
    async def stop(self) -> None:
        """Close the bus as a program does that ends in order."""

    @abstractmethod
    async def pass_time(self, seconds: float) -> None:
        """Let time pass, by the clock that the transport goes by."""

    @abstractmethod
    async def letters(self) -> list[Letter]:
        """All dead letters, oldest first."""

    async def clean(self) -> None:
        """Leave no trace on storage that others use too."""
        return

    async def restart(self) -> None:
        """Close and open again."""
        await self.stop()
        await self.start()

    @asynccontextmanager
    async def elsewhere(self, role: str, *arguments: str) -> AsyncGenerator[Elsewhere]:
        """Run `tests.contract.child` on the same storage, with no bus open here; it is killed at the end."""
        await self.stop()
        command: Sequence[str] = (sys.executable, "-m", "tests.contract.child", self.transport, self.address, role)
        process = await asyncio.create_subprocess_exec(*command, *arguments, stdout=asyncio.subprocess.PIPE)
        other = Elsewhere(process)
        try:
            yield other
        finally:
            await other.kill()
            await self.start()
