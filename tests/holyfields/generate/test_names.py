"""Names of what contracts refer to: readable, never two alike, the same every time."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godtui.holyfields.generate.names import definition_words, distinct, key, words

STEPS = st.one_of(
    st.sampled_from(
        ["$defs", "definitions", "properties", "items", "allOf", "task", "taskRef", "task_ref", "2fa", "é"]
    ),
    st.integers(0, 3),
    st.text(max_size=4),
)
PLACES = st.lists(
    st.tuples(
        st.sampled_from(["_shared/task.json", "_shared/task_ref.json", "_other/task.json", "a/b.json", "ü.json"]),
        st.lists(STEPS, max_size=4).map(tuple),
    ),
    unique=True,
    max_size=12,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("task_ref", ("task", "ref")),
        ("taskRef", ("task", "ref")),
        ("HTTPServer", ("http", "server")),
        ("a-b.c d", ("a", "b", "c", "d")),
        ("2fa", ("2", "fa")),
        ("größe", ("groe",)),
        ("$x", ("x",)),
        ("日本", ()),
    ],
)
def test_words(text: str, expected: tuple[str, ...]) -> None:
    assert words(text) == expected


def test_a_definition_is_named_by_its_own_name() -> None:
    assert _keys([("_shared/agents.json", ("$defs", "task_ref"))]) == ["task_ref"]
    assert _keys([("_shared/agents.json", ())]) == ["agents"]
    assert _keys([("_shared/agents.json", ("$defs", "task", "properties", "owner", "items"))]) == ["owner_items"]
    assert _keys([("_shared/agents.json", ("$defs", "task", "allOf", 1))]) == ["task_all_of_1"]


def test_a_root_is_named_by_the_contract() -> None:
    (named,) = distinct([definition_words("a/b.c.v2.json", (), [("a.b.c", "v2")])])
    assert key(named) == "a_b_c_v2"


def test_two_of_a_name_say_where_they_are() -> None:
    places: list[Any] = [("_x/one.json", ("$defs", "time")), ("_x/two.json", ("$defs", "time"))]
    assert _keys(places) == ["one_time", "two_time"]


def test_two_that_cannot_be_told_apart_are_counted() -> None:
    places: list[Any] = [("_x/a.json", ("$defs", "task_ref")), ("_x/a.json", ("$defs", "taskRef"))]
    assert _keys(places) == ["x_a_task_ref_2", "x_a_task_ref_3"]


@given(PLACES)
def test_keys_are_identifiers_and_never_alike(places: list[Any]) -> None:
    keys = _keys(places)
    assert keys == _keys(places)
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z_][a-z0-9_]*", one) for one in keys)


def _keys(places: list[Any]) -> list[str]:
    return [key(one) for one in distinct([definition_words(file, path, []) for file, path in places])]
