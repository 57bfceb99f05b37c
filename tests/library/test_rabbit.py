"""The library straight to a broker: its queue, its dead letters, its refusals."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiormq
import pytest

from godtui.bloodbank import EventError, Publisher, QueueError, Subscriber
from godtui.bloodbank.rabbitmq import RabbitBus
from godtui.holyfields import SchemaFolderError
from tests import broker
from tests.library.test_ways import BOUND, TYPE, taken, texts
from tests.library.ways import BrokerWay


async def send(way: BrokerWay, *messages: str) -> None:
    async with way.publisher() as publisher:
        for message in messages:
            await publisher.publish(TYPE, {"message": message})


async def test_a_queue_keeps_what_comes_while_nobody_consumes(rabbit: BrokerWay) -> None:
    async with rabbit.subscriber() as subscriber:
        assert subscriber.position is None
    await send(rabbit, "a", "b")
    async with rabbit.subscriber() as subscriber:
        assert texts(await taken(subscriber, 2)) == ["a", "b"]


async def test_what_is_no_event_becomes_a_dead_letter_as_it_came(rabbit: BrokerWay) -> None:
    async with rabbit.subscriber() as subscriber:
        connection = await aiormq.connect(rabbit.url)
        channel = await connection.channel()
        for body in (b"\xff not JSON", b'{"event_id": 1}'):
            await channel.basic_publish(body, exchange="bloodbank.events", routing_key="some.thing")
        await connection.close()
        await send(rabbit, "a")
        assert texts(await taken(subscriber)) == ["a"]
    assert await rabbit.letters() == [
        ("invalid_envelope", b"\xff not JSON"),
        ("invalid_envelope", b'{"event_id": 1}'),
    ]


async def test_a_queue_that_is_otherwise_is_one_error_that_names_the_difference(rabbit: BrokerWay) -> None:
    async with rabbit.subscriber():
        pass
    with pytest.raises(QueueError, match=r"library\.test .*x-message-ttl = 86400000, wanted is 5000") as caught:
        async with rabbit.subscriber(message_ttl=5.0):
            raise AssertionError("it is entered all the same")
    assert isinstance(caught.value, EventError)


async def test_what_stands_is_taken_as_it_is_and_what_is_missing_declared(rabbit: BrokerWay) -> None:
    connection = await aiormq.connect(rabbit.url)
    channel = await connection.channel()
    for queue in ("candystore.events", "infra-dispatcher.plane"):
        await channel.queue_delete(queue)
    await channel.queue_declare("candystore.events", durable=True, arguments={"x-message-ttl": 3_600_000})
    try:
        async with asyncio.timeout(BOUND):
            await send(rabbit, "a")
        memory = await channel.queue_declare("candystore.events", passive=True)
        assert memory.message_count == 1
        plane = await channel.queue_declare("infra-dispatcher.plane", passive=True)
        assert plane.message_count == 0
    finally:
        await channel.queue_delete("candystore.events")
        await connection.close()


async def test_a_queue_that_is_deleted_is_made_again(rabbit: BrokerWay) -> None:
    async with rabbit.subscriber() as subscriber:
        await send(rabbit, "a")
        assert texts(await taken(subscriber)) == ["a"]
        waiting = asyncio.create_task(taken(subscriber))
        bus = RabbitBus([rabbit.url])
        await bus.start()
        assert await bus.connected(BOUND)
        await bus.delete("library.test")
        async with asyncio.timeout(BOUND):
            while await _missing(bus):
                await asyncio.sleep(0.05)
        await bus.close()
        await send(rabbit, "b")
        assert texts(await waiting) == ["b"]


async def _missing(bus: RabbitBus) -> bool:
    try:
        return not (await bus.statistics("library.test")).consumers
    except LookupError:
        return True


async def test_connections_that_are_cut_are_made_again(rabbit: BrokerWay, caplog: pytest.LogCaptureFixture) -> None:
    async with rabbit.subscriber() as subscriber, rabbit.publisher() as publisher:
        await publisher.publish(TYPE, {"message": "a"})
        assert texts(await taken(subscriber)) == ["a"]
        vhost = rabbit.url.rpartition("/")[2]
        await asyncio.to_thread(broker.shared().control, "close_all_connections", "--vhost", vhost, "a test cuts them")
        async with asyncio.timeout(BOUND):
            while subscriber.state.status == "connected":
                await asyncio.sleep(0.01)
        await send(rabbit, "b")
        assert texts(await taken(subscriber)) == ["b"]
        async with asyncio.timeout(BOUND):
            while subscriber.state != ("connected", ""):
                await asyncio.sleep(0.01)
    assert "Traceback" not in caplog.text


async def test_the_next_node_is_taken_where_one_is_away(rabbit: BrokerWay) -> None:
    url = f"amqp://me:hunter2@127.0.0.1:1/{rabbit.url.rpartition('/')[2]},{rabbit.url}"
    async with rabbit.subscriber() as subscriber:
        async with Publisher.connect(url, schemas=rabbit.schemas) as publisher:
            await publisher.publish(TYPE, {"message": "a"})
        assert texts(await taken(subscriber)) == ["a"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "^queue= names the durable queue"),
        ({"queue": ""}, "^queue= names the durable queue"),
        ({"queue": "früh"}, "^queue= is at most 255"),
        ({"queue": "q", "bindings": ["agent.*", "a*.b"]}, "wildcard within a word"),
        ({"queue": "q", "token": "abc"}, "^token= is for a running godtui"),
        ({"queue": "q", "after": 0}, "^after= is for a running godtui"),
        ({"queue": "q", "filter": "a"}, "^filter= is for a running godtui"),
        ({"queue": "q", "prefetch": 0}, "^prefetch= is at least 1"),
        ({"queue": "q", "message_ttl": -1.0}, "cannot live"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Subscriber.connect("amqp://localhost", **options)


def test_a_url_that_names_no_broker_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match=r"^the URL of a broker cannot be used") as caught:
        Publisher.connect("amqp://me:hunter2@")
    assert "hunter2" not in str(caught.value)


def test_contracts_are_loaded_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.json").write_text("{")
    with pytest.raises(SchemaFolderError, match=r"a/b\.json"):
        Publisher.connect("amqp://localhost", schemas=tmp_path)
