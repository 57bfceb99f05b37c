"""Commands in this process for speed, and in their own where that matters."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from godtui.cli.program import main
from tests.processes import Process, headless


class Ended(NamedTuple):
    """How a command ended and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def sentence(self) -> str:
        """The one sentence of a failure."""
        lines = self.stderr.splitlines()
        assert len(lines) == 1, self.stderr
        assert lines[0].startswith("godtui: ")
        assert "Traceback" not in self.stderr
        return lines[0].removeprefix("godtui: ")


Command = Callable[..., Ended]


@pytest.fixture
def home() -> Iterator[Path]:
    """A home of its own, whose path is short enough for a Unix socket in it."""
    with tempfile.TemporaryDirectory(prefix="g") as path:
        yield Path(path)


@pytest.fixture
def command(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs `godtui ARGUMENTS` here, its data in `home`/data unless they say otherwise."""
    for name in list(os.environ):
        if name.startswith(("GODTUI_", "INFRA_", "OPENCLAW_", "PLANE_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GODTUI_DATA_DIR", str(home / "data"))
    monkeypatch.chdir(home)

    def run(*arguments: str, stdin: bytes = b"") -> Ended:
        source = home / "stdin"
        source.write_bytes(stdin)
        with source.open("rb") as raw:
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(raw))
            code = main(list(arguments))
        said = capfd.readouterr()
        return Ended(code, said.out, said.err)

    return run


@pytest.fixture(scope="session")
def live_home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="g") as path:
        yield Path(path)


@pytest.fixture(scope="session")
def live(live_home: Path) -> Iterator[Process]:
    """One instance for all tests that only need one to be there."""
    with headless(live_home) as process:
        process.started()
        yield process
        assert process.stop() == 0
