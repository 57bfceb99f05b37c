"""An embedded bus on a disk that may fail, by a clock that tests move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from pathlib import Path
from typing import TypeVar

import pytest_asyncio

from godtui.bloodbank.embedded import EmbeddedBus
from tests.bloodbank.faulty import FaultyLog
from tests.clock import ManualClock
from tests.contract.harness import PATIENCE

Result = TypeVar("Result")


class Room:
    """The bus, the log under it and the clock over both."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = ManualClock()
        self.log: FaultyLog
        self.bus: EmbeddedBus

    async def open(self) -> None:
        self.log = FaultyLog(self.directory, self.clock)
        self.log.start()
        self.bus = EmbeddedBus(self.log, self.clock)
        await self.bus.start()

    async def close(self) -> None:
        await self.meanwhile(self.bus.close())
        await self.log.close()

    async def reopen(self) -> None:
        await self.close()
        await self.open()

    async def meanwhile(self, work: Awaitable[Result]) -> Result:
        """Let time pass by half seconds until something is done, as retries wait for the clock."""
        doing = asyncio.ensure_future(work)
        async with asyncio.timeout(PATIENCE):
            while not doing.done():
                await asyncio.wait([doing], timeout=0.01)
                if not doing.done():
                    self.clock.advance(0.5)
        return doing.result()


@pytest_asyncio.fixture
async def room(tmp_path: Path) -> AsyncGenerator[Room]:
    opened = Room(tmp_path)
    await opened.open()
    yield opened
    await opened.close()
    assert not opened.log.faults, "a fault that was asked for did not happen"
