"""What a headless godtui takes when nothing happens."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from benchmarks.measure import Figures, Place
from benchmarks.programs import headless


def idle(place: Place) -> Figures:
    """Percent of a core over 20 seconds, and resident memory in MiB after them."""
    with headless(place.folder) as (process, _):
        time.sleep(place.choose(3.0, 0.1))
        before, started = _processor_seconds(process.pid), time.perf_counter()
        time.sleep(place.choose(20.0, 0.3))
        seconds = time.perf_counter() - started
        share = (_processor_seconds(process.pid) - before) / seconds
        return {"processor": 100 * share, "memory": resident(process.pid)}


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int, figure: str = "VmRSS") -> float:
    """MiB of memory that a process has, or with `VmHWM` had at the most."""
    found = re.search(rf"{figure}:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    if found is None:
        raise RuntimeError("the kernel does not say how much memory a process has")
    return int(found[1]) / 1024
