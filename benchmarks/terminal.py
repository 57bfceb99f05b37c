"""A program in a pseudo-terminal: what it writes, and when."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.programs import END_SECONDS, end, environment

COLUMNS: Final = 120
LINES: Final = 40
READ_BYTES: Final = 65_536
_CONTROL: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_=>78]|[()].)")

Take = Callable[[bytes], bool]


class Terminal:
    """Runs a command in a terminal of 120 columns by 40 lines; leaving it ends the command."""

    def __init__(self, command: list[str], home: Path) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command, cwd=home, env=environment(home), stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)

    def press(self, key: bytes) -> float:
        """Press a key; the moment it was pressed."""
        moment = time.perf_counter()
        os.write(self._master, key)
        return moment

    def read_until(self, take: Take, seconds: float) -> float | None:
        """Hand over what the program writes until `take` says that it is enough.

        The moment that was read, or None where it did not come in time. Raises RuntimeError where the program ended.
        """
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            if select.select([self._master], [], [], left)[0]:
                written = self._read()
                moment = time.perf_counter()
                if take(written):
                    return moment
        return None

    def _read(self) -> bytes:
        try:
            written = os.read(self._master, READ_BYTES)
        except OSError:
            written = b""
        if not written:
            raise RuntimeError(f"{self.process.args!r} ended in its terminal")
        return written

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        # What it still writes must find room, or it never ends.
        with contextlib.suppress(RuntimeError):
            self.read_until(nothing, END_SECONDS)
        end(self.process)
        os.close(self._master)


class Until:
    """Takes what is written until a text stands in it, whatever colours it has."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()
        self._written = b""

    def __call__(self, written: bytes) -> bool:
        self._written += written
        return self._text in _CONTROL.sub(b"", self._written)


def nothing(_written: bytes) -> bool:
    """Takes everything and never has enough."""
    return False
