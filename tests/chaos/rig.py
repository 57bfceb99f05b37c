"""What is broken: publishers under load, a bus on a broker, and a persister into a log."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from godtui.bloodbank.errors import NotConfirmedError
from godtui.bloodbank.publisher import Publisher, PublishingRules
from godtui.bloodbank.rabbitmq import RabbitBus, Topology
from godtui.candystore.persister import Persister
from godtui.clock import SystemClock
from godtui.envelope import EventDraft, new_id
from godtui.eventlog import EventLog, LogUnavailableError
from godtui.holyfields import Contracts, Registry

SCHEMAS = Path(__file__).parents[2] / "schemas"
PATIENCE = 60.0
"""Real seconds after which something that should happen is said not to."""
FAULT_SECONDS = 5.0
RECOVERY_SECONDS = 10.0
"""How soon health has to be true after a fault and after its end."""
LENIENT = 2.0
"""By how much a busy machine may make that longer."""


class Verdict(NamedTuple):
    """What came of all that was published."""

    confirmed: int
    lost: set[str]
    doubled: set[str]

    def __str__(self) -> str:
        return f"{self.confirmed:,} confirmed, {len(self.lost)} lost, {len(self.doubled)} doubled"


class Moment(NamedTuple):
    """When, in monotonic seconds, the bus began to have a fault, or to have none."""

    at: float
    fault: str | None


class Rig:
    """Publishes until it is told to stop; what was not confirmed is tried again under its id, or given up."""

    def __init__(self, url: str, directory: Path, *, seed: int = 0, publishers: int = 8, timeout: float = 1.0) -> None:
        clock = SystemClock()
        contracts = Contracts(Registry.load(SCHEMAS))
        self.bus = RabbitBus([url], topology=Topology(), name="chaos")
        self.log = EventLog(directory)
        self.persister = Persister(self.bus, self.log, contracts, clock, self.bus.topology.memory)
        self._publisher = Publisher(self.bus, contracts, PublishingRules(timeout=timeout))
        self._publishers = publishers
        self._chance = random.Random(seed)
        self._tasks: list[asyncio.Task[None]] = []
        self._loading: list[asyncio.Task[None]] = []
        self.confirmed: set[str] = set()
        self.reasons: Counter[str] = Counter()
        self.moments: list[Moment] = []

    async def start(self) -> None:
        """Everything is running and something was confirmed."""
        self.log.start()
        await self.bus.start()
        assert await self.bus.connected(PATIENCE), self.bus.fault
        self._tasks = [asyncio.create_task(self.persister.run()), asyncio.create_task(self._watch())]
        self._loading = [asyncio.create_task(self._load()) for _ in range(self._publishers)]
        await self.goes_on()

    async def goes_on(self, more: int = 20) -> None:
        """Wait until so many more events are confirmed."""
        wanted = len(self.confirmed) + more
        await self.until(lambda: len(self.confirmed) >= wanted)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds, as long as nothing of ours has died."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                for task in (*self._tasks, *self._loading):
                    assert not task.done(), f"died: {task}"
                await asyncio.sleep(0.005)

    async def stop_load(self) -> None:
        """Publish no more."""
        for task in self._loading:
            task.cancel()
        await asyncio.gather(*self._loading, return_exceptions=True)
        self._loading = []

    async def verdict(self) -> Verdict:
        """Stop publishing, and wait until everything confirmed is stored, as long as there is patience."""
        await self.stop_load()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not self.confirmed <= await self.stored():
                    await asyncio.sleep(0.05)
        rows = await self.log.rows("SELECT event_id FROM events", (), purpose="a verdict")
        times = Counter(str(UUID(bytes=event_id)) for (event_id,) in rows)
        doubled = {one for one, number in times.items() if number > 1}
        return Verdict(len(self.confirmed), self.confirmed - set(times), doubled)

    async def stored(self) -> set[str]:
        """The ids in the log; none while it cannot be read."""
        try:
            rows = await self.log.rows("SELECT event_id FROM events", (), purpose="what is stored")
        except LogUnavailableError:
            return set()
        return {str(UUID(bytes=event_id)) for (event_id,) in rows}

    async def close(self) -> None:
        """End everything."""
        await self.stop_load()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.bus.close()
        await self.log.close()

    async def faulty(self, since: float) -> float:
        """Wait until the bus says that it has a fault; seconds from `since`."""
        return await self._said(since, lambda moment: moment.fault is not None)

    async def well(self, since: float) -> float:
        """Wait until the bus has no fault any more; seconds from `since`."""
        return await self._said(since, lambda moment: moment.fault is None)

    async def _said(self, since: float, wanted: Callable[[Moment], bool]) -> float:
        def found() -> Moment | None:
            now = self.moments[-1]
            if now.at <= since:
                return now if wanted(now) else None
            return next((each for each in self.moments if each.at > since and wanted(each)), None)

        await self.until(found)
        moment = found()
        assert moment is not None
        return max(0.0, moment.at - since)

    async def _watch(self) -> None:
        while True:
            fault = self.bus.fault
            if not self.moments or (fault is None) is not (self.moments[-1].fault is None):
                self.moments.append(Moment(time.monotonic(), fault))
            await asyncio.sleep(0.002)

    async def _load(self) -> None:
        while True:
            identity = new_id()
            while True:
                draft = EventDraft(event_type="test.event.created", payload={"message": "chaos"}, event_id=identity)
                try:
                    await self._publisher.publish(draft)
                except NotConfirmedError as error:
                    self.reasons[error.reason] += 1
                    await asyncio.sleep(0.05)
                    if self._chance.random() < 0.3:
                        break
                else:
                    self.confirmed.add(str(identity))
                    break
            await asyncio.sleep(0.003)


def say(line: str) -> None:
    """Tell whoever watches or waits."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@asynccontextmanager
async def running(url: str, directory: Path, **options: int) -> AsyncGenerator[Rig]:
    """A rig under load; whatever happened to it, in the end all that was confirmed is stored, and once."""
    rig = Rig(url, directory, **options)
    await rig.start()
    try:
        yield rig
        verdict = await rig.verdict()
        assert (verdict.lost, verdict.doubled) == (set(), set())
    finally:
        await rig.close()
