"""The command: its three forms, its exit codes, and the document that lists what it finds."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from godtui.cli.ending import run
from godtui.cli.holyfields import holyfields
from godtui.holyfields.lint import FAULTS, STYLE, lint

Write = Callable[[dict[str, Any]], Path]
Capture = pytest.CaptureFixture[str]

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "holyfields-lint.md").read_text(encoding="utf-8")
FILES = {"agent/task.complete.json": '{\n  "description": "It was done.",\n  "properties": {"aB": {"const": 1}}\n}'}


def command(*arguments: str) -> int:
    """Run it; its exit code."""
    return run(holyfields, "holyfields", ["lint", *arguments])


def test_findings_are_lines_with_their_places(write: Write, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(FILES)
    monkeypatch.chdir(root.parent)
    assert command() == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith('schemas/agent/task.complete.json:1:1 tense "complete" in agent.task.complete is not ')
    assert first.endswith("say what happened: agent.task.completed")
    assert second == 'schemas/agent/task.complete.json:3:18 case "aB" is not in snake_case; write a_b'


@pytest.mark.parametrize("form", [("--json",), ("--format", "json"), ("--json", "--format", "json")])
def test_findings_are_json(write: Write, capsys: Capture, form: tuple[str, ...]) -> None:
    assert command("--schemas", str(write(FILES)), *form) == 1
    first, second = json.loads(capsys.readouterr().out)["findings"]
    assert first["rule"] == "tense"
    assert second == {
        "file": "agent/task.complete.json",
        "rule": "case",
        "pointer": "/properties/aB",
        "message": '"aB" is not in snake_case; write a_b',
        "line": 3,
        "column": 18,
    }


def test_findings_are_annotations_that_cannot_be_broken_out_of(write: Write, capsys: Capture) -> None:
    evil = {"x,y:z%.json": {"properties": {"a\n::error::b%": {"description": "It."}}}, "_s.json": {}, **FILES}
    assert (
        command(
            "--schemas", str(write({"_": "", **{f"_{name}": one for name, one in evil.items()}})), "--format", "github"
        )
        == 1
    )
    lines = capsys.readouterr().out.splitlines()
    assert all(
        re.fullmatch(r"::error file=[^,:]+,line=\d+,col=\d+,title=holyfields [a-z-]+::.*", line) for line in lines
    )
    (odd,) = (line for line in lines if "x%2Cy%3Az%25.json" in line)
    assert "%0A::error::b%25" in odd


def test_a_control_character_does_not_reach_the_terminal(write: Write, capsys: Capture) -> None:
    assert (
        command("--schemas", str(write({"_s.json": {"properties": {"\x1b[31m": {"description": "It."}}}, **FILES})))
        == 1
    )
    assert "\x1b" not in capsys.readouterr().out


def test_without_findings_nothing_is_said(write: Write, capsys: Capture) -> None:
    root = write({"agent/task.completed.json": {"description": "It was done."}})
    assert command("--schemas", str(root)) == 0
    assert capsys.readouterr().out == ""
    assert command("--schemas", str(root), "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"findings": []}


@pytest.mark.parametrize(
    "arguments", [("--format", "xml"), ("--json", "--format", "github"), ("--schemas", "/no/such/folder"), ("more",)]
)
def test_wrong_usage_is_said_in_one_sentence(capsys: Capture, arguments: tuple[str, ...]) -> None:
    assert command(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("holyfields: ")
    assert "Traceback" not in printed.err


def test_the_shipped_schemas_have_no_findings() -> None:
    assert lint(ROOT / "schemas") == []


def test_the_document_lists_every_code_with_what_it_means() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.+) \|$", TEXT, re.MULTILINE)
    assert {code: meaning for code, meaning, _ in rows} == {**FAULTS, **STYLE}
    assert [code for code, _, _ in rows] == [*FAULTS, *STYLE]
    assert all(example.strip() for _, _, example in rows)
