"""The services registry file at the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.processes import headless

BROKEN = [
    (b"services: [a\nb: 2\n", "registry.yaml:2: not YAML"),
    (b"# a list\n- a\n", "registry.yaml:2: a services registry is a YAML mapping"),
    (b"", "registry.yaml:1: a services registry is a YAML mapping"),
    (b"services: {}\nb: \xff\n", "registry.yaml:2: not UTF-8"),
    (b"services: {}\nb: \x01\n", "registry.yaml:2: not YAML"),
    (b"services: !!python/object:os.stat_result {}\n", "registry.yaml:1: not YAML"),
    (b"day: 2026-13-45\n", "does not allow (month must be in 1..12)"),
    (b"[" * 5000, "nested too deeply"),
    (b"plane: {labels: {a: 7}}\n", "registry.yaml: plane.labels.a must be text; put it in quotes"),
    (b"services: {a: {check: {cwd: /}}}\n", "registry.yaml: services.a.check"),
]


@pytest.mark.parametrize(("text", "part"), BROKEN, ids=range(len(BROKEN)))
def test_a_file_that_cannot_be_used(command: Command, home: Path, text: bytes, part: str) -> None:
    (home / "registry.yaml").write_bytes(text)
    for arguments in (("--headless",), ("--headless", "--registry", "registry.yaml")):
        ended = command(*arguments, "--port", "0")
        assert ended.code == 2
        assert part in ended.sentence


def test_all_that_is_wrong_is_said_at_once(command: Command, home: Path) -> None:
    (home / "registry.yaml").write_text("plane: {labels: {a: 7}, states: {b: {name: Todo, group: todo}}}\n")
    ended = command("--headless", "--port", "0")
    assert ended.code == 2
    first, *others = ended.stderr.splitlines()
    assert first.startswith("godtui: ")
    assert len(others) == 1
    assert "plane.states.b.group must be one of" in ended.stderr


def test_a_folder_is_no_file(command: Command, home: Path) -> None:
    (home / "registry.yaml").mkdir()
    assert "Is a directory" in command("--headless", "--port", "0").sentence


def test_after_it_is_mended_all_is_well(command: Command, home: Path) -> None:
    file = home / "registry.yaml"
    file.write_text("services: [")
    assert command("--headless", "--port", "0").code == 2
    file.write_bytes(b"\xef\xbb\xbfunheard: of\nservices: {}\n")
    with headless(home) as process:
        process.started()
        assert process.stop() == 0
