"""Faults of the text itself say where it goes wrong, to whoever asks; and what they quote of it is bounded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from godtui.holyfields import Registry, SchemaFolderError
from godtui.holyfields.generate import RefusedError, generate
from godtui.holyfields.lint import lint

Write = Callable[[dict[str, Any]], Path]

DONE = "agent/task.completed.json"
CASES: dict[str, tuple[bytes, int, int, str]] = {
    "NaN": (b'{"title": "NaN",\n "default": NaN}', 2, 13, "NaN is not JSON"),
    "Infinity": (b'{\n "default": [1, -Infinity]}', 2, 17, "-Infinity is not JSON"),
    "float": (b'{\n "minimum": 1e999999}', 2, 13, "beyond what 64-bit"),
    "integer": (b'{\n "minimum": -' + b"1" * 4301 + b"}", 2, 13, "4301 digits"),
    "byte order mark": (b"\xef\xbb\xbf{}", 1, 1, "byte order mark"),
    "bytes": ('{\n "é": "'.encode() + b'\xff"}', 2, 8, "not UTF-8"),
    "nesting": (b'{"not":\n' * 201 + b"1" + b"}" * 201, 201, 1, "nested deeper than 200"),
    "high surrogate": (b'{\n "title": "\\ud83d\\ude00\\\\ud800\\ud800x"}', 2, 31, "lone surrogate"),
    "low surrogate": (b'{\n "title": "\\udc00"}', 2, 12, "lone surrogate"),
    "two high surrogates": (b'{\n "title": "\\ud800\\ud83d\\ude00"}', 2, 12, "lone surrogate"),
    "pattern": (b'{\n "pattern": "(a"}', 2, 2, "the pattern '(a' cannot be kept, at character 1"),
    "patternProperties": (b'{"patternProperties": {\n "(a": {}}}', 2, 2, "the pattern '(a' cannot be kept"),
}


@pytest.mark.parametrize(("text", "line", "column", "message"), CASES.values(), ids=CASES)
def test_everyone_is_told_the_same_place_and_sentence(
    text: bytes, line: int, column: int, message: str, write: Write, tmp_path: Path
) -> None:
    folder = write({DONE: text})
    with pytest.raises(SchemaFolderError) as loading:
        Registry.load(folder)
    (fault,) = loading.value.faults
    assert (fault.file, fault.line, fault.column) == (DONE, line, column)
    assert message in fault.message
    (found,) = [one for one in lint(folder) if one.code != "description"]
    assert found[:4] == (DONE, line, column, fault.code)
    assert found.message == fault.message
    with pytest.raises(RefusedError) as generating:
        generate(folder, tmp_path / "out", ["python"])
    (refusal,) = generating.value.refusals
    assert (refusal.file, refusal.line, refusal.column, refusal.message) == (DONE, line, column, fault.message)


@pytest.mark.parametrize(
    "schema",
    [{"pattern": "(" + "a" * 5_000}, {"patternProperties": {"(" + "a" * 5_000: {}}}, {"type": "x" * 5_000}],
    ids=["pattern", "patternProperties", "type"],
)
def test_long_texts_of_others_are_quoted_in_part(schema: dict[str, Any], write: Write) -> None:
    folder = write({DONE: schema})
    with pytest.raises(SchemaFolderError) as loading:
        Registry.load(folder)
    assert all(len(str(fault)) < 800 for fault in loading.value.faults)
    assert all(len(found.message) <= 310 for found in lint(folder))
