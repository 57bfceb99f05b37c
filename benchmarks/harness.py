"""Runs baseline and subject in turn, each in a process of its own, so that neither warms nor disturbs the other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.machine import in_memory
from benchmarks.measure import Figures, Place
from benchmarks.rows import Benchmark, Run

LONGEST_SECONDS = 900.0
ENDING_SECONDS = 20.0
ROOT = Path(__file__).parents[1]


class MeasureError(Exception):
    """A measurement could not be made; the message says which, and how it ended."""


class Preparations:
    """What benchmarks need before their first run, made once for all that name the same preparation."""

    def __init__(self, scratch: Path, *, quick: bool) -> None:
        self._scratch = scratch
        self._quick = quick
        self._made: dict[str, Path] = {}

    def __call__(self, benchmark: Benchmark) -> Path:
        """The folder in which it is; an empty one where nothing is needed. Raises MeasureError."""
        if benchmark.prepare is None:
            return Path(tempfile.mkdtemp(dir=self._scratch))
        if benchmark.prepare not in self._made:
            folder = Path(tempfile.mkdtemp(dir=self._scratch))
            _measure(benchmark.prepare, Place(folder, folder, self._quick))
            self._made[benchmark.prepare] = folder
        return self._made[benchmark.prepare]


def run(
    benchmark: Benchmark, runs: int, scratch: Path, prepared: Path, *, quick: bool, tell: Callable[[Run], None]
) -> list[Run]:
    """All runs of a benchmark. Raises MeasureError."""
    found = []
    for number in range(runs):
        found.append(_run_once(benchmark, number, scratch, prepared, quick))
        tell(found[-1])
    return found


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder on a disk, removed afterwards: where TMPDIR says, else where the system keeps temporary files."""
    parent = Path(tempfile.gettempdir())
    if in_memory(parent):
        if "TMPDIR" in os.environ:
            raise MeasureError(f"{parent} is in memory; set TMPDIR to a folder on a disk")
        parent = Path("/var/tmp")
    with tempfile.TemporaryDirectory(prefix="godtui-", dir=parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _run_once(benchmark: Benchmark, number: int, scratch: Path, prepared: Path, quick: bool) -> Run:
    """One run; which of the two goes first changes from run to run."""
    figures: dict[str, Figures] = {}
    targets = [target for target in (benchmark.baseline, benchmark.subject) if target is not None]
    for target in reversed(targets) if number % 2 else targets:
        with _folder(scratch) as folder:
            figures[target] = _measure(target, Place(folder, prepared, quick))
    return Run(figures[benchmark.subject], figures[benchmark.baseline] if benchmark.baseline else {})


@contextmanager
def _folder(scratch: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=scratch))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(target: str, place: Place) -> Figures:
    command = [sys.executable, "-m", "benchmarks.measure", target, place.to_json()]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            output, _ = process.communicate(timeout=LONGEST_SECONDS)
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        raise MeasureError(f"{target} ended with exit code {process.returncode}")
    figures: Figures = json.loads(output.splitlines()[-1])
    return figures


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
