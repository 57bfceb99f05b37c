"""Filters in the console: written, refused, applied, lifted."""

from __future__ import annotations

import pytest

from godtui.filters import FilterError
from tests.candybar.console import Console, console
from tests.candybar.fakes import event


def mixed(count: int) -> list:
    types = ("agent.task.started", "worktree.created")
    return [event(types[number % 2], {"number": number}) for number in range(1, count + 1)]


async def filtered(seen: Console, text: str) -> None:
    await seen.press("/", *text, "enter")
    await seen.until_shown(f"filter: {text}")


async def test_a_filter_shows_history_and_what_comes():
    async with console(mixed(10)) as seen:
        await filtered(seen, "type:worktree.#")
        assert [row.split("number=")[1].strip(" │") for row in seen.rows] == ["1", "3", "5", "7", "9"]
        seen.engine.append(*mixed(3))
        await seen.until(lambda: len(seen.rows) == 7, "two more")
        await seen.until_shown("seen 8 · matched 7 · shown 7 · dropped 0")
        assert "live" in seen.title


async def test_history_and_live_neither_miss_nor_repeat(monkeypatch):
    """Events that arrive between the two are in the stream, whatever the history says."""
    async with console(mixed(4)) as seen:
        store = seen.engine.operations.store
        query = store.query

        async def busy(wanted, **rest):
            page = await query(wanted, **rest)
            if wanted.terms:
                store.append(mixed(2))
                page = await query(wanted, **rest)
            return page

        monkeypatch.setattr(store, "query", busy)
        await filtered(seen, "type:worktree.#")
        await seen.until(lambda: len(seen.rows) == 3, "three")
        rows = seen.app.link.feed.ring
        assert [rows.row(number).seq for number in range(rows.end)] == [1, 3, 5]


async def test_history_is_what_matches_among_all_that_is_stored():
    stored = [event("worktree.created", {"number": 0}), *[event("agent.task.started") for _ in range(3000)]]
    async with console(stored) as seen:
        await filtered(seen, "type:worktree.#")
        assert len(seen.rows) == 1


async def test_what_cannot_be_understood_is_pointed_at_and_the_old_filter_stays():
    async with console(mixed(10)) as seen:
        await filtered(seen, "type:worktree.#")
        await seen.press("/", *" type:a..b", "enter")
        await seen.until_shown("'a..b' has an empty word")
        caret = seen.line("^")
        assert caret.index("^") == seen.line("/ type:").index("type:a..b")
        assert "filter: type:worktree.# " in seen.title
        await seen.press("backspace")
        await seen.until_gone("has an empty word")
        await seen.press("escape")
        await seen.until_gone("type:a.")
        assert "filter: type:worktree.# " in seen.title


async def test_a_long_reason_has_a_line_of_its_own():
    async with console(mixed(2), (60, 24)) as seen:
        await seen.press("/", *"type:agent.# type:a..b", "enter")
        await seen.until_shown("'a..b' has an empty word")
        assert seen.line("^").strip() == "^"


async def test_a_filter_that_the_store_cannot_answer_is_refused_too(monkeypatch):
    async with console(mixed(2)) as seen:

        async def query(wanted, **rest):
            raise FilterError("words are not searched here", 0)

        monkeypatch.setattr(seen.engine.operations.store, "query", query)
        await seen.press("/", *"hello", "enter")
        await seen.until_shown("words are not searched here")
        assert "filter:" not in seen.title
        assert len(seen.rows) == 2


async def test_escape_leaves_everything_as_it_was():
    async with console(mixed(4)) as seen:
        await seen.press("/", *"type:x.#", "escape")
        await seen.until_gone("type:x")
        assert len(seen.rows) == 4
        await seen.press("k")
        assert "▌" in seen.rows[-2]


async def test_escape_lifts_the_filter_and_so_does_an_empty_one():
    async with console(mixed(4)) as seen:
        for keys in (["escape"], ["/", *["backspace"] * 20, "enter"]):
            await filtered(seen, "type:worktree.#")
            assert "esc all events" in seen.text
            await seen.press(*keys)
            await seen.until_gone("filter: type")
            await seen.until(lambda: len(seen.rows) == 4, "all of them")


async def test_keys_typed_into_a_filter_are_text():
    async with console(mixed(4)) as seen:
        await seen.press("/", *"pyg?jk")
        await seen.until_shown("/ pyg?jk")
        assert seen.screen.events.window.following


async def test_a_filter_that_nothing_matches_says_so():
    async with console(mixed(4)) as seen:
        await filtered(seen, "type:nothing.#")
        await seen.until_shown("Nothing stored matches type:nothing.#", "esc removes it")


async def test_a_filter_that_only_the_systems_own_events_match_teaches_nothing():
    async with console([*mixed(4), event("candystore.event.persisted")]) as seen:
        await filtered(seen, "type:candystore.#")
        await seen.ticks()
        assert len(seen.rows) == 1
        assert "Nothing stored" not in seen.text


async def test_a_pause_ends_with_a_new_filter():
    async with console(mixed(4)) as seen:
        await seen.press("p")
        await filtered(seen, "type:worktree.#")
        assert "live" in seen.title


@pytest.mark.parametrize("text", ["[red]type[/]", '"\x1b[31m"', "(" * 300])
async def test_hostile_filters_are_shown_as_text(text):
    async with console(mixed(4), (80, 24)) as seen:
        await seen.press("/", *text, "enter")
        await seen.ticks()
        assert "\x1b" not in seen.text
        assert all(len(line) <= 80 for line in seen.lines)
