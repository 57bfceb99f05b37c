"""The memory behind a real broker: foreign publishers, crashes between store and ack, a full disk, a backlog."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aio_pika
import aiormq
import pytest

from godtui.bloodbank import tables
from godtui.bloodbank.bus import Message, UnknownQueueError
from godtui.bloodbank.rabbitmq import DEAD_LETTERS, MEMORY, RabbitBus, Topology
from godtui.candystore.persister import Persister
from godtui.clock import SystemClock
from godtui.envelope import StoredEvent, new_id
from godtui.eventlog import EventLog, Outcome, Record
from godtui.holyfields import Contracts, Registry
from godtui.settings import packaged
from tests import broker
from tests.candystore.test_persister import DOCUMENT, INVALID, VIOLATIONS, foreign, paths
from tests.contract.harness import PATIENCE
from tests.contract.messages import event, events, eventually
from tests.eventlog.test_disk import Disk
from tests.rawamqp import RawPublisher, short, table

VHOST = "memory"
TOPOLOGY = Topology()
EXCHANGE = "bloodbank.events"
CONTRACTS = Contracts(Registry.load(packaged("schemas")))


class CrashError(Exception):
    """The process ends here."""


class CrashingLog(EventLog):
    """Ends its caller once, as soon as its events are on disk."""

    crashes = 0

    async def append(self, records: Sequence[Record]) -> list[Outcome]:
        outcomes = await super().append(records)
        if self.crashes:
            self.crashes -= 1
            raise CrashError
        return outcomes


class Memory:
    """A persister behind a broker."""

    def __init__(self, url: str, bus: RabbitBus, log: CrashingLog) -> None:
        self.url = url
        self.bus = bus
        self.log = log
        self.persister = Persister(bus, log, CONTRACTS, SystemClock(), TOPOLOGY.memory)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        task = asyncio.create_task(self.persister.run())
        try:
            yield
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def emptied(self, consumers: int = 1) -> bool:
        """Whether everything is settled."""
        try:
            found = await self.bus.statistics(MEMORY)
        except UnknownQueueError:
            return False
        return (found.ready, found.unsettled, found.consumers) == (0, 0, consumers)

    def holding(self, number: int) -> Callable[[], Awaitable[bool]]:
        """Whether so many are stored."""

        async def look() -> bool:
            return self.log.last_seq >= number

        return look

    def having_stored(self, number: int) -> Callable[[], Awaitable[bool]]:
        """Whether the persister knows of so many that it stored."""

        async def look() -> bool:
            return self.persister.stored >= number

        return look

    async def taken(self) -> list[StoredEvent]:
        """Everything stored, once the queue is empty."""
        async with self.running():
            await eventually(self.emptied)
        return await self.log.after(0, 100_000)

    async def letters(self) -> list[tuple[str, bytes, str]]:
        """Routing key, body and reason of every dead letter; they are gone then."""
        connection = await aiormq.connect(self.url)
        channel = await connection.channel()
        found = []
        while (got := await channel.basic_get(DEAD_LETTERS, no_ack=True)).delivery.name == "Basic.GetOk":
            headers = got.header.properties.headers or {}
            found.append((got.routing_key or "", got.body, str(headers["x-godtui-reason"])))
        await connection.close()
        return found


@pytest.fixture(scope="module")
def url() -> str:
    node = broker.shared()
    node.add_vhost(VHOST)
    return node.url_of(VHOST)


@pytest.fixture
async def memory(url: str, tmp_path: Path) -> AsyncGenerator[Memory]:
    bus = RabbitBus([url], topology=TOPOLOGY)
    await bus.start()
    assert await bus.connected(PATIENCE), bus.fault
    log = CrashingLog(tmp_path, rooms=(tables.MIGRATIONS,))
    log.start()
    yield Memory(url, bus, log)
    await log.close()
    await bus.delete(MEMORY)
    await bus.delete(DEAD_LETTERS)
    await bus.close()


async def publish_plainly(url: str, messages: Sequence[Message]) -> None:
    """As anyone would with aio-pika, who knows the exchange and nothing of us."""
    connection = await aio_pika.connect(url)
    async with connection:
        exchange = await (await connection.channel()).get_exchange(EXCHANGE)
        for message in messages:
            await exchange.publish(aio_pika.Message(message.body), message.routing_key)


def bodies(stored: Sequence[StoredEvent]) -> list[bytes]:
    return [each.body for each in stored]


async def test_every_kind_of_foreign_event(memory: Memory) -> None:
    regular = [foreign(**fields, event_id=str(new_id())) for fields, _ in VIOLATIONS.values()]
    # A broker takes no longer key than 255 bytes.
    regular = [Message(each.body, each.routing_key[:255], "") for each in regular]
    invalid = [foreign(**each) if isinstance(each, dict) else Message(each, "x.y", "") for each in INVALID.values()]
    await publish_plainly(memory.url, [*regular, *invalid])
    stored = await memory.taken()
    assert [str(each.envelope().event_id) for each in stored] == [json.loads(each.body)["event_id"] for each in regular]
    expected = [listed for _, listed in VIOLATIONS.values()]
    cut = [name for name, _ in VIOLATIONS.items()].index("a very long name")
    expected[cut] = [*expected[cut], "/event_type"]
    assert [paths(each) for each in stored] == expected
    letters = await memory.letters()
    assert [(key, body) for key, body, _ in letters] == [(each.routing_key, each.body) for each in invalid]
    assert all(reason.startswith("invalid_envelope: ") for _, _, reason in letters)


def _text(value: bytes) -> bytes:
    return b"S" + struct.pack(">I", len(value)) + value


def _nested(levels: int) -> bytes:
    nested = table((b"a", b"V"))
    for _ in range(levels):
        nested = table((b"a", b"F" + nested))
    return nested


HOSTILE: dict[str, dict[str, bytes]] = {
    "an id that is no UTF-8": {"message_id": short(b"\xff" * 255)},
    "a correlation that is no UTF-8": {"correlation_id": short(b"\xfe")},
    "a moment in milliseconds": {"timestamp": struct.pack(">Q", 1_770_904_931_482)},
    "a moment in microseconds": {"timestamp": struct.pack(">Q", 1_770_904_931_482_000)},
    "the last moment": {"timestamp": b"\xff" * 8},
    "a header that is no UTF-8": {"headers": table((b"a", _text(b"\xff\xfe")))},
    "a header's name that is no UTF-8": {"headers": table((b"\xff", b"V"))},
    "a header with a moment beyond all": {"headers": table((b"a", b"T" + b"\xff" * 8))},
    "headers as deep as can be read": {"headers": _nested(300)},
    "headers deeper than can be read": {"headers": _nested(5000)},
    "headers as large as can be sent": {"headers": table((b"a", _text(b"x" * 130_000)))},
    "headers that grow when they are read": {"headers": table((b"a", _text(b"\xff" * 60_000)))},
    "another routing key than can be": {"headers": table((b"x-original-routing-key", _text(b"k" * 300)))},
    "more attempts than can be": {"headers": table((b"x-godtui-attempts", b"l\x7f" + b"\xff" * 7))},
}


async def test_no_property_or_header_ends_the_memory(memory: Memory) -> None:
    sound = [event(message=name) for name in HOSTILE]
    with RawPublisher(memory.url) as publisher:
        for each, properties in zip(sound, HOSTILE.values(), strict=True):
            publisher.publish(each.body, EXCHANGE.encode(), b"test.event.created", **properties)
            publisher.publish(b"nothing", EXCHANGE.encode(), b"x.y", **properties)
        publisher.publish(foreign().body, EXCHANGE.encode(), b"\xff\xfe.a")
    stored = await memory.taken()
    assert bodies(stored)[:-1] == [each.body for each in sound]
    assert "\\xff\\xfe.a" in stored[-1].faults()[0].message.replace("\\\\", "\\")
    assert [body for _, body, _ in await memory.letters()] == [b"nothing"] * len(HOSTILE)
    assert memory.persister.fault is None


async def test_a_crash_between_store_and_ack_stores_once(memory: Memory) -> None:
    sent = events(50)
    await publish_plainly(memory.url, sent)
    memory.log.crashes = 1
    with pytest.raises(CrashError):
        await memory.persister.run()
    held = memory.log.last_seq
    assert held > 0
    async with memory.running():
        # Just after the crash the broker counts what it takes back neither as waiting nor as handed out, and the log
        # ends there a moment before the persister hears of it.
        await eventually(memory.having_stored(len(sent) - held))
    assert len(bodies(await memory.taken())) == len(sent)
    assert memory.persister.stored == len(sent) - held
    assert memory.persister.held >= held, "a broker may deliver more than what the crash left unacked again"
    assert await memory.letters() == []


async def test_a_conflict_becomes_a_dead_letter_and_touches_nothing(memory: Memory) -> None:
    first = foreign()
    other = Message(
        json.dumps({**DOCUMENT, "payload": {"message": "another"}}, indent=3).encode(), first.routing_key, ""
    )
    await publish_plainly(memory.url, [first, other, first])
    (stored,) = await memory.taken()
    assert stored.envelope().payload == DOCUMENT["payload"]
    ((key, body, reason),) = await memory.letters()
    assert (key, body, reason.split(":")[0]) == (first.routing_key, other.body, "conflict")


async def test_a_full_disk_loses_nothing(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: Memory
) -> None:
    disk = Disk(monkeypatch)
    log = CrashingLog(tmp_path / "full", rooms=(tables.MIGRATIONS,))
    (tmp_path / "full").mkdir()
    log.start()
    full = Memory(url, memory.bus, log)
    sent = [event(number=number, filler="x" * 2000) for number in range(400)]
    try:
        async with full.running():
            await publish_plainly(url, sent[:100])
            await eventually(full.emptied)
            await disk.fill(log)
            await publish_plainly(url, sent[100:])
            await eventually(lambda: _left(full))
            assert full.persister.fault
            await disk.empty(log)
            await eventually(full.emptied)
        assert bodies(await log.after(0, 1000)) == [each.body for each in sent]
        assert await full.letters() == []
    finally:
        await log.close()


async def _left(memory: Memory) -> bool:
    """Whether the broker has everything that is not stored, and nobody consumes it."""
    found = await memory.bus.statistics(MEMORY)
    return memory.persister.fault is not None and found.consumers == 0 and found.ready > 0


async def test_a_queue_that_is_deleted_under_the_memory_is_there_again(memory: Memory) -> None:
    async with memory.running():
        await eventually(memory.emptied)
        await memory.bus.delete(MEMORY)
        await eventually(memory.emptied)
        await publish_plainly(memory.url, events(1))
        await eventually(lambda: _stored(memory, 1))


async def _stored(memory: Memory, number: int) -> bool:
    return memory.log.last_seq >= number


async def test_a_backlog(memory: Memory) -> None:
    sent: list[Any] = events(3_000)
    for start in range(0, len(sent), 1000):
        await memory.bus.publish(sent[start : start + 1000])
    stored = await memory.taken()
    assert bodies(stored) == [each.body for each in sent]
