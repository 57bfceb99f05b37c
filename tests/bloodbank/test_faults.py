"""A disk that fails loses nothing: what was not heard of is found out, tried again or delivered again."""

from __future__ import annotations

import asyncio

import pytest

from godtui.bloodbank.bus import Confirmed, QueueSpec, SubscriptionClosedError, Unconfirmed
from godtui.bloodbank.deadletters import dead_letters
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.eventlog import LogUnavailableError
from tests.bloodbank.conftest import Room
from tests.bloodbank.faulty import Fault
from tests.contract.harness import PATIENCE
from tests.contract.messages import collect, drain, event, events, ids, read, send

QUEUE = QueueSpec("q", ("#",))
either_way = pytest.mark.parametrize("fault", list(Fault))


@either_way
async def test_a_hand_out_that_fails_is_repeated(room: Room, fault: Fault) -> None:
    sent = events(6)
    async with room.bus.subscribe(QUEUE) as consumer:
        await send(room.bus, sent)
        room.log.faults.append(("HandOut", fault))
        found = await room.meanwhile(collect(consumer, 6, most=4))
        assert sorted(ids(found)) == sorted(ids(sent))
        assert await room.bus.statistics("q") == (0, 6, 1)
        for each in found:
            each.ack()
    assert await room.bus.statistics("q") == (0, 0, 0)


@either_way
async def test_decisions_that_fail_are_written_again_once(room: Room, fault: Fault) -> None:
    sent = events(4)
    async with room.bus.subscribe(QUEUE) as consumer:
        await send(room.bus, sent)
        batch = await consumer.batch(4)
        batch.deliveries[0].retry("later", after=3600)
        batch.deliveries[1].retry("at once")
        batch.deliveries[2].dead_letter("no use")
        room.log.faults += [("Settle", fault), ("Settle", fault)]
        await room.meanwhile(batch.settle())
        (again,) = await room.meanwhile(collect(consumer, 1))
        assert (again.message, again.attempt) == (sent[1], 2)
        again.ack()
        room.clock.advance(3600)
        (late,) = await room.meanwhile(collect(consumer, 1))
        assert (late.message, late.attempt) == (sent[0], 2)
        late.ack()
    assert [letter.message_id for letter in await dead_letters(room.log)] == [sent[2].message_id]
    assert await room.bus.statistics("q") == (0, 0, 0)


@either_way
async def test_giving_back_that_fails_is_tried_again(room: Room, fault: Fault) -> None:
    sent = events(3)
    await room.bus.declare(QUEUE)
    await send(room.bus, sent)
    leaving = room.bus.subscribe(QUEUE)
    await collect(leaving, 3)
    room.log.faults.append(("Settle", fault))
    await room.meanwhile(leaving.close())
    async with room.bus.subscribe(QUEUE) as consumer:
        again = await room.meanwhile(drain(consumer, 3))
    assert [(each.message, each.attempt) for each in again] == [(message, 2) for message in sent]


@either_way
async def test_declaring_that_fails_can_be_repeated(room: Room, fault: Fault) -> None:
    for bindings in (("a.#",), ("b.#",)):
        room.log.faults.append(("Declare", fault))
        with pytest.raises(LogUnavailableError):
            await room.bus.declare(QueueSpec("q", bindings))
        await room.bus.declare(QueueSpec("q", bindings))
    await send(room.bus, [event("a.one"), sent := event("b.one")])
    async with room.bus.subscribe(QueueSpec("q", ("b.#",))) as consumer:
        assert ids(await drain(consumer, 1)) == [sent.message_id]
    assert await room.bus.statistics("q") == (0, 0, 0)


async def test_a_declaration_that_was_kept_unheard_holds_from_its_own_commit(room: Room) -> None:
    async with room.bus.subscribe(QueueSpec("q", ("a.#",))) as consumer:
        room.log.faults.append(("Declare", Fault.KEPT_UNHEARD))
        with pytest.raises(LogUnavailableError):
            await room.bus.declare(QueueSpec("q", ("b.#",)))
        await send(room.bus, [event("a.one"), sent := event("b.one")])
        assert ids(await drain(consumer, 1)) == [sent.message_id]


@either_way
async def test_deleting_that_fails_can_be_repeated(room: Room, fault: Fault) -> None:
    await room.bus.declare(QUEUE)
    room.log.faults.append(("Drop", fault))
    with pytest.raises(LogUnavailableError):
        await room.bus.delete("q")
    await room.bus.delete("q")
    assert room.bus.queues() == []


async def test_sweeping_goes_on_after_a_fault(room: Room) -> None:
    await room.bus.declare(QueueSpec("q", ("#",), message_ttl=60))
    sent = events(3)
    await send(room.bus, sent)
    room.log.faults += [("Expire", Fault.NOT_KEPT), ("Expire", Fault.KEPT_UNHEARD)]
    await room.clock.sleepers(1)
    room.clock.advance(60)
    for _ in range(3):
        await room.bus.sweep()
    assert [letter.message_id for letter in await dead_letters(room.log)] == ids(sent)


async def test_a_consumer_sits_out_a_disk_that_is_away(room: Room) -> None:
    sent = events(4)
    async with room.bus.subscribe(QUEUE) as consumer:
        await send(room.bus, sent[:2])
        batch = await consumer.batch(1)
        room.log.broken = True
        settling = asyncio.create_task(batch.settle())
        waiting = asyncio.create_task(consumer.batch(1))
        await room.clock.sleepers(3)
        assert not settling.done()
        assert not waiting.done()
        room.log.broken = False
        await room.meanwhile(settling)
        assert ids((await room.meanwhile(waiting)).deliveries) == [sent[1].message_id]
        await send(room.bus, sent[2:])
        assert ids(await room.meanwhile(drain(consumer, 2))) == ids(sent[2:])


async def test_joining_waits_for_the_disk(room: Room) -> None:
    room.log.broken = True
    consumer = room.bus.subscribe(QUEUE)
    joining = asyncio.create_task(consumer.__aenter__())
    await room.clock.sleepers(2)
    room.log.broken = False
    assert await room.meanwhile(joining) is consumer


async def test_starting_waits_for_the_disk(room: Room) -> None:
    await room.bus.declare(QUEUE)
    await room.bus.close()
    room.log.broken = True
    room.bus = EmbeddedBus(room.log, room.clock)
    await room.bus.start()
    declaring = asyncio.create_task(room.bus.declare(QUEUE))
    await room.clock.sleepers(1)
    assert not declaring.done()
    room.log.broken = False
    await room.meanwhile(declaring)
    assert room.bus.queues() == ["q"]


async def test_leaving_is_bounded_where_nothing_can_be_written(room: Room) -> None:
    await room.bus.declare(QUEUE)
    sent = events(2)
    await send(room.bus, sent)
    consumer = room.bus.subscribe(QUEUE)
    held = await collect(consumer, 2)
    held[0].ack()
    room.log.broken = True
    held[1].dead_letter("never written before the end")
    await room.meanwhile(consumer.close())
    await room.meanwhile(room.bus.close())
    room.log.broken = False
    await room.reopen()
    async with room.bus.subscribe(QUEUE) as again:
        found = await collect(again, 2)
        assert [(each.message, each.attempt) for each in found] == [(message, 2) for message in sent]
    assert await dead_letters(room.log) == []


async def test_a_bus_that_ends_before_it_began_lets_go_of_those_who_wait(room: Room) -> None:
    room.log.broken = True
    bus = EmbeddedBus(room.log, room.clock)
    await bus.start()
    joining = asyncio.create_task(bus.subscribe(QUEUE).__aenter__())
    await asyncio.sleep(0)
    await room.meanwhile(bus.close())
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(SubscriptionClosedError):
            await joining
    room.log.broken = False


async def test_a_tap_sits_out_a_disk_that_is_away(room: Room) -> None:
    async with room.bus.tap(("#",)) as tap:
        await send(room.bus, [first := event()])
        assert ids(await read(tap, 1)) == [first.message_id]
        room.log.broken = True
        await send(room.bus, more := events(2))
        await room.clock.sleepers(2)
        room.log.broken = False
        assert ids(await room.meanwhile(read(tap, 2))) == ids(more)
        assert tap.missed == 0


async def test_what_cannot_be_published_now_is_not_confirmed(room: Room) -> None:
    await room.bus.declare(QUEUE)
    room.log.broken = True
    (outcome,) = await room.bus.publish([event()], queue="q")
    assert isinstance(outcome, Unconfirmed)
    room.log.broken = False
    (outcome,) = await room.bus.publish([event()], queue="q")
    assert isinstance(outcome, Confirmed)


async def test_every_hand_out_is_two_commits_whatever_its_size(room: Room) -> None:
    async with room.bus.subscribe(QUEUE) as consumer:
        await send(room.bus, events(500))
        room.log.submitted.clear()
        assert len(await drain(consumer, 500, most=500)) == 500
        assert sorted(set(room.log.submitted)) == ["HandOut", "Settle"]
        assert len(room.log.submitted) <= 4
