"""Output of others is cleaned the same wherever it is split, and shows no secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godtui.dispatcher.redaction import Cleaner, Redaction

SECRET = "s3cret/token+of=ours"
OTHER = "pässword with\nlines"


def cleaned(data: bytes, *sizes: int, secrets: tuple[str, ...] = (SECRET, OTHER), cut: bool = False) -> str:
    """The text of bytes that come in pieces of these sizes, over and over."""
    cleaner = Cleaner(Redaction(secrets), cut=cut)
    pieces, position, turn = [], 0, 0
    while position < len(data):
        size = sizes[turn % len(sizes)] if sizes else len(data)
        pieces.append(cleaner.feed(data[position : position + size]))
        position, turn = position + size, turn + 1
    return "".join(pieces) + cleaner.finish()


@pytest.mark.parametrize("size", range(1, 30))
def test_a_secret_split_across_pieces_is_masked(size: int) -> None:
    data = f"before {SECRET} between {OTHER}{SECRET}{SECRET[:8]} after\n".encode()
    assert cleaned(data, size) == f"before *** between ******{SECRET[:8]} after\n"


@pytest.mark.parametrize(
    "form",
    ["s3cret%2Ftoken%2Bof%3Dours", "p%C3%A4ssword%20with%0Alines", r"p\u00e4ssword with\nlines", OTHER, SECRET],
)
def test_the_forms_of_urls_and_json_are_masked_too(form: str) -> None:
    assert cleaned(f"<{form}>\n".encode(), 5) == "<***>\n"


def test_the_longest_of_several_secrets_wins_wherever_it_is_split() -> None:
    for size in range(1, 12):
        assert cleaned(b"x token-long token y\n", size, secrets=("token", "token-long")) == "x *** *** y\n"


@pytest.mark.parametrize("known", range(len(SECRET)))
def test_a_secret_that_is_cut_off_at_the_end_shows_no_more_than_three_characters(known: int) -> None:
    text = cleaned(b"x" + SECRET[:known].encode(), 3)
    assert text == ("x***" if known >= 4 else "x" + SECRET[:known])


@pytest.mark.parametrize("lost", range(1, len(SECRET)))
def test_the_end_of_a_secret_whose_beginning_is_lost_is_left_out(lost: int) -> None:
    rest = "-" * 40
    text = cleaned(f"{SECRET[lost:]}{SECRET}{rest}\n".encode(), 2, secrets=(SECRET,), cut=True)
    assert rest.endswith(text.removesuffix("\n"))
    assert text.endswith("-\n")


def test_a_control_character_inside_a_secret_joins_nothing() -> None:
    assert SECRET not in cleaned(f"{SECRET[:5]}\0{SECRET[5:]}\n".encode())
    assert cleaned(b"a\rb\n", secrets=("ab",)) == "a\nb\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\tb\r\nc\n", "a\tb\nc\n"),
        (b"10%\r20%\r30%\r\n", "10%\n20%\n30%\n"),
        (b"\r", "\n"),
        (b"a\0b\x07\x1b[31mred\x7f", "a␀b␇␛[31mred␡"),
        ("\x9b31m".encode(), "�31m"),
        ("ä€😀".encode(), "ä€😀"),
        (b"\xff\xc3", "��"),
        (b"\xed\xa0\x80", "���"),
        (b"", ""),
    ],
)
def test_what_would_act_is_shown_instead(data: bytes, text: str) -> None:
    assert cleaned(data) == text
    assert cleaned(data, 1) == text


def test_a_piece_that_begins_within_a_character_loses_it_alone() -> None:
    assert cleaned("€uro".encode()[1:], secrets=(), cut=True) == "uro"


MATERIAL = st.lists(
    st.sampled_from(
        [SECRET, SECRET[:5], SECRET[5:], OTHER, OTHER[:9], "\r", "\n", "\r\n", "\0", "ä", "€", "😀", "word ", "s3", "p"]
    ),
    max_size=12,
).map(lambda parts: "".join(parts).encode())


@given(data=MATERIAL, sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_wherever_it_is_split_the_text_is_the_same(data: bytes, sizes: list[int]) -> None:
    text = cleaned(data, *sizes)
    assert text == cleaned(data)
    assert SECRET not in text
    assert OTHER not in text


@given(data=st.binary(max_size=60), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_any_bytes_are_text(data: bytes, sizes: list[int]) -> None:
    text = cleaned(data, *sizes)
    assert text == cleaned(data)
    assert all(letter in "\n\t" or not 0 <= ord(letter) < 0x20 for letter in text)
    text.encode()


def test_without_secrets_nothing_is_masked_or_held_back() -> None:
    cleaner = Cleaner(Redaction(["", ""]))
    assert cleaner.feed(b"password: ") == "password: "
    assert Redaction([]).text("anything") == "anything"
