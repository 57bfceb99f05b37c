"""The console as a process on a real pseudo-terminal: however it ends, the terminal is left as it was."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

PROGRAM = """
import sys
from godtui.candybar.app import run_console
from tests.candybar.fakes import Engine, event
with Engine([event()]) as engine:
    code = run_console(engine)
sys.exit(code)
"""
LIMIT = 60
ALTERNATE_SCREEN_ON, ALTERNATE_SCREEN_OFF = b"\x1b[?1049h", b"\x1b[?1049l"


class Terminal:
    """A child on a pseudo-terminal; never left running."""

    def __init__(self) -> None:
        self.output = b""
        self.descriptor, child_end = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=child_end,
            stdout=child_end,
            stderr=child_end,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
            start_new_session=True,
        )
        os.close(child_end)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.descriptor)

    def read_until(self, holds: Callable[[], bool]) -> None:
        """Read what the child draws until it holds or the child is gone."""
        deadline = time.monotonic() + LIMIT
        while not holds():
            ready, _, _ = select.select([self.descriptor], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"nothing within {LIMIT} s: {self.output[-500:]!r}"
            try:
                self.output += os.read(self.descriptor, 65_536)
            except OSError:
                return

    def exit_code(self) -> int:
        """Read to the end; the code the child left with, negative for a signal."""
        self.read_until(lambda: False)
        return self.process.wait(LIMIT)


@pytest.mark.parametrize("ending", ["ctrl+q", signal.SIGTERM, signal.SIGHUP], ids=str)
def test_it_ends_with_code_zero_and_gives_the_terminal_back(ending):
    with Terminal() as terminal:
        terminal.read_until(lambda: b"INFRA-42" in terminal.output)
        assert ALTERNATE_SCREEN_ON in terminal.output
        if ending == "ctrl+q":
            os.write(terminal.descriptor, b"\x11")
        else:
            terminal.process.send_signal(ending)
        assert terminal.exit_code() == 0
        assert terminal.output.rindex(ALTERNATE_SCREEN_OFF) > terminal.output.rindex(ALTERNATE_SCREEN_ON)
        assert b"Traceback" not in terminal.output
