"""Someone deletes or unbinds queues under us."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiormq
import pytest
import pytest_asyncio
from aiormq.channel import Channel

from godtui.bloodbank.bus import Message, Tap
from godtui.bloodbank.rabbitmq import MEMORY
from godtui.bloodbank.rabbitmq.topology import EXCHANGE
from tests import broker
from tests.chaos.rig import LENIENT, PATIENCE, RECOVERY_SECONDS, running
from tests.contract.messages import event, read


@pytest_asyncio.fixture
async def stranger(vhost: str) -> AsyncIterator[Channel]:
    """Someone else's channel on the same virtual host."""
    connection = await aiormq.connect(vhost)
    channel = await connection.channel()
    assert isinstance(channel, Channel)
    yield channel
    await connection.close()


async def test_the_memorys_queue_is_deleted(
    vhost: str, stranger: Channel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever was confirmed here comes back; what others may have had there is said to be missing."""
    async with running(vhost, tmp_path) as rig:
        for _ in range(3):
            deleted = time.monotonic()
            await stranger.queue_delete(MEMORY)
            assert await rig.faulty(deleted) < RECOVERY_SECONDS
            assert await rig.well(deleted) < RECOVERY_SECONDS * LENIENT
            await rig.goes_on()
            assert rig.bus.watchdog.gaps
    assert "the memory's queue was deleted between" in caplog.text


async def test_the_memorys_queue_is_unbound(
    vhost: str, stranger: Channel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A broker says nothing of that, and confirms what it throws away where any other queue is bound."""
    await stranger.queue_declare("anothers", exclusive=True)
    await stranger.queue_bind("anothers", EXCHANGE, "#")
    async with running(vhost, tmp_path) as rig:
        await stranger.queue_unbind(MEMORY, EXCHANGE, "#")
        await rig.until(lambda: rig.bus.watchdog.gaps)
        gap = rig.bus.watchdog.gaps[0]
        assert gap.cause == "unbound"
        # How many it is depends on when the watchdog looks; that none of them stays away, the rig sees in the end.
        assert gap.restored > 0
        assert str(gap) in caplog.text


async def test_an_exchange_without_any_queue_confirms_nothing(vhost: str, stranger: Channel, tmp_path: Path) -> None:
    async with running(vhost, tmp_path) as rig:
        for name in (queue.name for queue in rig.bus.topology.queues):
            await stranger.queue_unbind(name, EXCHANGE, "#")
        await rig.goes_on()


async def test_a_view_that_loses_its_queue_comes_back(vhost: str, tmp_path: Path) -> None:
    node = broker.shared()
    name = vhost.rpartition("/")[2]
    async with running(vhost, tmp_path) as rig, rig.bus.tap(["#"]) as tap:
        await read(tap, 10)
        listed = await asyncio.to_thread(node.control, "list_queues", "--vhost", name, "name", "exclusive")
        (queue,) = [line.split("\t")[0] for line in listed.splitlines() if line.endswith("true")]
        await asyncio.to_thread(node.control, "eval", _delete(name, queue))
        marker = event("a.marker.sent")
        reading = asyncio.create_task(_see(tap, marker))
        while not reading.done():
            await rig.bus.publish([marker])
            await asyncio.sleep(0.05)
        await reading


def _delete(vhost: str, queue: str) -> str:
    """What the broker does when its operator deletes a queue, whoever has it for himself."""
    resource = f'rabbit_misc:r(<<"{vhost}">>, queue, <<"{queue}">>)'
    return (
        f"{{ok, Q}} = rabbit_amqqueue:lookup({resource}),"
        ' {ok, _} = rabbit_amqqueue:delete(Q, false, false, <<"chaos">>), ok.'
    )


async def _see(tap: Tap, marker: Message) -> None:
    async with asyncio.timeout(PATIENCE):
        async for message in tap:
            if message.message_id == marker.message_id:
                return
