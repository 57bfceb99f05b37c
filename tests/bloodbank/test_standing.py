"""Queues that stand before anything is published."""

from __future__ import annotations

from pathlib import Path

from godtui.bloodbank import tables
from godtui.bloodbank.bus import QueueSpec
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.eventlog import EventLog
from tests.contract.messages import collect, event

STANDING = QueueSpec("later", ("kept.#",), message_ttl=60.0)


async def test_what_is_published_at_once_waits_for_a_consumer_of_a_later_process(tmp_path: Path) -> None:
    sent = [event("kept.first.created"), event("other.thing.created"), event("kept.second.created")]
    log = EventLog(tmp_path, rooms=(tables.MIGRATIONS,))
    log.start()
    bus = EmbeddedBus(log, standing=(STANDING,))
    await bus.start()
    await bus.publish(sent)
    await bus.close()
    await log.close()

    log = EventLog(tmp_path, rooms=(tables.MIGRATIONS,))
    log.start()
    bus = EmbeddedBus(log, standing=(STANDING,))
    await bus.start()
    assert (await bus.statistics("later")).ready == 2
    async with bus.subscribe(STANDING) as consumer:
        held = await collect(consumer, 2)
        assert [each.message.message_id for each in held] == [sent[0].message_id, sent[2].message_id]
    await bus.close()
    await log.close()
