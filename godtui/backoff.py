"""Growing pauses between tries."""

from __future__ import annotations

from typing import NamedTuple


class Backoff(NamedTuple):
    """Pauses in seconds, doubling from `first` up to `longest`."""

    first: float
    longest: float

    def pause(self, tries: int) -> float:
        """How long to wait after so many tries in vain, 1 or more."""
        doubled: float = self.first * 2 ** min(tries - 1, 30)
        return min(self.longest, doubled)

    def jittered(self, tries: int, chance: float) -> float:
        """As `pause`, between half of it and all of it by chance (0 to 1), so that many do not come back at once."""
        return self.pause(tries) * (0.5 + chance / 2)
