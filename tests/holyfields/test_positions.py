"""Faults point at the place in the text."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from godtui.holyfields.positions import Position, duplicate, locate, positions

TEXT = """{
  "a": [1, {"b\\"c": "x, ]}"}, []],
  "d": {},  "e": null
}
"""


def test_locates_members_at_their_names_and_items_at_their_beginning() -> None:
    assert locate(TEXT, ()) == Position(1, 1)
    assert locate(TEXT, ("a",)) == Position(2, 3)
    assert locate(TEXT, ("a", 0)) == Position(2, 9)
    assert locate(TEXT, ("a", 1)) == Position(2, 12)
    assert locate(TEXT, ("a", 1, 'b"c')) == Position(2, 13)
    assert locate(TEXT, ("a", 2)) == Position(2, 31)
    assert locate(TEXT, ("d",)) == Position(3, 3)
    assert locate(TEXT, ("e",)) == Position(3, 13)


def test_finds_nothing_where_there_is_nothing() -> None:
    assert locate(TEXT, ("z",)) is None
    assert locate(TEXT, ("a", 3)) is None
    assert duplicate(TEXT) is None


def test_finds_the_second_of_two_members() -> None:
    assert duplicate('{"a": {"b": 1,\n "b": 2}}') == (("a", "b"), Position(2, 2))
    assert duplicate('{"a": 1, "\\u0061": 2, broken') == (("a",), Position(1, 10))


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path of a document, in reading order."""
    found = [path]
    if isinstance(value, dict):
        for key, member in value.items():
            found += paths(member, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += paths(item, (*path, index))
    return found


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
        max_leaves=12,
    ),
    st.sampled_from([None, 1]),
)
def test_every_place_of_a_document_is_found_in_order(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    places = [locate(text, path) for path in paths(value)]
    assert None not in places
    ordered = [place for place in places if place is not None]
    assert ordered == sorted(ordered)
    assert len(set(ordered)) == len(ordered)


@given(st.text(alphabet='{}[],:"\\ a1\n'))
def test_broken_text_is_no_trouble(text: str) -> None:
    duplicate(text)
    assert locate(text, ("not", "there")) is None


def test_all_places_at_once_are_those_found_one_by_one() -> None:
    text = '\n{"a": [1,\n {"b": "x\\n{"}, []],\r\n "é": {"a/b": null, "a/b": 2}}\n'
    found = positions(text)
    assert found[()] == (2, 1)
    assert found["a", 1, "b"] == (3, 3)
    assert len(found) == 8
    assert all(locate(text, path) == place for path, place in found.items())
