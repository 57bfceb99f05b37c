"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from pathlib import Path


def described(folder: Path) -> dict[str, str]:
    """The machine by the names of its parts; `folder` is where the data was written."""
    return {
        "cpu": _cpu(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "disk": file_system(folder) or "unknown file system",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def load() -> str:
    """How busy the machine was in the last minute, in processes that wanted to run."""
    return f"{os.getloadavg()[0]:.1f}"


def in_memory(folder: Path) -> bool:
    """Whether a folder is on a file system that never reaches a disk."""
    return file_system(folder) in ("tmpfs", "ramfs")


def file_system(folder: Path) -> str | None:
    """The kind of the file system that holds a folder, None where the platform does not say."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return None
    holding = [(mount[1], mount[2]) for mount in mounts if folder.resolve().is_relative_to(mount[1])]
    return max(holding, key=lambda mount: len(mount[0]))[1] if holding else None


def _cpu() -> str:
    try:
        names = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        names = None
    return names[1] if names else platform.processor() or platform.machine()
