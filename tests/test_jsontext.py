"""Strict JSON: everything that is JSON is read as it stands, everything else is refused with a reason."""

from __future__ import annotations

import json
import math
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from godtui import jsontext

texts = st.text(st.characters(exclude_categories=["Cs"]))
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers() | st.integers(-(10**40), 10**40) | floats | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5), max_leaves=25
)


def exactly(value: Any) -> Any:
    """The value with its types, since 1 == 1.0 == True and -0.0 == 0."""
    if isinstance(value, dict):
        return {key: exactly(member) for key, member in value.items()}
    if isinstance(value, list):
        return [exactly(item) for item in value]
    return (type(value), math.copysign(1, value) if isinstance(value, float) else 0, value)


@given(values)
def test_valid_documents_are_read_as_json_reads_them(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(value, indent=2)):
        assert exactly(jsontext.parse(text)) == exactly(json.loads(text)) == exactly(value)
        assert exactly(jsontext.parse(text.encode())) == exactly(value)


spaces = st.text(" \t\n\r", max_size=2)
spelled = st.sampled_from(["1", "1.0", "1e0", "-0", "-0.0", "10.00", "123456789012345678901", '" "', '""', "{}", "[ ]"])


@given(st.lists(st.tuples(st.sampled_from(["a", "ab", "a b", "a  b", ""]), spaces, spelled), max_size=4), spaces)
def test_no_member_is_lost_and_no_number_changed_however_the_text_is_spaced(
    members: list[tuple[str, str, str]], space: str
) -> None:
    text = "{" + ",".join(f'{space}"{name}"{between}:{told}{space}' for name, between, told in members) + "}"
    names = [name for name, _, _ in members]
    if len(set(names)) < len(names):
        with pytest.raises(jsontext.JsonError, match="duplicate key"):
            jsontext.parse(text)
        return
    read = jsontext.read(text.encode())
    assert exactly(read.value) == exactly(json.loads(text))
    assert read.written is None or exactly(json.loads(read.written)) == exactly(read.value)


@given(values)
def test_what_is_written_is_read_back(value: Any) -> None:
    written = jsontext.dumps(value)
    assert exactly(jsontext.parse(written)) == exactly(value)
    assert b"\n" not in written


@given(st.binary(max_size=60) | st.text('[]{}":,0123456789.eE+-\\u tfnaD8d', max_size=60).map(str.encode))
@example(b"[1,]")
@example(b'{"a":1,}')
@example(b"01")
@example(b"+1")
@example(b".5")
@example(b"1.")
@example(b"'a'")
@example(b'"\t"')
def test_nothing_is_read_that_json_refuses(raw: bytes) -> None:
    try:
        value = jsontext.parse(raw)
    except jsontext.JsonError:
        return
    assert exactly(value) == exactly(json.loads(raw.decode()))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "line 1 column 1"),
        (b"{", "line 1 column 2"),
        (b'{"a": 1} x', "Extra data"),
        (b"NaN", "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (b"1e999", "beyond what 64-bit floating point holds"),
        (b"-1e999", "beyond what 64-bit floating point holds"),
        (b"1" * 4301, "4301 digits"),
        (b"-" + b"1" * 4301, "digits"),
        (b'{"a": 1, "a": 1}', 'duplicate key "a"'),
        (b'{"b": [{"a": 1, "\\u0061": 2}]}', 'duplicate key "a"'),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b'"\xed\xa0\x80"', "not UTF-8 at byte 1"),
        ('"\ud800"', "not UTF-8"),
        (b'"\\ud800"', "lone surrogate"),
        (b'{"\\uDFFF": 1}', "lone surrogate"),
        (b'"\\udc00\\ud800"', "lone surrogate"),
        (b'"\\ud83d\\ude00 \\uD83D"', "lone surrogate"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"[" * 100_000, "nested deeper than 200"),
        (b'{"a":' * 100_000, "nested deeper than 200"),
        (b"[" * 201 + b"]" * 201, "nested deeper than 200"),
    ],
)
def test_refused(raw: bytes | str, reason: str) -> None:
    with pytest.raises(jsontext.JsonError, match=reason):
        jsontext.parse(raw)


@pytest.mark.parametrize("raw", [b"1e999", b"1" * 5000])
def test_numbers_out_of_range_are_json_all_the_same(raw: bytes) -> None:
    with pytest.raises(jsontext.NumberRangeError):
        jsontext.parse(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\ud800"', "\\ud800"),
        (b'"\\u0000"', "\0"),
        (b"-0", 0),
        (b"1e400", None),
        (b"5e-400", 0.0),
        (b"1E2", 100.0),
        (b" \t\r\n7 ", 7),
        (b"9" * 4300, int("9" * 4300)),
    ],
)
def test_accepted(raw: bytes, value: Any) -> None:
    if value is None:
        with pytest.raises(jsontext.NumberRangeError):
            jsontext.parse(raw)
    else:
        assert exactly(jsontext.parse(raw)) == exactly(value)


def test_negative_integers_may_be_as_long_as_positive_ones() -> None:
    assert jsontext.parse(b"-" + b"9" * 4300) == -int("9" * 4300)


@given(st.integers(0, 260), st.booleans())
def test_two_hundred_levels_and_no_more(depth: int, objects: bool) -> None:
    raw = b'{"]":' * depth + b"0" + b"}" * depth if objects else b"[" * depth + b'"[[{"' + b"]" * depth
    if depth > 200:
        with pytest.raises(jsontext.JsonError, match="nested deeper than 200 levels"):
            jsontext.parse(raw)
    else:
        jsontext.parse(raw)


def test_many_brackets_are_not_deep() -> None:
    assert jsontext.parse(b"[" + b",".join([b'{"a": ["]"]}'] * 5000) + b"]") == [{"a": ["]"]}] * 5000
    assert jsontext.parse(b'["' + b"[" * 5000 + b'\\""]') == ["[" * 5000 + '"']


def test_integers_of_any_size_survive() -> None:
    document = {"a": 123456789012345678901234567890, "b": [-(2**64)], "c": 2**63, "d": 1.5}
    assert exactly(jsontext.parse(jsontext.dumps(document))) == exactly(document)
    longest = int("9" * 4300)
    assert jsontext.parse(jsontext.dumps([longest])) == [longest]


@given(values, st.randoms())
def test_canonical_forgets_order_spaces_and_spelling(value: Any, chance: Any) -> None:
    def shuffled(one: Any) -> Any:
        if isinstance(one, dict):
            keys = list(one)
            chance.shuffle(keys)
            return {key: shuffled(one[key]) for key in keys}
        if isinstance(one, list):
            return [shuffled(item) for item in one]
        if isinstance(one, float) and one.is_integer():
            return int(one)
        return one

    other = jsontext.parse(json.dumps(shuffled(value), indent=3))
    assert jsontext.canonical(other) == jsontext.canonical(value)


@given(values, values)
def test_canonical_tells_different_values_apart(one: Any, other: Any) -> None:
    def comparable(value: Any) -> Any:
        """Booleans apart from numbers, numbers by their value."""
        if isinstance(value, dict):
            return {key: comparable(member) for key, member in value.items()}
        if isinstance(value, list):
            return [comparable(item) for item in value]
        return (isinstance(value, bool), value)

    assert (jsontext.canonical(one) == jsontext.canonical(other)) == (comparable(one) == comparable(other))


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        ({"b": 1, "a": [1.0, -0.0, 1.5, True, None]}, b'{"a":[1,0,1.5,true,null],"b":1}'),
        ({"é": "\u2028\0"}, '{"é":"\u2028\\u0000"}'.encode()),
        (1e22, b"10000000000000000000000"),
        (10**22, b"10000000000000000000000"),
    ],
)
def test_canonical_form(value: Any, canonical: bytes) -> None:
    assert jsontext.canonical(value) == canonical


def test_what_will_stand_within_another_value_may_be_nested_less() -> None:
    assert jsontext.parse(b'{"[[": [1]}', max_depth=2) == {"[[": [1]}
    with pytest.raises(jsontext.JsonError, match="nested deeper than 1 levels"):
        jsontext.parse(b'{"[[": [1]}', max_depth=1)


def test_a_pointer_escapes() -> None:
    assert jsontext.pointer(["a/b", 0, "~", ""]) == "/a~1b/0/~0/"
    assert jsontext.pointer([]) == ""


@pytest.mark.parametrize("length", [1, 400, 5_000, 1_000_000])
def test_what_is_written_occupies_no_more_than_it_holds(length: int) -> None:
    tracemalloc.start()
    try:
        written = jsontext.dumps({"text": "x" * length})
        occupied, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert occupied < len(written) + 1_000
