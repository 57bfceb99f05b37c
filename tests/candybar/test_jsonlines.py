"""JSON text as indented lines, a few at a time."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godtui.candybar.jsonlines import JsonLines
from tests.candybar.test_preview import JSON


def lines_of(text: str, marks: tuple[str, ...] = (), step: int = 1_000_000) -> list[str]:
    lines = JsonLines(text, marks)
    while not lines.done:
        lines.build(step)
    return [drawn(lines, index) for index in range(len(lines))]


def drawn(lines: JsonLines, index: int) -> str:
    line = lines.line(index)
    key = "" if line.key is None else lines.text[slice(*line.key)] + ": "
    return (
        "  " * line.depth
        + key
        + lines.text[slice(*line.value)]
        + ("," if line.comma else "")
        + (" <" if line.marked else "")
    )


@given(JSON, st.integers(1, 7), st.sampled_from([None, (",", ":"), (" ,\n", "\t: ")]))
def test_lines_are_those_of_indented_json(value, step, separators):
    text = json.dumps(value, separators=separators)
    assert lines_of(text, step=step) == json.dumps(value, indent=2).split("\n")


def test_numbers_keep_every_digit():
    digits = "1" + "0" * 60
    assert lines_of(f'{{"n":{digits},"f":1.10}}') == ["{", f'  "n": {digits},', '  "f": 1.10', "}"]


@pytest.mark.parametrize(
    ("mark", "line"),
    [
        ("/payload/task", '    "task": 7, <'),
        ("/payload/list/1", "      2 <"),
        ("/payload/list", '    "list": [ <'),
        ("/payload/a~1b~0c", '    "a/b~c": {} <'),
        ("/payload", '  "payload": { <'),
    ],
)
def test_the_line_that_a_pointer_names_is_marked(mark, line):
    text = json.dumps({"other": {"task": 1}, "payload": {"task": 7, "list": [1, 2], "a/b~c": {}}})
    marked = [one for one in lines_of(text, (mark,)) if one.endswith("<")]
    assert marked == [line]


def test_a_pointer_to_nothing_marks_nothing():
    assert not any(line.endswith("<") for line in lines_of('{"payload":{"a":[1]}}', ("/payload/b", "/payload/a/1")))


def test_a_long_text_is_read_in_steps():
    lines = JsonLines(json.dumps(list(range(1000))))
    lines.build(10)
    assert 0 < len(lines) <= 10
    assert 0 < lines.progress < 0.1
    assert not lines.done
    lines.build(10_000)
    assert lines.done
    assert lines.progress == 1


@given(st.text(alphabet='{}[]:,"\\ 1a', max_size=40))
def test_text_that_is_no_json_gives_lines_all_the_same(text):
    lines_of(text, ("/a",))
