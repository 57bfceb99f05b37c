"""Publishers over a bus that a test holds in its hand, and over the embedded one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from godtui.bloodbank import tables
from godtui.bloodbank.bus import Confirmed, Message, PublishOutcome
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.bloodbank.publisher import Publisher, PublishingRules
from godtui.envelope import EventDraft
from godtui.eventlog import EventLog
from godtui.holyfields import Contracts, Registry
from tests.clock import ManualClock

SCHEMAS = Path(__file__).parents[2] / "schemas"

MakePublisher = Callable[..., Publisher]


class Bus:
    """Takes what is published, and answers when and what the test says."""

    def __init__(self) -> None:
        self.sent: list[list[Message]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.answer: Callable[[Message], PublishOutcome] = lambda message: Confirmed(None)

    async def publish(self, messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
        self.sent.append(list(messages))
        await self.open.wait()
        return [self.answer(message) for message in messages]

    async def sending(self, calls: int) -> None:
        """Wait until so many calls have been made."""
        while len(self.sent) < calls:
            await asyncio.sleep(0)

    @property
    def documents(self) -> list[dict[str, Any]]:
        """Everything sent, as JSON."""
        return [json.loads(message.body) for messages in self.sent for message in messages]


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.load(SCHEMAS)


@pytest.fixture
def contracts(registry: Registry) -> Contracts:
    return Contracts(registry)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def publishing(contracts: Contracts, clock: ManualClock) -> MakePublisher:
    """Makes a publisher over any bus; further arguments are its rules."""

    def make(bus: Any, correlation_of: Any = None, **rules: Any) -> Publisher:
        return Publisher(bus, contracts, PublishingRules(**rules), clock=clock, correlation_of=correlation_of)

    return make


@pytest.fixture
def publisher(publishing: MakePublisher, bus: Bus) -> Publisher:
    return publishing(bus)


@pytest.fixture
async def log(tmp_path: Path, clock: ManualClock) -> AsyncIterator[EventLog]:
    log = EventLog(tmp_path, rooms=(tables.MIGRATIONS,), clock=clock)
    log.start()
    yield log
    await log.close()


@pytest.fixture
async def embedded(log: EventLog, clock: ManualClock) -> AsyncIterator[EmbeddedBus]:
    bus = EmbeddedBus(log, clock)
    await bus.start()
    yield bus
    await bus.close()


def draft(message: str = "hello", **fields: Any) -> EventDraft:
    """A draft of test.event.created that only needs to be published."""
    given = {"event_type": "test.event.created", "payload": {"message": message}, **fields}
    return EventDraft.model_validate(given)
