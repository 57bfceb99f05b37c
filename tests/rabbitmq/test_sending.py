"""What is published and what the broker says of it find together, whatever is cut short."""

from __future__ import annotations

import asyncio

import pytest
from aiormq.channel import Channel
from pamqp.commands import Basic

from godtui.bloodbank.bus import Confirmed, Message, QueueSpec, Unconfirmed
from godtui.bloodbank.rabbitmq import DEAD_LETTERS, MEMORY, RabbitBus
from godtui.bloodbank.rabbitmq import sending as module
from godtui.bloodbank.rabbitmq.posting import Parcel
from godtui.bloodbank.rabbitmq.topology import DEAD_LETTER_EXCHANGE, EXCHANGE
from tests.chaos.proxy import Proxy
from tests.contract.harness import PATIENCE
from tests.contract.messages import NOON, event, eventually
from tests.rabbitmq.conftest import opened


async def cut_short(bus: RabbitBus, message: Message) -> None:
    """Publish, and no longer wait for the verdict."""
    publishing = asyncio.create_task(bus.publish([message]))
    await eventually(lambda: _truth(bus._sender.under_way > 0))
    await asyncio.sleep(0)
    publishing.cancel()
    await asyncio.wait((publishing,))
    assert publishing.cancelled()


async def test_a_verdict_that_nobody_waited_for_is_no_other_ones(url: str, stranger: Channel, proxy: Proxy) -> None:
    """A publish that no queue took is cut short and repeated: the repeat is confirmed only if it is in the queue."""
    async with opened(proxy.url_of(url)) as bus:
        assert await bus.connected(PATIENCE), bus.fault
        await stranger.queue_purge(MEMORY)
        for _ in range(5):
            await bus.publish([event()])
        await stranger.queue_purge(MEMORY)
        for routed in (False, True):
            message = event()
            await stranger.queue_unbind(MEMORY, EXCHANGE, "#")
            proxy.mute.clear()
            await cut_short(bus, message)
            if routed:
                await asyncio.sleep(0.1)
                await stranger.queue_bind(MEMORY, EXCHANGE, "#")
            again = asyncio.create_task(bus.publish([message]))
            await eventually(lambda: _truth(bus._sender.under_way > 0))
            await asyncio.sleep(0.1)
            proxy.mute.set()
            (outcome,) = await again
            found = await stranger.queue_declare(MEMORY, passive=True)
            assert isinstance(outcome, Unconfirmed) or found.message_count
            await eventually(lambda: _truth(bus.fault is None))


async def test_no_two_of_one_id_are_under_way(url: str, proxy: Proxy) -> None:
    async with opened(proxy.url_of(url)) as bus:
        assert await bus.connected(PATIENCE), bus.fault
        message = event()
        proxy.mute.clear()
        publishing = [asyncio.create_task(bus.publish([message] * 2)) for _ in range(3)]
        await eventually(lambda: _truth(bus._sender.under_way == 1))
        proxy.mute.set()
        for outcomes in await asyncio.gather(*publishing):
            assert [type(outcome) for outcome in outcomes] == [Confirmed, Confirmed]


async def test_a_broker_that_owes_too_many_verdicts_is_asked_over_another_channel(
    url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_UNANSWERED", 10)
    async with opened(proxy.url_of(url)) as bus:
        assert await bus.connected(PATIENCE), bus.fault
        await bus.publish([event()])
        opened_channels = 0
        channel = bus._publishing.channel

        async def counted(*, confirms: bool = False) -> Channel:
            nonlocal opened_channels
            opened_channels += confirms
            return await channel(confirms=confirms)

        monkeypatch.setattr(bus._publishing, "channel", counted)
        proxy.mute.clear()
        for _ in range(10):
            await cut_short(bus, event())
        proxy.mute.set()
        await eventually(lambda: _truth(bus.fault is None))
        assert isinstance((await bus.publish([event()]))[0], Confirmed)
        assert opened_channels == 1


async def _truth(value: object) -> object:
    return value


async def test_what_is_put_into_one_queue_says_what_it_is(url: str, stranger: Channel) -> None:
    """As any other consumer of the queue expects of an event; what is none goes as well."""
    await stranger.queue_declare("theirs")
    sent = event("a.b", headers={"mine": 1})
    other = Message(b"\xff no event", "some.key", "an id")
    async with opened(url) as bus:
        assert await bus.connected(PATIENCE), bus.fault
        assert [type(each) for each in await bus.publish([sent, other], queue="theirs")] == [Confirmed, Confirmed]
    got = await stranger.basic_get("theirs", no_ack=True)
    properties = got.header.properties
    assert (got.routing_key, got.body) == ("a.b", sent.body)
    assert (properties.message_type, properties.app_id, properties.message_id) == ("a.b", "contract", sent.message_id)
    assert (properties.delivery_mode, properties.headers) == (2, {"mine": 1})
    assert properties.timestamp == NOON
    got = await stranger.basic_get("theirs", no_ack=True)
    assert (got.routing_key, got.body, got.header.properties.message_id) == ("some.key", other.body, "an id")


async def test_a_letter_without_an_id_is_where_it_is_said_to_be(url: str, stranger: Channel) -> None:
    """Also where somebody deleted the queue of dead letters, until it is declared and bound again."""
    async with opened(url) as bus:
        assert await bus.connected(PATIENCE), bus.fault
        sender = module.Sender(bus._publishing)
        await stranger.queue_delete(DEAD_LETTERS)
        letters = [Parcel(DEAD_LETTER_EXCHANGE, "any", Basic.Properties(), b"no event") for _ in range(2)]
        assert await sender.send(letters) == [module.UNROUTED] * 2
        await bus.declare(QueueSpec(DEAD_LETTERS, ()))
        assert await sender.send(letters) == [module.CONFIRMED] * 2
        assert (await stranger.queue_purge(DEAD_LETTERS)).message_count == 2
