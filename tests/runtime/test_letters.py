"""From an event that nobody took to its letter, the notices of it, and back into its queue."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from godtui.envelope import EventDraft
from godtui.eventlog import Ownership
from godtui.filters import Filter, parse
from godtui.operations import DeadLetter
from godtui.runtime.engine import Engine
from godtui.settings import Settings
from tests.clock import MORNING, ManualClock
from tests.contract.messages import eventually

DAY = 86_400.0
DELIVERY = EventDraft(event_type="webhook.plane.issue.updated", payload={"body": {}})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def engine(clock: ManualClock) -> AsyncIterator[Engine]:
    with tempfile.TemporaryDirectory(prefix="g") as folder:
        settings = Settings(data_dir=Path(folder), workers=("persister",))
        engine = Engine(settings, Ownership.take(settings.data_dir), clock=clock)
        await engine.start()
        yield engine
        await engine.stop()


async def letters(engine: Engine, clock: ManualClock, number: int = 1) -> list[DeadLetter]:
    """The letters, once there are so many."""
    found: list[DeadLetter] = []

    async def there() -> bool:
        clock.advance(1.0)
        found[:] = (await engine.operations.letters.page(Filter())).letters
        return len(found) == number

    await eventually(there)
    return found


async def test_what_nobody_takes_in_a_day_is_a_letter_that_is_said(engine: Engine, clock: ManualClock) -> None:
    operations = engine.operations
    receipt = await operations.bus.publish(DELIVERY)
    clock.advance(DAY)
    (letter,) = await letters(engine, clock)
    assert (letter.queue, letter.reason, letter.attempts) == ("infra-dispatcher.plane", "expired", 0)
    assert letter.event_type == DELIVERY.event_type

    async def said() -> bool:
        clock.advance(1.0)
        page = await operations.store.query(parse("type:#.dlq", now=MORNING), order="asc")
        return [event.event_type for event in page.events] == ["bloodbank.message.dlq", "webhook.plane.dlq"] and all(
            event.correlation_id == receipt.correlation_id.bytes for event in page.events
        )

    await eventually(said)
    requeued = await operations.letters.requeue(letter.id)
    assert (requeued.queue, requeued.requeues) == ("infra-dispatcher.plane", 1)
    assert (await operations.letters.page(Filter())).letters == []
    clock.advance(DAY)
    again = {each.event_type: each for each in await letters(engine, clock, 2)}
    assert again.keys() == {DELIVERY.event_type, "webhook.plane.dlq"}
    assert again[DELIVERY.event_type].requeues == 1
    assert again[DELIVERY.event_type].message_id == letter.message_id
