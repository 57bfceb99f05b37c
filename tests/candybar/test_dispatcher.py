"""The dispatcher's screen as an operator meets it: what waits and why, and which keys act on it."""

from __future__ import annotations

import json
import re

import pytest

from godtui.operations import DispatcherUnavailableError
from tests.candybar.dispatchers import CONDITIONS, RUNNING, SETTINGS, night, ticket
from tests.candybar.fakes import unavailable
from tests.candybar.tickets_pane import SIZES, pane


@pytest.mark.parametrize("size", SIZES)
async def test_tickets_stand_by_state_the_most_urgent_first(size):
    async with pane(*night(), size=size) as shown:
        rows = ["INFRA-3", "INFRA-17", "INFRA-18", "INFRA-9", "INFRA-7", "INFRA-12", "INFRA-40", "INFRA-31", "INFRA-50"]
        assert shown.references[: len(rows)] == rows
        assert shown.headings[:5] == ["✖ failed 1", "▲ blocked 2", "⟳ retrying 1", "◐ checking 1", "◐ sending 1"]
        assert "INFRA-3" in shown.cursor
        assert "live" in shown.title


@pytest.mark.parametrize(
    ("reference", "glyph", "look"),
    [
        ("INFRA-3", "✖", "fault"),
        ("INFRA-17", "▲", "attention"),
        ("INFRA-9", "⟳", "attention"),
        ("INFRA-7", "◐", "quiet"),
        ("INFRA-33", "○", "quiet"),
        ("INFRA-31", "○", "quiet"),
        ("INFRA-50", "●", "healthy"),
    ],
)
async def test_a_state_has_its_glyph_and_its_colour(reference, glyph, look):
    async with pane(*night(), size=(200, 50)) as shown:
        looks = shown.seen.app.looks
        line = next(line for line in shown.seen.segments if any(f"{reference} " in part.text for part in line))
        mark = next(part for part in line if part.text.startswith(glyph))
        assert mark.style.color == getattr(looks, look).color


async def test_a_row_says_when_it_is_tried_again_or_how_old_it_is():
    async with pane(*night(), size=(200, 50)) as shown:
        assert "in 12 min" in shown.seen.line("▲ INFRA-17 ")
        assert "in 41 s" in shown.seen.line("INFRA-9 ")
        assert re.search(r"Think about naming +33 min", shown.seen.text)
        await shown.seen.pass_time(2)
        await shown.seen.until_shown("in 39 s")


async def test_the_selected_ticket_is_told_whole_beside_the_list():
    async with pane(*night()) as shown:
        await shown.seen.press("j")
        await shown.seen.until_shown("Rotate the broker's certificates  ")
        await shown.seen.until_shown(
            "INFRA-17 ───",
            "▲ blocked   since 13:45:11 · 17 min",
            "the check of candystore failed (exit 1)",
            "next try in 12 min (14:14:15)",
            "https://plane.example/33god/projects/infra/issues/17",
            "Conditions · all met",
            "● state   observed Todo (unstarted)   wanted unstarted",
            "Checks · 1 of 2 not passed",
            "✖ candystore   failed   exit 1   3.2 s   at 13:59:11",
            "$ make check",
            "in /srv/33god/candystore",
            "FAILED tests/test_store.py::test_append - disk full",
            "● bloodbank   passed   exit 0   12.0 s",
            "chain 018f2c7e-51d4-7a10-8c2a-5b1f6e0aa012",
        )


async def test_a_rejected_ticket_tells_what_was_seen_and_wanted():
    async with pane(ticket(33, "rejected", conditions=CONDITIONS)) as shown:
        await shown.seen.until_shown(
            "Conditions · 1 of 3 not met",
            "✖ labels   observed ready   wanted ready, automation:go",
            "the label automation:go is missing",
        )


async def test_attempts_run_and_the_reason_of_a_forced_dispatch_are_told():
    one = ticket(5, "dispatched", attempts=3, episode=2, run_id="run-7f", forced="the mirror is down on purpose")
    async with pane(one) as shown:
        await shown.seen.until_shown(
            "episode 2   3 attempts   run run-7f", "dispatched past the gate: the mirror is down on purpose"
        )


async def test_a_narrow_screen_shows_the_list_with_the_reason_and_the_ticket_on_enter():
    async with pane(*night(), size=(80, 24)) as shown:
        await shown.seen.press("j")
        await shown.seen.until_shown("the check of candystore failed (exit 1) ─┘")
        assert "Conditions" not in shown.seen.text
        await shown.seen.press("enter")
        await shown.seen.until_shown("Conditions · all met")
        assert "INFRA-18" not in shown.seen.text
        await shown.seen.press("n")
        await shown.seen.until_shown("Compact the archive")
        await shown.seen.press("escape")
        await shown.seen.until(lambda: "INFRA-18" in shown.cursor, "the list")


async def test_the_cursor_follows_its_ticket_when_the_list_changes():
    async with pane(*night()) as shown:
        await shown.seen.press("j", "j")
        assert "INFRA-18" in shown.cursor
        shown.put(ticket(2, "failed", "A new fault"))
        await shown.poll()
        await shown.seen.until(lambda: shown.references[0] == "INFRA-2", "the new fault, above")
        assert "INFRA-18" in shown.cursor
        shown.put(ticket(18, "dispatched"))
        await shown.poll()
        await shown.seen.until(lambda: "● INFRA-18" in shown.cursor, "the ticket in its new group")


async def test_rows_stay_where_they_are_for_a_reader_further_down():
    tickets = [ticket(number, "ready") for number in range(100, 200)]
    async with pane(*tickets) as shown:
        await shown.seen.press("pagedown", "pagedown", "k", "k")
        before = shown.references
        y = shown.seen.lines.index(shown.cursor)
        shown.put(ticket(2, "failed", "A new fault"))
        await shown.poll()
        await shown.seen.until(lambda: shown.screen.dispatching.status.counts.get("failed") == 1, "that it is known")
        await shown.seen.ticks()
        assert (shown.references, shown.seen.lines.index(shown.cursor)) == (before, y)
        await shown.seen.press("g")
        await shown.seen.until(lambda: shown.references[0] == "INFRA-2", "the new fault")


async def test_a_ticket_that_is_no_longer_listed_stays_while_the_reader_is_on_it():
    tickets = [ticket(number, "ready") for number in range(100, 299)]
    async with pane(*tickets, ticket(50, "dispatched")) as shown:
        await shown.seen.press("G")
        assert "INFRA-50" in shown.cursor
        for number in range(10):
            shown.put(ticket(300 + number, "ready"))
        await shown.poll()
        await shown.seen.until_shown("201 of 210 shown")
        assert "INFRA-50" in shown.cursor
        await shown.seen.press("k")
        await shown.seen.until(lambda: "INFRA-50" not in shown.references, "without it")


async def test_thousands_of_tickets_are_counted_and_the_first_ones_shown():
    tickets = [ticket(number, "ready") for number in range(1000, 1250)]
    async with pane(*tickets, begin=False) as shown:
        shown.dispatcher.more.update({"dispatched": 9_000, "rejected": 562})
        await shown.seen.press("2")
        await shown.seen.until_shown("200 of 9,812 shown", "ready 200 of 250")
        await shown.seen.press("G")
        await shown.seen.until_shown("rejected 0 of 562", "dispatched 0 of 9,000")


async def test_a_state_is_looked_for_among_all_tickets():
    waiting = [ticket(number, "ready") for number in range(1000, 1250)]
    async with pane(*waiting, ticket(7, "dispatched", "Found")) as shown:
        assert "INFRA-7" not in shown.references
        await shown.seen.press("slash", *"dispatched", "enter")
        await shown.seen.until(lambda: shown.references == ["INFRA-7"], "the dispatched one")
        assert "filter: dispatched" in shown.title
        assert shown.dispatcher.wanted[-1] == "dispatched"
        await shown.seen.press("escape")
        await shown.seen.until(lambda: len(shown.references) > 10, "all of them")


async def test_the_list_narrows_with_every_letter_and_esc_brings_back_what_was():
    async with pane(*night()) as shown:
        await shown.seen.press(*"jjj")
        await shown.seen.press("slash", *"arch")
        await shown.seen.until(lambda: shown.references == ["INFRA-18"], "what has the word")
        assert "INFRA-18" in shown.cursor
        await shown.seen.press("escape")
        await shown.seen.until(lambda: len(shown.references) > 10, "all of them")
        assert "INFRA-9 " in shown.cursor


async def test_the_cursor_stays_on_a_ticket_that_is_wanted():
    async with pane(*night()) as shown:
        await shown.seen.press("j", "j", "slash", *"blocked", "enter")
        await shown.seen.until(lambda: shown.references == ["INFRA-17", "INFRA-18"], "the blocked ones")
        assert "INFRA-18" in shown.cursor
        await shown.seen.press("escape")
        await shown.seen.until(lambda: len(shown.references) > 10, "all of them")
        assert "INFRA-18" in shown.cursor


async def test_a_reference_that_is_not_loaded_is_asked_for():
    waiting = [ticket(number, "ready") for number in range(1000, 1250)]
    async with pane(*waiting, ticket(7, "dispatched", "Found")) as shown:
        await shown.seen.press("slash", *"INFRA-7", "enter")
        await shown.seen.until(lambda: shown.references == ["INFRA-7"], "the one that was asked for")
        await shown.seen.until_shown("Found")


async def test_nothing_that_matches_is_said():
    async with pane(*night()) as shown:
        await shown.seen.press("slash", *"nowhere", "enter")
        await shown.seen.until_shown("No ticket here matches nowhere", "esc shows them all")


async def test_a_running_check_is_followed_to_its_end():
    async with pane(*night(), checks=[RUNNING]) as shown:
        await shown.seen.press(*"jjjj")
        await shown.seen.until_shown("test 60 ok")
        shown.change(checks=[RUNNING.model_copy(update={"output_tail": RUNNING.output_tail + "test 61 ok\n"})])
        await shown.poll()
        await shown.seen.until_shown("test 61 ok")
        await shown.seen.press("enter", "g")
        await shown.seen.until_shown("holyfields is being checked", "G follow")
        shown.change(checks=[RUNNING.model_copy(update={"output_tail": RUNNING.output_tail + "test 62 ok\n"})])
        await shown.poll()
        assert "test 62 ok" not in shown.seen.text
        await shown.seen.press("G")
        await shown.seen.until_shown("test 62 ok", "live ─┘")


async def test_p_pauses_and_resumes_and_says_so_loudly():
    async with pane(*night()) as shown:
        await shown.seen.press("p")
        await shown.seen.until_shown("dispatching is paused · godtui dispatcher pause", "Dispatching is paused")
        assert "▲ paused since 14:02" in shown.title
        await shown.seen.pass_time(5)
        await shown.seen.until(lambda: "p RESUME: nothing is dispatched" in shown.key_line, "the key")
        await shown.seen.press("p")
        await shown.seen.until_shown("dispatching is running · godtui dispatcher resume")
        await shown.seen.until(lambda: "live" in shown.title, "live")
        assert shown.dispatcher.asked == [("pause", ""), ("resume",)]


async def test_r_retries_the_selected_ticket():
    async with pane(*night()) as shown:
        await shown.seen.press("j", "r")
        await shown.seen.until_shown("INFRA-17 is checking · godtui dispatcher retry INFRA-17")
        await shown.seen.until(lambda: "◐ INFRA-17" in shown.cursor, "its new state")
        assert shown.dispatcher.asked == [("retry", ticket(17).id)]


async def test_what_is_refused_is_said_as_it_was_raised():
    async with pane(ticket(50)) as shown:
        await shown.seen.press("r")
        await shown.seen.until_shown("✖ INFRA-50 is dispatched: that needs a ticket that is blocked, retrying, failed")


async def test_withdrawing_asks_first_and_enter_does_not_do_it():
    async with pane(*night()) as shown:
        await shown.seen.press("j", "x")
        await shown.seen.until_shown("Withdraw a ticket", "INFRA-17  Rotate", "$ godtui dispatcher withdraw INFRA-17")
        await shown.seen.press("enter", "x", "y", "space")
        await shown.seen.until_shown("ctrl+y does it; esc leaves everything as it is.")
        assert shown.dispatcher.asked == []
        await shown.seen.press("escape")
        await shown.seen.until_gone("Withdraw a ticket")
        assert shown.dispatcher.asked == []
        await shown.seen.press("x", "ctrl+y")
        await shown.seen.until_shown("INFRA-17 is withdrawn · godtui dispatcher withdraw INFRA-17")
        assert shown.dispatcher.asked == [("withdraw", ticket(17).id, "")]


async def test_dispatching_past_the_gate_wants_a_reason():
    async with pane(*night()) as shown:
        await shown.seen.press("j", "d", "ctrl+y")
        await shown.seen.until_shown("Write the reason first")
        await shown.seen.press(*"disk's ok", "enter")
        await shown.seen.until_shown(
            "ctrl+y does it", """$ godtui dispatcher dispatch INFRA-17 --reason 'disk'"'"'s ok'"""
        )
        assert shown.dispatcher.asked == []
        await shown.seen.press("ctrl+y")
        await shown.seen.until_shown("INFRA-17 is sending · godtui dispatcher dispatch INFRA-17 --reason")
        assert shown.dispatcher.asked == [("dispatch", ticket(17).id, "disk's ok")]


async def test_the_question_is_of_the_ticket_it_was_asked_of():
    async with pane(*night()) as shown:
        await shown.seen.press("j", "x")
        shown.put(ticket(17, "dispatched"))
        shown.put(ticket(1, "failed"))
        await shown.poll()
        await shown.seen.press("ctrl+y")
        await shown.seen.until_shown("✖ INFRA-17 is dispatched")
        assert shown.dispatcher.asked == [("withdraw", ticket(17).id, "")]


async def test_an_action_that_is_not_answered_is_not_asked_twice():
    async with pane(*night()) as shown:
        shown.dispatcher.hang = True
        await shown.seen.press("p")
        await shown.seen.until_shown("godtui dispatcher pause …")
        await shown.seen.press("p")
        await shown.seen.until_shown("godtui dispatcher pause: not answered yet")


async def test_y_copies_the_ticket():
    async with pane(*night()) as shown:
        await shown.seen.press("j", "y")
        await shown.seen.until_shown("copied the ticket's JSON")
        assert json.loads(shown.seen.app.clipboard)["reference"] == "INFRA-17"


async def test_no_ticket_yet_teaches_how_one_comes():
    async with pane(settings=SETTINGS) as shown:
        await shown.seen.until_shown(
            "No ticket yet.",
            "http://127.0.0.1:8000/webhooks/plane",
            "PLANE_WEBHOOK_SECRET",
            "godtui dispatcher explain FILE",
            "Settings in force",
            "INFRA_READY_LABELS   ready,automation:go   from godtui.toml",
        )
        shown.put(ticket(1, "ready"))
        await shown.poll()
        await shown.seen.until_gone("No ticket yet.")


@pytest.mark.parametrize(
    ("status", "parts"),
    [
        (
            {"state": "held", "reason": "OPENCLAW_HOOK_TOKEN is not set"},
            ["held: OPENCLAW_HOOK_TOKEN is not set", "~/.config/openclaw/infra-dispatch.env", "▲ held"],
        ),
        ({"state": "standing by", "active": "node-2-815"}, ["◐ Standing by: node-2-815 is active", "◐ standing by"]),
        (
            {"state": "off", "reason": "no dispatcher works here"},
            ["○ No dispatcher works here.", "--workers persister,"],
        ),
        ({"state": "failed", "reason": "the ledger is from the future"}, ["✖ The dispatcher has failed: the ledger"]),
        ({"notes": ["the state file was broken and is kept as x.bad"]}, ["▲ the state file was broken", "live"]),
    ],
)
@pytest.mark.parametrize("size", SIZES)
async def test_how_the_dispatcher_stands_is_said_with_what_changes_it(status, parts, size):
    async with pane(size=size, **status) as shown:
        folded = " ".join(" ".join(line.split("│")[1 if "│" in line else 0] for line in shown.seen.lines).split())
        for part in parts:
            assert part in folded + shown.title, shown.seen.text


async def test_what_is_said_above_the_tickets_leaves_room_for_them():
    notes = [f"note number {number} of the state file, which is long enough for a line" for number in range(30)]
    async with pane(*night(), notes=notes, state="paused", reason="x" * 500, size=(80, 12)) as shown:
        assert len(shown.references) >= 2
        assert "more lines" in shown.seen.text


async def test_a_dispatcher_that_cannot_be_asked_is_stale_and_its_tickets_stay():
    async with pane(*night()) as shown:
        shown.dispatcher.break_with = unavailable("the ledger is locked")
        await shown.seen.pass_time(3)
        await shown.seen.until(lambda: "⟳ stale" in shown.title, "stale")
        assert "INFRA-17" in shown.seen.text
        shown.dispatcher.break_with = None
        await shown.poll()
        await shown.seen.until(lambda: "live" in shown.title, "live again")


async def test_one_that_does_not_answer_is_stale_too():
    async with pane(*night()) as shown:
        shown.dispatcher.hang = True
        await shown.seen.pass_time(6)
        await shown.seen.until(lambda: re.search(r"⟳ stale \d s", shown.title), "stale")


async def test_one_that_never_answered_says_why():
    async with pane(begin=False) as shown:
        shown.dispatcher.break_with = DispatcherUnavailableError("no dispatcher works here: node-2 does")
        await shown.seen.press("2")
        await shown.seen.until_shown("⟳ no dispatcher works here: node-2 does")


async def test_a_dead_engine_is_said_and_an_action_does_nothing():
    async with pane(*night()) as shown:
        shown.seen.engine.fail("MemoryError")
        await shown.seen.until(lambda: "✖ ended" in shown.title, "ended")
        await shown.seen.press("p")
        await shown.seen.until_shown("the engine does not run: nothing was done")


async def test_it_is_asked_only_while_someone_looks():
    async with pane(*night()) as shown:
        await shown.seen.press("escape")
        await shown.seen.until_shown("Stream")
        await shown.seen.ticks()
        polls = shown.dispatcher.polls
        await shown.seen.pass_time(5)
        assert shown.dispatcher.polls == polls
        await shown.seen.press("2")
        await shown.seen.until(lambda: shown.dispatcher.polls > polls, "a look")
        await shown.seen.until(lambda: "live" in shown.title, "live")


async def test_the_screens_keep_their_place_and_1_and_esc_lead_back():
    async with pane(*night()) as shown:
        await shown.seen.press("j", "j", "1")
        await shown.seen.until_shown("Stream")
        await shown.seen.press("1", "2")
        await shown.seen.until(lambda: "INFRA-18" in shown.cursor, "where it was left")
        await shown.seen.press("enter", "escape", "escape")
        await shown.seen.until_shown("Stream")


async def test_the_palette_leads_there_and_back():
    async with pane(*night(), begin=False) as shown:
        for word, mark in (("dispatcher", " Dispatcher ─"), ("stream", " Stream ─")):
            await shown.seen.press("ctrl+p", *word)
            await shown.seen.until_shown("Which tickets wait" if word == "dispatcher" else "What flows")
            await shown.seen.press("down", "enter")
            await shown.seen.until(lambda mark=mark: mark in shown.seen.text, mark)


async def test_help_tells_the_keys_of_this_screen():
    async with pane(*night(), size=(120, 60)) as shown:
        await shown.seen.press("question_mark")
        await shown.seen.until_shown("pause dispatching; again: resume it", "past the gate", "the next ticket")
        await shown.seen.until_shown("▲ held", "waits its turn", "the tickets in a state")
        await shown.seen.press("escape")
        await shown.seen.until_gone("waits its turn")


async def test_a_click_selects_and_a_second_opens():
    async with pane(*night(), size=(80, 24)) as shown:
        y = next(index for index, line in enumerate(shown.seen.lines) if "INFRA-18" in line)
        await shown.seen.pilot.click(offset=(30, y))
        await shown.seen.until(lambda: "INFRA-18" in shown.cursor, "the cursor")
        await shown.seen.pilot.click(offset=(30, y))
        await shown.seen.until_shown("▲ blocked   since")


@pytest.mark.parametrize("size", SIZES)
async def test_at_most_five_keys_are_shown(size):
    async with pane(*night(), size=size) as shown:
        assert shown.key_line.split() == ["enter", "open", "r", "retry", "p", "pause", "1", "stream", "?", "help"]
        await shown.seen.press("j")
        await shown.seen.until(
            lambda: (
                shown.key_line.split() == ["enter", "open", "r", "retry", "x", "withdraw", "p", "pause", "?", "help"]
            ),
            "its keys",
        )


async def test_an_error_in_a_tick_is_a_notice_and_the_next_tick_comes(monkeypatch):
    async with pane(*night()) as shown:
        monkeypatch.setattr(shown.screen.dispatching, "poll", lambda: 1 / 0)
        await shown.seen.until_shown("the console stumbled over ZeroDivisionError")
        monkeypatch.undo()
        shown.put(ticket(1, "failed", "After all"))
        await shown.poll()
        await shown.seen.until_shown("After all")
