"""Text that others wrote cannot act on the terminal, and takes the cells it is given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from godtui.candybar.plaintext import clip, clip_middle, fit, plain

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("plain [red]text[/]", "plain [red]text[/]"),
        ("a\nb\r\tc", "a␊b␍␉c"),
        ("\x1b[31mred", "␛[31mred"),
        ("\x7f\x9b31m", "␡·31m"),
        ("\u202eevil\u2066", "·evil·"),
        ("a\u200db\ufeff", "a·b·"),
        ("line\u2028break", "line␤break"),
        ("\ud800", "·"),
        ("tag\U000e0041", "tag·"),
        ("日本語 é ñ", "日本語 é ñ"),
        ("e\u0301", "e\u0301"),
        ("z" + "\u0301" * 50 + "a", "z" + "\u0301" * 4 + "·a"),
    ],
)
def test_what_would_act_is_shown_instead(hostile, shown):
    assert plain(hostile) == shown


@given(ANY_TEXT)
def test_nothing_that_acts_is_left(text):
    shown = plain(text)
    assert not any(ord(one) < 0x20 or 0x7F <= ord(one) < 0xA0 for one in shown)
    assert not set(shown) & set("\u200b\u200e\u200f\u202a\u202e\u2066\u2069\ufeff")
    shown.encode()


@given(ANY_TEXT)
def test_ascii_is_ascii(text):
    assert plain(text, ascii_only=True).isascii()


@given(ANY_TEXT, st.integers(0, 30))
def test_clipped_text_takes_no_more_than_its_cells(text, cells):
    assert cell_len(clip(plain(text), cells)) <= cells
    assert cell_len(clip_middle(plain(text), cells)) <= cells


@given(ANY_TEXT, st.integers(0, 30))
def test_fitted_text_takes_exactly_its_cells(text, cells):
    assert cell_len(fit(plain(text), cells)) == cells


def test_a_clipped_end_is_marked():
    assert clip("duration", 5) == "dura…"
    assert clip("日本語", 4) == "日…"
    assert clip("日本語", 5) == "日本…"
    assert clip("exact", 5) == "exact"
    assert clip("x" * 90_000, 3) == "xx…"


def test_a_clipped_middle_keeps_both_ends():
    assert clip_middle("webhook.plane.issue.updated", 12) == "webho…pdated"
