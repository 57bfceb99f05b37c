"""How many events a second, from slots of ten seconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from godtui.candystore.tallies.tables import MINUTE, SLOT

MICROSECONDS: Final = 1_000_000
WINDOWS: Final = (MINUTE, 5 * MINUTE)


def rates(slots: Iterable[tuple[int, int]], now: int) -> tuple[float, float]:
    """Events a second over the last minute and the last five, of slots' beginnings (s) and numbers; `now` in µs.

    Of the slot in which a window begins, the share is counted that lies in the window.
    """
    sums = [0.0, 0.0]
    for start, number in slots:
        if start * MICROSECONDS > now:
            continue
        for place, window in enumerate(WINDOWS):
            within = (start + SLOT) - (now / MICROSECONDS - window)
            sums[place] += number * min(1.0, max(0.0, within / SLOT))
    return round(sums[0] / WINDOWS[0], 3), round(sums[1] / WINDOWS[1], 3)
