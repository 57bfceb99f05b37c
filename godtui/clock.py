"""Time as a dependency: what waits or stamps asks a Clock, so that tests can move it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Wall time in microseconds since 1970 UTC, monotonic seconds, and waiting."""

    def now(self) -> int:
        """Microseconds since 1970-01-01 UTC; may jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Seconds that only grow."""

    async def sleep(self, seconds: float) -> None:
        """Wait that many monotonic seconds."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def to_datetime(microseconds: int) -> datetime:
    """The UTC datetime of a count of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime, exact over the years 1 to 9999."""
    return (moment - EPOCH) // _MICROSECOND


def rfc3339(microseconds: int) -> str:
    """RFC 3339 in UTC with microseconds, such as 2026-02-12T14:02:11.482000Z."""
    seconds, fraction = divmod(microseconds, 1_000_000)
    return f"{_whole_second(seconds)}.{fraction:06d}Z"


@lru_cache(maxsize=64)
def _whole_second(seconds: int) -> str:
    """Most moments that are written are of the last few seconds."""
    return (EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
