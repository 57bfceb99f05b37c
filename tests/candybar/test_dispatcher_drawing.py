"""The dispatcher's screen where text is hostile, and where the terminal is small or shows little."""

from __future__ import annotations

import pytest

from godtui.candybar.looks import ASCII
from godtui.operations import TicketView
from tests.candybar.dispatchers import CONDITIONS, RUNNING, ago, night, ticket
from tests.candybar.tickets_pane import pane

HOSTILE = [
    "\x1b[31m\x1b]0;title\x07\x1b[2J",
    "[bold red]markup[/] [@click=app.quit]x[/]",
    "line\nbreak\r\ttab\x00nul",
    "\u202eright to left\u2066 \u200b\ufeff\u2028",
    "日本語の文章 " * 40,
    "👩‍👩‍👧‍👦 e\u0301 z" + "\u0301" * 200,
    "x" * 90_000,
    "lone \ud800 surrogate",
    "",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("size", [(80, 24), (120, 30)])
async def test_hostile_text_stays_in_its_cells(text, size):
    one = TicketView.model_construct(**ticket(1, "blocked").model_dump())
    check = RUNNING.model_construct(
        component=text, command=text, cwd=text, started_at=ago(3), tickets=[text], output_tail=text
    )
    done = night()[1].checks[0].model_copy(update={"component": text, "why": text, "output_tail": text})
    told = dict.fromkeys(("reference", "title", "reason", "url", "run_id", "forced"), text)
    wrong = CONDITIONS[1].model_copy(update={"name": text, "observed": [text], "wanted": {text: text}, "why": text})
    one = one.model_copy(update={**told, "components": [text], "checks": [done], "conditions": [wrong]})
    async with pane(one, ticket(2, "ready"), size=size, checks=[check], reason=text, notes=[text]) as shown:
        for keys in (["j", "k"], ["enter"], ["g"], ["pagedown"], ["G"], ["escape"], ["d"], ["escape"], ["x"]):
            await shown.seen.press(*keys)
            await shown.seen.ticks()
            for line in shown.seen.segments:
                drawn = "".join(segment.text for segment in line)
                assert sum(segment.cell_length for segment in line) == size[0]
                assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in drawn)
                assert not set(drawn) & set("\u202e\u2066\u200b\ufeff\u2028\u200d\ud800")
            assert "cannot be drawn" not in shown.seen.text
        await shown.seen.press("ctrl+y", "y")
        await shown.seen.ticks()


async def test_markup_is_text():
    async with pane(ticket(1, "blocked", "[bold red]not markup[/]", reference="[u]A-1[/]")) as shown:
        assert "[bold red]not markup[/]" in shown.seen.text
        await shown.seen.press("x")
        await shown.seen.until_shown("[u]A-1[/]  [bold red]not markup[/]", "godtui dispatcher withdraw '[u]A-1[/]'")


async def test_a_reference_that_would_be_an_option_is_not_the_name_on_a_command_line():
    async with pane(ticket(1, "blocked", reference="--yes")) as shown:
        await shown.seen.press("x")
        await shown.seen.until_shown("--yes  Ticket number 1", f"godtui dispatcher withdraw {ticket(1).id}")


@pytest.mark.parametrize("size", [(20, 5), (10, 3), (1, 1), (24, 8), (300, 6)])
async def test_a_tiny_terminal_shows_what_fits(size):
    async with pane(*night(), size=size, notes=["a note"]) as shown:
        for key in ("j", "enter", "G", "escape", "slash", "escape", "question_mark", "escape", "x", "escape", "d"):
            await shown.seen.press(key)
        await shown.seen.press("escape", "p", "r")
        assert len(shown.seen.lines) == size[1]


async def test_growing_and_shrinking_keeps_the_ticket_of_the_reader():
    async with pane(*night()) as shown:
        await shown.seen.press("j", "j")
        for size in [(40, 10), (20, 5), (200, 50), (80, 24)]:
            await shown.seen.pilot.resize_terminal(*size)
            await shown.seen.ticks()
        assert "INFRA-18" in shown.cursor


async def test_ascii_stands_in_where_the_terminal_has_no_more(monkeypatch):
    monkeypatch.setenv("GODTUI_ASCII", "1")
    async with pane(*night(), checks=[RUNNING], state="paused", reason="日本") as shown:
        assert shown.seen.app.looks.glyphs is ASCII
        assert "X INFRA-3" in shown.seen.text
        assert "! INFRA-17" in shown.seen.text
        for keys in ("j", "x", "escape", "d", "escape", "question_mark", "escape", "jjj", "enter", "slash", "escape"):
            await shown.seen.press(*([keys] if len(keys) != 3 else keys))
            await shown.seen.ticks()
            assert shown.seen.text.isascii(), shown.seen.text


async def test_without_colour_it_reads_the_same(monkeypatch):
    async with pane(*night()) as shown:
        coloured = shown.seen.text
    monkeypatch.setenv("NO_COLOR", "1")
    async with pane(*night()) as shown:
        assert shown.seen.text == coloured


@pytest.mark.parametrize("theme", ["candybar-light", "textual-dark", "textual-light", "ansi-dark", "nord"])
async def test_every_theme_draws(theme):
    async with pane(*night()) as shown:
        before = shown.seen.text
        shown.seen.app.theme = theme
        await shown.seen.ticks()
        assert shown.seen.text == before
        mark = next(part for line in shown.seen.segments for part in line if part.text.startswith("✖"))
        assert mark.style.color == shown.seen.app.looks.fault.color
