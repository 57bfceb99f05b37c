"""Messages go over AMQP and come back as they were, whatever their headers; what strangers write can be read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from aiormq.abc import DeliveredMessage
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, frame, header

from godtui import jsontext
from godtui.bloodbank.bus import HeaderValue, Message
from godtui.bloodbank.rabbitmq.messages import attempts_of, message_of, plain, properties_of
from godtui.envelope import EventEnvelope, new_id
from tests.contract.messages import event

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda name: (
        not name.startswith(("x-godtui", "x-death", "x-first-death", "x-last-death", "x-delivery", "x-original"))
    )
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
values: st.SearchStrategy[HeaderValue] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=8,
)


def over_the_wire(properties: commands.Basic.Properties, body: bytes, **deliver: object) -> DeliveredMessage:
    """As a consumer gets it."""
    marshalled = frame.marshal(header.ContentHeader(body_size=len(body), properties=properties), 1)
    _, _, read = frame.unmarshal(marshalled)
    assert isinstance(read, header.ContentHeader)
    options: dict[str, object] = {"consumer_tag": "c", "delivery_tag": 1, "exchange": "e", "routing_key": "a.b"}
    delivery = commands.Basic.Deliver(**{**options, **deliver})  # type: ignore[arg-type]
    return DeliveredMessage(delivery, read, body, None)  # type: ignore[arg-type]


@given(st.dictionaries(names, values, max_size=5))
def test_any_headers_come_back(headers: dict[str, HeaderValue]) -> None:
    sent = event("a.b", headers=headers)
    assert message_of(over_the_wire(properties_of(sent), sent.body)) == sent


@pytest.mark.parametrize(
    "headers",
    [
        {"h": 2**63},
        {"h": -(2**63) - 1},
        {"n" * 129: 1},
        {"h": {"n" * 129: 1}},
        {"h": [{"n" * 129: 1}]},
        {"h": "\ud800"},
        {"h": "n" * 120_000},
    ],
)
def test_headers_that_cannot_be_carried_are_refused(headers: dict[str, HeaderValue]) -> None:
    with pytest.raises(ValueError, match="its headers cannot be carried over AMQP"):
        properties_of(event(headers=headers))


@pytest.mark.parametrize("year", [1, 1969, 1970, 9999])
def test_an_event_of_any_year_can_be_carried(year: int) -> None:
    envelope = EventEnvelope(
        event_id=new_id(),
        event_type="a.b",
        timestamp=datetime(year, 1, 1, tzinfo=UTC),
        source={"service": "time"},
        payload={},
    )
    sent = Message.of(envelope)
    properties = properties_of(sent)
    assert (properties.timestamp is None) == (year < 1970)
    assert message_of(over_the_wire(properties, sent.body)) == sent


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"\xff\x00a", "\\xff\x00a"),
        (datetime(2026, 2, 12, 14, 2, 11, tzinfo=UTC), "2026-02-12T14:02:11.000000Z"),
        (Decimal("1.50"), "1.50"),
        ({"a": [b"b", {"c": None}]}, {"a": ["b", {"c": None}]}),
    ],
)
def test_what_only_amqp_has_is_shown_as_json_can(value: object, shown: object) -> None:
    assert plain(value) == shown
    jsontext.dumps(plain(value))


@pytest.mark.parametrize(
    ("headers", "redelivered", "attempts"),
    [
        ({}, False, 1),
        ({}, True, 2),
        ({"x-delivery-count": 3}, True, 4),
        ({"x-godtui-attempts": 2}, False, 3),
        ({"x-godtui-attempts": 2, "x-delivery-count": 1}, True, 4),
        ({"x-godtui-attempts": "many", "x-delivery-count": -5}, True, 1),
    ],
)
def test_attempts_are_counted_over_retries_and_losses(
    headers: dict[str, HeaderValue], redelivered: bool, attempts: int
) -> None:
    properties = commands.Basic.Properties(headers=headers or None)  # type: ignore[arg-type]
    assert attempts_of(over_the_wire(properties, b"", redelivered=redelivered)) == attempts
