"""Retention as an engine has it: by the setting, and for everyone whom the engine knows to need events."""

from __future__ import annotations

from pathlib import Path

from godtui.bloodbank.bus import QueueSpec
from godtui.candystore.retention import EVENT_TYPE
from godtui.envelope import read_draft
from godtui.eventlog import Ownership
from godtui.filters import parse
from godtui.runtime.engine import Engine
from godtui.settings import Retention, Settings
from tests.clock import MORNING, ManualClock
from tests.eventlog.records import until

DRAFT = {"event_type": "test.event.created", "payload": {"message": "kept"}}


async def test_an_engine_cuts_what_its_setting_does_not_keep(tmp_path: Path) -> None:
    clock = ManualClock()
    settings = Settings(data_dir=tmp_path, port=0, workers=("persister",), retention=Retention.read("1d"))
    engine = Engine(settings, Ownership.take(settings.data_dir), clock=clock)
    await engine.start()
    old = await engine.operations.bus.publish(read_draft(DRAFT))
    bus = engine._transport.bus
    await bus.declare(QueueSpec("keeping", ("#",)))
    kept = await engine.operations.bus.publish(read_draft(DRAFT))

    clock.advance(2 * 86_400)

    def is_held() -> bool:
        clock.advance(10)
        held_by: object = engine.health().components["retention"].figures["held_by"]
        return held_by == "queue keeping"

    await until(is_held)
    assert await engine.operations.store.event(old.event_id) is None
    assert await engine.operations.archive.cut_at(old.event_id) is not None
    assert await engine.operations.store.event(kept.event_id) is not None
    said = (await engine.operations.store.query(parse(f"type:{EVENT_TYPE}", now=MORNING), order="asc")).events
    assert said[0].envelope().payload["reason"] == "1d"
    store = engine.health().components["store"]
    assert store.detail == f"stored up to {store.figures['last_seq']:,}", "not how many there are: some were cut"
    await engine.stop()
