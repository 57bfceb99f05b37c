"""The store's screen: all that was ever stored, read where the reader looks."""

from __future__ import annotations

import asyncio

import pytest

from tests.candybar.console import Console, console
from tests.candybar.fakes import NOON, elsewhere, event, unavailable

SIZES = [(80, 24), (120, 40), (200, 50)]
HOUR = 3_600_000_000


def numbered(count: int, first: int = 1, step: int = 0) -> list:
    numbers = range(first, first + count)
    return [event("agent.task.started", {"number": number}, time=NOON + step * (number - first)) for number in numbers]


def shown(seen: Console) -> list[int]:
    """The numbers of the rows, top to bottom."""
    return [int(row.split("number=")[1].split()[0]) for row in seen.rows]


async def still(seen: Console) -> None:
    """Wait until nothing is being read."""
    reader = seen.app.screen.reader
    await seen.ticks()
    await seen.until(lambda: not (reader.opening or reader._reading), "that all is read")


async def open_store(seen: Console) -> None:
    await seen.press("3")
    await seen.until(lambda: "Store" in seen.text and "as of" in seen.text, "the store")
    await seen.until(lambda: seen.rows or "stored" in seen.text, "rows")


@pytest.mark.parametrize("size", SIZES)
async def test_the_newest_is_first(size):
    async with console(numbered(5), size) as seen:
        await open_store(seen)
        assert shown(seen) == [5, 4, 3, 2, 1]
        assert "▌" in seen.rows[0]
        assert "as of 14:02:11" in seen.line("Store")
        assert "nothing older" in seen.text


async def test_what_comes_meanwhile_is_told_and_read_on_request():
    async with console(numbered(3)) as seen:
        await open_store(seen)
        seen.engine.append(*numbered(4, first=4))
        await seen.until_shown("+4 since: R")
        assert shown(seen) == [3, 2, 1]
        await seen.press("R")
        await seen.until(lambda: shown(seen)[0] == 7, "the newest")
        assert "since: R" not in seen.text


async def test_moving_reads_on_and_keeps_a_bounded_stretch(monkeypatch):
    monkeypatch.setattr("godtui.candybar.shelf.Shelf.__init__.__defaults__", (300, 1 << 20))
    async with console(numbered(900)) as seen:
        await open_store(seen)
        reader = seen.app.screen.reader
        await still(seen)
        for number in range(840, 0, -60):
            seen.app.screen.events.action_move(60)
            await still(seen)
            assert f"number={number} " in seen.text
            assert len(reader.shelf) <= 300
        await seen.press("end")
        await seen.until_shown("number=1 ", "nothing older")
        for number in range(61, 560, 60):
            seen.app.screen.events.action_move(-60)
            await still(seen)
            assert f"number={number} " in seen.text
            assert len(reader.shelf) <= 300
        await seen.press("G")
        await seen.until_shown("number=900 ")
        await seen.press("g")
        await seen.until_shown("number=1 ")
        assert "▌" in seen.line("number=1 ")


async def test_a_filter_of_the_one_language_narrows_it():
    stored = [event("worktree.created", {"number": 1}), *numbered(300, first=2)]
    async with console(stored) as seen:
        await open_store(seen)
        await seen.press("slash", *"type:worktree.#", "enter")
        await seen.until(lambda: shown(seen) == [1], "the only one")
        assert "filter: type:worktree.#" in seen.line("Store")
        await seen.press("slash", *" type:a..b", "enter")
        await seen.until_shown("^")
        await seen.press("escape", "escape")
        await seen.until(lambda: shown(seen)[0] == 301, "all")


@pytest.mark.parametrize(
    ("text", "number"),
    [("14:12", 11), ("2026-02-12T14:32:11.482Z", 31), ("seq 40", 40), ("7", 7), ("2026-02-12", 1), ("1,000", 90)],
)
async def test_a_jump_puts_the_cursor_there(text, number):
    async with console(numbered(90, step=60_000_000)) as seen:
        await open_store(seen)
        await seen.press("t", *text, "enter")
        await seen.until(lambda: "▌" in seen.line(f"number={number} ") if f"number={number} " in seen.text else 0, text)
        around = shown(seen)
        assert around == sorted(around, reverse=True)
        assert len(around) > 1


async def test_beyond_the_newest_is_said_and_what_is_no_time_is_pointed_at():
    async with console(numbered(3)) as seen:
        await open_store(seen)
        await seen.press("t", *"noon", "enter")
        await seen.until_shown("a time is wanted, such as 15m")
        await seen.press("escape")
        await seen.until(lambda: not seen.app.screen.jump_bar.display, "the list")
        await seen.press("t", *"2030-01-01", "enter")
        await seen.until_shown("nothing is as late as that")
        assert shown(seen) == [3, 2, 1]


async def test_how_many_are_stored_and_match_is_told_and_an_estimate_is_called_so():
    async with console([event("worktree.created"), *numbered(1300)]) as seen:
        await open_store(seen)
        await seen.until_shown("1,301 stored · Thu 12 Feb 2026 · seq 1,301")
        seen.engine.operations.store.counts_exactly = False
        await seen.press("slash", *"type:agent.#", "enter")
        await seen.until_shown("about 1,301 stored, about 1,300 match")


async def test_what_takes_long_is_told_goes_on_and_can_be_stopped():
    stored = [event("worktree.created", {"number": 1}), *numbered(400, first=2, step=1_000_000)]
    async with console(stored) as seen:
        store = seen.engine.operations.store
        await open_store(seen)
        store.reach = 10
        await seen.press("slash", *"type:worktree.#", "enter")
        await seen.until_shown("looking further")
        await seen.press("escape")
        await seen.until_shown("Nothing found back to", "m looks further")
        await seen.ticks()
        asked = len(store.queries)
        await seen.ticks()
        assert len(store.queries) == asked
        await seen.press("m")
        await seen.until(lambda: "number=1 " in seen.text, "found in the end")


async def test_what_is_stopped_before_it_was_read_can_be_begun_again():
    async with console(numbered(3)) as seen:
        store = seen.engine.operations.store
        seen.engine.do(lambda: setattr(store, "hold_queries", asyncio.Event()))
        await seen.press("3")
        await seen.until_shown("◐ reading the store")
        await seen.press("escape")
        await seen.until_shown("Stopped before anything was read; m goes on.")
        seen.engine.do(lambda: setattr(store, "hold_queries", None))
        await seen.press("m")
        await seen.until(lambda: seen.rows and shown(seen) == [3, 2, 1], "the rows")


async def test_an_event_opens_beside_it_and_follows_the_cursor():
    async with console(numbered(9)) as seen:
        await open_store(seen)
        await seen.press("j", "enter")
        await seen.until_shown('"number": 8', "seq 8")
        await seen.press("j")
        await seen.until_shown('"number": 7')
        await seen.press("escape", "escape")
        await seen.until_shown("Stream")


async def test_empty_teaches():
    async with console() as seen:
        await seen.press("3")
        await seen.until_shown("Nothing is stored yet.")
        await seen.press("slash", *"source:nobody", "enter")
        await seen.until_shown("Nothing stored matches source:nobody")


async def test_a_store_that_is_away_is_said_and_tried_again():
    async with console(numbered(3)) as seen:
        seen.engine.break_stream(unavailable("the disk is full"))
        await seen.press("3")
        await seen.until_shown("⟳ the disk is full", "R tries now")
        seen.engine.break_stream(None)
        await seen.pass_time(6)
        await seen.until(lambda: seen.rows and shown(seen) == [3, 2, 1], "the rows")


async def test_an_instance_that_stands_by_names_who_has_the_history():
    async with console() as seen:
        seen.engine.turn(elsewhere("node-2-815"))
        await seen.press("3")
        await seen.until_shown("node-2-815")


async def test_rows_stay_while_reading_on_fails():
    async with console(numbered(900)) as seen:
        await open_store(seen)
        seen.engine.break_stream(unavailable("the disk is full"))
        await seen.press("end")
        await seen.until_shown("the disk is full")
        assert shown(seen)[0] == 900
        seen.engine.break_stream(None)
        await seen.pass_time(6)
        await seen.until_shown("number=1 ")


async def test_the_number_keys_go_from_screen_to_screen():
    async with console(numbered(3)) as seen:
        for key, name in [("3", "Store"), ("2", "Dispatcher"), ("3", "Store"), ("1", "Stream"), ("2", "Dispatcher")]:
            await seen.press(key)
            await seen.until(lambda name=name: name in seen.lines[1] + seen.lines[2], name)
        assert len(seen.app.screen_stack) == 3


@pytest.mark.parametrize("size", [(20, 5), (10, 3), (1, 1), (24, 8), (300, 6)])
async def test_a_tiny_terminal_shows_what_fits(size):
    async with console(numbered(30), size) as seen:
        for key in ("3", "j", "enter", "escape", "t", "escape", "space", "G", "g"):
            await seen.press(key)
        assert len(seen.lines) == size[1]
