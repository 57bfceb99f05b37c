"""The embedded bus under the contract suite: a data directory and a clock that the tests move."""

from __future__ import annotations

from pathlib import Path

from godtui.bloodbank import tables
from godtui.bloodbank.deadletters import dead_letters
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.clock import Clock
from godtui.eventlog import EventLog
from tests.clock import ManualClock
from tests.contract.harness import Harness, Letter


class EmbeddedHarness(Harness):
    transport = "embedded"
    moment = 3600.0

    def __init__(self, address: str, clock: Clock | None = None) -> None:
        self._directory = Path(address)
        self.clock = clock or ManualClock()
        self.log: EventLog

    @property
    def address(self) -> str:
        return str(self._directory)

    async def start(self) -> None:
        self.log = EventLog(self._directory, rooms=(tables.MIGRATIONS,), clock=self.clock)
        self.log.start()
        self.bus = EmbeddedBus(self.log, self.clock)
        await self.bus.start()

    async def stop(self) -> None:
        await self.bus.close()
        await self.log.close()

    async def pass_time(self, seconds: float) -> None:
        assert isinstance(self.clock, ManualClock)
        self.clock.advance(seconds)

    async def letters(self) -> list[Letter]:
        return [
            Letter(
                each.queue, each.reason, each.attempts, each.message_id, each.routing_key,
                each.headers, each.body,
            )
            for each in await dead_letters(self.log, limit=100_000)
        ]  # fmt: skip
