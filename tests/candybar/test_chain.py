"""The chain's screen: what led to an event, and what came of it."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from godtui.candybar import chain_picture
from godtui.candybar.widgets.event_list import EventList
from godtui.envelope import Fault, StoredEvent
from tests.candybar.console import Console, console
from tests.candybar.fakes import NOON, elsewhere, event, unavailable

SIZES = [(80, 24), (120, 40), (200, 50)]
CHAIN = UUID("018f2c7e-51d4-7a10-8c2a-5b1f6e0aa012")
MINUTE = 60_000_000
NOWHERE = UUID(int=0xDEAD)


def step(number: int, cause: StoredEvent | UUID | None = None, *, chain: UUID = CHAIN, **more) -> StoredEvent:
    """An event of the chain, named by its number."""
    source = {"service": "jelmore"}
    if cause is not None:
        source["causation_id"] = str(cause if isinstance(cause, UUID) else UUID(bytes=cause.event_id))
    told = {"time": NOON + number * 1000, **more}
    return event("agent.task.started", {"number": number}, source=source, correlation_id=chain, **told)


def line_of(count: int) -> list[StoredEvent]:
    """Each the cause of the next."""
    events = [step(1)]
    for number in range(2, count + 1):
        events.append(step(number, events[-1]))
    return events


def fan_of(count: int) -> list[StoredEvent]:
    """The first the cause of all others."""
    root = step(1)
    return [root, *(step(number, root) for number in range(2, count + 1))]


def story() -> list[StoredEvent]:
    """A chain with everything that can be odd about one."""
    root = step(1)
    late = step(5)
    early = step(4, late)
    ring = [step(6), step(7)]
    ring = [step(6, UUID(bytes=ring[1].event_id)), ring[1]]
    ring[1] = ring[1]._replace(
        body=ring[1].body.replace(
            b'"jelmore"', b'"jelmore","causation_id":"%b"' % str(UUID(bytes=ring[0].event_id)).encode()
        )
    )
    return [
        root,
        step(2, root, time=NOON + 134 * MINUTE),
        step(3, root, faults=[Fault("/payload/number", "too small")]),
        early,
        late,
        *ring,
        step(8, NOWHERE),
    ]


def numbers(seen: Console) -> list[int]:
    """The numbers of the rows in sight, top to bottom."""
    return [int(line.split("number=")[1].split()[0]) for line in seen.lines if "number=" in line]


def cursor(seen: Console) -> int:
    """The number of the row under the cursor."""
    return int(seen.line("▌").split("number=")[1].split()[0])


def loaded(listed: EventList) -> list[StoredEvent]:
    """The events of all rows, in sight or not."""
    rows = listed.view.rows
    return [one for number in range(rows.first, rows.end) if (one := rows.row(number)) is not None]


@asynccontextmanager
async def chain_of(events, number: int, size=(120, 30), key: str = "3"):
    """The chain's screen, opened from the row of that number in the store (3) or in the stream (1)."""
    async with console(events, size) as seen:
        await seen.press(key)
        listed, part = seen.app.screen.events, b'"number":%d}' % number
        await seen.until(lambda: part in b"".join(one.body for one in loaded(listed)), "the row")
        row = next(row for row, one in enumerate(loaded(listed), listed.view.rows.first) if part in one.body)
        listed.view.go(row, listed.content_height)
        await seen.press("o")
        await seen.until(lambda: "godtui trace" in seen.text and "reading" not in seen.text, "the chain")
        await seen.ticks()
        yield seen


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["1", "3"])
async def test_o_shows_the_chain_with_the_event_under_the_cursor(size, key):
    first, *rest = line_of(5)
    other = event(payload={"number": 99}, correlation_id=NOWHERE)
    async with chain_of([first, other, *rest], 3, size, key) as seen:
        assert numbers(seen) == [1, 2, 3, 4, 5]
        assert cursor(seen) == 3
        assert f"$ godtui trace {CHAIN}" in seen.line("Chain")
        assert "live" in seen.line("Chain")
        assert "5 events · 1 root · over 0 s · Thu 12 Feb 2026" in seen.text
        assert " └ agent.task.started" in seen.line("number=2 ")
        assert "└ agent.task.started" not in seen.line("number=1 ")
        await seen.press("escape")
        await seen.until(lambda: "Chain" not in seen.text, "back")
        assert ("Store" if key == "3" else "Stream") in seen.lines[1] + seen.lines[2]


async def test_o_works_from_the_open_event_and_its_key_is_shown():
    async with console(line_of(5), (80, 24)) as seen:
        await seen.press("enter")
        await seen.until_shown('"number": 5', "o chain")
        await seen.press("o")
        await seen.until_shown("number=1 ")
        assert cursor(seen) == 5


async def test_an_event_without_a_correlation_is_in_no_chain():
    async with console([event()]) as seen:
        await seen.press("enter")
        await seen.until_shown("enter scroll")
        await seen.press("o")
        await seen.until_shown("this event is in no chain: it has no correlation_id")


async def test_what_is_odd_is_marked_and_gaps_are_folded():
    async with chain_of(story(), 1, (200, 40)) as seen:
        assert "8 events · 3 roots · 1 orphan · 2 late · 1 cycle · over 2 h 13 min" in seen.text.replace(
            "4 roots", "4 roots"
        )
        assert "▲ stored before its cause" in seen.line("number=4 ")
        assert "▲ its own cause" in seen.line("number=6 ")
        assert "▲ cause 00000000…0000dead is not stored" in seen.line("number=8 ")
        assert "▲ invalid" in seen.line("number=3 ")
        lines = seen.lines
        at = next(index for index, line in enumerate(lines) if "… 2 h 13 min …" in line)
        assert "number=2 " in lines[at + 1]


async def test_keys_move_over_gaps():
    async with chain_of(story(), 1, (200, 40)) as seen:
        order = numbers(seen)
        for number in order[1:]:
            await seen.press("j")
            assert cursor(seen) == number
        await seen.press("g")
        assert cursor(seen) == order[0]
        await seen.press("G", "up")
        assert cursor(seen) == order[-2]


async def test_enter_opens_the_event_which_knows_its_place():
    async with chain_of(line_of(7), 2, (160, 40)) as seen:
        await seen.press("j", "enter")
        await seen.until_shown('"number": 3', f"chain {CHAIN} · 3rd of 7", "caused by agent.task.started")
        await seen.press("j")
        await seen.until_shown('"number": 4', "4th of 7")
        seen.engine.append(step(8))
        await seen.pass_time(2)
        await seen.until_shown("4th of 8")
        await seen.press("escape")
        await seen.until_gone("4th of 8")
        assert "Chain" in seen.text
        await seen.press("escape")
        await seen.until_shown("Store")


@pytest.mark.parametrize("number", [5, 225, 450])
async def test_it_grows_and_what_is_under_the_cursor_stays(number):
    events = line_of(3)
    events += [step(at, events[0]) for at in range(4, 451)]
    async with chain_of(events, number, key="1") as seen:
        reader, listed = seen.app.screen.reader, seen.app.screen.events
        before = seen.lines.index(seen.line("▌"))
        seen.engine.append(step(451, events[2]), step(452, events[1]), step(453, events[-1]), step(454))
        await seen.until(lambda: seen.app.link.newest_seq == 454, "that it is stored")
        await seen.pass_time(2)
        await seen.until(lambda: len(reader.picture.chain.events) == 454, "that it is read")
        await seen.ticks()
        assert cursor(seen) == number
        assert seen.lines.index(seen.line("▌")) == before
        assert "454 events · 2 roots" in seen.text
        assert "live" in seen.line("Chain")
        shown = [b'"number":%d}' % shown for shown in numbers(seen)]
        rows = [line.row for line in listed._lines if not line.is_rule]
        assert all(part in listed.view.event(row).body for part, row in zip(shown, rows, strict=True))


async def test_it_is_asked_for_again_only_when_something_was_stored():
    async with chain_of(line_of(3), 2) as seen:
        asked = seen.engine.operations.chains.asked
        assert asked == [0]
        await seen.pass_time(5)
        assert asked == [0]
        seen.engine.append(event(payload={"number": 99}))
        await seen.until(lambda: len(asked) == 2, "another look")
        await seen.pass_time(5)
        assert asked == [0, 3]
        await seen.press("escape")
        seen.engine.append(step(4))
        await seen.pass_time(5)
        assert asked == [0, 3]


async def test_a_cause_that_comes_late_takes_its_place():
    late = step(9)
    async with chain_of([step(1), step(2, late)], 2, (160, 30)) as seen:
        assert "is not stored" in seen.line("number=2 ")
        seen.engine.append(late)
        await seen.pass_time(2)
        await seen.until_shown("▲ stored before its cause")
        assert numbers(seen) == [1, 9, 2]
        assert cursor(seen) == 2
        assert "is not stored" not in seen.text
        assert "3 events · 2 roots · 1 late" in seen.text


async def test_parts_are_read_on_and_the_event_is_found_in_the_last(monkeypatch):
    async with console(fan_of(95), (120, 30)) as seen:
        seen.engine.operations.chains.part = 10
        await seen.press("o")
        await seen.until(lambda: seen.app.screen.reader.picture and not seen.app.screen.reader.reading, "all parts")
        await seen.until_shown("95 events · 1 root")
        assert cursor(seen) == 95
        assert seen.engine.operations.chains.asked == list(range(0, 95, 10))


async def test_a_chain_that_is_longer_than_what_is_read_says_so(monkeypatch):
    monkeypatch.setattr(chain_picture, "MOST_EVENTS", 40)
    async with console(fan_of(95), (120, 30)) as seen:
        seen.engine.operations.chains.part = 20
        await seen.press("o")
        await seen.until_shown(
            "▲ the first 40 of 95",
            f"the rest is not read here: $ godtui trace {CHAIN} --after 40",
            "is not among the events that are read here",
            "as of 14:02:11",
        )
        assert cursor(seen) == 1
        asked = list(seen.engine.operations.chains.asked)
        seen.engine.append(step(96))
        await seen.pass_time(3)
        assert seen.engine.operations.chains.asked == asked


async def test_what_was_read_stays_while_the_store_is_away_and_its_age_is_told():
    async with chain_of(line_of(3), 2) as seen:
        seen.engine.break_stream(unavailable("the disk is full"))
        seen.engine.append(step(4))
        await seen.pass_time(1)
        await seen.press("R")
        await seen.until_shown("stale", "the disk is full")
        await seen.pass_time(3)
        await seen.until(lambda: re.search("stale [34] s", seen.text), "its age")
        assert numbers(seen) == [1, 2, 3]
        seen.engine.break_stream(None)
        await seen.pass_time(6)
        await seen.until(lambda: numbers(seen) == [1, 2, 3, 4], "the new one")
        await seen.until_shown("live")


async def test_a_store_that_is_away_from_the_start_is_tried_again():
    async with console(line_of(3)) as seen:
        seen.engine.break_stream(unavailable("the disk is full"))
        await seen.press("o")
        await seen.until_shown("⟳ the disk is full", "R tries now", "nothing read")
        seen.engine.break_stream(None)
        await seen.press("R")
        await seen.until(lambda: numbers(seen) == [1, 2, 3], "the chain")


async def test_an_instance_that_stands_by_names_who_has_the_history():
    async with console() as seen:
        seen.engine.turn(elsewhere("node-2-815"))
        await seen.pass_time(2)
        await seen.until(lambda: not seen.app.link.feed.numbered, "the other stream")
        seen.engine.tell(step(1))
        await seen.until_shown("number=1 ")
        await seen.press("o")
        await seen.until_shown("node-2-815", "R tries now")


async def test_what_is_no_longer_stored_is_said():
    async with console(line_of(3)) as seen:
        seen.engine.do(seen.engine.operations.store.log.clear)
        await seen.press("o")
        await seen.until_shown(f"No event of chain {CHAIN} is stored any more.", "Retention", "esc goes back")
        await seen.press("enter", "space", "y", "j", "G", "escape")
        await seen.until_shown("Stream")


async def test_a_chain_of_one_and_one_without_causes_teach():
    async with console([step(1)]) as seen:
        await seen.press("o")
        await seen.until_shown(
            "Nothing else is in this chain so far.", f'"correlation_id": "{CHAIN}"', '"causation_id"'
        )
    async with console([step(1), step(2)]) as seen:
        await seen.press("o")
        await seen.until_shown("None of these names another as its cause")


async def test_marks_and_the_whole_chain_are_replayed():
    async with chain_of(line_of(5), 2) as seen:
        await seen.press("space", "space")
        await seen.until_shown("2 marked")
        assert cursor(seen) == 4
        await seen.press("r")
        await seen.until_shown("2 marked events", "10 events")
        await seen.press("shift+tab", "up")
        await seen.until_shown("the whole chain", f"godtui replay correlation:{CHAIN}")
        await seen.until(lambda: seen.app.screen._plan is not None, "the plan")
        await seen.press("ctrl+y")
        calls = seen.engine.operations.replays.calls
        await seen.until(lambda: [call for call in calls if call[0] == "create"], "that it is asked for")
        assert [call[1].filter for call in calls if call[0] == "create"] == [f"correlation:{CHAIN}"]
        await seen.until_shown("P let go")
        await seen.press("P", "escape")
        await seen.until_shown("Store", "2 marked")


async def test_y_copies_the_event():
    async with chain_of(line_of(3), 2) as seen:
        await seen.press("y")
        await seen.until_shown("copied the event's JSON")
        assert '"number":2' in seen.app.clipboard


async def test_the_number_keys_lead_away():
    async with chain_of(line_of(3), 2) as seen:
        await seen.press("2")
        await seen.until_shown("Dispatcher")
        await seen.press("3", "o")
        await seen.until_shown("godtui trace")
        await seen.press("3")
        await seen.until_shown("Store")
        await seen.press("o")
        await seen.until_shown("godtui trace")
        await seen.press("1")
        await seen.until_shown("Stream")
        assert len(seen.app.screen_stack) == 2


async def test_help_lists_its_keys_and_signs():
    async with chain_of(line_of(3), 2, (120, 70)) as seen:
        await seen.press("question_mark")
        await seen.until_shown("the first root", "read the whole chain anew", "stored before its cause", "one page up")
        assert "only what matches" not in seen.text
        await seen.press("escape", "escape", "question_mark")
        await seen.until_shown("the event's chain: who caused what, and when")


async def test_ten_thousand_are_moved_through_and_drawn_by_line():
    events = line_of(20)
    events += [step(number, events[number % 20]) for number in range(21, 10_001)]
    async with console(events) as seen:
        await seen.press("o")
        await seen.until_shown("10,000 events · 1 root")
        listed = seen.app.screen.events
        assert cursor(seen) == 10_000
        await seen.press("g")
        assert cursor(seen) == 1
        assert listed.view.cursor == 0
        await seen.press("G")
        assert listed.view.cursor == 9_999
        assert len(listed._kept) < 300


async def test_what_others_wrote_cannot_act():
    hostile = "\x1b[31m\u202e\u2028[bold]x"
    wild = event(hostile, {"n": hostile}, source={"service": hostile}, correlation_id=CHAIN)
    async with console([wild]) as seen:
        await seen.press("o")
        await seen.until_shown("[bold]x", "godtui trace")
        assert not any(sign in seen.text for sign in "\x1b\u202e\u2028")


async def test_in_ascii_it_is_ascii(monkeypatch):
    monkeypatch.setenv("GODTUI_ASCII", "1")
    async with console(story(), (160, 40)) as seen:
        await seen.press("o")
        await seen.until_shown("! stored before its cause", "|-agent.task.started", " - 1 cycle - ")
        await seen.press("space", "enter")
        await seen.ticks()
        assert seen.text.isascii()
        await seen.press("question_mark")
        await seen.ticks()
        assert seen.text.isascii()


async def test_without_colour_it_reads_the_same(monkeypatch):
    events = story()
    async with chain_of(events, 3) as seen:
        coloured = seen.text
    monkeypatch.setenv("NO_COLOR", "1")
    async with chain_of(events, 3) as seen:
        assert seen.text == coloured


@pytest.mark.parametrize("size", [(20, 5), (10, 3), (1, 1), (24, 8), (300, 6)])
async def test_a_tiny_terminal_shows_what_fits(size):
    async with console(story(), size) as seen:
        for key in ("o", "j", "enter", "j", "escape", "space", "G", "g", "pagedown", "R", "escape"):
            await seen.press(key)
        assert len(seen.lines) == size[1]


async def test_growing_and_shrinking_keeps_the_event_of_the_reader():
    async with chain_of(fan_of(200), 100) as seen:
        for size in [(40, 10), (20, 5), (200, 50), (80, 24)]:
            await seen.pilot.resize_terminal(*size)
            await seen.ticks()
        assert cursor(seen) == 100


async def test_an_answer_that_nobody_waits_for_any_more_changes_nothing():
    async with console(line_of(3)) as seen:
        chains = seen.engine.operations.chains
        seen.engine.do(lambda: setattr(chains, "hold", asyncio.Event()))
        await seen.press("o")
        await seen.until_shown("◐ reading the chain")
        await seen.press("escape")
        await seen.until_shown("Stream")
        await seen.ticks()


async def test_reading_anew_is_said_and_what_was_read_stays_meanwhile():
    async with chain_of(line_of(3), 2) as seen:
        chains, hold = seen.engine.operations.chains, asyncio.Event()
        seen.engine.do(lambda: setattr(chains, "hold", hold))
        await seen.press("R")
        await seen.until_shown("◐ reading anew")
        assert numbers(seen) == [1, 2, 3]
        seen.engine.do(hold.set)
        await seen.until_shown("live")
        assert cursor(seen) == 2


async def test_o_follows_a_cause_into_its_chain_and_esc_comes_back():
    first = line_of(3)
    second = [step(11, first[1], chain=NOWHERE), step(12, chain=NOWHERE)]
    async with chain_of([*first, *second], 11) as seen:
        assert f"is in chain {str(CHAIN)[:8]}" in seen.line("number=11 ")
        await seen.until_shown("o its cause's chain")
        await seen.press("o")
        await seen.until(lambda: numbers(seen) == [1, 2, 3], "the other chain")
        assert cursor(seen) == 2
        await seen.press("o")
        await seen.until_shown("this is the chain")
        await seen.press("escape")
        await seen.until(lambda: numbers(seen) == [11, 12], "the first again")
        await seen.press("o")
        await seen.until(lambda: numbers(seen) == [1, 2, 3], "the other chain")
        await seen.press("1")
        await seen.until_shown("Stream")
        assert len(seen.app.screen_stack) == 2


@pytest.mark.parametrize("key", ["1", "3"])
async def test_a_slash_looks_for_some_of_it_in_the_store(key):
    async with chain_of(line_of(5), 2, key=key) as seen:
        await seen.press("slash")
        await seen.until(lambda: seen.app.screen.focused is seen.app.screen.filter_bar._input, "the filter")
        await seen.press(*"payload.number>3", "enter")
        await seen.until(lambda: numbers(seen) == [5, 4], "some of it")
        assert f"filter: correlation:{CHAIN} payload.number>3" in seen.line("Store")
        await seen.press("o")
        await seen.until(lambda: numbers(seen) == [1, 2, 3, 4, 5], "the chain")
        assert cursor(seen) == 5
