"""From the outbox to the bus: in order, at least once, and nobody is blocked by what is refused."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from godtui.bloodbank import relay as module
from godtui.bloodbank.bus import (
    Already,
    Bus,
    Confirmed,
    Conflict,
    Message,
    PublishOutcome,
    Refused,
    Unconfirmed,
)
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.bloodbank.outbox import Outbox, Put, Waiting
from godtui.bloodbank.relay import BATCH_ROWS, PAUSES, Relay
from godtui.eventlog import Transaction
from tests.bloodbank.conftest import Room
from tests.bloodbank.faulty import Fault, FaultyLog
from tests.clock import ManualClock
from tests.contract.harness import PATIENCE
from tests.contract.messages import event, events, ids, send
from tests.eventlog.records import until

Answer = Callable[[Message], PublishOutcome]


class ScriptedBus(EmbeddedBus):
    """Answers what the test says, and keeps what was sent. Its log is never used."""

    def __init__(self, room: Room) -> None:
        super().__init__(room.log, room.clock)
        self.sent: list[list[str]] = []
        self.messages: list[Message] = []
        self.answer: Answer = lambda message: Confirmed(None)
        self.open = asyncio.Event()
        self.open.set()
        self.away: str | None = None

    @property
    def fault(self) -> str | None:
        return self.away

    async def publish(self, messages: Sequence[Message], *, queue: str | None = None) -> list[PublishOutcome]:
        self.sent.append(ids(messages))
        self.messages += messages
        await self.open.wait()
        return [self.answer(message) for message in messages]

    def script(self, **answers: PublishOutcome) -> None:
        """Answers by message id; everything else is confirmed."""
        self.answer = lambda message: answers.get(message.message_id, Confirmed(None))


class StillRoom(Room):
    """A bus whose time stands still, so that the relay alone waits for the room's clock."""

    async def open(self) -> None:
        self.log = FaultyLog(self.directory, self.clock)
        self.log.start()
        self.bus = EmbeddedBus(self.log, ManualClock())
        await self.bus.start()


@pytest_asyncio.fixture
async def room(tmp_path: Path) -> AsyncGenerator[Room]:
    opened = StillRoom(tmp_path)
    await opened.open()
    yield opened
    await opened.close()
    assert not opened.log.faults, "a fault that was asked for did not happen"


@pytest.fixture
def bus(room: Room) -> ScriptedBus:
    return ScriptedBus(room)


@asynccontextmanager
async def relaying(room: Room, bus: Bus, timeout: float = PATIENCE) -> AsyncIterator[Relay]:
    """A relay that runs within the block, with pauses of full length."""
    relay = Relay(room.log, bus, room.clock, timeout=timeout, jitter=lambda: 1.0)
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)


async def idle(room: Room) -> None:
    """Wait until the outbox is empty and the relay waits for more."""
    await until(lambda: asyncio.get_running_loop() in room.log.tail.waiting_loops())
    assert await Outbox(room.log).waiting() == Waiting(0, None)


async def letters(room: Room) -> list[tuple[str, str, str, int]]:
    """Queue, reason, id and attempts of all dead letters."""
    statement = "SELECT queue, reason, message_id, attempts FROM letters ORDER BY id"
    return [(row[0], row[1], row[2], row[3]) for row in await room.log.rows(statement, purpose="test")]


async def put(room: Room, messages: Sequence[Message]) -> None:
    outcomes = await Outbox(room.log).publish(messages)
    assert outcomes == [Confirmed(None)] * len(messages)


async def test_what_waits_is_sent_in_order_and_is_gone(room: Room, bus: ScriptedBus) -> None:
    sent = events(2 * BATCH_ROWS + 50)
    await put(room, sent)
    async with relaying(room, bus) as relay:
        await idle(room)
        assert (relay.waiting, relay.fault, relay.retry_at) == (Waiting(0, None), None, None)
    assert [len(batch) for batch in bus.sent] == [BATCH_ROWS, BATCH_ROWS, 50]
    assert bus.messages == sent


async def test_a_message_arrives_as_it_was_put(room: Room, bus: ScriptedBus) -> None:
    sent = replace(event(text="ü\0\x1b"), routing_key="odd key", headers={"x": [1, {"y": None}], "ü": "\0"})
    await put(room, [sent])
    async with relaying(room, bus):
        await idle(room)
    assert bus.messages == [sent]
    assert bus.messages[0].headers == sent.headers


async def test_a_put_by_anyone_wakes_it_without_looking(room: Room, bus: ScriptedBus) -> None:
    first, second = events(2)
    async with relaying(room, bus):
        await idle(room)
        assert room.clock.sleeping == 0
        await put(room, [first])
        await until(lambda: len(bus.sent) == 1)
        await idle(room)

        def ledger(transaction: Transaction) -> None:
            Put([second])(transaction)

        await room.log.submit(ledger)
        await until(lambda: len(bus.sent) == 2)
        await idle(room)
    assert bus.messages == [first, second]


async def test_other_commits_do_not_make_it_look(room: Room, bus: ScriptedBus) -> None:
    async with relaying(room, bus):
        await idle(room)
        room.log.broken = True  # a look would be seen as a pause
        for _ in range(3):
            await room.log.append([record for message in events(2) if (record := message.record)])
        assert room.clock.sleeping == 0
        room.log.broken = False


async def test_large_rows_are_taken_few_at_a_time(
    room: Room, bus: ScriptedBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_BYTES", 10_000)
    sizes = [3_000, 3_000, 9_000, 50_000, 3_000, 9_000, 100]
    await put(room, [event(filler="x" * size) for size in sizes])
    async with relaying(room, bus):
        await idle(room)
    assert [len(batch) for batch in bus.sent] == [2, 1, 1, 1, 2]


async def test_headers_count_as_bytes(room: Room, bus: ScriptedBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_BYTES", 10_000)
    await put(room, [event(headers={"x": "y" * 9_000}) for _ in range(2)])
    async with relaying(room, bus):
        await idle(room)
    assert [len(batch) for batch in bus.sent] == [1, 1]


async def test_nothing_overtakes_what_is_not_confirmed(room: Room, bus: ScriptedBus) -> None:
    sent = events(BATCH_ROWS + 10)
    await put(room, sent)
    held = ids(sent)[50:60]
    bus.script(**dict.fromkeys(held, Unconfirmed("the broker is away")))
    async with relaying(room, bus) as relay:
        for _ in range(4):
            await room.clock.sleepers()
            assert relay.fault == "the broker is away"
            assert relay.retry_at is not None
            room.clock.advance(PAUSES.longest)
        await until(lambda: len(bus.sent) == 5)
        await room.clock.sleepers()
        assert relay.waiting == Waiting(20, room.clock.now() - round(4 * PAUSES.longest * 1_000_000))
        bus.script()
        room.clock.advance(PAUSES.longest)
        await idle(room)
        assert (relay.fault, relay.retry_at) == (None, None)
    assert bus.sent == [ids(sent)[:BATCH_ROWS], *[held] * 5, ids(sent)[BATCH_ROWS:]]
    assert await letters(room) == []


async def test_the_pauses_grow_and_begin_again_after_a_success(room: Room, bus: ScriptedBus) -> None:
    first, second = events(2)
    lost = Unconfirmed("away")
    bus.script(**{first.message_id: lost, second.message_id: lost})
    await put(room, [first, second])
    pauses: list[float] = []

    async def pause(relay: Relay) -> None:
        await room.clock.sleepers()
        assert relay.retry_at is not None
        pauses.append(relay.retry_at - room.clock.monotonic())
        tries = len(bus.sent)
        room.clock.advance(pauses[-1])
        await until(lambda: len(bus.sent) > tries)

    async with relaying(room, bus) as relay:
        for _ in range(7):
            await pause(relay)
        bus.script(**{second.message_id: lost})
        await pause(relay)
        await pause(relay)
        bus.script()
        await pause(relay)
        await idle(room)
    assert pauses == [0.5, 1, 2, 4, 8, 15, 15, 15, 0.5, 1]


async def test_pauses_are_spread_by_chance(room: Room, bus: ScriptedBus) -> None:
    bus.answer = lambda message: Unconfirmed("away")
    await put(room, events(1))
    relay = Relay(room.log, bus, room.clock, jitter=lambda: 0.0)
    task = asyncio.create_task(relay.run())
    await room.clock.sleepers()
    assert relay.retry_at == room.clock.monotonic() + 0.25
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_bus_that_is_back_is_tried_at_once(room: Room, bus: ScriptedBus) -> None:
    bus.away = "the broker is away"
    bus.answer = lambda message: Unconfirmed("away")
    await put(room, events(1))
    async with relaying(room, bus) as relay:
        while len(bus.sent) < 6:
            await room.clock.sleepers()
            room.clock.advance(PAUSES.longest)
            await asyncio.sleep(0)
        await room.clock.sleepers()
        assert relay.retry_at == room.clock.monotonic() + PAUSES.longest
        tries = len(bus.sent)
        bus.away = None
        bus.script()
        room.clock.advance(module.LOOK_SECONDS)
        await idle(room)
    assert len(bus.sent) == tries + 1


async def test_a_bus_that_never_answers_is_tried_again(room: Room, bus: ScriptedBus) -> None:
    await put(room, sent := events(2))
    bus.open.clear()
    async with relaying(room, bus, timeout=0.01) as relay:
        await room.clock.sleepers()
        assert relay.fault == "no confirmation within 0.01 s"
        bus.open.set()
        room.clock.advance(PAUSES.longest)
        await idle(room)
    assert bus.sent == [ids(sent)] * 2


async def test_what_is_refused_becomes_a_letter_and_blocks_nobody(room: Room, bus: ScriptedBus) -> None:
    sent = [replace(message, routing_key="any.key") for message in events(5)]
    one, two, three, four, five = ids(sent)
    bus.script(**{two: Refused("too large"), four: Conflict(9), five: Already(9), one: Unconfirmed("?")})
    await put(room, sent)
    async with relaying(room, bus):
        await room.clock.sleepers()
        assert await Outbox(room.log).waiting() == Waiting(1, room.clock.now())
        bus.script(**{one: Refused("no use")})
        room.clock.advance(PAUSES.longest)
        await idle(room)
    assert await letters(room) == [
        ("outbox", "too large", two, 1),
        ("outbox", "conflict", four, 1),
        ("outbox", "no use", one, 2),
    ]
    assert bus.sent == [[one, two, three, four, five], [one]]
    rows = await room.log.rows("SELECT body, routing_key, event_type FROM letters ORDER BY id", purpose="test")
    assert rows == [(sent[n].body, "any.key", "test.event.created") for n in (1, 3, 0)]


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_disk_that_fails_after_the_confirm_sends_nothing_twice(
    room: Room, bus: ScriptedBus, fault: Fault
) -> None:
    sent = events(3)
    bus.script(**{sent[1].message_id: Refused("no")})
    await put(room, sent)
    room.log.faults += [("Relayed", fault), ("Relayed", fault)]
    async with relaying(room, bus) as relay:
        await room.clock.sleepers()
        assert relay.fault == "the disk is full"
        await room.meanwhile(idle(room))
        assert relay.fault is None
    assert len(bus.sent) == 1
    assert [letter[2] for letter in await letters(room)] == [sent[1].message_id]


async def test_a_log_that_cannot_be_read_is_waited_for(room: Room, bus: ScriptedBus) -> None:
    await put(room, sent := events(2))
    room.log.broken = True
    async with relaying(room, bus) as relay:
        for _ in range(3):
            await room.clock.sleepers()
            assert relay.fault == "the disk is away"
            room.clock.advance(1)
        await room.clock.sleepers()
        room.log.broken = False
        await room.meanwhile(idle(room))
        assert relay.fault is None
    assert bus.sent == [ids(sent)]


async def dies_while_sending(room: Room, bus: ScriptedBus) -> None:
    bus.open.clear()
    async with relaying(room, bus):
        await until(lambda: bus.sent)


async def dies_before_removing(room: Room, bus: ScriptedBus) -> None:
    room.log.faults.append(("Relayed", Fault.NOT_KEPT))
    async with relaying(room, bus):
        await room.clock.sleepers()


async def dies_after_removing(room: Room, bus: ScriptedBus) -> None:
    room.log.faults.append(("Relayed", Fault.KEPT_UNHEARD))
    async with relaying(room, bus):
        await room.clock.sleepers()


async def dies_between_tries(room: Room, bus: ScriptedBus) -> None:
    lost = bus.answer
    bus.answer = lambda message: Unconfirmed("?")
    async with relaying(room, bus):
        await room.clock.sleepers()
    bus.answer = lost


@pytest.mark.parametrize("dies", [dies_while_sending, dies_before_removing, dies_after_removing, dies_between_tries])
async def test_a_death_anywhere_loses_nothing_and_doubles_nothing(
    room: Room, dies: Callable[[Room, ScriptedBus], Awaitable[None]]
) -> None:
    """The first relay's messages reach the log, as from a broker, before it dies; the second's reach it again."""
    sent = events(7)
    await put(room, sent)
    await dies(room, bus := ScriptedBus(room))
    await send(room.bus, bus.messages)
    await room.reopen()
    async with relaying(room, room.bus):
        await idle(room)
    assert [str(UUID(bytes=one.event_id)) for one in await room.log.after(0)] == ids(sent)
    assert await letters(room) == []


async def test_a_conflict_over_the_bus_is_a_letter(room: Room) -> None:
    first, second = events(2)
    other = event(event_id=UUID(first.message_id), number=2)
    await put(room, [first, second])
    await send(room.bus, [other])
    async with relaying(room, room.bus):
        await idle(room)
    assert await letters(room) == [("outbox", "conflict", first.message_id, 1)]
    assert [one.body for one in await room.log.after(0)] == [other.body, second.body]


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_fails_each_message_ends_once_and_in_order(room: Room, bus: ScriptedBus, seed: int) -> None:
    chance = random.Random(seed)
    sent = events(60)
    arrived: list[str] = []

    def answer(message: Message) -> PublishOutcome:
        outcome = chance.choice([Confirmed(None), Confirmed(None), Refused("no"), Unconfirmed("?")])
        if isinstance(outcome, Confirmed):
            arrived.append(message.message_id)
        return outcome

    bus.answer = answer
    for start in range(0, 60, 20):
        await put(room, sent[start : start + 20])
        room.log.faults += [("Relayed", chance.choice(list(Fault)))] * chance.randrange(3)
        async with relaying(room, bus):
            await room.meanwhile(idle(room))
    dead = [letter[2] for letter in await letters(room)]
    assert sorted(arrived + dead) == sorted(ids(sent))
    places = [ids(sent).index(one) // 20 for one in arrived]
    assert places == sorted(places)


async def test_the_end_of_the_log_ends_nothing_else(room: Room, bus: ScriptedBus) -> None:
    async with relaying(room, bus) as relay:
        await idle(room)
        await room.log.close()
        await room.clock.sleepers()
        assert relay.fault == "the log is closed"
    await room.open()


async def test_an_hour_without_a_broker_leaves_nothing_behind(room: Room, bus: ScriptedBus) -> None:
    bus.answer = lambda message: Unconfirmed("the broker is away")
    await put(room, events(BATCH_ROWS))
    async with relaying(room, bus) as relay:

        async def attempts(number: int) -> None:
            for _ in range(number):
                await room.clock.sleepers()
                room.clock.advance(PAUSES.longest)
                bus.sent.clear()
                bus.messages.clear()
                while not bus.sent:
                    await asyncio.sleep(0)
            await room.clock.sleepers()

        async def left() -> tuple[int, ...]:
            gc.collect()
            tables = "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM letters)"
            rows = await room.log.rows(tables, purpose="test")
            return (len(asyncio.all_tasks()), len(gc.get_objects()), room.clock.sleeping, *rows[0])

        await attempts(200)
        before = await left()
        await attempts(1_800)
        after = await left()
        assert relay.waiting.number == BATCH_ROWS
    assert after[1] - before[1] < 200
    assert after[2:] == before[2:] == (1, BATCH_ROWS, 0)
    assert after[0] == before[0]


async def test_a_put_while_it_closes_is_not_lost(room: Room, bus: ScriptedBus) -> None:
    async with relaying(room, bus):
        await idle(room)
        putting = asyncio.ensure_future(put(room, sent := events(1)))
        await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await putting
    await room.reopen()
    async with relaying(room, room.bus):
        await idle(room)
    assert room.log.last_seq + len(bus.messages) == len(sent)
