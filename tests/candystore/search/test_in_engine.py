"""A running engine indexes what it stores, and takes up payload indexes as its registry declares them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from godtui.envelope import EventDraft
from godtui.filters import parse
from tests.clock import MORNING
from tests.eventlog.records import until
from tests.runtime.test_engine import folder, started

__all__ = ["folder"]


async def test_an_engine_indexes_what_it_stores(folder: Path) -> None:
    registry = folder / "registry.yaml"
    registry.write_text("payload_indexes: [message]\n")
    async with started(folder, registry=registry) as engine:
        draft = EventDraft(event_type="test.event.created", payload={"message": "find me"})
        receipt = await engine.operations.bus.publish(draft)

        def is_indexed() -> bool:
            search = engine.health().components["search"]
            return search.figures["indexed"] > 0 and search.figures["lag_events"] == 0

        await until(is_indexed)
        assert "message" in engine.health().components["search"].figures["payload_indexes"]
        for text in ("find", 'payload.message="find me"'):
            page = await engine.operations.store.query(parse(text, now=MORNING))
            assert [event.event_id for event in page.events] == [receipt.event_id.bytes]
    assert (folder / "search.sqlite").exists()
    async with started(folder, registry=registry, workers=False) as engine:
        await asyncio.sleep(0)
        page = await engine.operations.store.query(parse("find", now=MORNING))
        assert len(page.events) == 1, "who only asks finds the index that others made"
