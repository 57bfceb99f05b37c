"""`godtui registry check`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Command

WRONG = 'future: 1\nservices:\n  "a%,:\\e[2J": {produces: [worktree.creatd]}\n'


def test_the_shipped_registry_passes(command: Command) -> None:
    assert command("registry", "check") == (0, "", "")


def test_findings_are_listed_and_fail(command: Command, home: Path) -> None:
    (home / "registry.yaml").write_text(WRONG)
    warned = "registry.yaml:1:1 unknown-key"
    ended = command("registry", "check")
    first, second = ended.stdout.splitlines()
    assert (ended.code, ended.stderr) == (1, "")
    assert warned in first
    assert first.endswith("(a warning)")
    assert 'registry.yaml:3:28 no-schema "worktree.creatd" has no schema; did you mean worktree.created?' in second
    (home / "registry.yaml").rename(home / "other.yaml")
    assert command("registry", "check").code == 0
    assert command("registry", "check", "other.yaml").stdout.splitlines()[0].startswith("other.yaml:1:1 ")


def test_warnings_fail_nothing(command: Command, home: Path) -> None:
    (home / "registry.yaml").write_text("future: 1\nservices: {a: {more: [1]}}\n")
    ended = command("registry", "check")
    assert (ended.code, len(ended.stdout.splitlines())) == (0, 2)


def test_findings_as_json(command: Command, home: Path) -> None:
    (home / "registry.yaml").write_text(WRONG)
    ended = command("registry", "check", "registry.yaml", "--json")
    assert ended.code == 1
    _, finding = json.loads(ended.stdout)["findings"]
    assert finding == {
        "file": "registry.yaml",
        "line": 3,
        "column": 28,
        "rule": "no-schema",
        "severity": "error",
        "pointer": "/services/a%,:\x1b[2J/produces/0",
        "message": finding["message"],
    }


def test_findings_as_annotations(command: Command, home: Path) -> None:
    text = WRONG.replace("worktree.creatd", '"%,:\\n::error::"')
    (home / "a,b.yaml").write_text(text)
    first, second = command("registry", "check", "a,b.yaml", "--format", "github").stdout.splitlines()
    assert first.startswith("::warning file=a%2Cb.yaml,line=1,col=1,title=unknown-key::the key")
    assert second.startswith('::error file=a%2Cb.yaml,line=3,col=28,title=bad-pattern::"%25,:\\n::error::" is no')


def test_other_contracts_count(command: Command, home: Path) -> None:
    (home / "contracts" / "worktree").mkdir(parents=True)
    (home / "contracts" / "worktree" / "creatd.json").write_text("{}")
    (home / "registry.yaml").write_text(WRONG.removeprefix("future: 1\n"))
    assert command("registry", "check", "--schemas", "contracts") == (0, "", "")


def test_what_cannot_be_read_is_a_finding(command: Command, home: Path) -> None:
    (home / "registry.yaml").write_text("services: [a\nb: 2\n")
    ended = command("registry", "check")
    assert (ended.code, ended.stderr) == (1, "")
    assert "registry.yaml:2:1 unreadable not YAML" in ended.stdout


def test_what_is_not_there_is_wrong_usage(command: Command, home: Path) -> None:
    ended = command("registry", "check", "nowhere.yaml")
    assert (ended.code, ended.sentence) == (2, "nowhere.yaml is not a file; name a services registry")
    assert command("registry", "check", "--schemas", "nowhere").code == 2
