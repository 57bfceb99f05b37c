"""Taps: transient, bounded views that count what they miss."""

from __future__ import annotations

import asyncio

from godtui.bloodbank.bus import Tap
from tests.contract.harness import PATIENCE, Harness
from tests.contract.messages import event, events, eventually, ids, read, send


async def test_shows_what_matches_from_now_on_in_order(harness: Harness) -> None:
    await send(harness.bus, events(3))
    sent = [event("a.b"), event("c.d"), event("a.c"), event("a.b.c")]
    async with harness.bus.tap(("a.*", "*.b")) as tap:
        await send(harness.bus, sent)
        assert ids(await read(tap, 2)) == ids([sent[0], sent[2]])
        assert tap.missed == 0


async def test_keeps_so_many_and_counts_what_it_misses(harness: Harness) -> None:
    sent = events(25)
    async with harness.bus.tap(("#",), capacity=10) as tap:
        await send(harness.bus, sent)
        await eventually(lambda: has_missed(tap, 15))
        kept = ids(await read(tap, 10))
        assert kept == ids(sent[15:])
        await send(harness.bus, [marker := event()])
        assert ids(await read(tap, 1)) == [marker.message_id]
        assert tap.missed == 15


async def test_only_misses_what_matches(harness: Harness) -> None:
    async with harness.bus.tap(("a.#",), capacity=1) as tap, harness.bus.tap(("#",), capacity=1000) as all_of_it:
        await send(harness.bus, [event("a.one"), event("b.one"), event("b.two"), event("a.two"), event("a.three")])
        await read(all_of_it, 5)
        assert [each.routing_key for each in await read(tap, 1)] == ["a.three"]
        assert tap.missed == 2


async def test_taps_do_not_disturb_each_other(harness: Harness) -> None:
    sent = events(50)
    async with harness.bus.tap(("#",), capacity=1) as slow, harness.bus.tap(("#",), capacity=100) as fast:
        await send(harness.bus, sent)
        assert ids(await read(fast, 50)) == ids(sent)
        assert fast.missed == 0
        await eventually(lambda: has_missed(slow, len(sent) - 1))
        assert ids(await read(slow, 1)) == [sent[-1].message_id]


async def test_a_closed_tap_ends(harness: Harness) -> None:
    tap = harness.bus.tap(("#",))
    async with tap:
        await send(harness.bus, sent := events(2))
        await read(tap, 1)
        rest = asyncio.create_task(read(tap, 100))
    async with asyncio.timeout(PATIENCE):
        assert set(ids(await rest)) <= {sent[1].message_id}


async def test_taps_end_with_their_bus(harness: Harness) -> None:
    tap = harness.bus.tap(("#",))
    async with tap:
        reading = asyncio.create_task(read(tap, 1))
        await asyncio.sleep(0)
        await harness.bus.close()
        async with asyncio.timeout(PATIENCE):
            assert await reading == []


async def test_a_reader_that_is_cancelled_loses_nothing(harness: Harness) -> None:
    sent = events(30)
    async with harness.bus.tap(("#",)) as tap:
        found: list[str] = []

        async def take() -> None:
            async for message in tap:
                found.append(message.message_id)

        for ticks, message in enumerate(sent):
            reading = asyncio.create_task(take())
            await send(harness.bus, [message])
            for _ in range(ticks % 6):
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        found += ids(await read(tap, len(sent) - len(found)))
        assert found == ids(sent)


async def has_missed(tap: Tap, number: int) -> bool:
    return tap.missed == number
