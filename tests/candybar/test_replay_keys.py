"""Replays from the keyboard: marks, the question before, and the line that steers."""

from __future__ import annotations

from uuid import UUID

import pytest

from godtui.candybar.marks import MAX_MARKS
from godtui.operations import ReplayRequest, ReplayView
from tests.candybar.console import Console, console
from tests.candybar.fakes import event, unavailable
from tests.replaying import NOW, QUEUE, MemoryReplays

SIZES = [(80, 24), (120, 40), (200, 50)]


def numbered(count: int) -> list:
    return [event("agent.task.started", {"number": number}) for number in range(1, count + 1)]


def replays(seen: Console) -> MemoryReplays:
    return seen.engine.operations.replays


def asked(seen: Console, verb: str) -> list:
    return [call[1:] for call in replays(seen).calls if call[0] == verb]


def playing(number: int = 1, **more) -> ReplayView:
    told = {"filter": "type:agent.#", "to": f"queue:{QUEUE}", "speed": 10.0, "state": "running", "total": 1430}
    return ReplayView(**{**told, "replay_id": UUID(int=number), "created_at": NOW, "done": 812, "eta_s": 41, **more})


async def begin(seen: Console, *views: ReplayView) -> None:
    """Let these replays be there, and be seen."""
    seen.engine.do(lambda: replays(seen).all.update({one.replay_id: one for one in views}))
    seen.app.replays.look()
    await seen.until(lambda: seen.app.replays.current, "the replay")
    await seen.ticks()


async def test_space_marks_rows_in_stream_and_store_and_esc_unmarks():
    async with console(numbered(5)) as seen:
        await seen.press("k", "space")
        await seen.until_shown("1 marked")
        assert seen.line("number=4 ")[1] == "◆"
        await seen.press("3")
        await seen.until(lambda: "Store" in seen.text and seen.rows, "the store")
        await seen.until_shown("◆14:02:11.482")
        await seen.press("space", "space")
        await seen.until(lambda: seen.line("number=5 ")[1] == "◆", "the other mark")
        assert "1 marked" in seen.text
        assert seen.line("number=4 ")[1] == " "
        await seen.press("escape")
        await seen.until_gone("1 marked")
        assert "Store" in seen.text


async def test_no_more_are_marked_than_one_filter_holds():
    async with console(numbered(MAX_MARKS + 5)) as seen:
        await seen.press("g", *["space"] * (MAX_MARKS + 1))
        await seen.until_shown(f"{MAX_MARKS} marked", f"{MAX_MARKS} events can be marked, no more")


@pytest.mark.parametrize("size", SIZES)
async def test_the_question_says_what_it_would_do_and_ctrl_y_does_it(size):
    async with console(numbered(5), size) as seen:
        await seen.press("slash", *"type:agent.#", "enter")
        await seen.until_shown("filter: type:agent.#")
        await seen.press("k", "r")
        await seen.until_shown(
            "10 events", f"10 to {QUEUE} (infra-dispatcher)", "1 against today's contracts", "a note ␛[31m"
        )
        await seen.press("enter")
        await seen.until_shown("ctrl+y replays it")
        assert asked(seen, "create") == []
        await seen.press("shift+tab", "down")
        await seen.until_shown("all that matches type:agent.#")
        await seen.press("tab", "down", "tab", "down", "tab", "down")
        await seen.until_shown(f"godtui replay 'type:agent.#' --to queue:{QUEUE}", "--speed 10 --max-gap 1 --yes")
        await seen.until_shown("takes 0:12")
        await seen.press("ctrl+y")
        await seen.until(lambda: asked(seen, "create"), "that it is asked for")
        wanted = ReplayRequest(filter="type:agent.#", to=f"queue:{QUEUE}", speed=10, max_gap_s=1)
        assert asked(seen, "create") == [(wanted,)]
        await seen.until_shown("0 / 10")


async def test_the_marked_are_what_is_replayed():
    async with console(numbered(5)) as seen:
        await seen.press("k", "space", "space", "r")
        await seen.until_shown("2 marked events", "10 events")
        await seen.press("ctrl+y")
        await seen.until(lambda: asked(seen, "create"), "that it is asked for")
        ids = [str(UUID(bytes=one.event_id)) for one in seen.engine.operations.store.log[3:5]]
        assert asked(seen, "create")[0][0].filter == f"id:{','.join(ids)}"


async def test_many_events_to_the_bus_are_warned_of_and_confirmed():
    async with console(numbered(2)) as seen:
        replays(seen).total = 1430
        await seen.press("r")
        await seen.until_shown("1,430 events", "▲ more than 1,000 to the bus at once")
        await seen.press("ctrl+y")
        await seen.until(lambda: asked(seen, "create"), "that it is asked for")
        assert asked(seen, "create")[0][0].confirm


@pytest.mark.parametrize(
    ("to", "speed", "gap", "said"),
    [
        ("", "1", "none", "to where? bus, or queue:NAME"),
        ("bus", "fast", "none", "the speed is a number above 0, or max"),
        ("bus", "nan", "none", "the speed is a number above 0, or max"),
        ("bus", "0", "none", "the speed is a number above 0, or max"),
        ("bus", "1", "-1", "the longest wait is a number of seconds, or none"),
        ("nowhere", "1", "none", "no queue named nowhere is declared"),
    ],
)
async def test_what_cannot_be_asked_for_is_said_and_not_done(to, speed, gap, said):
    async with console(numbered(2)) as seen:
        await seen.press("r")
        form = seen.app.screen
        form._to.input.value, form._speed.input.value, form._gap.input.value = to, speed, gap
        await seen.until_shown(said)
        await seen.press("ctrl+y")
        assert seen.app.screen is form
        await seen.press("escape")
        assert asked(seen, "create") == []


async def test_a_store_that_is_away_is_said_in_the_form():
    async with console(numbered(2)) as seen:
        replays(seen).error = unavailable("the disk is full")
        await seen.press("r")
        await seen.until_shown("▲ the disk is full")


@pytest.mark.parametrize("size", SIZES)
async def test_an_open_replay_is_a_line_on_every_screen(size):
    async with console(numbered(5), size) as seen:
        await begin(seen, playing())
        for key in ("3", "2", "1"):
            line = next(line for line in seen.lines if "812 / 1,430" in line)
            assert "10x" in line
            assert "eta 0:41" in line
            assert "P steer it" in line
            assert "? help" in seen.text
            await seen.press(key)
            await seen.ticks()
        await seen.press("P")
        await seen.ticks()
        line = seen.line("/ 1")
        assert "p pause" in line
        assert "10x" in line
        assert "? help" not in seen.text


async def test_its_keys_steer_it_while_it_is_in_hand_and_the_screens_keys_rest():
    async with console(numbered(5)) as seen:
        await begin(seen, playing())
        await seen.press("p")
        await seen.until_shown("paused +0")  # the list, not the replay
        await seen.press("p", "P", "p")
        await seen.until(lambda: asked(seen, "pause"), "pause")
        assert not seen.screen.events.window.paused
        await seen.until_shown("p resume", f"godtui replays pause {UUID(int=1)}")
        await seen.press("[", "]")
        await seen.until(lambda: asked(seen, "step") == [(UUID(int=1), -1), (UUID(int=1), 1)], "two steps")
        await seen.press("+", "-")
        await seen.until(lambda: [call[1] for call in asked(seen, "adjust")] == [20.0, 10.0], "two speeds")
        await seen.press("p")
        await seen.until(lambda: asked(seen, "resume"), "resume")
        await seen.until_shown("replay running", "p pause")
        await seen.press("]")
        await seen.until_shown("p pauses it first")
        await seen.press("P", "slash", *"p+-", "escape")
        assert len(asked(seen, "pause")) == 1


async def test_esc_asks_before_it_cancels():
    async with console(numbered(5)) as seen:
        await begin(seen, playing())
        await seen.press("P", "escape")
        await seen.until_shown("Cancel a replay", f"$ godtui replays cancel {UUID(int=1)}")
        await seen.press("escape")
        assert asked(seen, "cancel") == []
        await seen.press("escape", "ctrl+y")
        await seen.until_shown("replay cancelled after 812 of 1,430")
        await seen.until_gone("812 / 1,430")
        await seen.pass_time(13)
        await seen.until_shown("? help")


async def test_of_several_the_same_key_goes_from_one_to_the_next_and_lets_go():
    async with console(numbered(5)) as seen:
        await begin(seen, playing(1), playing(2, total=99, done=7))
        await seen.press("P")
        await seen.until_shown("1 of 2", "P next")
        await seen.press("P")
        await seen.until_shown("2 of 2", "P let go")
        await seen.press("P")
        await seen.until_shown("P steer it")


async def test_nobody_asks_while_nothing_is_open_and_a_few_times_a_second_while_something_is():
    async with console(numbered(1)) as seen:
        await seen.pass_time(10)
        assert asked(seen, "replays") == [(50,)]
        assert asked(seen, "replay") == []
        await begin(seen, playing())
        before = len(asked(seen, "replay"))
        for times in (1, 2, 3):
            seen.clock.advance(0.31)
            await seen.until(lambda times=times: len(asked(seen, "replay")) == before + times, "another look")
        seen.clock.advance(0.2)
        await seen.ticks()
        assert len(asked(seen, "replay")) == before + 3


async def test_what_a_replay_sends_is_seen_as_such_and_counted_apart():
    async with console(numbered(5)) as seen:
        store = seen.engine.operations.store
        seen.engine.do(lambda: store.send_again(store.log[1:3]))
        await seen.until(lambda: len(seen.rows) == 7, "both")
        assert [row.split("number=")[1][0] for row in seen.rows if "↻" in row] == ["2", "3"]
        assert "seen 5 · matched 5 · shown 5" in seen.lines[-1]
        await seen.pass_time(2)
        assert " 0/s" in seen.lines[0]
        await seen.press("k")
        seen.engine.do(lambda: store.send_again(store.log[3:4]))
        await seen.until_shown("+1 new")
        await seen.ticks()
        assert "seen 5 · matched 5 · shown 5" in seen.lines[-1]


async def test_how_it_ended_is_said():
    async with console(numbered(1)) as seen:
        await begin(seen, playing(total=820))
        replays(seen).ticks = 10
        await seen.pass_time(2)
        await seen.until_shown("replay completed")


async def test_one_that_cannot_be_heard_of_is_not_called_well():
    async with console(numbered(1)) as seen:
        await begin(seen, playing())
        replays(seen).error = unavailable("the disk is full")
        await seen.pass_time(2)
        await seen.until_shown("not heard of")
        replays(seen).error = None
        await seen.pass_time(6)
        await seen.until_gone("not heard of")


async def test_in_ascii_the_line_is_ascii(monkeypatch):
    monkeypatch.setenv("GODTUI_ASCII", "1")
    async with console(numbered(3)) as seen:
        await begin(seen, playing(filter="日本"))
        await seen.press("space", "P")
        await seen.ticks()
        assert seen.text.isascii()
        await seen.press("P", "r")
        await seen.until_shown("10 events")
        assert seen.text.isascii()


@pytest.mark.parametrize("size", [(20, 5), (10, 3), (1, 1), (24, 8), (40, 6)])
async def test_a_tiny_terminal_survives_a_replay(size):
    async with console(numbered(3), size) as seen:
        await begin(seen, playing())
        for key in ("P", "p", "P", "r", "escape"):
            await seen.press(key)
        assert len(seen.lines) == size[1]
