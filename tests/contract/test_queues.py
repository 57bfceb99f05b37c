"""Queues: what their bindings select, from when on, for whom."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from godtui.bloodbank.bus import QueueSpec, UnknownQueueError
from godtui.topics import matches
from tests.contract.harness import PATIENCE, Harness
from tests.contract.messages import collect, drain, event, events, eventually, ids, send

KEYS = ("a.b", "a.c", "b.a", "a.b.c", "a.x.c", "a.x.y.c", "c.a.b", "a.b.c.d", "webhook.plane.issue.updated")
PATTERNS = ("#", "*.*", "*.*.*", "a.#", "#.c", "a.#.c", "a.*.c", "#.b.#", "webhook.plane.#", "a.b", "*.b.#")


@pytest.mark.parametrize("pattern", PATTERNS)
async def test_wildcards(harness: Harness, pattern: str) -> None:
    async with harness.bus.subscribe(QueueSpec("q", (pattern, "the.marker"))) as consumer:
        await send(harness.bus, [event(key) for key in (*KEYS, "the.marker")])
        expected = [key for key in KEYS if matches(pattern, key)]
        found = [each.message.routing_key for each in await drain(consumer, len(expected) + 1)]
        assert found == [*expected, "the.marker"]


words = st.sampled_from(["a", "b", "c"])
keys = st.lists(words, min_size=2, max_size=5).map(".".join)
patterns = st.lists(st.one_of(words, st.just("*"), st.just("#")), min_size=1, max_size=5).map(".".join)
rounds = count()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bound=st.lists(st.lists(patterns, min_size=1, max_size=3), min_size=1, max_size=4), sent=st.lists(keys))
async def test_any_bindings_select_what_a_topic_exchange_would(
    harness: Harness, bound: list[list[str]], sent: list[str]
) -> None:
    """Also where two bindings of a queue overlap: it gets the message once."""
    prefix = next(rounds)
    queues = [
        QueueSpec(f"q{prefix}.{number}", (*dict.fromkeys(bindings), "the.marker"))
        for number, bindings in enumerate(bound)
    ]
    for queue in queues:
        await harness.bus.declare(queue)
    await send(harness.bus, [event(key) for key in (*sent, "the.marker")])
    for queue in queues:
        expected = [key for key in sent if any(matches(pattern, key) for pattern in queue.bindings)]
        async with harness.bus.subscribe(queue) as consumer:
            found = [each.message.routing_key for each in await drain(consumer, len(expected) + 1)]
        assert found == [*expected, "the.marker"]
        await harness.bus.delete(queue.name)


async def test_a_new_queue_has_what_comes_after_its_declaration(harness: Harness) -> None:
    await send(harness.bus, events(3))
    await harness.bus.declare(QueueSpec("q", ("#",)))
    later = events(2)
    await send(harness.bus, later)
    async with harness.bus.subscribe(QueueSpec("q", ("#",))) as consumer:
        assert ids(await drain(consumer, 2)) == ids(later)


async def test_a_queue_keeps_what_comes_while_nobody_consumes(harness: Harness) -> None:
    queue = QueueSpec("q", ("#",))
    sent = events(6)
    async with harness.bus.subscribe(queue) as consumer:
        await send(harness.bus, sent[:2])
        await drain(consumer, 2)
    await send(harness.bus, sent[2:4])
    await harness.restart()
    await send(harness.bus, sent[4:])
    async with harness.bus.subscribe(queue) as consumer:
        assert ids(await drain(consumer, 4)) == ids(sent[2:])


async def test_one_event_reaches_every_queue_that_is_bound(harness: Harness) -> None:
    queues = [QueueSpec(f"q{number}", ("#",)) for number in range(20)]
    for queue in queues:
        await harness.bus.declare(queue)
    sent = events(3)
    await send(harness.bus, sent)
    for queue in queues:
        async with harness.bus.subscribe(queue) as consumer:
            assert ids(await drain(consumer, 3)) == ids(sent)


async def test_declaring_again_changes_what_comes_and_not_what_waits(harness: Harness) -> None:
    steps = [("a.#",), ("b.#",), ("a.#", "b.#"), ("c.#",), ("a.#",)]
    expected = []
    for bindings in steps:
        await harness.bus.declare(QueueSpec("q", bindings))
        sent = [event("a.one"), event("b.one"), event("c.one")]
        await send(harness.bus, sent)
        expected += [each for each in sent if f"{each.routing_key[0]}.#" in bindings]
    await harness.restart()
    async with harness.bus.subscribe(QueueSpec("q", ("nothing",))) as consumer:
        assert ids(await drain(consumer, len(expected), most=2)) == ids(expected)


async def test_declaring_again_while_events_come_loses_none_of_a_lasting_binding(harness: Harness) -> None:
    sent = [event("a.lasting") if number % 2 else event("b.changing") for number in range(200)]
    lasting = [each for each in sent if each.routing_key == "a.lasting"]

    async def change() -> None:
        for number in range(20):
            await harness.bus.declare(QueueSpec("q", ("a.#", "b.#") if number % 2 else ("a.#",)))

    async def publish() -> None:
        for start in range(0, len(sent), 10):
            await send(harness.bus, sent[start : start + 10])

    async with harness.bus.subscribe(QueueSpec("q", ("a.#", "b.#"))) as consumer:
        running = asyncio.gather(change(), publish())
        found: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while lasting[-1].message_id not in found:
                found += ids((batch := await consumer.batch(20)).deliveries)
                await batch.settle()
        await running
    assert [each for each in found if each in ids(lasting)] == ids(lasting)
    assert found == [each for each in ids(sent) if each in found]


async def test_a_queue_may_start_in_the_past_where_there_is_one(harness: Harness) -> None:
    sent = events(5)
    confirmed = await send(harness.bus, sent)
    if not harness.bus.features.keeps_history:
        pytest.skip("this transport keeps no history")
    for start, expected in ((0, sent), (confirmed[1].seq, sent[2:])):
        queue = QueueSpec(f"from{start}", ("#",), from_seq=start)
        async with harness.bus.subscribe(queue) as consumer:
            assert ids(await drain(consumer, len(expected))) == ids(expected)
        async with harness.bus.subscribe(queue):
            assert (await harness.bus.statistics(queue.name)).ready == 0


async def test_a_deleted_queue_is_gone_for_its_consumers_too(harness: Harness) -> None:
    queue = QueueSpec("q", ("#",))
    async with harness.bus.subscribe(queue) as consumer:
        await send(harness.bus, events(3))
        held = await collect(consumer, 3)
        waiting = asyncio.create_task(consumer.batch())
        await asyncio.sleep(0)
        await harness.bus.delete("q")
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(UnknownQueueError):
                await waiting
            with pytest.raises(UnknownQueueError):
                await consumer.batch()
        held[0].ack()
    await eventually(lambda: is_unknown(harness))
    await harness.bus.delete("q")


async def test_a_queue_declared_after_its_deletion_is_a_new_one(harness: Harness) -> None:
    queue = QueueSpec("q", ("#",))
    await harness.bus.declare(queue)
    await send(harness.bus, events(2))
    await send(harness.bus, events(1), queue="q")
    await harness.bus.delete("q")
    async with harness.bus.subscribe(queue) as consumer:
        later = event()
        await send(harness.bus, [later])
        assert ids(await drain(consumer, 1)) == [later.message_id]
        await eventually(lambda: empty(harness))


async def is_unknown(harness: Harness) -> bool:
    try:
        await harness.bus.statistics("q")
    except UnknownQueueError:
        return True
    except ConnectionError:  # some brokers stumble over a queue that goes while a consumer comes
        return False
    return False


async def empty(harness: Harness) -> bool:
    statistics = await harness.bus.statistics("q")
    return (statistics.ready, statistics.unsettled) == (0, 0)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
async def test_a_time_to_live_is_a_length_of_time(seconds: float) -> None:
    with pytest.raises(ValueError, match="0 means for ever"):
        QueueSpec("q", ("#",), message_ttl=seconds)
