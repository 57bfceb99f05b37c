"""The end of what a check prints is kept, those who watch are kept bounded, and neither shows a secret."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from godtui.dispatcher.check_output import TAIL_CHARACTERS, WATCHED_BYTES, Output
from godtui.dispatcher.redaction import Redaction
from tests.dispatcher.checking import collect

SECRET = "a-secret-of-ours"


def output(*parts: str | bytes) -> Output:
    made = Output(Redaction([SECRET]))
    for part in parts:
        made.add(part.encode() if isinstance(part, str) else part)
    return made


def test_what_is_short_is_kept_whole() -> None:
    assert output().tail() == ""
    assert output("one\n", "two").tail() == "one\ntwo"


def test_the_tail_begins_with_a_line() -> None:
    lines = [f"line {number:05}\n" for number in range(5000)]
    tail = output(*lines).tail()
    assert TAIL_CHARACTERS - 2 * len(lines[0]) < len(tail) <= TAIL_CHARACTERS
    assert tail.startswith("line ")
    assert "".join(lines).endswith(tail)


def test_a_line_that_ends_where_the_tail_begins_costs_none() -> None:
    assert output("x\n" + "y" * 99 + "\n").tail(100) == "y" * 99 + "\n"


def test_a_line_longer_than_the_tail_is_cut() -> None:
    assert output("x" * 100_000).tail() == "x" * TAIL_CHARACTERS
    assert output("x" * 100_000, "\n").tail(10) == "x" * 9 + "\n"


@pytest.mark.parametrize("letter", ["ä", "€", "😀"])
def test_the_tail_counts_characters(letter: str) -> None:
    assert output(letter * 100_000).tail() == letter * TAIL_CHARACTERS


@pytest.mark.parametrize("after", [*range(10), *range(TAIL_CHARACTERS - 20, TAIL_CHARACTERS + 20)])
def test_no_end_of_a_secret_shows_where_the_tail_begins(after: int) -> None:
    for limit in (TAIL_CHARACTERS, 8):
        tail = output("-" * 300_000, SECRET, "-" * after).tail(limit)
        assert len(tail) <= limit
        assert set(tail) <= {"-", "*"}


@pytest.mark.parametrize("after", range(len(SECRET)))
def test_nor_where_masking_makes_much_little(after: int) -> None:
    assert set(output(SECRET * 20_000, "-" * after).tail()) <= {"-", "*"}


def test_little_is_kept_of_much() -> None:
    made = output()
    for _ in range(2000):
        made.add(b"x" * 65_536)
    assert len(made._kept) < 256 * 1024
    assert made.tail() == "x" * TAIL_CHARACTERS


async def test_who_watches_sees_the_tail_and_then_what_comes() -> None:
    made = output("before\n", "wait for it: " + SECRET[:7])
    async with aclosing(made.follow()) as pieces:
        assert await anext(pieces) == "before\nwait for it: "
        made.add(SECRET[7:].encode() + b"\nafter\n")
        assert await anext(pieces) == "***\nafter\n"
        made.add(b"the end " + SECRET[:7].encode())
        made.close()
        assert [piece async for piece in pieces] == ["the end ", "***"]
    assert not made._watchers


async def test_what_has_ended_is_seen_to_its_end() -> None:
    made = output("all of it")
    made.close()
    assert await collect(made.follow()) == "all of it"
    assert await collect(made.follow()) == "all of it"


async def test_the_tail_comes_first_although_more_was_printed() -> None:
    made = output("x" * 300_000, "\nlast line\n")
    made.close()
    seen = await collect(made.follow())
    assert len(seen) <= TAIL_CHARACTERS
    assert seen.endswith("x\nlast line\n")


async def test_one_who_is_slow_is_told_how_much_was_left_out() -> None:
    made = output("beginning\n")
    async with aclosing(made.follow()) as pieces:
        assert await anext(pieces) == "beginning\n"
        total = 0
        for _ in range(500):
            made.add(b"x" * 9_999 + b"\n")
            total += 10_000
            (watcher,) = made._watchers
            assert len(watcher._kept) <= WATCHED_BYTES
        made.close()
        seen = "".join([piece async for piece in pieces])
    notice = next(line for line in seen.splitlines() if line.startswith("["))
    left_out = int(notice.removeprefix("[").removesuffix(" bytes left out]").replace(",", ""))
    shown = len(seen) - len(f"\n{notice}\n")
    assert seen.count("left out") == 1
    assert 0 <= total - left_out - shown < len(SECRET)
    assert shown >= WATCHED_BYTES // 2 - len(SECRET)


@pytest.mark.parametrize("after", range(len(SECRET)))
async def test_a_secret_that_is_lost_in_part_does_not_show(after: int) -> None:
    made = output("go\n")
    async with aclosing(made.follow()) as pieces:
        await anext(pieces)
        made.add(b"1" + SECRET[:9].encode())
        seen = await anext(pieces)
        made.add(SECRET[9:].encode() + b"2" * WATCHED_BYTES)
        made.add((SECRET * 20_000 + "-" * after).encode())
        made.close()
        seen += "".join([piece async for piece in pieces])
    before, _, after_it = seen.partition(" bytes left out]\n")
    assert set(after_it) <= {"-", "*"}
    assert SECRET[:4] not in before


async def test_several_watch_at_their_own_pace_and_leave_when_they_like() -> None:
    made = output("first\n")
    leaving = made.follow()
    assert await anext(leaving) == "first\n"
    staying = asyncio.ensure_future(collect(made.follow()))
    await asyncio.sleep(0)
    made.add(b"second\n")
    await leaving.aclose()
    made.add(b"third\n")
    made.close()
    assert await staying == "first\nsecond\nthird\n"
    assert not made._watchers
