"""A consumer when the broker refuses, or one of its own decisions fails."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from pathlib import Path

import aiormq
import pytest
from aiormq.channel import Channel

from godtui.bloodbank.bus import Confirmed, QueueSpec, UnknownQueueError
from godtui.bloodbank.rabbitmq import MEMORY, RabbitBus, Topology
from tests import broker
from tests.broker import Node
from tests.contract.harness import PATIENCE
from tests.contract.messages import collect, drain, event, eventually, ids, send
from tests.rabbitmq.conftest import opened

QUEUE = QueueSpec("mine", ("#",))


async def test_a_decision_that_cannot_be_carried_out_gives_the_message_back(
    url: str, stranger: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    """Here the queue to wait in exists with other arguments; nothing hangs with a consumer that nobody reads."""
    await stranger.queue_declare("mine.retry.500ms", durable=True)
    sent = event()
    async with opened(url) as bus:
        assert await bus.connected(PATIENCE), bus.fault
        async with bus.subscribe(QUEUE) as consumer:
            await send(bus, [sent])
            for attempt in (1, 2):
                (delivery,) = await collect(consumer, 1)
                assert delivery.attempt == attempt
                delivery.retry("not now", after=0.5)
            await eventually(lambda: _logged(caplog, "queue mine.retry.500ms exists with"))
            await stranger.queue_delete("mine.retry.500ms")
            (delivery,) = await collect(consumer, 1)
            delivery.retry("not now", after=0.5)
            assert ids(await drain(consumer, 1)) == ids([sent])


async def test_aiormqs_own_words_stay_out_of_the_log(
    url: str, stranger: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(url) as bus:
        assert await bus.connected(PATIENCE), bus.fault
        async with bus.subscribe(bus.topology.memory) as consumer:
            waiting = asyncio.create_task(consumer.batch())
            await eventually(lambda: _truth(consumer.is_consuming))
            await stranger.queue_delete(MEMORY)
            # It may have had something to hand out before.
            await asyncio.wait((waiting,))
            with pytest.raises(UnknownQueueError):
                await consumer.batch()
    assert not [record for record in caplog.records if not record.name.startswith("godtui")]
    assert not [record for record in caplog.records if record.exc_info]
    assert logging.getLogger("aiormq.channel").getEffectiveLevel() == logging.CRITICAL


@pytest.mark.soak
async def test_a_queue_without_a_leader_is_said_and_holds_up_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    """A node that is killed right after a declaration comes back with the queue and without its leader."""
    broker.require()
    node = Node(Path(tempfile.mkdtemp(prefix="godtui-leaderless-")))
    try:
        await asyncio.to_thread(node.start)
        async with opened(node.url) as bus:
            assert await bus.connected(PATIENCE), bus.fault
            await asyncio.sleep(3)
            await bus.declare(QueueSpec("orphan", ("never.this",)))
            await asyncio.to_thread(node.kill)
            await asyncio.to_thread(node.start)
            await eventually(lambda: _truth(bus.fault is None))
            async with bus.subscribe(QueueSpec("orphan", ("never.this",))) as orphan:
                waiting = asyncio.create_task(orphan.batch())
                await eventually(lambda: _logged(caplog, "queue orphan cannot be consumed: it takes no consumers"))
                async with bus.subscribe(Topology().memory) as memory:
                    assert isinstance((await bus.publish([event()]))[0], Confirmed)
                    await drain(memory, 1)
                waiting.cancel()
                await asyncio.wait((waiting,))
            stuck = asyncio.create_task(bus.publish([event("never.this")]))
            await eventually(lambda: _truth("lost its leader" in str(bus.fault)))
            stuck.cancel()
            async with aiormq.connect(node.url) as connection:
                await (await connection.channel()).queue_delete("orphan")
            # What waited there in vain may take the connection along.
            await eventually(lambda: _confirmed(bus))
            await eventually(lambda: _truth(bus.fault is None))
    finally:
        node.remove()


async def _confirmed(bus: RabbitBus) -> bool:
    return isinstance((await bus.publish([event()]))[0], Confirmed)


async def _truth(value: object) -> object:
    return value


async def _logged(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return words in caplog.text
