"""A connection that is kept: growing pauses, several nodes, and nothing left over of what failed."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest

from godtui.bloodbank.bus import Confirmed, QueueSpec, Unconfirmed
from godtui.bloodbank.rabbitmq import RabbitBus
from godtui.bloodbank.rabbitmq.link import PAUSES, Link
from tests.broker import Node
from tests.chaos.proxy import Proxy
from tests.clock import ManualClock
from tests.contract.harness import PATIENCE
from tests.contract.messages import drain, event, eventually, ids
from tests.rabbitmq.conftest import opened

HOUR_OF_ATTEMPTS = 720
"""An hour at the longest pause."""


def nobody() -> str:
    """Where no broker is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"amqp://guest:guest@127.0.0.1:{free.getsockname()[1]}/"


@asynccontextmanager
async def linked(*urls: str, clock: ManualClock, **options: Any) -> AsyncIterator[Link]:
    link = Link(urls, "test", clock, **options)
    link.start()
    try:
        yield link
    finally:
        await link.close()


@pytest.mark.parametrize("chance", [0.0, 1.0])
async def test_pauses_grow_to_a_longest_with_jitter(chance: float) -> None:
    clock = ManualClock()
    pauses = []
    async with linked(nobody(), clock=clock, jitter=lambda: chance) as link:
        for tries in range(1, 9):
            await clock.sleepers()
            assert (link.state.status, link.state.tries) == ("waiting", tries)
            assert link.state.next_try is not None
            pauses.append(link.state.next_try - clock.monotonic())
            clock.advance(pauses[-1])
    assert pauses == pytest.approx([PAUSES.pause(tries) * (0.5 + chance / 2) for tries in range(1, 9)])
    assert max(pauses) <= 5


async def test_one_trouble_lasts_since_it_began() -> None:
    clock = ManualClock()
    began = clock.now()
    async with linked(nobody(), clock=clock) as link:
        for _ in range(5):
            await clock.sleepers()
            clock.advance(60)
        await clock.sleepers()
        assert link.state.since == began


async def test_a_broker_that_throws_us_out_at_once_is_not_asked_without_end(node: Node) -> None:
    clock = ManualClock()
    reached = 0

    async def thrown_out(link: Link) -> None:
        nonlocal reached
        reached += 1
        link.lost("thrown out")
        raise ConnectionError("thrown out")

    async with linked(node.url, clock=clock, opened=thrown_out) as link:
        for tries in range(1, 5):
            await clock.sleepers()
            assert reached == link.state.tries == tries
            assert "thrown out" in link.state.detail
            clock.advance(5)


async def test_whatever_goes_wrong_with_one_connection_the_next_is_tried(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    faults: list[BaseException] = [KeyError("a bug"), asyncio.CancelledError(), TimeoutError()]

    async def failing(link: Link) -> None:
        if faults:
            raise faults.pop()

    async with linked(node.url, clock=clock, opened=failing) as link:
        for _ in range(3):
            await clock.sleepers()
            assert not link.up
            clock.advance(5)
        async with asyncio.timeout(PATIENCE):
            await link.wait()
    assert "the connection to the broker failed" in caplog.text


async def test_an_hour_of_attempts_leaves_nothing_behind() -> None:
    """Tasks and objects are counted after a tenth of it and at the end."""
    clock = ManualClock()
    bus = RabbitBus([nobody()], clock=clock)
    await bus.start()
    counts = []
    for attempt in range(HOUR_OF_ATTEMPTS):
        await clock.sleepers(3)  # two connections and the watchdog
        assert isinstance((await bus.publish([event()]))[0], Unconfirmed)
        clock.advance(5)
        if attempt in (HOUR_OF_ATTEMPTS // 10, HOUR_OF_ATTEMPTS - 1):
            await clock.sleepers(3)
            gc.collect()
            kinds = Counter(type(each).__name__ for each in gc.get_objects())
            counts.append((len(asyncio.all_tasks()), kinds["Connection"], sum(kinds.values())))
    (tasks, connections, objects), (tasks_later, connections_later, objects_later) = counts
    assert tasks_later <= tasks
    assert connections_later <= connections
    assert objects_later < objects + HOUR_OF_ATTEMPTS, "less than one an attempt"
    assert bus.state.tries >= HOUR_OF_ATTEMPTS // 2
    await bus.close()


async def test_the_next_node_is_taken_when_one_is_lost(node: Node, vhost: str, proxy: Proxy) -> None:
    other = Proxy(node.port)
    await other.accept()
    first, second = (each.url_of(node.url_of(vhost)) for each in (proxy, other))
    async with opened(nobody(), first, second) as bus:
        assert await bus.connected(PATIENCE), bus.fault
        assert f":{proxy.port}/" in bus.state.node
        await proxy.refuse()

        async def moved() -> bool:
            return bus.fault is None and f":{other.port}/" in bus.state.node

        await eventually(moved)
        assert isinstance((await bus.publish([event()]))[0], Confirmed)
    await other.refuse()


async def test_any_name_of_a_virtual_host(node: Node) -> None:
    name = "with/slash, space and ünï%"
    node.add_vhost(name)
    try:
        async with opened(node.url_of(quote(name, safe=""))) as bus:
            assert await bus.connected(PATIENCE), bus.fault
            sent = event()
            async with bus.subscribe(QueueSpec("q", ("#",))) as consumer:
                assert isinstance((await bus.publish([sent]))[0], Confirmed)
                assert ids(await drain(consumer, 1)) == ids([sent])
    finally:
        node.control("delete_vhost", name)
