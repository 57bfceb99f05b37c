"""A role is one instance's at a time, everyone knows whose, and nobody keeps it from beyond the grave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from uuid import uuid4

import aiormq
import pytest

from godtui.bloodbank.holder import Holder
from godtui.bloodbank.rabbitmq import RabbitBus
from godtui.bloodbank.rabbitmq import claim as module
from godtui.bloodbank.rabbitmq.claim import Claim
from godtui.eventlog import LogUnavailableError
from tests import broker
from tests.contract.messages import eventually


class Taking:
    """One who takes the role as soon as it can be had, unless told not to."""

    def __init__(self, name: str) -> None:
        self.me = Holder(name, f"http://{name}:8000", 1_700_000_000_000_000, f"log of {name}")
        self.before: list[Holder | None] = []
        self.refusal: Exception | None = None

    async def take(self, before: Holder | None) -> Holder:
        self.before.append(before)
        if self.refusal is not None:
            raise self.refusal
        return self.me

    def is_own(self, holder: Holder) -> bool:
        return holder.log == self.me.log


class Party:
    """Instances that all want one role, or watch it."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self.url = url
        self.role = f"role-{uuid4().hex}"
        self._stack = stack

    async def join(self, taking: Taking | None, name: str = "godtui") -> tuple[RabbitBus, Claim]:
        bus = RabbitBus([self.url], name=name)
        await bus.start()
        self._stack.push_async_callback(bus.close)
        claim = bus.claim(self.role, taking)
        claim.start()
        await claim.known()
        return bus, claim

    async def note(self, body: bytes) -> None:
        """Put something else where the holder's name is."""
        connection = await aiormq.connect(self.url)
        channel = await connection.channel()
        await channel.basic_publish(body, routing_key=f"{self.role}.active", mandatory=True)
        await connection.close()

    async def forget(self) -> None:
        """Remove what says who has it."""
        connection = await aiormq.connect(self.url)
        channel = await connection.channel()
        await channel.queue_delete(f"{self.role}.active")
        await connection.close()

    async def cut(self, name: str) -> None:
        """Let the broker end the connections that an instance of this name consumes with."""
        node = broker.shared()
        listed = await asyncio.to_thread(
            node.control, "list_connections", "--no-table-headers", "pid", "client_properties"
        )
        (pid,) = (line.split("\t")[0] for line in listed.splitlines() if f'"{name} consuming"' in line)
        await asyncio.to_thread(node.control, "close_connection", pid, "a test cuts it")


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(module, "READ_AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(module, "VACANT_SECONDS", 0.1)


@pytest.fixture
async def party(vhost: str) -> AsyncIterator[Party]:
    async with AsyncExitStack() as stack:
        yield Party(vhost, stack)


async def until(condition: Callable[[], object]) -> None:
    async def look() -> object:
        return condition()

    await eventually(look)


async def test_one_has_it_the_other_says_who_and_takes_over(party: Party) -> None:
    first, second = Taking("one"), Taking("two")
    bus, held = await party.join(first)
    assert held.held == first.me
    assert held.standing == "one is active since 2023-11-14T22:13:20.000000Z"
    _, waiting = await party.join(second)
    _, watching = await party.join(None)
    assert [claim.holder for claim in (waiting, watching)] == [first.me, first.me]
    assert waiting.standing == "standing by: one is active since 2023-11-14T22:13:20.000000Z"
    await bus.close()
    await asyncio.wait_for(waiting.wait(), 30)
    assert (first.before, second.before) == ([None], [first.me])
    assert waiting.holder is None
    await until(lambda: watching.holder == second.me)
    await waiting.close()
    await until(lambda: watching.holder is None)


async def test_who_had_it_last_may_come_back_to_it(party: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a broker that starts again would deal out the history by chance."""
    monkeypatch.setattr(module, "VACANT_SECONDS", 3600.0)
    first, again, second = Taking("one"), Taking("one"), Taking("two")
    bus, _ = await party.join(first)
    _, waiting = await party.join(second)
    await bus.close()
    said = "one is gone; this instance takes over unless that comes back"
    await until(lambda: waiting.fault == said)
    assert waiting.standing == f"standing by: {said}"
    assert waiting.holder == first.me, "what it stored is still there and not here"
    _, back = await party.join(again)
    await asyncio.wait_for(back.wait(), 30)
    await until(lambda: waiting.fault is None)
    assert waiting.holder == first.me
    assert second.before == []


async def test_who_cannot_take_it_leaves_it_to_another(party: Party) -> None:
    ill, sound = Taking("ill"), Taking("sound")
    ill.refusal = LogUnavailableError("no space left on device")
    _, refusing = await party.join(ill)
    assert refusing.held is None
    assert refusing.standing == "standing by: no space left on device"
    _, other = await party.join(sound)
    await asyncio.wait_for(other.wait(), 30)
    await until(lambda: refusing.holder == sound.me)
    assert refusing.fault is None


async def test_a_lost_connection_loses_it_and_it_is_taken_again(party: Party) -> None:
    taking = Taking("one")
    name = f"cut {uuid4().hex}"
    bus, claim = await party.join(taking, name)
    assert claim.held is not None
    losing, blind = asyncio.ensure_future(claim.lost()), asyncio.Event()
    async with bus.tap(("#",), on_break=blind.set):
        await party.cut(name)
        await asyncio.wait_for(losing, 30)
        await asyncio.wait_for(blind.wait(), 30)
    assert claim.holder is None
    await asyncio.wait_for(claim.wait(), 30)
    assert taking.before == [None, taking.me]


@pytest.mark.parametrize("garbage", [b"\xff", b"[1]", b'{"instance": "a\\u001b[2J"}', b"1" * 10_000])
async def test_garbage_instead_of_a_name_says_only_that_there_is_someone(party: Party, garbage: bytes) -> None:
    bus, held = await party.join(Taking("one"))
    assert held.held is not None
    await party.note(garbage)
    other = Taking("two")
    _, waiting = await party.join(other)
    assert waiting.holder == Holder()
    assert waiting.standing == "standing by: an instance that does not say its name is active"
    await bus.close()
    await asyncio.wait_for(waiting.wait(), 30)
    assert other.before == [Holder()], "someone had it, and nobody knows who"


async def test_who_was_seen_is_remembered_without_the_nameplate(party: Party) -> None:
    first, second = Taking("one"), Taking("two")
    bus, _ = await party.join(first)
    _, waiting = await party.join(second)
    await party.forget()
    await bus.close()
    await asyncio.wait_for(waiting.wait(), 30)
    assert second.before == [first.me]


async def test_an_earlier_connection_of_ones_own_is_nobody_else(party: Party) -> None:
    """The broker may notice the end of a process later than the next one starts."""
    earlier, later = Taking("one"), Taking("one")
    bus, _ = await party.join(earlier)
    _, waiting = await party.join(later)
    assert waiting.holder is None
    assert waiting.standing == "standing by: the broker still keeps an earlier connection of ours"
    await bus.close()
    await asyncio.wait_for(waiting.wait(), 30)
    assert later.before == [earlier.me]


async def test_without_a_broker_nothing_is_known_and_nobody_waits() -> None:
    bus = RabbitBus(["amqp://guest:guest@127.0.0.1:1/"])
    await bus.start()
    claim = bus.claim("role", Taking("one"))
    claim.start()
    await asyncio.wait_for(claim.known(), 30)
    assert (claim.held, claim.holder) == (None, None)
    assert claim.standing == "standing by: there is no connection to the broker"
    await bus.close()
