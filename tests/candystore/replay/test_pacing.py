"""When each event goes, by a clock that tests move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godtui.bloodbank.deaths import LATEST
from godtui.candystore.replay.pacing import LONGEST_SECONDS, Pace, wait_between
from tests.clock import MICROSECONDS, ManualClock

EARLIEST = -62_135_596_800_000_000
"""The first moment of the year 1 in microseconds since 1970."""


def test_what_is_a_little_late_is_made_up_for_and_nothing_drifts() -> None:
    clock = ManualClock()
    pace = Pace(clock, speed=2.0)
    for number in range(100):
        time = number * MICROSECONDS
        assert pace.due(time) == pytest.approx(number * 0.5)
        clock.advance(max(0.0, pace.due(time) - clock.monotonic()) + 0.3)
        pace.gone(time)


def test_what_is_very_late_is_not_made_up_for_in_haste() -> None:
    clock = ManualClock()
    pace = Pace(clock, speed=1.0)
    pace.gone(0)
    clock.advance(60)
    pace.gone(10 * MICROSECONDS)
    assert pace.due(20 * MICROSECONDS) == pytest.approx(70)


def test_of_the_first_wait_only_what_is_left_is_waited() -> None:
    clock = ManualClock()
    pace = Pace(clock, speed=1.0, last=0)
    clock.advance(7.5)
    assert pace.left(10 * MICROSECONDS) == pytest.approx(0.25)
    rest = Pace(clock, speed=10.0, last=0, share=0.25)
    assert rest.due(10 * MICROSECONDS) - clock.monotonic() == pytest.approx(0.25)
    clock.advance(0.125)
    assert rest.left(10 * MICROSECONDS) == pytest.approx(0.125)
    rest.gone(10 * MICROSECONDS)
    assert rest.due(20 * MICROSECONDS) - clock.monotonic() == pytest.approx(1.125)


@given(
    st.integers(EARLIEST, LATEST),
    st.integers(EARLIEST, LATEST),
    st.none() | st.floats(1e-300, 1e300),
    st.none() | st.floats(0, 1e300),
    st.floats(0, 1e300),
)
def test_every_wait_is_a_number_that_can_be_waited(
    last: int, time: int, speed: float | None, max_gap: float | None, least: float
) -> None:
    wait = wait_between(last, time, speed, max_gap, least)
    assert 0 <= wait <= LONGEST_SECONDS
    if time <= last or speed is None:
        assert wait == min(least, LONGEST_SECONDS)
    elif max_gap is not None:
        assert wait <= max(max_gap, least)
