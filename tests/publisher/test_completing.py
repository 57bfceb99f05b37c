"""What a publisher fills in, what it keeps, and how effects join their causes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import pytest

from godtui.bloodbank.embedded import EmbeddedBus
from godtui.bloodbank.errors import NotConfirmedError
from godtui.bloodbank.publisher import Publisher, PublishingRules
from godtui.bloodbank.receipt import Receipt
from godtui.envelope import EventEnvelope, handling, new_id
from godtui.eventlog import EventLog, LogUnavailableError
from godtui.holyfields import Contracts, Registry
from tests.clock import MORNING, ManualClock
from tests.publisher.conftest import Bus, MakePublisher, draft


def envelope(correlation: UUID | None = None) -> EventEnvelope:
    """An event that is being handled."""
    return EventEnvelope.model_validate(
        {
            "event_id": new_id(),
            "event_type": "agent.task.started",
            "timestamp": "2026-02-12T14:02:11Z",
            "source": {},
            "correlation_id": correlation,
            "payload": {},
        }
    )


async def test_what_is_left_out_is_filled_in(publishing: MakePublisher, bus: Bus) -> None:
    one = draft()
    receipt = await publishing(bus, instance="here-1").publish(one)
    assert receipt == Receipt(one.event_id, "test.event.created", "v1", one.event_id, MORNING)
    assert bus.documents == [
        {
            "event_id": str(one.event_id),
            "event_type": "test.event.created",
            "timestamp": "2026-02-12T14:02:11.482000Z",
            "version": "v1",
            "source": {"service": "godtui", "instance": "here-1"},
            "correlation_id": str(one.event_id),
            "payload": {"message": "hello"},
        }
    ]
    message = bus.sent[0][0]
    assert (message.routing_key, message.message_id) == ("test.event.created", str(one.event_id))
    record = message.record
    assert record is not None
    assert record.source == "godtui"
    assert record.time == MORNING
    assert record.correlation_id == one.event_id.bytes
    assert record.violations is None
    assert record.body == message.body


async def test_what_is_said_is_kept(publishing: MakePublisher, bus: Bus) -> None:
    noon = datetime(2026, 2, 12, 14, 2, 11, 5, timezone(timedelta(hours=2)))
    said = {
        "event_id": new_id(),
        "correlation_id": new_id(),
        "timestamp": noon,
        "source": {"app": "a", "instance": "b"},
    }
    receipt = await publishing(bus, instance="here-1").publish(draft(**said))
    document = bus.documents[0]
    assert document["event_id"] == str(said["event_id"]) == str(receipt.event_id)
    assert document["correlation_id"] == str(said["correlation_id"]) == str(receipt.correlation_id)
    assert document["timestamp"] == "2026-02-12T12:02:11.000005Z"
    assert document["source"] == {"app": "a", "instance": "b"}


async def test_unknown_fields_reserved_names_and_long_integers_are_kept(publisher: Publisher, bus: Bus) -> None:
    extra = {
        "agent_context": {"x": [1, None]},
        "correlation_ids": ["a"],
        "seq": 7,
        "extra": {"seq": 8},
        "stored_at": "x",
    }
    long = 123456789012345678901234567890
    await publisher.publish(draft(**extra, number=long))
    document = json.loads(bus.sent[0][0].body)
    assert {name: document[name] for name in extra} == extra
    assert document["number"] == long


async def test_a_draft_may_be_published_twice_and_is_not_changed(publisher: Publisher, bus: Bus) -> None:
    one = draft(source={"service": "x"}, causation_id=new_id())
    before = one.model_dump()
    await publisher.publish(one)
    await publisher.publish(one)
    assert one.model_dump() == before
    assert bus.documents[0] == bus.documents[1]


async def test_the_lowest_registered_version_is_published(tmp_path: Path, bus: Bus, clock: ManualClock) -> None:
    (tmp_path / "a").mkdir()
    open_object = {"title": "t", "description": "d", "type": "object", "examples": [{}, {}]}
    (tmp_path / "a" / "b.v2.json").write_text(json.dumps(open_object))
    (tmp_path / "a" / "b.v10.json").write_text(json.dumps({**open_object, "required": ["ten"]}))
    publisher = Publisher(bus, Contracts(Registry.load(tmp_path)), PublishingRules(), clock=clock)
    assert (await publisher.publish(draft(event_type="a.b", payload={}))).version == "v2"
    assert (await publisher.publish(draft(event_type="a.b", payload={"ten": 1}, version="v10"))).version == "v10"


async def test_effects_inherit_from_what_is_being_handled(publisher: Publisher, bus: Bus) -> None:
    cause = envelope(new_id())
    with handling(cause):
        receipt = await publisher.publish(draft())
    assert receipt.correlation_id == cause.correlation_id
    assert bus.documents[0]["source"]["causation_id"] == str(cause.event_id)
    after = await publisher.publish(draft())
    assert after.correlation_id == after.event_id
    assert "causation_id" not in bus.documents[1]["source"]


async def test_effects_of_a_replayed_event_name_the_replay(publisher: Publisher, bus: Bus) -> None:
    replay = new_id()
    with handling(envelope(new_id()), replay):
        await publisher.publish(draft())
        await publisher.publish(draft(source={"service": "x", "replay_id": "named"}))
    await publisher.publish(draft())
    assert [one["source"].get("replay_id") for one in bus.documents] == [str(replay), "named", None]


async def test_a_cause_without_correlation_gives_none(publisher: Publisher, bus: Bus) -> None:
    with handling(envelope(None)):
        receipt = await publisher.publish(draft())
    assert receipt.correlation_id == receipt.event_id


async def test_what_the_publisher_names_counts_before_the_context(publisher: Publisher, bus: Bus) -> None:
    named, correlation = new_id(), new_id()
    with handling(envelope(new_id())):
        receipt = await publisher.publish(draft(correlation_id=correlation, causation_id=named))
        await publisher.publish(draft(source={"causation_id": "not an id"}))
    assert receipt.correlation_id == correlation
    assert bus.documents[0]["source"]["causation_id"] == str(named)
    assert bus.documents[1]["source"]["causation_id"] == "not an id"


@pytest.mark.parametrize("in_source", [False, True])
async def test_a_named_cause_gives_its_stored_chain(
    publishing: MakePublisher, embedded: EmbeddedBus, log: EventLog, in_source: bool
) -> None:
    async def correlation_of(event_id: UUID) -> UUID | None:
        found = await log.event(event_id.bytes)
        return UUID(bytes=found.correlation_id) if found and found.correlation_id else None

    publisher = publishing(embedded, correlation_of)
    chain = new_id()
    cause = await publisher.publish(draft(correlation_id=chain))
    named = {"source": {"causation_id": str(cause.event_id)}} if in_source else {"causation_id": cause.event_id}
    effect = await publisher.publish(draft(**named))
    assert effect.correlation_id == chain
    stored = await log.event(effect.event_id.bytes)
    assert stored is not None
    assert stored.envelope().source["causation_id"] == str(cause.event_id)
    unknown = await publisher.publish(draft(causation_id=new_id()))
    assert unknown.correlation_id == unknown.event_id


async def test_a_cause_in_the_same_batch_gives_its_chain(publishing: MakePublisher, bus: Bus) -> None:
    async def nothing_stored(event_id: UUID) -> UUID | None:
        return None

    chain = new_id()
    first = draft(correlation_id=chain)
    second = draft(causation_id=first.event_id)
    third = draft(causation_id=second.event_id)
    outcomes = await publishing(bus, nothing_stored).publish_batch([first, second, third])
    assert [one.correlation_id for one in outcomes if isinstance(one, Receipt)] == [chain] * 3


async def test_a_cause_that_cannot_be_looked_up_is_not_forgotten(publishing: MakePublisher, bus: Bus) -> None:
    async def unreadable(event_id: UUID) -> UUID | None:
        raise LogUnavailableError("the log cannot be read")

    one = draft(causation_id=new_id())
    with pytest.raises(NotConfirmedError, match="the log cannot be read") as caught:
        await publishing(bus, unreadable).publish(one)
    assert caught.value.event_id == one.event_id
    assert bus.sent == []
