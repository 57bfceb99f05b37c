"""Dead letters of a real broker: collected as they died, put back where they came from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiormq
import pytest

from godtui.bloodbank import tables
from godtui.bloodbank.bus import QueueSpec
from godtui.bloodbank.collector import Collector
from godtui.bloodbank.deadletters import DeadLetter, dead_letters
from godtui.bloodbank.errors import RequeueRefusedError
from godtui.bloodbank.letterbox import Letterbox
from godtui.bloodbank.publisher import PublishingRules
from godtui.bloodbank.rabbitmq import RabbitBus
from godtui.bloodbank.requeue import PutBackOverBroker, Requeue
from godtui.clock import SystemClock
from godtui.eventlog import EventLog
from godtui.holyfields import Contracts, Registry
from godtui.settings import packaged
from tests import broker
from tests.contract.messages import collect, event, eventually, send
from tests.contract.rabbitmq import RabbitHarness

QUEUE = QueueSpec("letters.q", ("agent.#",), message_ttl=1.0)
OTHER = QueueSpec("letters.other", ("agent.#",))
THEIRS = "letters.theirs"


@pytest.fixture
async def harness() -> AsyncGenerator[RabbitHarness]:
    harness = RabbitHarness(broker.shared().url)
    await harness.start()
    yield harness
    await harness.stop()
    await harness.clean()


@pytest.fixture
async def log(tmp_path: Path) -> AsyncGenerator[EventLog]:
    log = EventLog(tmp_path, rooms=(tables.MIGRATIONS,))
    log.start()
    yield log
    await log.close()


@pytest.fixture
async def collecting(harness: RabbitHarness, log: EventLog) -> AsyncGenerator[None]:
    running = asyncio.create_task(Collector(harness.bus, log, SystemClock()).run())
    yield
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def arrived(log: EventLog, number: int) -> list[DeadLetter]:
    async def there() -> bool:
        return len(await dead_letters(log)) == number

    await eventually(there)
    return await dead_letters(log)


async def settled(bus: RabbitBus, queue: str) -> bool:
    statistics = await bus.statistics(queue)
    return statistics.ready == statistics.unsettled == 0


@pytest.mark.usefixtures("collecting")
async def test_a_letter_dies_again_and_again_and_goes_back_alone(harness: RabbitHarness, log: EventLog) -> None:
    bus = harness.bus
    await bus.declare(OTHER)
    sent = event("agent.task.failed", headers={"mine": 1})
    async with bus.subscribe(QUEUE) as consumer:
        await send(bus, [sent])
        (delivery,) = await collect(consumer, 1)
        delivery.retry("not yet")
        (delivery,) = await collect(consumer, 1)
        delivery.dead_letter("no use")
        (letter,) = await arrived(log, 1)
        told = (letter.queue, letter.reason, letter.attempts, letter.requeues, letter.event_type, letter.routing_key)
        assert told == ("letters.q", "no use", 2, 0, "agent.task.failed", "agent.task.failed")
        assert (letter.headers, letter.body, letter.message_id) == ({"mine": 1}, sent.body, sent.message_id)
        assert 0 < letter.first_at <= letter.last_at
        contracts = Contracts(Registry.load(packaged("schemas")))
        requeue = Requeue(Letterbox(log), PutBackOverBroker(bus, log), contracts, PublishingRules())
        await requeue(letter.id)
        (again,) = await collect(consumer, 1)
        assert (again.message.routing_key, again.message.body, again.attempt) == (sent.routing_key, sent.body, 1)
        again.retry("not yet")
        (again,) = await collect(consumer, 1)
    (letter,) = await arrived(log, 1)
    assert (letter.queue, letter.reason, letter.requeues) == ("letters.q", "expired", 1)
    assert (letter.routing_key, letter.headers) == ("agent.task.failed", {"mine": 1})
    assert next(death["queue"] for death in letter.deaths if isinstance(death, dict)) == "letters.q"
    assert (await bus.statistics(OTHER.name)).ready == 1


@pytest.mark.usefixtures("collecting")
async def test_what_dies_in_a_queue_of_strangers_is_understood(harness: RabbitHarness, log: EventLog) -> None:
    connection = await aiormq.connect(harness.address)
    channel = await connection.channel()
    arguments: Any = {
        "x-dead-letter-exchange": "bloodbank.dlx", "x-dead-letter-routing-key": "their.own.key", "x-message-ttl": 100,
    }  # fmt: skip
    await channel.queue_declare(THEIRS, durable=True, arguments=arguments)
    try:
        await channel.queue_bind(THEIRS, "bloodbank.events", "session.#")
        properties = aiormq.spec.Basic.Properties(
            headers={"deep": {"list": [1, bytearray(b"\xff"), None]}}, delivery_mode=2
        )
        for _ in range(3):
            await channel.basic_publish(
                b"\xff\0", exchange="bloodbank.events", routing_key="session.lost", properties=properties
            )
        letters = await arrived(log, 3)
    finally:
        await channel.queue_delete(THEIRS)
        await connection.close()
    for letter in letters:
        assert (letter.queue, letter.reason, letter.attempts) == (THEIRS, "expired", 1)
        assert (letter.event_type, letter.routing_key, letter.body) == ("session.lost", "session.lost", b"\xff\0")
        assert letter.headers == {"deep": {"list": [1, "\\xff", None]}}
        assert abs(letter.last_at - SystemClock().now()) < 3600 * 1_000_000


async def test_letters_wait_for_their_collector(harness: RabbitHarness, log: EventLog) -> None:
    bus = harness.bus
    async with bus.subscribe(OTHER) as consumer:
        await send(bus, [event("agent.task.failed", number=n) for n in range(250)])
        for each in await collect(consumer, 250):
            each.dead_letter("no use")
        await eventually(lambda: settled(bus, OTHER.name))
    running = asyncio.create_task(Collector(bus, log, SystemClock()).run())

    async def there() -> bool:
        return len(await dead_letters(log, limit=1000)) == 250

    await eventually(there)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert {letter.routing_key for letter in await dead_letters(log, limit=1000)} == {"agent.task.failed"}


@pytest.mark.usefixtures("collecting")
async def test_a_queue_of_any_name_gets_its_letter_back_or_is_missed(harness: RabbitHarness, log: EventLog) -> None:
    """The client library itself refuses to declare or bind queues of such names."""
    requeue = Requeue(
        Letterbox(log), PutBackOverBroker(harness.bus, log), Contracts(Registry.load(packaged("schemas"))),
        PublishingRules(),
    )  # fmt: skip
    connection = await aiormq.connect(harness.address)
    channel = await connection.channel()
    names = ["früh & spät", "\x1b[31m", "q" * 300]
    for name in names:
        headers: Any = {"x-godtui-queue": name, "x-godtui-reason": "no use", "x-godtui-letter": name}
        properties = aiormq.spec.Basic.Properties(headers=headers, message_id="1", delivery_mode=2)
        await channel.basic_publish(b"{}", exchange="bloodbank.dlx", routing_key="their.key", properties=properties)
    await connection.close()
    letters = await arrived(log, len(names))
    for letter in letters:
        with pytest.raises(RequeueRefusedError):
            await requeue(letter.id)
    assert {letter.queue for letter in await dead_letters(log)} == set(names)
