"""Whether the clock can be believed: an age that a wrong clock gives must not cost what is stored."""

from __future__ import annotations

from typing import Final

from godtui.clock import Clock

HOUR: Final = 3_600.0
JUMP_SECONDS: Final = HOUR
"""Further than this no clock is set by who keeps it right."""
AWAY_SECONDS: Final = 7 * 86_400.0
"""So long after the newest stored event a start is no surprise."""
HOLD_SECONDS: Final = HOUR
"""For so long nothing is cut by its age after the clock jumped: time to set it right."""

_MICROSECONDS: Final = 1_000_000


class Trust:
    """Watches the wall clock beside the monotonic one. Once it jumped ahead it is doubted for an hour."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: tuple[int, float] | None = None
        self._doubted_until = 0.0
        self._ahead = 0.0

    def look(self, newest: int | None) -> None:
        """See what time it is; `newest` is when (µs) the newest event was stored, which counts at the first look."""
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        if self._seen is not None:
            expected, allowed = self._seen[0] + (monotonic - self._seen[1]) * _MICROSECONDS, JUMP_SECONDS
        else:
            expected, allowed = wall if newest is None else newest, AWAY_SECONDS
        ahead = (wall - expected) / _MICROSECONDS
        if ahead > allowed:
            self._ahead, self._doubted_until = ahead, monotonic + HOLD_SECONDS
        self._seen = wall, monotonic

    @property
    def doubt(self) -> str | None:
        """Why the clock is not believed now, or None."""
        left = self._doubted_until - self._clock.monotonic()
        if left <= 0:
            return None
        return (
            f"the clock is {self._ahead / HOUR:,.0f} h ahead of what was expected; nothing is cut by its age for "
            f"{left / 60:.0f} min, set it right if it is wrong"
        )
