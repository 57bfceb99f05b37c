"""Prose of contracts stays prose in generated Python, whatever it holds."""

from __future__ import annotations

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from godtui.holyfields.generate.python.identifiers import class_name
from godtui.holyfields.generate.python.layout import docstring, literal, text

HOSTILE = st.text(st.sampled_from('"\\\n\t\r \u2028\x00{}$a') | st.characters(exclude_categories=["Cs"]), max_size=200)


@given(HOSTILE)
@example('"""')
@example('""""" x """"')
@example('\\"')
@example('"' * 6 + "\nimport os")
def test_a_description_is_one_docstring(words: str) -> None:
    (statement,) = ast.parse("\n".join(docstring(words, depth=0))).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Constant)
    said = "".join(one if one.isprintable() else " " for one in words)
    assert statement.value.value.split() == said.split()


@given(HOSTILE)
def test_a_text_is_itself(value: str) -> None:
    assert ast.literal_eval(text(value)) == value
    assert isinstance(literal(value), str) == (len(value) <= 60)


@pytest.mark.parametrize(
    ("parts", "name"), [(["i"], "IModel"), (["O"], "OModel"), (["none"], "NoneModel"), ([], "Model")]
)
def test_classes_that_linters_and_python_take(parts: list[str], name: str) -> None:
    assert class_name(parts, ()) == name
