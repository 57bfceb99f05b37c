"""One event, whole."""

from __future__ import annotations

import base64
import json
from uuid import UUID

from godtui.envelope import Fault
from tests.candybar.console import Console, console
from tests.candybar.fakes import NOON, event

CHAIN = UUID("018f2c7e-51d4-7a10-8c2a-5b1f6e0aa012")
WRONG = Fault("/payload/task", '7 is not of type "string"', "type")


def detail(seen: Console) -> list[str]:
    """The lines of the event beside the list, without the frame."""
    beside = "┬─" in seen.text
    lines = seen.lines[2:-3]
    return [(line.rpartition("│")[0].rpartition("│")[2] if beside else line.strip("│")).strip() for line in lines]


async def test_the_whole_envelope_is_there():
    one = event(payload={"n": 10**40, "text": "a\nb"}, correlation_id=CHAIN, agent_context={"peer": [1, 2]})
    async with console([one], (99, 50)) as seen:
        await seen.press("enter")
        await seen.until_shown('"n": 1' + "0" * 40, '"text": "a\\nb"', '"agent_context": {', '"peer": [')
        lines = detail(seen)
        assert json.loads("".join(lines[lines.index("{") :])) == json.loads(one.body)


async def test_what_the_log_knows_is_said_above():
    one = event(source={"service": "outside", "host": "node-7"}, correlation_id=CHAIN)
    async with console([one], (160, 30)) as seen:
        await seen.press("enter")
        await seen.until_shown(
            "agent.task.completed · v1",
            "outside@node-7",
            "Thu 12 Feb 2026 14:02:11.482   stored 14:02:11.484 (+2 ms)   seq 1",
            f"chain {CHAIN}",
        )


async def test_violations_stand_above_and_at_their_lines():
    one = event(payload={"task": 7, "list": [{"a": 1}]}, faults=[WRONG, Fault("/payload/list/0/a", "too small")])
    async with console([one]) as seen:
        await seen.press("enter")
        await seen.until_shown("▲ 2 violations", '▲ /payload/task: 7 is not of type "string"')
        marked = [line.strip() for line in detail(seen) if "◀ here" in line]
        assert marked == ['"task": 7,  ◀ here', '"a": 1  ◀ here']


async def test_the_cause_is_named():
    cause = event("webhook.plane.issue.updated", correlation_id=CHAIN)
    effect = event(source={"service": "x", "causation_id": str(UUID(bytes=cause.event_id))}, correlation_id=CHAIN)
    async with console([cause, effect], (160, 30)) as seen:
        await seen.press("enter")
        await seen.until_shown("caused by webhook.plane.issue.updated 018f0000-")


async def test_the_beginning_of_a_chain_says_so():
    one = event()
    async with console([one._replace(correlation_id=one.event_id)]) as seen:
        await seen.press("enter")
        await seen.until_shown("chain starts here")


async def test_the_list_stays_and_the_event_follows_its_cursor():
    async with console([event(payload={"number": number}) for number in range(5)]) as seen:
        await seen.press("enter")
        await seen.until_shown('"number": 4')
        await seen.press("k", "k")
        await seen.until_shown('"number": 2')
        assert len(seen.rows) == 5
        await seen.press("escape")
        await seen.until_gone('"number": 2')


async def test_an_event_that_is_read_does_not_run_away():
    async with console([event(payload={"number": 0})]) as seen:
        await seen.press("enter")
        seen.engine.append(*[event(payload={"number": number}) for number in range(1, 400)])
        await seen.until_shown("+399 new")
        assert '"number": 0' in seen.text
        await seen.press("escape")
        await seen.until_shown("live", "number=399")


async def test_in_a_narrow_terminal_it_takes_the_whole_width():
    async with console([event(payload={"number": number}) for number in range(5)], (80, 24)) as seen:
        await seen.press("enter")
        await seen.until_shown('"number": 4')
        assert seen.rows == []
        await seen.until_shown("esc close", "n N next")
        await seen.press("N")
        await seen.until_shown('"number": 3')
        await seen.press("n")
        await seen.until_shown('"number": 4')
        await seen.press("escape")
        await seen.until(lambda: len(seen.rows) == 5, "the list")


async def test_long_events_scroll_in_both_directions():
    one = event(payload={"list": list(range(200)), "long": "a" * 300 + "THE END"})
    async with console([one]) as seen:
        await seen.press("enter", "enter", "j", "j")
        await seen.until(lambda: '"event_id"' in detail(seen)[3], "two lines down")
        await seen.press("G")
        await seen.until_shown('"long": "aaa')
        assert "THE END" not in seen.text
        await seen.press(*["l"] * 50)
        await seen.until_shown("THE END")
        await seen.press("g")
        await seen.until_shown("{", '"event_id"')
        await seen.press("pagedown", "k")
        assert '"event_id"' not in seen.text


async def test_a_megabyte_is_read_in_slices():
    one = event(payload={"list": list(range(170_000)), "last": "THE END"})
    assert len(one.body) > 1_000_000
    async with console([one]) as seen:
        await seen.press("enter")
        await seen.until_shown("◐ reading", '"list": [')
        detail_pane = seen.screen.detail
        first = len(detail_pane._json)
        assert first < 5_000
        ticks = seen.screen._ticks
        await seen.until(lambda: seen.screen._ticks >= ticks + 3, "three ticks")
        grown = len(detail_pane._json) - first
        assert 0 < grown <= 4_000 * (seen.screen._ticks - ticks + 1)
        await seen.press("enter", "G")
        await seen.until_shown("THE END")


async def test_a_value_of_ninety_thousand_characters_costs_only_what_is_seen(monkeypatch):
    from godtui.candybar.widgets import event_detail

    lengths = []
    plain = event_detail.plain
    monkeypatch.setattr(event_detail, "plain", lambda text, **rest: lengths.append(len(text)) or plain(text, **rest))
    async with console([event(payload={"x": "é" * 90_000})]) as seen:
        await seen.press("enter")
        await seen.until_shown('"x": "ééé')
        assert max(lengths) < 500


async def test_copying_puts_the_stored_event_on_the_clipboard(monkeypatch):
    written = []
    async with console([event(payload={"text": "é"}, faults=[WRONG])]) as seen:
        monkeypatch.setattr(seen.app._driver, "write", written.append)
        await seen.press("y")
        await seen.until_shown("copied the event's JSON")
        start, _, encoded = written[0].rpartition(";")
        assert start == "\x1b]52;c"
        document = json.loads(base64.b64decode(encoded.rstrip("\a")))
        assert document["payload"] == {"text": "é"}
        assert (document["seq"], document["violations"][0]["path"]) == (1, "/payload/task")
        await seen.pass_time(5)
        await seen.until_gone("copied")


async def test_an_envelope_that_is_no_object_is_shown_as_far_as_it_goes():
    one = event()._replace(body=b'["not", "an", "envelope"]', time=NOON)
    async with console([one]) as seen:
        await seen.press("enter")
        await seen.until_shown('"envelope"')
