"""The payload in one line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godtui.candybar import preview as module
from godtui.candybar.plaintext import plain
from godtui.candybar.preview import preview
from tests.candybar.fakes import event

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def shown(payload: dict[str, object], characters: int = 400) -> str:
    pairs = preview(event(payload=payload).body, characters)
    return " ".join(f"{pair.name}={pair.value}" for pair in pairs)


@pytest.mark.parametrize(
    ("payload", "line"),
    [
        ({"task": "INFRA-42", "duration_ms": 1240, "outcome": "ok"}, "task=INFRA-42 duration_ms=1240 outcome=ok"),
        ({"error": "checks did not pass"}, 'error="checks did not pass"'),
        ({"a": {"b": {"c": True}}, "d": None}, "a.b.c=true d=null"),
        ({"labels": ["ready", "automation:go"]}, "labels=[ready, automation:go]"),
        ({"many": list(range(20))}, "many=[0, 1, 2, 3, 4, 5, …]"),
        ({"deep": [[1], {"a": 1}, 2]}, "deep=[[…], {…}, 2]"),
        ({"big": 123456789012345678901234567890}, "big=123456789012345678901234567890"),
        ({"text": "a\nb \x1b[0m [red]"}, 'text="a␊b ␛[0m [red]"'),
        ({"": ""}, '=""'),
        ({"payload": {"payload": 1}}, "payload.payload=1"),
        ({}, ""),
    ],
)
def test_members_are_shown_in_order(payload, line):
    assert shown(payload) == line


def test_the_payload_is_found_whatever_stands_before_it():
    document = {
        "payload_": 1,
        "source": {"payload": {"no": 1}},
        "list": ["payload", {"payload": {"no": 2}}],
        "text": '"payload":{"no":3}',
        "payload": {"yes": 4},
    }
    assert preview(json.dumps(document).encode(), 100) == [("yes", "4")]


def test_no_more_is_read_than_is_shown(monkeypatch):
    seen = []
    tokens = module._tokens
    monkeypatch.setattr(module, "_tokens", lambda *args: (seen.append(one) or one for one in tokens(*args)))
    pairs = preview(event(payload={f"k{number}": number for number in range(50_000)}).body, 100)
    assert sum(len(pair.name) + len(pair.value) for pair in pairs) < 200
    assert len(seen) < 100


def test_a_long_value_and_a_cut_escape_stay_harmless():
    line = shown({"a": "x" * 119 + '\\"\n' * 40_000})
    assert len(line) < 200
    assert line.startswith("a=xxx")


def test_reading_ends_where_the_payload_is_too_far_away():
    body = json.dumps({"before": list(range(100_000)), "payload": {"a": 1}}).encode()
    assert preview(body, 100) == []


@given(JSON, st.integers(1, 200))
def test_any_payload_gives_harmless_pairs(value, characters):
    for pair in preview(event(payload={"value": value}).body, characters):
        assert plain(pair.name) == pair.name
        assert plain(pair.value) == pair.value


@given(st.binary(max_size=200))
def test_bytes_that_are_no_envelope_give_no_error(body):
    preview(body, 100)
