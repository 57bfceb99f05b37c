"""Models that `holyfields generate` makes, published whichever way it goes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from godtui.bloodbank import EventDraft, InvalidEventError
from godtui.holyfields.generate.collection import Collection, Payload
from tests.holyfields.generate.packages import imported
from tests.library.ways import Way

TYPE = "test.event.created"


def _model(folder: Path, schema: dict[str, Any], version: str = "v1") -> type[BaseModel]:
    payload = Payload(TYPE, version, "", "", schema, "test/event.created.json")
    model: type[BaseModel] = imported(Collection((payload,), {}), folder).EVENTS[TYPE]
    return model


async def test_a_model_is_published_as_the_event_it_is_of(way: Way, tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"message": {"type": "string"}, "note": {"type": "string"}},
        "required": ["message"],
        "additionalProperties": False,
    }
    model = _model(tmp_path, schema)
    async with way.subscriber() as subscriber, way.publisher(service="mine") as publisher:
        receipt = await publisher.publish(model(message="a"), note="kept")
        report = await publisher.publish_batch([model(message="b"), {"event_type": TYPE, "payload": {"message": "c"}}])
        events = []
        async with asyncio.timeout(30):
            while len(events) < 3:
                async with await anext(subscriber) as event:
                    events.append(event)
    assert (receipt.event_type, receipt.version, report.accepted) == (TYPE, "v1", 2)
    assert [event.payload for event in events] == [{"message": "a"}, {"message": "b"}, {"message": "c"}]
    assert events[0].extra == {"note": "kept"}
    assert events[0].source_name == "mine"


async def test_a_model_is_judged_like_any_draft(way: Way, tmp_path: Path) -> None:
    stale = _model(tmp_path / "stale", {"type": "object", "properties": {"message": {"type": "integer"}}})
    unknown = _model(tmp_path / "unknown", {}, "v7")
    async with way.publisher() as publisher:
        with pytest.raises(InvalidEventError) as error:
            await publisher.publish(stale(message=1))
        assert error.value.faults[0].path == "/payload/message"
        with pytest.raises(InvalidEventError):
            await publisher.publish(unknown(message="a"))
        with pytest.raises(TypeError, match="payload"):
            await publisher.publish(stale(message=1), {"message": "a"})
        assert (await publisher.publish(EventDraft(event_type=TYPE, payload={"message": "a"}))).version == "v1"
