"""Times as counts of microseconds, over all the years there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godtui.clock import SystemClock, rfc3339, to_datetime, to_microseconds
from godtui.envelope import read_timestamp

FIRST = to_microseconds(datetime(1, 1, 1, tzinfo=UTC))
LAST = to_microseconds(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
moments = st.integers(FIRST, LAST)


@given(moments)
def test_every_microsecond_comes_back(moment: int) -> None:
    assert to_microseconds(to_datetime(moment)) == moment
    written = rfc3339(moment)
    assert len(written) == 27
    assert read_timestamp(written) == (to_datetime(moment), True)


@given(st.lists(moments, min_size=2, max_size=2))
def test_texts_sort_as_times(pair: list[int]) -> None:
    assert sorted(pair) == [to_microseconds(read_timestamp(text)[0]) for text in sorted(map(rfc3339, pair))]


def test_the_zone_does_not_matter() -> None:
    local = datetime(2026, 2, 12, 15, 2, 11, 482_000, timezone(timedelta(hours=1)))
    assert rfc3339(to_microseconds(local)) == "2026-02-12T14:02:11.482000Z"


@pytest.mark.parametrize(
    ("moment", "text"),
    [(0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"), (FIRST, "0001-01-01T00:00:00.000000Z"),
     (LAST, "9999-12-31T23:59:59.999999Z")],
)  # fmt: skip
def test_edges(moment: int, text: str) -> None:
    assert rfc3339(moment) == text


async def test_the_machines_clock_runs() -> None:
    clock = SystemClock()
    wall, steady = clock.now(), clock.monotonic()
    assert abs(to_datetime(wall) - datetime.now(UTC)) < timedelta(minutes=1)
    await clock.sleep(0.001)
    assert clock.monotonic() > steady
