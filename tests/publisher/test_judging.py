"""What a publisher refuses, and how it says why."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from godtui.bloodbank.bus import Refused
from godtui.bloodbank.errors import TooLargeError
from godtui.bloodbank.publisher import Publisher
from godtui.bloodbank.receipt import Receipt
from godtui.envelope import EventDraft, Fault, InvalidEventError
from godtui.eventlog import EventLog
from godtui.holyfields import Contracts, Registry
from tests.publisher.conftest import Bus, MakePublisher, draft


async def refusal(publisher: Publisher, one: EventDraft) -> list[Fault]:
    """The faults of a draft that must be refused."""
    with pytest.raises(InvalidEventError) as caught:
        await publisher.publish(one)
    assert caught.value.faults, "a refusal says why"
    assert str(caught.value)
    return caught.value.faults


async def test_faults_of_the_payload_point_into_the_payload(publisher: Publisher, bus: Bus) -> None:
    faults = await refusal(publisher, draft(payload={"message": 5, "more": 1}))
    assert {(fault.path, fault.keyword) for fault in faults} == {
        ("/payload/message", "type"),
        ("/payload", "additionalProperties"),
    }
    assert bus.sent == []


async def test_an_unknown_type_names_the_nearest(publisher: Publisher) -> None:
    (fault,) = await refusal(publisher, draft(event_type="test.event.creatd"))
    assert fault.path == "/event_type"
    assert "test.event.created" in fault.message


async def test_an_unregistered_version_names_those_there_are(publisher: Publisher) -> None:
    (fault,) = await refusal(publisher, draft(version="v9"))
    assert fault.path == "/version"
    assert "v1" in fault.message


async def test_unknown_types_are_stored_with_violations_where_they_are_allowed(
    publishing: MakePublisher, embedded: Any, log: EventLog
) -> None:
    publisher = publishing(embedded, allow_unknown_types=True)
    receipt = await publisher.publish(draft(event_type="nobody.knows.this", payload={"x": 1}))
    assert receipt.version == "v1"
    stored = await log.event(receipt.event_id.bytes)
    assert stored is not None
    assert [fault.path for fault in stored.faults()] == ["/event_type"]
    later = await publisher.publish(draft(version="v9"))
    assert later.version == "v9"
    stored = await log.event(later.event_id.bytes)
    assert stored is not None
    assert [fault.path for fault in stored.faults()] == ["/version"]
    await refusal(publisher, draft(payload={}))


async def test_the_size_limit_counts_the_whole_event(publishing: MakePublisher, bus: Bus) -> None:
    exact = len((await _sent(publishing(bus), bus, draft("x" * 1000))).encode())
    assert await publishing(bus, max_event_bytes=exact).publish(draft("x" * 1000))
    with pytest.raises(TooLargeError, match=f"at most {exact:,}") as caught:
        await publishing(bus, max_event_bytes=exact).publish(draft("x" * 1001))
    assert caught.value.keyword == "maxBytes"
    assert len(bus.sent) == 2


async def _sent(publisher: Publisher, bus: Bus, one: EventDraft) -> str:
    await publisher.publish(one)
    return bus.sent[-1][-1].body.decode()


NOT_JSON: dict[str, Any] = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "a datetime": datetime(2026, 2, 12, tzinfo=UTC),
    "bytes": b"raw",
    "a set": {1},
    "a decimal": Decimal("1.5"),
    "a key that is no string": {1: "x"},
    "a lone surrogate": "\ud800",
    "such a key within a tuple": ({1: "x"},),
    "a key with a lone surrogate": {"\udfff": 1},
    "an object": object(),
}


@pytest.mark.parametrize("value", NOT_JSON.values(), ids=NOT_JSON.keys())
@pytest.mark.parametrize("place", ["payload", "source", "unknown field"])
async def test_what_json_cannot_say_is_refused(publisher: Publisher, bus: Bus, place: str, value: Any) -> None:
    fields: dict[str, Any] = {
        "payload": {"event_type": "agent.task.completed", "payload": {"task_id": "t", "agent": "a", "result": value}},
        "source": {"source": {"service": "x", "more": value}},
        "unknown field": {"more": value},
    }[place]
    await refusal(publisher, draft(**fields))
    assert bus.sent == []


async def test_endless_nesting_is_refused(publisher: Publisher) -> None:
    nested: list[Any] = []
    for _ in range(5000):
        nested = [nested]
    await refusal(publisher, draft(more=nested))
    await refusal(publisher, draft(payload={"message": nested}))


async def test_tuples_are_arrays_and_nulls_are_kept(publisher: Publisher, bus: Bus) -> None:
    await publisher.publish(draft(more=None, pair=(1, 2)))
    assert bus.documents[0]["more"] is None
    assert bus.documents[0]["pair"] == [1, 2]


async def test_integers_keep_every_digit(publisher: Publisher, bus: Bus) -> None:
    long = 10**29 + 7
    payload = {"task_id": "t", "agent": "a", "result": {"n": long}}
    await publisher.publish(draft(event_type="agent.task.completed", payload=payload))
    assert json.loads(bus.sent[0][0].body)["payload"] == payload


async def test_what_the_transport_refuses_is_invalid(publisher: Publisher, bus: Bus) -> None:
    bus.answer = lambda message: Refused("cannot be stored")
    (fault,) = await refusal(publisher, draft())
    assert fault.message == "cannot be stored"


async def test_one_registry_judges_a_whole_batch(
    publishing: MakePublisher, bus: Bus, contracts: Contracts, registry: Registry
) -> None:
    async def swapping(event_id: object) -> None:
        contracts.swap(Registry(registry.folder, []))

    publisher = publishing(bus, swapping)
    outcomes = await publisher.publish_batch([draft(), draft(causation_id=draft().event_id), draft()])
    assert [type(one) for one in outcomes] == [Receipt] * 3
    await refusal(publisher, draft())
