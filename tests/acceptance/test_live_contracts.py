"""A schema edited while the program runs: put in force and announced, or refused with its file and line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from godtui.bloodbank.health import ComponentHealth
from godtui.envelope import EventDraft
from godtui.eventlog import Ownership
from godtui.eventlog.meta import KEPT
from godtui.filters import parse
from godtui.holyfields import Registry
from godtui.operations import InvalidEventError
from godtui.runtime.announced import KEY
from godtui.runtime.engine import Engine
from godtui.settings import Settings
from tests.eventlog.records import until

DRAFT = EventDraft(event_type="kiln.firing.started", payload={"cone": "six"})


def schema(kind: str) -> str:
    return json.dumps({"type": "object", "properties": {"cone": {"type": kind}}})


async def test_contracts_follow_their_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "schemas/kiln/firing.started.json"
    path.parent.mkdir(parents=True)
    path.write_text(schema("string"))
    settings = Settings(data_dir=tmp_path / "data", schemas=tmp_path / "schemas", port=0)
    engine = Engine(settings, Ownership.take(tmp_path / "data"))
    await engine.start()

    def schemas() -> ComponentHealth:
        return engine.health().components["schemas"]

    def digest() -> str:
        assert engine._contracts is not None
        return engine._contracts.current.contract(DRAFT.event_type).digest

    try:
        await engine.operations.bus.publish(DRAFT)
        first = digest()
        path.write_text(schema("string")[:-3])
        await until(lambda: schemas().status == "degraded")
        assert schemas().detail.startswith("kiln/firing.started.json:1:")
        await engine.operations.bus.publish(EventDraft(event_type=DRAFT.event_type, payload=DRAFT.payload))

        new = path.with_name("firing.started.json.tmp")
        new.write_text(schema("integer"))
        new.replace(path)
        await until(lambda: schemas().status == "ok" and digest() != first)
        with pytest.raises(InvalidEventError):
            await engine.operations.bus.publish(EventDraft(event_type=DRAFT.event_type, payload=DRAFT.payload))
        wanted = parse("type:holyfields.schema.updated", now=engine.clock.now())
        last = -1
        while not (found := (await engine.operations.store.query(wanted)).events):
            await engine._log.tail.beyond(last)
            last = engine._log.last_seq
        (entry,) = found[0].envelope().payload["changed"]
        assert (entry["event_type"], entry["version"]) == (DRAFT.event_type, "v1")
        assert (entry["from_hash"], entry["to_hash"]) == (first, digest())
        assert entry["compatible"] is False
        assert found[0].envelope().source == {"service": "holyfields", "instance": engine.instance}
    finally:
        await engine.stop()


async def test_what_changed_between_two_runs_is_announced_by_the_second(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "schemas/kiln/firing.started.json"
    path.parent.mkdir(parents=True)
    settings = Settings(data_dir=tmp_path / "data", schemas=tmp_path / "schemas", port=0)

    async def run(kind: str, *, announces: bool) -> list[dict[str, Any]]:
        """What is announced in all once an engine remembers these contracts, or has announced them."""
        path.write_text(schema(kind))
        engine = Engine(settings, Ownership.take(tmp_path / "data"))
        await engine.start()
        wanted = parse("type:holyfields.schema.updated", now=engine.clock.now())
        try:
            async with asyncio.timeout(30):
                while True:
                    told = (await engine.operations.store.query(wanted)).events
                    kept = await engine._log.rows(KEPT, (KEY,), purpose="what was announced")
                    if kept and bool(told) == announces:
                        return [event.envelope().payload for event in told]
                    await asyncio.sleep(0.01)
        finally:
            await engine.stop()

    assert await run("string", announces=False) == []
    [payload] = await run("integer", announces=True)
    [entry] = payload["changed"]
    assert (entry["event_type"], entry["version"], entry["compatible"]) == (DRAFT.event_type, "v1", None)
    assert (
        entry["from_hash"]
        != entry["to_hash"]
        == Registry.load(settings.schemas_folder()).contract(DRAFT.event_type).digest
    )
