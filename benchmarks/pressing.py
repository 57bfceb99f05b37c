"""From key to repaint in a pseudo-terminal, while 10,000 events a second go through the same process."""

from __future__ import annotations

import itertools
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.keepalive import Connection, request
from benchmarks.loads import percentile
from benchmarks.measure import Figures, Place
from benchmarks.programs import address_of, godtui, running, script
from benchmarks.terminal import Terminal, Until, nothing

RATE: Final = 10_000
CYCLE: Final = (b"k", b"k", b"j", b"G")
"""Off the moving tail, on the rows held still, and back to the tail: every key moves the cursor to another line."""
START_SECONDS: Final = 60.0
ANSWER_SECONDS: Final = 10.0
UNANSWERED: Final = 3
PAUSE_SECONDS: Final = (0.02, 0.08)

_MOVE_OR_CURSOR: Final = re.compile(rb"\x1b\[(\d+);\d+H|(\n)|\xe2\x96\x8c")
_LONGEST_SEQUENCE: Final = 64


def keys(place: Place) -> Figures:
    """Milliseconds from key to the changed row's arrival, and the events a second that were stored meanwhile."""
    data = place.folder / "data"
    cycles = place.choose(50, 2)
    with Terminal(godtui(data), place.folder) as terminal:
        if terminal.read_until(Until("bus embedded"), START_SECONDS) is None:
            raise RuntimeError(f"the console was not there within {START_SECONDS:.0f} s")
        url = address_of(data, terminal.process)
        with _load(url, place.folder):
            _settle(terminal, url, place)
            before, started = _last_seq(url), time.perf_counter()
            delays = [1000 * delay for delay in _delays(terminal, cycles)]
            rate = (_last_seq(url) - before) / (time.perf_counter() - started)
    moving = [delay for delay, key in zip(delays, itertools.cycle((True, False, False, True))) if key]
    return {
        "p50": percentile(delays, 50),
        "p99": percentile(delays, 99),
        "longest": max(delays),
        "p50_moving": percentile(moving, 50),
        "p99_moving": percentile(moving, 99),
        "rate": rate,
    }


class CursorLine:
    """Takes what is written until the list's cursor stands on another line of the terminal."""

    def __init__(self) -> None:
        self._line = 0
        self._cursor = 0
        self._rest = b""

    def __call__(self, written: bytes) -> bool:
        before = self._cursor
        text = self._rest + written
        understood = 0
        for match in _MOVE_OR_CURSOR.finditer(text):
            understood = match.end()
            if match[1]:
                self._line = int(match[1])
            elif match[2]:
                self._line += 1
            else:
                self._cursor = self._line
        self._rest = text[max(understood, len(text) - _LONGEST_SEQUENCE) :]
        return self._cursor != before


def _last_seq(url: str) -> int:
    """How many events the engine says that it has stored; on a new connection, for it closes those that idle."""
    connection = Connection(url)
    try:
        last: int = connection.ask(request("GET", "/health"))["components"]["store"]["last_seq"]
    finally:
        connection.close()
    return last


@contextmanager
def _load(url: str, home: Path) -> Iterator[None]:
    """Events from another process. Raises RuntimeError where it ended before its time."""
    with running([*script("load"), url, str(RATE)], home) as process:
        yield
        if process.poll() is not None:
            raise RuntimeError(f"the load ended with exit code {process.returncode}")


def _settle(terminal: Terminal, url: str, place: Place) -> None:
    """Wait until events flow, and then for all that happens only once."""
    until = time.monotonic() + START_SECONDS
    while _last_seq(url) < place.choose(RATE, 100):
        if time.monotonic() > until:
            raise RuntimeError(f"hardly any events were stored within {START_SECONDS:.0f} s")
        terminal.read_until(nothing, 0.05)
    terminal.read_until(nothing, place.choose(2.0, 0.2))


def _delays(terminal: Terminal, cycles: int) -> Iterator[float]:
    """Seconds from each key to its effect; one without counts as long as was waited, three in a row are an error.

    A key has no effect that can be seen where the list itself moves by a line at the same moment, for a banner's sake.
    """
    chance = random.Random(1)
    cursor = CursorLine()
    unanswered = 0
    for key in CYCLE * cycles:
        terminal.read_until(lambda written: cursor(written) and False, chance.uniform(*PAUSE_SECONDS))
        pressed = terminal.press(key)
        seen = terminal.read_until(cursor, ANSWER_SECONDS)
        unanswered = 0 if seen else unanswered + 1
        if unanswered == UNANSWERED:
            raise RuntimeError(f"{UNANSWERED} keys in a row had no effect within {ANSWER_SECONDS:.0f} s each")
        yield seen - pressed if seen else ANSWER_SECONDS
