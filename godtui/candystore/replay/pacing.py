"""When each event of a replay goes: as far from the one before it as it once was, divided by the speed."""

from __future__ import annotations

from typing import Final

from godtui.clock import Clock

LATE_SECONDS: Final = 1.0
"""Whoever is later than this goes on from now: what was missed is not made up for in haste."""
LONGEST_SECONDS: Final = 1e12
"""Longer than from year 1 to year 9999, and a number that can be reckoned with."""
_MICROSECONDS: Final = 1_000_000


class Pace:
    """Moments of the monotonic clock, each reckoned from the one before it and not from now, so that nothing drifts.

    `speed` None is as quick as can be; `rate` is the most events a second, `max_gap` the longest wait in seconds.
    `last` is the own time (µs) of the event before the first, None where the first goes at once; of the first wait
    only `share` (0 to 1) is still to come.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        speed: float | None,
        rate: float | None = None,
        max_gap: float | None = None,
        last: int | None = None,
        share: float = 1.0,
    ) -> None:
        self._clock = clock
        self._speed = speed
        self._least = least_wait(rate)
        self._max_gap = max_gap
        self._last = last
        self._wait = 0.0
        self._at = clock.monotonic()
        self._share = share

    def due(self, time: int) -> float:
        """When the next event, whose own time this is, goes."""
        return self._at + self._next(time)

    def gone(self, time: int) -> None:
        """It has gone: the one after it is reckoned from when it was due."""
        self._wait = self._next(time)
        self._at += self._wait
        now = self._clock.monotonic()
        if self._at < now - LATE_SECONDS:
            self._at = now
        self._last, self._share = time, 1.0

    def left(self, time: int) -> float:
        """Which share of the wait for that event is still to come, 0 to 1."""
        wait = self._next(time)
        ahead = self._at + wait - self._clock.monotonic()
        return self._share * min(1.0, max(0.0, ahead / wait)) if wait else 0.0

    def _next(self, time: int) -> float:
        return self._share * wait_between(self._last, time, self._speed, self._max_gap, self._least)


def wait_between(last: int | None, time: int, speed: float | None, max_gap: float | None, least: float) -> float:
    """Seconds between two events by their own times (µs); one that lies before the other waits no time."""
    if last is None:
        return 0.0
    wait = 0.0 if speed is None else max(0, time - last) / _MICROSECONDS / speed
    if max_gap is not None:
        wait = min(wait, max_gap)
    return min(max(wait, least), LONGEST_SECONDS)


def least_wait(rate: float | None) -> float:
    """Seconds between two events at that many a second; 0 for any number."""
    return 0.0 if rate is None else 1.0 / rate
