"""The envelope: what is accepted, what is kept, what counts as the same, and how it comes back from the log."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godtui import jsontext
from godtui.envelope import (
    RESERVED,
    EventEnvelope,
    Fault,
    InvalidEventError,
    StoredEvent,
    current_cause,
    event_type_fault,
    handling,
    new_id,
    read_draft,
    read_envelope,
    read_timestamp,
    same_content,
    version_fault,
)
from tests.test_jsontext import exactly, texts, values

ID = "0198c0de-0000-7000-8000-000000000001"
OTHER = "0198c0de-0000-7000-8000-000000000002"
DOCUMENT: dict[str, Any] = {
    "event_id": ID,
    "event_type": "agent.task.completed",
    "timestamp": "2026-02-12T14:02:11.482Z",
    "version": "v1",
    "source": {"service": "tests"},
    "correlation_id": None,
    "payload": {"number": 1},
}
payloads = st.dictionaries(texts, values, max_size=4)


def envelope(**fields: Any) -> EventEnvelope:
    return EventEnvelope.model_validate({**DOCUMENT, **fields})


def read(**fields: Any) -> tuple[EventEnvelope, list[Fault]]:
    return read_envelope(jsontext.dumps({**DOCUMENT, **fields}))


def faults_of(body: Any) -> list[str]:
    with pytest.raises(InvalidEventError) as caught:
        read_envelope(body if isinstance(body, bytes) else jsontext.dumps(body))
    assert str(caught.value)
    return [fault.path for fault in caught.value.faults]


# Timestamps


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-02-12T14:02:11Z", "2026-02-12T14:02:11.000000"),
        ("2026-02-12t14:02:11z", "2026-02-12T14:02:11.000000"),
        ("2026-02-12 14:02:11+00:00", "2026-02-12T14:02:11.000000"),
        ("2026-02-12T14:02:11.4Z", "2026-02-12T14:02:11.400000"),
        ("2026-02-12T14:02:11.123456789012Z", "2026-02-12T14:02:11.123456"),
        ("2026-02-12T14:02:11.9999999Z", "2026-02-12T14:02:11.999999"),
        ("2026-02-12T14:02:11-00:00", "2026-02-12T14:02:11.000000"),
        ("2026-02-12T14:02:11+23:59", "2026-02-11T14:03:11.000000"),
        ("2026-02-12T14:02:11-23:59", "2026-02-13T14:01:11.000000"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000"),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.000000"),
        ("2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00.000000"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999"),
        ("9999-12-31T23:59:59.999999+00:01", "9999-12-31T23:58:59.999999"),
        ("0001-01-01T00:00:00-00:01", "0001-01-01T00:01:00.000000"),
    ],
)
def test_timestamps(text: str, moment: str) -> None:
    read_moment, zoned = read_timestamp(text)
    assert zoned
    assert read_moment.tzinfo is UTC
    assert read_moment.replace(tzinfo=None).isoformat(timespec="microseconds") == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-12",
        "2026-02-12T14:02Z",
        "2026-2-12T14:02:11Z",
        "2026-02-12T14:02:11.Z",
        "2026-02-12T14:02:11,5Z",
        "2026-02-12T14:02:11+0100",
        "2026-02-12T14:02:11 Z",
        "2026-02-12T14:02:11Z\n",
        " 2026-02-12T14:02:11Z",
        "2026-13-12T14:02:11Z",
        "2026-02-30T14:02:11Z",
        "2026-02-12T24:00:00Z",
        "2026-02-12T14:60:00Z",
        "2026-02-12T14:02:61Z",
        "2026-02-12T14:02:11+24:00",
        "2026-02-12T14:02:11+01:60",
        "٢٠٢٦-02-12T14:02:11Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "10000-01-01T00:00:00Z",
        "2026-W07-4T14:02:11Z",
        "now",
        "1770904931",
    ],
)
def test_what_is_no_timestamp(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        read_timestamp(text)


def test_a_timestamp_without_a_zone_is_read_as_utc_and_said() -> None:
    assert read_timestamp("2026-02-12T14:02:11") == (datetime(2026, 2, 12, 14, 2, 11, tzinfo=UTC), False)
    naive, faults = read(timestamp="2026-02-12T14:02:11")
    assert naive.timestamp == datetime(2026, 2, 12, 14, 2, 11, tzinfo=UTC)
    assert faults == [Fault("/timestamp", "the timestamp has no zone; read as UTC")]


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)), st.integers(-1439, 1439))
def test_offsets(moment: datetime, minutes: int) -> None:
    sign = "-" if minutes < 0 else "+"
    text = f"{moment.isoformat()}{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    assert read_timestamp(text)[0] == moment.replace(tzinfo=UTC) - timedelta(minutes=minutes)


# Names


@pytest.mark.parametrize("name", ["a.b", "agent.task.completed", "a1-b_c.d-2_", "x.y.z.w", "a." + "b" * 253])
def test_event_types(name: str) -> None:
    assert event_type_fault(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "a.",
        ".a",
        "a..b",
        "A.b",
        "a.B",
        "1a.b",
        "a.1b",
        "-a.b",
        "a b.c",
        "a.b\n",
        "ä.b",
        "a.*",
        "a.#",
        "\ud800.a",
    ],
)
def test_what_is_no_event_type(name: str) -> None:
    assert event_type_fault(name) is not None


def test_event_types_are_measured_in_bytes() -> None:
    assert event_type_fault("a." + "b" * 254) == "an event type has at most 255 bytes"


@pytest.mark.parametrize(
    ("version", "sound"),
    [("v1", True), ("v10", True), ("v0", False), ("v01", False), ("1", False), ("1.0.0", False), ("v1\n", False)],
)
def test_versions(version: str, sound: bool) -> None:
    assert (version_fault(version) is None) is sound


# Foreign envelopes


def test_a_regular_envelope_has_no_faults() -> None:
    one, faults = read()
    assert faults == []
    assert one.document() == {**DOCUMENT, "timestamp": "2026-02-12T14:02:11.482000Z"}


@pytest.mark.parametrize("name", ["event_id", "event_type", "timestamp", "source", "payload"])
def test_a_missing_field(name: str) -> None:
    assert faults_of({key: value for key, value in DOCUMENT.items() if key != name}) == [f"/{name}"]


@pytest.mark.parametrize("name", ["version", "correlation_id"])
def test_what_may_be_absent(name: str) -> None:
    one, faults = read_envelope(jsontext.dumps({key: value for key, value in DOCUMENT.items() if key != name}))
    assert faults == []
    assert (one.version, one.correlation_id) == ("v1", None)


WRONG: dict[str, list[Any]] = {
    "event_id": [None, 5, 1.5, True, "", "no-id", [], {}, ID[:-1], f"{ID}0"],
    "event_type": [None, 5, 1.5, True, [], {}],
    "timestamp": [None, 5, 1.5, True, "", "noon", [], {}, "10000-01-01T00:00:00Z"],
    "version": [None, 5, 1.5, True, [], {}],
    "source": [None, 5, 1.5, True, "tests", []],
    "correlation_id": [5, 1.5, True, "", "no-id", [], {}],
    "payload": [None, 5, 1.5, True, "text", [], [1]],
}


OPTIONAL = ("version", "correlation_id")
NEEDED = {name: listed for name, listed in WRONG.items() if name not in OPTIONAL}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, listed in NEEDED.items() for value in listed])
def test_a_field_of_the_wrong_type(name: str, value: Any) -> None:
    assert faults_of({**DOCUMENT, name: value}) == [f"/{name}"]


@pytest.mark.parametrize(
    ("value", "version"), [(None, "v1"), (5, "5"), (1.5, "1.5"), (True, "true"), ([], "[]"), ({"a": 1}, '{"a":1}')]
)
def test_a_version_that_is_no_text_is_kept_as_its_json(value: Any, version: str) -> None:
    one, faults = read(version=value, timestamp="2026-02-12T14:02:11")
    assert one.version == version
    assert [fault.path for fault in faults] == ["/timestamp", "/version"]


@pytest.mark.parametrize("value", WRONG["correlation_id"])
def test_a_correlation_that_is_no_uuid_is_read_as_none(value: Any) -> None:
    one, faults = read(correlation_id=value)
    assert one.correlation_id is None
    assert [fault.path for fault in faults] == ["/correlation_id"]
    assert jsontext.dumps(value).decode() in faults[0].message


def test_every_fault_is_listed() -> None:
    assert sorted(faults_of({"event_id": 5, "payload": []})) == [
        "/event_id", "/event_type", "/payload", "/source", "/timestamp",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"5", b'"text"', b"[{}]", b"\xff", b'{"a": NaN}', b"[" * 9999]
)
def test_what_is_no_object(body: bytes) -> None:
    assert faults_of(body) == [""]


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"event_type": "Not A Type"}, ["/event_type"]),
        ({"event_type": ""}, ["/event_type"]),
        ({"event_type": "a." + "b" * 300}, ["/event_type"]),
        ({"version": "1.0.0"}, ["/version"]),
        ({"version": ""}, ["/version"]),
        (
            {"version": "2", "event_type": "x", "timestamp": "2026-02-12T14:02:11"},
            ["/timestamp", "/event_type", "/version"],
        ),
    ],
)
def test_what_is_irregular_is_kept_and_said(fields: dict[str, Any], paths: list[str]) -> None:
    one, faults = read(**fields)
    assert [fault.path for fault in faults] == paths
    assert one.event_id == UUID(ID)


# Drafts


def test_a_draft_is_filled_in() -> None:
    draft = read_draft({"event_type": "a.b", "payload": {}})
    assert draft.event_id.version == 7
    assert (draft.timestamp, draft.version, draft.source, draft.correlation_id) == (None, None, None, None)


def draft_faults(value: Any) -> list[str]:
    with pytest.raises(InvalidEventError) as caught:
        read_draft(value)
    return [fault.path for fault in caught.value.faults]


@pytest.mark.parametrize("name", ["event_type", "payload"])
def test_a_draft_must_say(name: str) -> None:
    assert draft_faults({key: value for key, value in DOCUMENT.items() if key != name}) == [f"/{name}"]


DRAFT_WRONG = {
    **WRONG,
    "event_type": [*WRONG["event_type"], "", "a", "A.b", "a." + "b" * 300],
    "timestamp": [*WRONG["timestamp"], "2026-02-12T14:02:11"],
    "version": [*WRONG["version"], "", "1.0.0", "v0"],
    "causation_id": [5, "", "no-id", [], {}],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, listed in DRAFT_WRONG.items() for value in listed])
def test_a_drafts_field_of_the_wrong_type(name: str, value: Any) -> None:
    assert draft_faults({**DOCUMENT, name: value}) == [f"/{name}"]


@pytest.mark.parametrize("value", [None, 5, "text", [], [DOCUMENT]])
def test_a_draft_is_an_object(value: Any) -> None:
    assert draft_faults(value) == [""]


def test_a_draft_keeps_unknown_fields() -> None:
    draft = read_draft({"event_type": "a.b", "payload": {}, "agent_context": {"a": 1}, "seq": 5})
    assert draft.model_extra == {"agent_context": {"a": 1}, "seq": 5}


# What is kept


def test_unknown_fields_and_large_integers_are_kept() -> None:
    large = int("9" * 30)
    one, _ = read(agent_context={"n": [large, 1.0]}, correlation_ids=[OTHER], payload={"n": large})
    assert one.extra == {"agent_context": {"n": [large, 1.0]}, "correlation_ids": [OTHER]}
    again, _ = read_envelope(one.to_json())
    assert exactly(again.document()) == exactly(one.document())


@given(payloads, st.dictionaries(texts.filter(lambda name: name not in DOCUMENT), values, max_size=4))
def test_an_envelope_comes_back_as_it_was(payload: dict[str, Any], unknown: dict[str, Any]) -> None:
    one, _ = read_envelope(json.dumps({**DOCUMENT, **unknown, "payload": payload}).encode())
    again, faults = read_envelope(one.to_json())
    assert faults == []
    assert exactly(again.document()) == exactly(one.document())
    assert exactly(again.payload) == exactly(payload)
    assert exactly(again.extra) == exactly(unknown)
    assert same_content(one, again)


@pytest.mark.parametrize(
    "name",
    ["extra", "document", "time", "source_name", "model_config", "model_extra", "model_fields", "self", "__class__"],
)
def test_a_foreign_field_may_have_a_name_of_ours(name: str) -> None:
    one, faults = read(**{name: 5})
    assert faults == []
    assert one.extra == {name: 5}
    assert one.document()[name] == 5
    assert one.time == 1_770_904_931_482_000
    assert one.source_name == "tests"


@pytest.mark.parametrize(
    ("source", "name"),
    [({"service": "a", "app": "b"}, "a"), ({"app": "b"}, "b"), ({"service": 5, "app": "b"}, "b"), ({}, "")],
)
def test_who_published(source: dict[str, Any], name: str) -> None:
    assert envelope(source=source).source_name == name


# Same content


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({"timestamp": "2027-01-01T00:00:00Z"}, True),
        ({"source": {"app": "other"}}, True),
        ({"correlation_id": OTHER}, True),
        ({"payload": {"number": 1.0}}, True),
        ({"payload": {"number": 2}}, False),
        ({"payload": {"number": "1"}}, False),
        ({"payload": {"number": True}}, False),
        ({"payload": {"number": 1, "more": None}}, False),
        ({"event_type": "agent.task.failed"}, False),
        ({"version": "v2"}, False),
        ({"agent_context": None}, False),
    ],
)
def test_same_content(fields: dict[str, Any], same: bool) -> None:
    assert same_content(envelope(), envelope(**fields)) is same


@given(payloads, payloads)
def test_same_content_is_canonical_json(one: dict[str, Any], other: dict[str, Any]) -> None:
    alike = jsontext.canonical(one) == jsontext.canonical(other)
    assert same_content(envelope(payload=one), envelope(payload=other)) is alike


# Causes


def test_the_cause_is_who_is_being_handled() -> None:
    assert current_cause() is None
    outer, inner = envelope(correlation_id=OTHER), envelope(event_id=OTHER)
    with handling(outer):
        with contextlib.suppress(KeyError), handling(inner):
            assert current_cause() == (inner.event_id, None, None)
            raise KeyError
        assert current_cause() == (outer.event_id, UUID(OTHER), None)
    assert current_cause() is None


def test_ids_grow() -> None:
    ids = [new_id() for _ in range(2000)]
    assert ids == sorted(set(ids), key=lambda one: one.bytes)
    assert {one.version for one in ids} == {7}


# Stored events


def stored(body: bytes, violations: bytes | None = None) -> StoredEvent:
    one, _ = read_envelope(body)
    correlation = None if one.correlation_id is None else one.correlation_id.bytes
    return StoredEvent(
        7, 1_770_904_931_500_000, one.event_id.bytes, one.event_type, one.source_name, correlation, one.time,
        violations, None, body,
    )  # fmt: skip


def test_a_stored_event_adds_its_fields() -> None:
    event = stored(envelope().to_json(), violations=b'[{"path":"/payload","message":"wrong","keyword":"type"}]')
    document = json.loads(event.to_json())
    assert document == {
        **DOCUMENT,
        "timestamp": "2026-02-12T14:02:11.482000Z",
        "seq": 7,
        "stored_at": "2026-02-12T14:02:11.500000Z",
        "violations": [{"path": "/payload", "message": "wrong", "keyword": "type"}],
    }
    assert event.faults() == [Fault("/payload", "wrong", "type")]
    assert StoredEvent.from_document(document) == event


def test_an_event_that_is_not_known_to_be_stored_has_no_position() -> None:
    event = stored(envelope().to_json())._replace(seq=0)
    document = json.loads(event.to_json())
    assert (document["seq"], document["stored_at"], document["violations"]) == (None, None, [])
    assert StoredEvent.from_document(document) == event._replace(stored_at=0)


nested = st.dictionaries(st.sampled_from([*RESERVED, "other"]), values, max_size=4)


@given(nested, nested)
def test_reserved_names_are_set_aside_and_come_back(payload: dict[str, Any], foreign: dict[str, Any]) -> None:
    event = stored(jsontext.dumps({**envelope(payload=payload).document(), **foreign}))
    document = jsontext.parse(event.to_json())
    assert exactly(document["payload"]) == exactly(payload), "equal names further inside stay untouched"
    aside = {name: value for name, value in foreign.items() if name in RESERVED}
    assert exactly(document.get("extra", {})) == exactly(aside)
    assert (document["seq"], document["violations"]) == (7, [])
    assert document.get("other") == foreign.get("other")
    again = StoredEvent.from_document(document)
    assert again[:-1] == event[:-1]
    assert exactly(again.envelope().document()) == exactly(event.envelope().document())


@pytest.mark.parametrize("spelling", [b'"\\u0073eq"', b'"se\\u0071"', b'"\\u0065xtra"'])
def test_a_reserved_name_may_be_spelled_with_escapes(spelling: bytes) -> None:
    body = envelope().to_json()[:-1] + b"," + spelling + b":5}"
    document = jsontext.parse(stored(body).to_json())
    assert document["seq"] == 7
    assert document["extra"] == {json.loads(spelling): 5}


@pytest.mark.parametrize("space", [b" ", b"\n", b"\r\n\t "])
def test_a_foreign_body_may_end_in_space(space: bytes) -> None:
    document = jsontext.parse(stored(space + envelope().to_json() + space).to_json())
    assert document["seq"] == 7


def test_a_foreign_body_may_leave_fields_out_and_spell_ids_otherwise() -> None:
    body = jsontext.dumps(
        {key: value for key, value in DOCUMENT.items() if key not in ("version", "correlation_id")}
        | {"event_id": f"urn:uuid:{ID.upper()}", "timestamp": "2026-02-12T15:02:11.482+01:00"}
    )
    document = jsontext.parse(stored(body).to_json())
    assert document == {
        **DOCUMENT,
        "timestamp": "2026-02-12T14:02:11.482000Z",
        "seq": 7,
        "stored_at": "2026-02-12T14:02:11.500000Z",
        "violations": [],
    }


def test_a_foreign_timestamp_without_a_zone_comes_back() -> None:
    body = jsontext.dumps({**DOCUMENT, "timestamp": "2026-02-12T14:02:11"})
    event = stored(body, violations=b"[]")
    assert event.envelope().timestamp == datetime(2026, 2, 12, 14, 2, 11, tzinfo=UTC)
    assert json.loads(event.to_json())["timestamp"] == "2026-02-12T14:02:11.000000Z"


@given(payloads)
def test_our_own_form_is_shown_without_being_read(payload: dict[str, Any]) -> None:
    event = stored(envelope(payload=payload).to_json())
    shown = jsontext.parse(event.to_json())
    del shown["seq"], shown["stored_at"], shown["violations"]
    assert exactly(shown) == exactly(envelope(payload=payload).document())
