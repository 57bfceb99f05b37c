"""Numbers, times and sizes as an operator reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godtui.candybar import figures
from godtui.candybar.meter import Meter
from tests.candybar.fakes import NOON


@pytest.mark.parametrize(
    ("per_second", "text"),
    [
        (0, "0/s"),
        (0.4, "0.4/s"),
        (412, "412/s"),
        (999.9, "1.0k/s"),
        (1234, "1.2k/s"),
        (12_345, "12k/s"),
        (2e6, "2.0M/s"),
    ],
)
def test_rates(per_second, text):
    assert figures.rate(per_second) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (9_949, "9.9k"), (9_950, "10k"), (999_499, "999k"), (999_500, "1.0M")],
)
def test_short_counts(number, text):
    assert figures.short_count(number) == text


@given(st.integers(0, 999_000_000_000))
def test_short_counts_fit_four_columns(number):
    assert len(figures.short_count(number)) <= 4


@given(st.floats(0, 9e8))
def test_rates_fit_their_column(per_second):
    assert len(figures.rate(per_second)) <= figures.RATE_WIDTH


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (0.9, "0 s"), (41, "41 s"), (61, "1 min"), (7300, "2 h"), (200_000, "2 d")]
)
def test_durations(seconds, text):
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(("distance", "text"), [(2_000, "+2 ms"), (-1_500_000, "-1.5 s"), (180_000_000, "+3 min")])
def test_deltas(distance, text):
    assert figures.delta(distance) == text


def test_times_are_utc():
    assert figures.clock_time(NOON) == "14:02:11.482"
    assert figures.date(NOON) == "Thu 12 Feb 2026"
    assert figures.clock_time(-1) == "23:59:59.999"


def test_sizes():
    assert [figures.size(one) for one in (812, 1229, 1024 * 1024)] == ["812 B", "1.2 KiB", "1.0 MiB"]


def test_a_sparkline_shows_something_wherever_something_was():
    assert figures.sparkline([0, 1, 500, 1000]) == "▁▂▅█"
    assert figures.sparkline([0, 0]) == "▁▁"


def test_the_meter_holds_five_seconds_and_changes_four_times_a_second():
    meter = Meter(0.0)
    meter.add(100)
    assert not meter.sample(0.2)
    assert meter.rate == 0
    for step in range(1, 41):
        meter.sample(step * 0.25)
        meter.add(100)
    assert meter.rate == pytest.approx(400)
    assert list(meter.seconds)[1:] == [400] * 9
    for step in range(41, 62):
        meter.sample(step * 0.25)
    assert meter.rate == 0


def test_timestamps_in_a_sentence_are_as_short_as_they_can_be():
    text = "from 2026-02-12T14:02:01.000000Z to 2026-02-11T09:00:00Z, not 2026-02-31T00:00:00Z"
    assert figures.moments(text, NOON) == "from 14:02:01 to Wed 11 Feb 09:00:00, not 2026-02-31T00:00:00Z"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-1, "0:00"), (0.4, "0:00"), (59.6, "1:00"), (3599, "59:59"), (86_399, "23:59:59"), (90_061, "1 d 1:01:01")],
)
def test_spans(seconds: float, told: str) -> None:
    assert figures.span(seconds) == told
