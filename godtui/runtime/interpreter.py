"""The interpreter as an engine wants it."""

from __future__ import annotations

import gc
import sys
from typing import Final

SWITCH_SECONDS: Final = 0.0005
"""How long one thread may keep the others waiting: with the default of 5 ms, keys and publishes wait visibly."""
YOUNG_OBJECTS: Final = 10_000
"""Objects made between two looks for garbage: a batch of events makes more than the default of 700 at once."""


def tune() -> None:
    """Once everything is loaded: switch threads sooner, and never look through what was loaded for garbage again."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
