"""How long is waited before the next try."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godtui.dispatcher.answers import pause_before


@pytest.mark.parametrize(("tries", "pause"), [(1, 1.0), (2, 2.0), (5, 16.0), (9, 256.0), (10, 300.0), (10_000, 300.0)])
def test_pauses_double_up_to_five_minutes(tries: int, pause: float) -> None:
    assert pause_before(tries, None, 0.5) == pytest.approx(pause)
    assert pause_before(tries, None, 0.0) == pytest.approx(0.8 * pause)
    assert pause_before(tries, None, 1.0) == pytest.approx(min(1.2 * pause, 300.0))


@given(st.integers(1, 10**6), st.none() | st.floats(0, 86_400), st.floats(0, 1))
def test_no_pause_is_shorter_than_what_was_asked_for(tries: int, after: float | None, chance: float) -> None:
    pause = pause_before(tries, after, chance)
    assert pause >= (after or 0.0)
    assert 0.8 <= pause <= max(300.0, after or 0.0)
