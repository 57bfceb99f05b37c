"""Where to go in the store, as it is typed."""

from __future__ import annotations

import pytest

from godtui.candybar.figures import DAY
from godtui.candybar.moments import Place, read_place
from godtui.filters import FilterError
from tests.candybar.fakes import NOON

MIDNIGHT = NOON // DAY * DAY
MINUTE = 60_000_000


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("15m", Place(moment=NOON - 15 * MINUTE)),
        ("14:02", Place(moment=MIDNIGHT + 842 * MINUTE)),
        (" 0:00:30 ", Place(moment=MIDNIGHT + MINUTE // 2)),
        ("2026-02-12", Place(moment=MIDNIGHT)),
        ("2026-02-12T01:00:00+01:00", Place(moment=MIDNIGHT)),
        ("1204551", Place(seq=1_204_551)),
        ("seq 1,204,551", Place(seq=1_204_551)),
        ("0", Place(seq=0)),
    ],
)
def test_times_and_positions_are_read(text, place):
    assert read_place(text, NOON) == place


@pytest.mark.parametrize(
    "text", ["", "noon", "25:00", "14:60", "2026-13-01", "-5", "9" * 30, "15m type:a.b", '"', "\x00", "until:15m"]
)
def test_what_is_neither_is_refused_with_a_hint(text):
    with pytest.raises(FilterError, match=r"a time is wanted|no position"):
        read_place(text, NOON)
