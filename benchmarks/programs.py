"""godtui and others as processes: started as a user starts them, knowing nothing of this machine's settings, ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Final

from godtui.eventlog import read_note

ROOT: Final = Path(__file__).parents[1]
START_SECONDS: Final = 60.0
END_SECONDS: Final = 15.0
_OURS: Final = ("GODTUI_", "OPENCLAW_", "INFRA_", "PLANE_", "TEXTUAL", "XDG_", "NO_COLOR", "COLUMNS", "LINES")


def script(name: str) -> list[str]:
    """The command for a module of these benchmarks."""
    return [sys.executable, "-m", f"benchmarks.{name}"]


def godtui(data: Path, *arguments: str) -> list[str]:
    """The command for a godtui of its own data directory, on a free port."""
    return [sys.executable, "-m", "godtui", "--data-dir", str(data), "--port", "0", *arguments]


def environment(home: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a process may know: these benchmarks, a home of its own, a terminal that can do what most can, and these."""
    # An installed program is compiled once, not at every start.
    left_out = (*_OURS, "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    return {**kept, **terminal, "HOME": str(home), "PYTHONPATH": str(ROOT), **(settings or {})}


@contextmanager
def headless(home: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A running `godtui --headless` with these environment variables, and the address it listens on."""
    data = home / "data"
    with running(godtui(data, "--headless"), home, settings) as process:
        yield process, address_of(data, process)


@contextmanager
def running(
    command: list[str], home: Path, settings: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process without a terminal, whose stdout can be read and whose stdin can be closed."""
    with (home / "stderr").open("ab") as stderr:
        process = subprocess.Popen(
            command, cwd=home, env=environment(home, settings), stdin=PIPE, stdout=PIPE, stderr=stderr
        )
    try:
        yield process
    finally:
        end(process)


def address_of(data: Path, process: subprocess.Popen[bytes]) -> str:
    """The URL of the godtui that owns a data directory, as soon as it listens."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        url = read_note(data).get("url")
        if isinstance(url, str):
            return url
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with exit code {process.returncode} before it listened")
        time.sleep(0.01)
    raise RuntimeError(f"{process.args!r} did not listen within {START_SECONDS:.0f} s")


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and insist after a while."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
