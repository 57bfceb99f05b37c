"""The engine on a broker: events are stored, foreign ones judged, and nothing stops while the broker is away."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
import pytest

from godtui.envelope import EventDraft, new_id
from godtui.eventlog import Ownership
from godtui.filters import parse
from godtui.operations import ConflictError, NotConfirmedError
from godtui.runtime.engine import Engine
from godtui.settings import Settings
from tests import broker
from tests.contract.messages import eventually

DRAFT = EventDraft(event_type="test.event.created", payload={"message": "hello"})


def draft(message: str, **more: Any) -> EventDraft:
    return EventDraft(event_type="test.event.created", payload={"message": message}, **more)


@pytest.fixture
def url() -> Iterator[str]:
    """A virtual host of the test's own."""
    node = broker.shared()
    name = f"engine-{uuid4().hex}"
    node.add_vhost(name)
    yield node.url_of(name)
    node.control("delete_vhost", name)


@contextlib.asynccontextmanager
async def started(url: str, **options: Any) -> AsyncIterator[Engine]:
    with tempfile.TemporaryDirectory(prefix="g") as folder:
        settings = Settings(**{"data_dir": Path(folder), "bus_url": url, **options})
        engine = Engine(settings, Ownership.take(Path(folder)))
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()


def stored(engine: Engine, wanted: str, number: int = 1) -> Callable[[], Awaitable[bool]]:
    """Whether so many stored events match."""

    async def look() -> bool:
        return len((await engine.operations.store.query(parse(wanted, now=0))).events) == number

    return look


async def test_an_event_goes_over_the_broker_into_the_store(url: str) -> None:
    async with started(url) as engine:
        receipt = await engine.operations.bus.publish(DRAFT)
        await eventually(stored(engine, f"id:{receipt.event_id}"))
        assert engine.health().components["bus"].status == "ok"
        shown = json.dumps(engine.health().document())
        assert "guest" not in shown.replace("guest:***", "")
        # A repeat is known from the store, and so is an id that holds something else.
        repeat = DRAFT.model_copy(update={"event_id": receipt.event_id})
        same = EventDraft.model_validate({**repeat.model_dump(exclude_none=True), "event_id": receipt.event_id})
        assert (await engine.operations.bus.publish(same)).event_id == receipt.event_id
        other = EventDraft(event_type="test.event.created", payload={"message": "other"}, event_id=receipt.event_id)
        with pytest.raises(ConflictError):
            await engine.operations.bus.publish(other)
        await eventually(stored(engine, "type:candystore.event.persisted -payload.count=0", 1))
        assert len((await engine.operations.store.query(parse("type:test.#", now=0))).events) == 1


async def test_a_conflict_is_known_before_the_first_is_stored(url: str) -> None:
    async with started(url) as engine:
        for _ in range(20):
            receipt = await engine.operations.bus.publish(draft("one"))
            with pytest.raises(ConflictError):
                await engine.operations.bus.publish(draft("other", event_id=receipt.event_id))
            again = await engine.operations.bus.publish(draft("one", event_id=receipt.event_id))
            assert again.event_id == receipt.event_id
        await eventually(stored(engine, "type:test.#", 20))
        assert (await engine.operations.letters.page(parse("", now=0))).letters == []


async def test_foreign_events_are_stored_with_what_is_irregular_or_become_letters(url: str) -> None:
    async with started(url) as engine:
        await engine.operations.bus.publish(DRAFT)
        connection = await aio_pika.connect(url)
        async with connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange("bloodbank.events")
            foreign = {
                "event_id": str(new_id()),
                "event_type": "Outside.Thing",
                "timestamp": "2026-02-12T14:02:11",
                "source": {"app": "outside"},
                "payload": {"x": 1},
            }
            await exchange.publish(aio_pika.Message(json.dumps(foreign).encode()), routing_key="another.key")
            await exchange.publish(aio_pika.Message(b"\xff garbage"), routing_key="some.thing.broken")
        await eventually(stored(engine, "source:outside is:invalid"))
        (event,) = (await engine.operations.store.query(parse("source:outside", now=0))).events
        assert {fault.path for fault in event.faults()} >= {"/event_type", "/timestamp"}
        await eventually(letters(engine, 1))
        (letter,) = (await engine.operations.letters.page(parse("", now=0))).letters
        assert (letter.queue, letter.body) == ("candystore.events", b"\xff garbage")
        assert letter.reason.startswith("invalid_envelope")
        await eventually(stored(engine, "type:bloodbank.message.dlq"))


def letters(engine: Engine, number: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return len((await engine.operations.letters.page(parse("", now=0))).letters) == number

    return look


async def test_without_a_broker_everything_else_goes_on() -> None:
    broker.require()
    nowhere = "amqp://guest:hunter2@127.0.0.1:1/"
    async with started(nowhere) as engine:
        with pytest.raises(NotConfirmedError) as error:
            await engine.operations.bus.publish(DRAFT)
        assert "hunter2" not in str(error.value)
        health = engine.health()
        assert health.status == "down"
        bus = health.components["bus"]
        assert bus.figures["state"] in ("waiting", "connecting")
        assert bus.figures["since"]
        assert "hunter2" not in json.dumps(health.document())
        assert (await engine.operations.store.query(parse("", now=0))).events == []
        await asyncio.sleep(0)
