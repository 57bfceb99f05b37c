"""The services registry file at the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from godtui.cli.estate import check_registry
from godtui.cli.failures import WrongUsageError
from godtui.cli.options import Given
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
]


@pytest.mark.parametrize(("text", "part"), BROKEN, ids=range(len(BROKEN)))
def test_a_file_that_is_no_mapping(command: Command, home: Path, text: bytes, part: str) -> None:
    (home / "registry.yaml").write_bytes(text)
    for arguments in (("--headless",), ("--headless", "--registry", "registry.yaml")):
        ended = command(*arguments)
        assert ended.code == 2
        assert part in ended.sentence
    with pytest.raises(WrongUsageError):
        check_registry(Given().settings())


def test_a_folder_is_no_file(command: Command, home: Path) -> None:
    (home / "registry.yaml").mkdir()
    assert "Is a directory" in command("--headless").sentence


def test_what_stands_in_it_is_not_judged(home: Path) -> None:
    (home / "registry.yaml").write_bytes(b"\xef\xbb\xbfunheard: of\nservices: {}\n")
    with headless(home) as process:
        process.started()
        assert process.stop() == 0
