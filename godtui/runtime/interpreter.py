"""The interpreter as an engine wants it."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

SWITCH_SECONDS: Final = 0.0005
"""How long one thread may keep the others waiting: with the default of 5 ms, keys and publishes wait visibly."""
YOUNG_OBJECTS: Final = 10_000
"""Objects made between two looks for garbage: a batch of events makes more than the default of 700 at once."""
LARGE_BYTES: Final = 256 * 1024
"""Memory of this size goes back to the system as soon as it is free: glibc would keep up to 32 MiB for each thread."""
_M_MMAP_THRESHOLD: Final = -3  # malloc.h; whoever sets it keeps glibc from raising it by itself


def tune() -> None:
    """Once everything is loaded: switch threads sooner, never look through what was loaded for garbage again, and give
    back large pieces of memory, where the C library is told that way.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
