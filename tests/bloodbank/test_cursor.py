"""The cursor: how far it is remembered, what it costs to move, what retention must keep for it."""

from __future__ import annotations

import asyncio

from godtui.bloodbank.ahead import MAX_LOOKED_AT, look_ahead
from godtui.bloodbank.bindings import Binding, Bindings
from godtui.bloodbank.bus import QueueSpec
from godtui.bloodbank.embedded_queue import CURSOR_SECONDS, CURSOR_SLACK
from godtui.bloodbank.handout import MAX_BYTES
from godtui.eventlog import Transaction
from tests.bloodbank.conftest import Room
from tests.contract.messages import collect, drain, event, events, eventually, ids, send
from tests.eventlog.records import records

RARE = QueueSpec("rare", ("rare.#",))


async def stored_cursor(room: Room, queue: str) -> int:
    rows = await room.log.rows("SELECT cursor FROM queues WHERE name = ?", (queue,), purpose="test")
    cursor: int = rows[0][0]
    return cursor


async def test_what_concerns_nobody_is_not_looked_at_again_after_a_restart(room: Room) -> None:
    async with room.bus.subscribe(RARE) as consumer:
        waiting = asyncio.create_task(consumer.batch())
        for _ in range(5):
            await send(room.bus, events(CURSOR_SLACK))

        async def is_kept() -> bool:
            return await stored_cursor(room, "rare") >= room.log.last_seq - CURSOR_SLACK

        await eventually(is_kept)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await room.reopen()
    async with room.bus.subscribe(RARE) as consumer:
        await send(room.bus, [sent := event("rare.event.sent")])
        assert ids(await drain(consumer, 1)) == [sent.message_id]
    assert await stored_cursor(room, "rare") == room.log.last_seq


async def test_looks_at_so_much_at_once_and_no_more(room: Room) -> None:
    for _ in range(3):
        await send(room.bus, events(MAX_LOOKED_AT // 2))
    found = await look_ahead(room.log, Bindings([Binding("rare.#", 0, None)]), 0, 100)
    assert not found.events
    assert 0 < found.cursor < room.log.last_seq


async def test_passes_a_long_stretch_that_concerns_nobody(room: Room) -> None:
    await room.bus.declare(RARE)
    for _ in range(3):
        await send(room.bus, events(MAX_LOOKED_AT // 2))
    await send(room.bus, [sent := event("rare.event.sent")])
    await room.reopen()
    async with room.bus.subscribe(RARE) as consumer:
        assert ids(await drain(consumer, 1)) == [sent.message_id]


async def test_a_batch_holds_a_bounded_number_of_bytes(room: Room) -> None:
    size = MAX_BYTES // 8
    sent = [event(text="x" * size) for _ in range(12)]
    queue = QueueSpec("q", ("#",))
    await room.bus.declare(queue)
    await send(room.bus, sent)
    await room.reopen()
    for attempt in (1, 2):
        async with room.bus.subscribe(queue) as consumer:
            first = await consumer.batch(12)
            assert len(first.deliveries) == 8
            rest = await collect(consumer, 4)
            assert ids([*first.deliveries, *rest]) == ids(sent)
            assert {each.attempt for each in rest} == {attempt}


async def test_retention_keeps_what_queues_need(room: Room) -> None:
    assert await room.bus.lowest_needed() is None
    await send(room.bus, events(3))
    queue = QueueSpec("q", ("#",))
    await room.bus.declare(queue)
    await send(room.bus, events(5))
    assert await room.bus.lowest_needed() == 4
    async with room.bus.subscribe(queue) as consumer:
        held = await collect(consumer, 5)
        for each in held[:2]:
            each.ack()
        await consumer.flush()
        assert await room.bus.lowest_needed() == 6
        for each in held[2:]:
            each.ack()
        await consumer.flush()
        assert await room.bus.lowest_needed() == 9


async def test_a_replayed_message_needs_nothing_of_the_log(room: Room) -> None:
    await room.bus.declare(RARE)
    await send(room.bus, events(2), queue="rare")
    assert await room.bus.lowest_needed() == room.log.last_seq + 1


async def test_bindings_hold_for_their_own_stretch() -> None:
    bindings = Bindings([Binding("a", 0, 5), Binding("b", 5, None), Binding("a", 9, None), Binding("c", 7, 7)])
    assert [seq for seq in range(1, 13) if bindings.match(seq, "a")] == [1, 2, 3, 4, 5, 10, 11, 12]
    assert [seq for seq in range(1, 13) if bindings.match(seq, "b")] == [6, 7, 8, 9, 10, 11, 12]
    assert not any(bindings.match(seq, "c") for seq in range(1, 13))
    assert bindings.open_patterns == {"a", "b"}


async def imported(room: Room, number: int) -> None:
    """So many events as history."""
    some = records(number)
    await room.log.submit(lambda transaction: transaction.append_history(some))


async def test_a_quiet_queue_keeps_no_events_from_retention_for_long(room: Room) -> None:
    async with room.bus.subscribe(RARE) as consumer:
        waiting = asyncio.create_task(consumer.batch())
        await send(room.bus, events(5))

        async def is_kept() -> bool:
            room.clock.advance(CURSOR_SECONDS / 4)
            return await room.bus.lowest_needed() == 6

        await eventually(is_kept)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_what_was_imported_is_handed_to_no_queue(room: Room) -> None:
    await imported(room, 3)
    queue = QueueSpec("q", ("#",), from_seq=0)
    await room.bus.declare(queue)
    first = await send_one(room)
    await imported(room, 2 * MAX_LOOKED_AT)
    second = await send_one(room)
    await imported(room, 2)
    assert (await room.bus.statistics("q")).ready == 2
    await room.reopen()
    assert (await room.bus.statistics("q")).ready == 2
    async with room.bus.subscribe(queue) as consumer:
        assert ids(await drain(consumer, 2)) == [first, second]
        third = await send_one(room)
        assert ids(await drain(consumer, 1)) == [third]
    assert (await room.bus.statistics("q")).ready == 0


async def send_one(room: Room) -> str:
    await send(room.bus, [sent := event()])
    return sent.message_id


async def test_what_was_imported_never_expires_into_a_letter(room: Room) -> None:
    queue = QueueSpec("q", ("#",), message_ttl=60)
    await room.bus.declare(queue)
    await imported(room, 5)
    await send_one(room)
    room.clock.advance(61)

    async def is_swept() -> bool:
        room.clock.advance(1)
        return await stored_cursor(room, "q") == room.log.last_seq

    await eventually(is_swept)
    assert await room.log.rows("SELECT count(*) FROM letters", purpose="test") == [(1,)]


async def test_a_queue_begins_where_a_log_ends_that_was_cut_empty(room: Room) -> None:
    await send(room.bus, events(4))

    def cut(transaction: Transaction) -> None:
        transaction.execute("UPDATE retention SET floor = 5")
        transaction.execute("DELETE FROM events")

    await room.log.submit(cut)
    await room.bus.declare(QueueSpec("q", ("#",)))
    assert await stored_cursor(room, "q") == 4
