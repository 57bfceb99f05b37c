"""From start to first paint in a pseudo-terminal, against a bare Textual application in the same terminal."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.measure import Figures, Place
from benchmarks.programs import godtui, script
from benchmarks.terminal import Terminal, Until

Command = Callable[[Path], list[str]]
PAINT_SECONDS = 60.0


def console(place: Place) -> Figures:
    """Milliseconds until godtui's console stands there down to its last line, on a new data directory."""
    return _painted(place, lambda home: godtui(home / "data"), "bus embedded")


def bare(place: Place) -> Figures:
    """Milliseconds until a bare application shows its one text."""
    return _painted(place, lambda _: script("bare_app"), "a bare application")


def _painted(place: Place, command: Command, text: str) -> Figures:
    """The median of three starts; one before them has the code compiled and in memory."""
    if not place.quick:
        _start(command, text, place.folder)
    return {"time": 1000 * median(_start(command, text, place.folder) for _ in range(place.choose(3, 1)))}


def _start(command: Command, text: str, folder: Path) -> float:
    home = Path(tempfile.mkdtemp(dir=folder))
    with Terminal(command(home), home) as terminal:
        painted = terminal.read_until(Until(text), PAINT_SECONDS)
        if painted is None:
            raise RuntimeError(f"{text!r} was not painted within {PAINT_SECONDS:.0f} s")
        return painted - terminal.started
