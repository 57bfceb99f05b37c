"""A signed delivery is held once, as the event that the contract names, whatever it says; no other ever is."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import sqlite3
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from godtui import jsontext
from godtui.bloodbank.bus import Confirmed, Message, PublishOutcome, Sink
from godtui.bloodbank.outbox import Append, Outbox
from godtui.bloodbank.publisher import Publisher, PublishingRules
from godtui.dispatcher.errors import NotDurableError, NotJsonError, SignatureError, WebhookDisabledError
from godtui.dispatcher.ingress import (
    MAX_BODY_DEPTH,
    MAX_DELIVERY_BYTES,
    MAX_EVENT_BYTES,
    TOLD_SECONDS,
    ClosedIngress,
    PlaneIngress,
)
from godtui.dispatcher.views import Delivered
from godtui.envelope import EventEnvelope, InvalidEventError, event_type_fault, read_envelope
from godtui.holyfields import Contracts, Registry
from godtui.settings import packaged
from tests.bloodbank.conftest import Room, room
from tests.bloodbank.faulty import Fault
from tests.clock import ManualClock
from tests.dispatcher.samples import FOLDER, mutated, sample, values

__all__ = ["room"]

SECRET = "plane_wh_0123456789abcdef0123456789abcdef"
CONTRACTS = Contracts(Registry.load(packaged("schemas")))
RULES = PublishingRules(max_event_bytes=MAX_EVENT_BYTES, allow_unknown_types=True, instance="here")
VECTOR = json.loads((FOLDER / "signature_vector.json").read_bytes())
UNKNOWN = "webhook.plane.unknown.received"


class Shelf:
    """In the place of an outbox: keeps what consumers could read, each id once."""

    def __init__(self) -> None:
        self.kept: dict[UUID, EventEnvelope] = {}

    async def publish(self, messages: Sequence[Message]) -> list[PublishOutcome]:
        for message in messages:
            envelope, faults = read_envelope(message.body)
            assert faults == []
            self.kept.setdefault(envelope.event_id, envelope)
        return [Confirmed(None)] * len(messages)


def ingress(sink: Sink, clock: ManualClock | None = None) -> PlaneIngress:
    clock = clock or ManualClock()
    return PlaneIngress(SECRET, Publisher(sink, CONTRACTS, RULES, clock=clock), clock)


def signed(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


async def deliver(
    to: PlaneIngress, body: Any, *, delivery: str | None = None, signature: str | None = None
) -> Delivered:
    """A delivery, rightly signed unless told otherwise."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await to.plane(raw, signature=signature or signed(raw), delivery=delivery)


async def waiting(room: Room) -> list[EventEnvelope]:
    """What is in the outbox, in order; every body must be one that consumers can read."""
    rows = await room.log.rows("SELECT body FROM outbox ORDER BY id", purpose="test")
    read = [read_envelope(body) for (body,) in rows]
    assert all(faults == [] for _, faults in read)
    return [envelope for envelope, _ in read]


async def test_the_vector_of_the_contract_is_taken_in(room: Room) -> None:
    raw, headers = VECTOR["raw_body"].encode(), VECTOR["headers"]
    assert VECTOR["secret"] == SECRET
    delivered = await ingress(Outbox(room.log)).plane(
        raw, signature=headers["X-Plane-Signature"], delivery=headers["X-Plane-Delivery"]
    )
    digest = uuid5(NAMESPACE_URL, raw.decode())
    assert delivered == Delivered(digest, "webhook.plane.issue.updated")
    (event,) = await waiting(room)
    assert (event.event_id, event.correlation_id, event.version) == (digest, digest, "v1")
    assert event.source == {"service": "plane", "delivery_id": headers["X-Plane-Delivery"], "instance": "here"}
    assert event.payload == {"provider": "plane", "event": "issue", "action": "updated", "body": json.loads(raw)}


@pytest.mark.parametrize(
    ("name", "event_type"),
    [
        ("issue_created", "webhook.plane.issue.created"),
        ("issue_deleted", "webhook.plane.issue.deleted"),
        ("issue_updated_labels", "webhook.plane.issue.updated"),
        ("issue_updated_state", "webhook.plane.issue.updated"),
        ("issue_updated_v0.14", "webhook.plane.issue.updated"),
        ("v2_workitem_updated", "webhook.plane.issue.updated"),
    ],
)
async def test_every_sample_is_stored_under_its_name(room: Room, name: str, event_type: str) -> None:
    delivered = await deliver(ingress(Outbox(room.log, Append)), (FOLDER / f"{name}.json").read_bytes())
    assert delivered.event_type == event_type
    stored = await room.log.event(delivered.event_id.bytes)
    assert stored is not None
    assert stored.event_type == event_type
    sent = sample(name)
    sent.pop("delivery_id", None)
    assert stored.envelope().payload["body"] == sent


@pytest.mark.parametrize("accept", ["outbox", "log"])
async def test_a_redelivery_is_the_same_event_and_stored_once(room: Room, accept: str) -> None:
    plane = ingress(Outbox(room.log) if accept == "outbox" else Outbox(room.log, Append))
    body = sample("issue_updated_state")
    first = await deliver(plane, body, delivery="first try")
    assert await deliver(plane, body, delivery="second try") == first
    assert await asyncio.gather(*(deliver(plane, body) for _ in range(5))) == [first] * 5
    counts = "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM events)"
    held = (1, 0) if accept == "outbox" else (0, 1)
    assert await room.log.rows(counts, purpose="test") == [held]


async def test_a_redelivery_of_v2_has_other_bytes_and_is_the_same_event(room: Room) -> None:
    plane = ingress(Outbox(room.log))
    body = sample("v2_workitem_updated")
    first = await deliver(plane, {**body, "delivery_id": "1st"}, delivery="of the header")
    assert await deliver(plane, {**body, "delivery_id": "2nd"}) == first
    assert first.event_id == uuid5(NAMESPACE_URL, f"plane:{body['event_id']}")
    (event,) = await waiting(room)
    assert event.source["delivery_id"] == "1st"
    assert "delivery_id" not in event.payload["body"]


async def test_what_came_before_with_other_content_stays_as_it_was(room: Room) -> None:
    plane = ingress(Outbox(room.log))
    body = sample("v2_workitem_updated")
    first = await deliver(plane, body)
    assert await deliver(plane, {**body, "data": {"name": "other"}}) == first
    (event,) = await waiting(room)
    assert event.payload["body"]["data"] == body["data"]


async def test_what_the_log_holds_is_not_put_into_the_outbox_again(room: Room) -> None:
    body = sample("issue_created")
    first = await deliver(ingress(Outbox(room.log, Append)), body)
    assert await deliver(ingress(Outbox(room.log)), body) == first
    assert await waiting(room) == []


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "0" * 64,
        signed(b"{}", "another secret"),
        signed(b"{ }"),
        signed(b"{}").upper(),
        signed(b"{}")[:-1],
        signed(b"{}") + "0",
        signed(b"{}") + "\n",
        " " + signed(b"{}"),
        "sha256=" + signed(b"{}"),
        "٠" * 64,
        "é" * 64,
    ],
)
async def test_another_signature_is_refused_before_anything_is_read(signature: str | None) -> None:
    shelf = Shelf()
    plane = ingress(shelf)
    for body in (b"{}", b"no JSON"):
        with pytest.raises(SignatureError, match="PLANE_WEBHOOK_SECRET"):
            await plane.plane(body, signature=signature, delivery=None)
    assert shelf.kept == {}
    assert (await deliver(plane, b"{}")).event_type == UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b'{"event": "issue"',
        b"NaN",
        b'{"a": 1, "a": 2}',
        b'"\\ud800"',
        b'"\xff"',
        b'\xef\xbb\xbf{"event": "issue"}',
        b"[" * 100_000,
    ],
)
async def test_what_is_not_json_is_refused(body: bytes) -> None:
    shelf = Shelf()
    with pytest.raises(NotJsonError, match="the delivery's body is not JSON that can be kept: "):
        await deliver(ingress(shelf), body)
    assert shelf.kept == {}


@pytest.mark.parametrize("body", [b'{"a": 1e400}', b"[" + b"9" * 4301 + b"]"])
async def test_a_number_that_cannot_be_kept_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidEventError, match=r"number|integer"):
        await deliver(ingress(Shelf()), body)


@pytest.mark.parametrize("inner", [b'{"a":', b"["])
async def test_the_deepest_body_that_is_taken_can_be_read_again(room: Room, inner: bytes) -> None:
    closing = b"}" if inner.startswith(b"{") else b"]"
    plane = ingress(Outbox(room.log))
    await deliver(plane, inner * MAX_BODY_DEPTH + b"0" + closing * MAX_BODY_DEPTH)
    assert len(await waiting(room)) == 1
    with pytest.raises(NotJsonError, match="nested deeper than 198"):
        await deliver(plane, inner * (MAX_BODY_DEPTH + 1) + b"0" + closing * (MAX_BODY_DEPTH + 1))


@pytest.mark.parametrize(
    "body", [b"null", b"0", b'"text"', b"[]", b"{}", b'{"event": 7, "action": []}', b'{"event": "issue"}', b"[[[1]]]"]
)
async def test_any_other_json_is_stored_under_the_name_for_what_nobody_understands(room: Room, body: bytes) -> None:
    assert (await deliver(ingress(Outbox(room.log)), body)).event_type == UNKNOWN
    (event,) = await waiting(room)
    assert event.payload["body"] == json.loads(body)


@given(
    st.one_of(values, mutated(), st.dictionaries(st.sampled_from(["event", "action", "version", "event_id"]), values))
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_signed_json_is_held_under_a_valid_name(body: Any) -> None:
    shelf = Shelf()
    raw = jsontext.dumps(body)
    delivered = asyncio.run(deliver(ingress(shelf), raw))
    event = shelf.kept[delivered.event_id]
    assert event.event_type == delivered.event_type
    assert delivered.event_type.startswith("webhook.plane.")
    assert event_type_fault(delivered.event_type) is None
    is_v2 = isinstance(body, dict) and body.get("version") == "v2"
    kept = {key: value for key, value in body.items() if key != "delivery_id"} if is_v2 else body
    assert jsontext.canonical(event.payload["body"]) == jsontext.canonical(kept)


@given(st.binary(max_size=40) | st.text('[]{}":,0129.eE+-\\u tfnaD8d', max_size=40).map(str.encode))
@settings(deadline=None)
def test_any_signed_bytes_are_held_or_refused(raw: bytes) -> None:
    shelf = Shelf()
    try:
        delivered = asyncio.run(deliver(ingress(shelf), raw))
    except (NotJsonError, InvalidEventError):
        assert shelf.kept == {}
    else:
        assert shelf.kept[delivered.event_id].payload["body"] == json.loads(raw)


async def test_a_body_of_numbers_that_are_longer_written_out_is_held(room: Room) -> None:
    numbers = 60_000
    raw = b'{"event":"issue","action":"updated","data":[' + b",".join([b"9e15"] * numbers) + b"]}"
    delivered = await deliver(ingress(Outbox(room.log)), raw)
    (event,) = await waiting(room)
    assert event.event_id == delivered.event_id
    assert event.payload["body"]["data"] == [9e15] * numbers
    assert len(jsontext.dumps(event.payload)) / len(raw) < MAX_EVENT_BYTES / MAX_DELIVERY_BYTES


@pytest.mark.parametrize(
    ("delivery", "kept"),
    [
        ("f819eff4-cd50-4987-bc97-e5be1e04c94f", True),
        ("x" * 255, True),
        ("x" * 256, False),
        ("", False),
        (None, False),
        ("a\tb", False),
        ("a\x00b", False),
        ("\x85", False),
    ],
)
async def test_only_an_id_that_can_be_read_is_kept_of_a_delivery(delivery: str | None, kept: bool) -> None:
    shelf = Shelf()
    await deliver(ingress(shelf), b"{}", delivery=delivery)
    (event,) = shelf.kept.values()
    assert event.source == {"service": "plane", "instance": "here"} | ({"delivery_id": delivery} if kept else {})


async def test_without_a_disk_nothing_is_said_to_be_held(room: Room) -> None:
    plane = ingress(Outbox(room.log))
    body = sample("issue_updated_state")
    room.log.faults += [("Put", Fault.NOT_KEPT), ("Put", Fault.KEPT_UNHEARD)]
    for kept in (0, 1):
        with pytest.raises(NotDurableError, match="the disk is full; send it again"):
            await deliver(plane, body)
        assert len(await waiting(room)) == kept
    await deliver(plane, body)
    assert len(await waiting(room)) == 1


async def test_without_a_secret_nothing_is_taken_in() -> None:
    closed = ClosedIngress()
    with pytest.raises(WebhookDisabledError, match="set PLANE_WEBHOOK_SECRET"):
        closed.require_secret()
    with pytest.raises(WebhookDisabledError, match="set PLANE_WEBHOOK_SECRET"):
        await closed.plane(b"{}", signature=signed(b"{}"), delivery=None)
    with pytest.raises(ValueError, match="empty"):
        PlaneIngress("", Publisher(Shelf(), CONTRACTS), ManualClock())


async def test_wrong_signatures_are_told_at_once_and_then_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    plane = ingress(Shelf(), clock)
    forged = signed(b"a secret of its own", "another")

    async def refuse(times: int) -> list[str]:
        caplog.clear()
        for _ in range(times):
            with pytest.raises(SignatureError) as caught:
                await deliver(plane, b'{"hidden": "body"}', signature=forged, delivery="hidden id")
            assert not any(hidden in str(caught.value) for hidden in (SECRET, forged, "hidden"))
        return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]

    with caplog.at_level(logging.DEBUG):
        (first,) = await refuse(1000)
        assert first.startswith("webhook deliveries without a valid signature, since this was last said: 1;")
        clock.advance(TOLD_SECONDS - 1)
        assert await refuse(500) == []
        clock.set_wall(3600)
        assert await refuse(1) == []
        clock.advance(1)
        (later,) = await refuse(2)
        assert "since this was last said: 1501;" in later
        await deliver(plane, b'{"hidden": "body"}')
        told = caplog.text + first + later
    assert not any(hidden in told for hidden in (SECRET, forged, signed(b'{"hidden": "body"}'), "hidden"))


async def test_a_large_body_holds_nobody_up_while_it_is_read(room: Room) -> None:
    plane = ingress(Outbox(room.log))
    large = b'{"event": "issue", "action": "updated", "data": "' + b"x" * 300_000 + b'"}'
    delivered = await deliver(plane, large)
    (event,) = await waiting(room)
    assert (event.event_id, len(event.payload["body"]["data"])) == (delivered.event_id, 300_000)
    with pytest.raises(SignatureError):
        await deliver(plane, large, signature="0" * 64)
    with pytest.raises(NotJsonError):
        await deliver(plane, large + b"}")


async def test_what_the_file_cannot_hold_is_refused(room: Room) -> None:
    await room.log.submit(lambda unit: unit.connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 100_000))
    with pytest.raises(InvalidEventError, match="cannot be stored"):
        await deliver(ingress(Outbox(room.log)), {"data": "x" * 200_000})
