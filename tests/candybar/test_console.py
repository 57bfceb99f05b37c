"""The console as an operator meets it: what flows, what is wrong, and which keys work."""

from __future__ import annotations

import pytest

from godtui.candybar import app as app_module
from godtui.candybar.app import ConsoleApp, run_console
from godtui.candybar.looks import ASCII
from godtui.envelope import Fault
from godtui.operations import ComponentHealth
from tests.candybar.console import Console, console
from tests.candybar.fakes import API_URL, NOON, Engine, event, unavailable

DAY = 86_400_000_000
SIZES = [(80, 24), (120, 40), (200, 50)]


def numbered(count: int, first: int = 1) -> list:
    return [event("agent.task.started", {"number": number}) for number in range(first, first + count)]


@pytest.mark.parametrize("size", SIZES)
async def test_stored_events_come_first_and_live_ones_follow(size):
    async with console(numbered(3), size) as seen:
        assert [row.split("number=")[1].split()[0] for row in seen.rows] == ["1", "2", "3"]
        assert "live" in seen.title
        seen.engine.append(event("worktree.created", {"number": 4}))
        await seen.until_shown("worktree.created")
        assert "number=4" in seen.rows[-1]


async def test_a_row_has_time_type_source_and_preview():
    async with console([event("agent.task.completed", {"task": "INFRA-42", "duration_ms": 1240})]) as seen:
        row = seen.line("agent.task.completed")
        assert "14:02:11.482  agent.task.completed" in row
        assert row.index("jelmore") < row.index("task=INFRA-42 duration_ms=1240")


@pytest.mark.parametrize(("width", "source"), [(100, "unmistakable  "), (80, " unmista…  "), (72, "")])
async def test_a_narrow_screen_clips_then_loses_the_source_before_the_preview(width, source):
    one = event("agent.task.completed", {"task": "INFRA-42"}, source={"service": "unmistakable"})
    async with console([one], (width, 24)) as seen:
        assert "task=INFRA-42" in seen.text
        assert source in seen.text
        assert source or "unmist" not in seen.text


async def test_a_violation_is_seen_in_the_list():
    one = event(payload={"task": 7}, faults=[Fault("/payload/task", '7 is not of type "string"', "type")])
    async with console([one], (140, 30)) as seen:
        assert '▲ jelmore         task=7 ‹payload/task: 7 is not of type "string"›' in seen.line("agent.task.completed")


async def test_the_date_is_a_rule_where_it_changes():
    days = [event(time=NOON), event(time=NOON + DAY)]
    async with console(days) as seen:
        rules = [line for line in seen.lines if "2026 ──" in line]
        assert ["Thu 12 Feb 2026" in rules[0], "Fri 13 Feb 2026" in rules[1]] == [True, True]


async def test_nothing_yet_teaches_how_to_send_the_first_event():
    async with console(size=(80, 24)) as seen:
        await seen.until_shown(
            "No event yet.",
            "curl -X POST http://127.0.0.1:8000/publish \\",
            '"payload": {"message": "test"}}\'',
            'godtui publish test.event.created --payload \'{"message": "test"}\'',
        )
        assert "enter" not in seen.line("? help")
        seen.engine.append(event())
        await seen.until_gone("No event yet.")


async def test_the_lesson_stays_below_the_systems_own_events():
    async with console([event("bloodbank.health.status"), event("candystore.event.persisted")]) as seen:
        await seen.until_shown("Nothing but the system's own events", "curl -X POST")
        seen.engine.append(event())
        await seen.until_gone("curl")


async def test_a_pause_holds_the_rows_still_and_counts():
    async with console(numbered(40)) as seen:
        before = seen.rows
        await seen.press("p")
        seen.engine.append(*numbered(1204, first=41))
        await seen.until_shown("paused +1,204")
        assert seen.rows == before
        assert "p resume" in seen.text
        await seen.press("p")
        await seen.until_shown("number=1244")
        assert "live" in seen.title


async def test_rows_that_fall_out_of_the_ring_stay_while_paused(monkeypatch):
    monkeypatch.setattr("godtui.candybar.ring.Ring.__init__.__defaults__", (50, 1_000_000))
    async with console(numbered(40)) as seen:
        await seen.press("p")
        before = seen.rows
        seen.engine.append(*numbered(500, first=41))
        await seen.until_shown("paused +500")
        assert seen.app.link.feed.ring.first > 400
        await seen.press("k", "k")
        assert [row[2:] for row in seen.rows] == [row[2:] for row in before]
        await seen.press("p")
        await seen.until_shown("dropped 450")


async def test_moving_up_leaves_the_tail_and_end_returns():
    async with console(numbered(40)) as seen:
        before = [row[2:] for row in seen.rows]
        await seen.press("k", "up", "k")
        await seen.until(lambda: " held " in seen.title, "held")
        seen.engine.append(*numbered(7, first=41))
        await seen.until_shown("+7 new")
        assert [row[2:] for row in seen.rows] == before
        assert "G newest" in seen.text
        await seen.press("G")
        await seen.until_shown("number=47", "live")


async def test_keys_move_the_cursor_by_line_page_and_edge():
    async with console(numbered(200)) as seen:
        window = seen.screen.events.window
        height = seen.screen.events.content_height
        for key, cursor in [("k", 198), ("k", 197), ("j", 198), ("pageup", 198 - height + 1), ("g", 0), ("j", 1)]:
            await seen.press(key)
            assert window.cursor == cursor
        assert "▌" in seen.line("number=2 ")
        await seen.press("pagedown")
        assert window.cursor == height
        await seen.press("end")
        assert window.following


async def test_a_click_moves_the_cursor_and_a_second_opens():
    async with console(numbered(10)) as seen:
        y = next(index for index, line in enumerate(seen.lines) if "number=4 " in line)
        await seen.pilot.click(offset=(30, y))
        await seen.until(lambda: "▌" in seen.line("number=4 "), "the cursor")
        await seen.pilot.click(offset=(30, y))
        await seen.until_shown('"number": 4')


async def test_the_truth_line_tells_bus_log_and_counts():
    async with console(numbered(3)) as seen:
        assert "bus embedded ●   log 3 · 0.4 ms   seen 3 · matched 3 · shown 3 · dropped 0" in seen.lines[-1]
        assert seen.lines[-1].rstrip().endswith("14:02:11Z")
        seen.engine.append(*numbered(1500))
        await seen.until_shown("shown 1,503")
        assert "seen 1,503 · matched 1,503 · shown 1,503 · dropped 0" in seen.lines[-1]


def attach(seen: Console) -> None:
    """Make the engine one that listens elsewhere."""
    seen.engine.description = f"attached to {API_URL}"


async def test_on_a_narrow_screen_names_and_counts_shorten_before_any_goes():
    async with console(numbered(3), (80, 24)) as seen:
        attach(seen)
        await seen.until_shown("bus embedded ●   log 3   seen 3 · matched 3 · shown 3 · dropped 0")
        await seen.until_shown("godtui ● ─ attached to http://127.0.0.1:8000 ─ embedded ● ─")
        seen.engine.append(*numbered(1500))
        await seen.pass_time(2)
        await seen.until_shown("bus ●   log 1.5k   seen 1.5k · matched 1.5k · shown 1.5k · dropped 0")
        assert seen.lines[-1].rstrip().endswith("Z")


async def test_the_sparks_shrink_before_the_rate_goes():
    async with console(size=(80, 24)) as seen:
        attach(seen)
        seen.engine.append(*numbered(50))
        await seen.until_shown("shown 50")
        await seen.pass_time(5)
        await seen.until(lambda: " 10/s" in seen.lines[0] and "█" in seen.lines[0], "rate and sparks")
        await seen.pilot.resize_terminal(48, 24)
        await seen.until(lambda: "/s" in seen.lines[0] and "█" not in seen.lines[0], "the rate alone")


@pytest.mark.parametrize("width", [80, 120])
async def test_an_engine_that_is_out_of_reach_has_no_healthy_bus(width):
    async with console(numbered(1), (width, 24)) as seen:
        attach(seen)
        await seen.until_shown("attached to")
        seen.engine.operations.monitor.break_with = ConnectionError("connection refused")
        seen.engine.break_stream(unavailable("connection refused"))
        await seen.pass_time(3)
        await seen.until(lambda: "⟳" in seen.lines[-1] and "⟳" in seen.lines[0], "that it is tried again")
        assert "●" not in seen.lines[-1] + seen.lines[0]
        seen.engine.operations.monitor.break_with = None
        seen.engine.break_stream(None)
        await seen.pass_time(12)
        await seen.until(lambda: "●" in seen.lines[-1] and "●" in seen.lines[0], "that it is well")


async def test_a_bus_that_is_down_stays_so_while_the_stream_is_tried_again():
    async with console(numbered(1)) as seen:
        seen.engine.operations.monitor.bus = ComponentHealth("down", "the log is gone", {"transport": "embedded"})
        seen.engine.break_stream(unavailable("the disk is full"))
        await seen.pass_time(2)
        await seen.until(lambda: "bus embedded ✖" in seen.lines[-1], "the bus's fault")


async def test_the_rate_is_over_five_seconds():
    async with console() as seen:
        seen.engine.append(*numbered(50))
        await seen.until_shown("shown 50")
        await seen.pass_time(5)
        await seen.until(lambda: " 10/s" in seen.lines[0], "the rate")
        assert "█" in seen.lines[0]
        await seen.pass_time(20)
        await seen.until(lambda: " 0/s" in seen.lines[0], "quiet")


async def test_a_fault_of_a_component_is_said_with_its_duration():
    async with console(numbered(1)) as seen:
        seen.engine.operations.monitor.store_status = ComponentHealth("down", "no space left on /dev/sda1")
        await seen.pass_time(2)
        await seen.until_shown("✖ store down: no space left on /dev/sda1")
        await seen.pass_time(41)
        await seen.until_shown("· for 4")
        assert "godtui ✖ ─ embedded ●" in seen.lines[0]
        seen.engine.operations.monitor.store_status = None
        await seen.pass_time(2)
        await seen.until_gone("no space left")


async def test_a_stream_that_breaks_is_said_and_tried_again():
    async with console(numbered(1)) as seen:
        seen.engine.break_stream(unavailable("the disk is full"))
        await seen.until_shown("the stream broke: the disk is full; retrying in 1 s")
        await seen.pass_time(3)
        await seen.until_shown("⟳ stale 3 s")
        seen.engine.break_stream(None)
        seen.engine.append(*numbered(1, first=2))
        await seen.pass_time(8)
        await seen.until_shown("number=2", "live")
        assert "the stream broke" not in seen.text


async def test_a_dead_engine_is_a_banner_and_what_was_shown_stays():
    async with console(numbered(3)) as seen:
        seen.engine.fail("MemoryError: out of memory")
        await seen.until_shown("✖ the engine has ended: MemoryError: out of memory", "✖ ended")
        assert "number=3" in seen.text
        await seen.press("k", "enter")
        await seen.until_shown('"number": 2')


async def test_an_engine_that_does_not_answer_is_not_called_well():
    async with console(numbered(1)) as seen:
        seen.engine.operations.monitor.hang = True
        await seen.pass_time(6)
        await seen.until_shown("the engine has not answered for")
        assert "● " not in seen.lines[0]


async def test_an_error_in_a_tick_is_a_notice_and_the_next_tick_comes(monkeypatch):
    async with console(numbered(1)) as seen:
        monkeypatch.setattr(seen.app.link, "poll", lambda: 1 / 0)
        await seen.until_shown("the console stumbled over ZeroDivisionError")
        monkeypatch.undo()
        seen.engine.append(*numbered(1, first=2))
        await seen.until_shown("number=2")


async def test_an_event_that_cannot_be_drawn_costs_its_line_only():
    broken = event("agent.task.broken")._replace(violations=b"no json")
    async with console([event("agent.task.before"), broken, event("agent.task.after")]) as seen:
        await seen.until_shown("agent.task.before", "✖ this line cannot be drawn", "agent.task.after")


HOSTILE = [
    "\x1b[31m\x1b]0;title\x07\x1b[2J",
    "[bold red]markup[/] [link=https://example.org]x[/link]",
    "line\nbreak\r\ttab\x00nul",
    "\u202eright to left\u2066 \u200b\ufeff\u2028",
    "日本語の文章 " * 20,
    "👩‍👩‍👧‍👦 e\u0301 z" + "\u0301" * 200,
    "x" * 90_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("size", [(80, 24), (120, 30)])
async def test_hostile_text_stays_in_its_cells(text, size):
    one = event(text[:200], {"text": text, text[:50]: 1}, source={"service": text, "host": text})
    one = one._replace(violations=b'[{"path":"/payload/text","message":"\\u001b[31m [red]bad[/]"}]')
    async with console([event(), one, event("agent.task.after")], size) as seen:
        await seen.press("k", "enter")
        for _ in range(3):
            for line in seen.segments:
                shown = "".join(segment.text for segment in line)
                assert sum(segment.cell_length for segment in line) == size[0]
                assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in shown)
                assert not set(shown) & set("\u202e\u2066\u200b\ufeff\u2028\u200d")
            await seen.press("l", "j", "tab")


async def test_markup_is_text():
    async with console([event(payload={"text": "[bold red]not markup[/]"})]) as seen:
        assert 'text="[bold red]not markup[/]"' in seen.text


@pytest.mark.parametrize("size", [(20, 5), (10, 3), (1, 1), (24, 8), (300, 6)])
async def test_a_tiny_terminal_shows_what_fits(size):
    async with console(numbered(30), size) as seen:
        for key in ("k", "enter", "escape", "slash", "escape", "question_mark", "escape", "p", "p"):
            await seen.press(key)
        assert len(seen.lines) == size[1]


async def test_growing_and_shrinking_keeps_the_row_of_the_reader():
    async with console(numbered(100)) as seen:
        await seen.press(*"kkk")
        for size in [(40, 10), (20, 5), (200, 50), (80, 24)]:
            await seen.pilot.resize_terminal(*size)
            await seen.ticks()
            assert seen.screen.events.window.cursor == 96
        assert "▌" in seen.line("number=97 ")


async def test_help_lists_the_keys_and_the_filters():
    async with console(size=(120, 60)) as seen:
        await seen.press("question_mark")
        await seen.until_shown("hold the list still", "copy the event's JSON", "type:agent.#", "ctrl+q")
        await seen.until_shown("the oldest loaded", "the newest 500 stored that match")
        await seen.press("escape")
        await seen.until_gone("hold the list still")


async def test_the_palette_opens_on_a_colon():
    async with console() as seen:
        await seen.press("colon")
        await seen.until(lambda: seen.app.screen.__class__.__name__ == "CommandPalette", "the palette")


@pytest.mark.parametrize("size", SIZES)
async def test_at_most_five_keys_are_shown_and_all_of_them_work(size):
    async with console(numbered(3), size) as seen:
        assert " ".join(seen.lines[-2].split()) == "enter open / filter p pause 2 3 dispatcher, store ? help"


async def test_ascii_stands_in_where_the_terminal_has_no_more(monkeypatch):
    monkeypatch.setenv("GODTUI_ASCII", "1")
    faults = [Fault("/payload/a", "wrong")]
    async with console([event(payload={"a": "日本 \x1b"}, faults=faults)], (140, 30)) as seen:
        assert seen.app.looks.glyphs is ASCII
        for keys in ("k", "enter", "question_mark"):
            await seen.press(keys)
            await seen.ticks()
            assert seen.text.isascii(), seen.text
        await seen.press("escape")
        assert "! jelmore" in seen.text or "<- here" in seen.text


@pytest.mark.parametrize("variable", ["NO_COLOR"])
async def test_without_colour_it_reads_the_same(monkeypatch, variable):
    async with console(numbered(3)) as seen:
        coloured = seen.text
    monkeypatch.setenv(variable, "1")
    async with console(numbered(3)) as seen:
        assert seen.text == coloured
        assert "▌" in seen.rows[-1]


@pytest.mark.parametrize("theme", ["candybar-light", "textual-dark", "textual-light", "ansi-dark", "nord"])
async def test_every_theme_draws(theme):
    async with console(numbered(3)) as seen:
        before = seen.text
        seen.app.theme = theme
        await seen.ticks()
        assert seen.text == before


async def test_text_stands_out_from_its_ground_in_both_themes():
    for name in ("candybar-dark", "candybar-light"):
        async with console(numbered(3)) as seen:
            seen.app.theme = name
            await seen.ticks()
            for style in (seen.app.looks.text, seen.app.looks.quiet, *seen.app.looks.hues, seen.app.looks.attention):
                assert _contrast(style.color, seen.app.looks.text.bgcolor) >= 4.5, (name, style)


def _contrast(one, other) -> float:
    lights = sorted(_luminance(colour) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour) -> float:
    parts = [part / 255 for part in colour.triplet]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


async def test_quitting_is_exit_code_zero():
    async with console(numbered(1)) as seen:
        await seen.press("ctrl+q")
        assert seen.app.return_code == 0


def test_run_console_answers_with_the_exit_code(monkeypatch):
    codes = []

    def run(app: ConsoleApp) -> None:
        codes.append(app.return_code)

    monkeypatch.setattr(app_module.ConsoleApp, "run", run)
    with Engine() as engine:
        assert run_console(engine) == 0
    assert codes == [None]
