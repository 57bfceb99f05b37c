"""`godtui trace` and `godtui stats`: on an instance that runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from godtui.candybar.chain_text import chain_lines, stretch
from godtui.candystore.chains import Chain
from godtui.candystore.counting import Count
from godtui.cli.statistics import statistics_lines
from godtui.cli.tracing import wants_colour
from godtui.envelope import StoredEvent, new_id
from godtui.operations import Edge, Group, Orphan, Statistics
from tests.cli.conftest import Command, Ended
from tests.cli.test_program import Terminal
from tests.clock import MICROSECONDS, MORNING
from tests.dispatching import HOSTILE
from tests.eventlog.records import record
from tests.processes import Process

ACTING = "\x1b\x00‮\u2028"
MINUTE = 60 * MICROSECONDS


def publish(command: Command, url: str, text: str, **fields: Any) -> str:
    line = json.dumps({"event_type": "test.event.created", "payload": {"message": text}, **fields})
    ended = command("publish", "--envelopes", "-", "--attach", url, stdin=line.encode())
    assert ended.code == 0, ended.stderr
    return str(fields["event_id"])


@pytest.fixture
def chain_id(command: Command, live: Process) -> str:
    """A chain of two on the instance."""
    first = str(new_id())
    publish(command, live.url, "why", event_id=first)
    publish(command, live.url, "because", event_id=str(new_id()), correlation_id=first, causation_id=first)
    return first


def test_a_chain_as_json_and_as_a_tree(command: Command, live: Process, chain_id: str) -> None:
    ended = command("trace", chain_id, "--attach", live.url)
    told = json.loads(ended.stdout)
    assert [event["payload"]["message"] for event in told["events"]] == ["why", "because"]
    assert told["roots"] == [chain_id]
    drawn = command("trace", chain_id, "--format", "tree", "--attach", live.url)
    assert (drawn.code, drawn.stderr) == (0, "")
    lines = drawn.stdout.splitlines()
    assert lines[0] == f"chain {chain_id}"
    assert lines[1].startswith("2 events · 1 root · over 0 s")
    assert "message=why" in lines[2]
    assert "└ test.event.created" in lines[3]
    assert not any(sign in drawn.stdout for sign in ACTING)


def test_what_is_no_chain(command: Command, live: Process) -> None:
    ended = command("trace", str(new_id()), "--attach", live.url)
    assert ended.code == 1
    assert "is stored" in ended.sentence
    assert command("trace", "seven", "--attach", live.url).code == 2
    assert command("trace", str(new_id())).code == 3


def test_a_terminal_gets_colours(command: Command, live: Process, chain_id: str, home: Path) -> None:
    with Terminal(home, "trace", chain_id, "--attach", live.url) as terminal:
        terminal.until("message=because")
        assert b"\x1b[36m" in terminal.said
    assert "\x1b" not in command("trace", chain_id, "--format", "tree", "--attach", live.url).stdout


def test_colours_may_be_unwanted() -> None:
    assert wants_colour({"TERM": "xterm", "NO_COLOR": ""})
    assert not wants_colour({"TERM": "xterm", "NO_COLOR": "1"})
    assert not wants_colour({"TERM": "dumb"})


def test_statistics_as_json_and_as_a_table(command: Command, live: Process, chain_id: str) -> None:
    def stats(*arguments: str) -> Ended:
        return command("stats", *arguments, "--attach", live.url)

    told = json.loads(stats("type:test.#", "--bucket", "hour").stdout)
    assert told["number"] >= 2
    assert [group["name"] for group in told["groups"]] == ["test.event.created"]
    assert len(told["buckets"]) == 48
    table = stats("--format", "table", "--by", "source", "since:1h")
    assert (table.code, table.stderr) == (0, "")
    assert any(line.startswith("http ") for line in table.stdout.splitlines())
    assert "word" in stats("word").sentence
    assert stats("-type:test.#").code == 2
    assert stats("since:100000d", "--bucket", "minute").code == 2


def event(number: int, *, time: int = MORNING, **fields: Any) -> StoredEvent:
    made = record(number, event_id=number.to_bytes(16, "big"), time=time, **fields)
    return StoredEvent(number, MORNING, *made)


def chain(*events: StoredEvent, **fields: Any) -> Chain:
    told: dict[str, Any] = {key: [] for key in ("edges", "orphans", "cycles", "late")}
    return Chain(
        **{
            "correlation_id": new_id(),
            "events": events,
            "roots": [],
            "total": Count(len(events), True),
            "complete": True,
            "next_after": None,
            **told,
            **fields,
        }
    )


def caused(*pairs: tuple[int, int]) -> list[Edge]:
    return [Edge(cause.to_bytes(16, "big"), effect.to_bytes(16, "big")) for cause, effect in pairs]


def texts(told: Chain, width: int = 100, **options: Any) -> list[str]:
    return [line.text for line in chain_lines(told, width, **options)]


def test_gaps_in_time_are_folded() -> None:
    events = [event(1), event(2, time=MORNING + MINUTE), event(3, time=MORNING + 135 * MINUTE)]
    lines = texts(chain(*events, edges=caused((1, 2), (2, 3))))
    assert lines[4:] == [
        "… 2 h 14 min …",
        " +2 h 15 min   └ test.event.created  tests  number=3",
    ]


def test_many_siblings_are_folded_unless_all_are_wanted() -> None:
    events = [event(number) for number in range(1, 40)]
    told = chain(*events, edges=caused(*((1, number) for number in range(2, 38)), (30, 38), (38, 39)))
    lines = texts(told)
    assert len(lines) == 2 + 1 + 20 + 1
    assert lines[-1].strip() == "└ … 16 more effects, 2 below them; --all shows them"
    assert len(texts(told, whole=True)) == 2 + 39


def test_many_events_end_with_how_many_are_left() -> None:
    events = [event(number) for number in range(1, 3001)]
    told = chain(*events, edges=caused(*((number, number + 1) for number in range(1, 3000))))
    lines = texts(told, 80)
    assert len(lines) == 2 + 1000 + 1
    assert lines[-1] == "… 2,000 more events; --all shows them"
    assert " 999 test.event.created" in lines[-2]
    assert all(len(line) <= 80 for line in lines)


def test_what_is_odd_is_marked() -> None:
    invalid = event(2)._replace(violations=b'[{"path":"","message":"x"}]')
    orphans = [
        Orphan(invalid.event_id, event(77).event_id, False),
        Orphan(event(3).event_id, event(78).event_id, True, event(79).event_id),
        Orphan(event(4).event_id, event(80).event_id, None),
    ]
    told = chain(
        event(1), invalid, event(3), event(4), event(5),
        orphans=orphans, cycles=[[event(5).event_id]], late=[event(1).event_id], edges=caused((5, 1), (5, 5)),
    )  # fmt: skip
    lines = texts(told, 200)
    assert "1 late" in lines[1]
    assert "3 orphans" in lines[1]
    assert [line for line in lines if "▲ stored before its cause" in line]
    assert [line for line in lines if "▲ invalid  ▲ cause 00000000…0000004d is not stored" in line]
    assert [line for line in lines if "▲ cause 00000000…0000004e is in chain 00000000…0000004f" in line]
    assert [line for line in lines if "is outside" in line]
    assert [line for line in lines if "▲ its own cause" in line]


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("width", [1, 20, 40, 80, 200])
def test_no_chain_breaks_a_terminal(width: int, ascii_only: bool) -> None:
    events = [event(number, event_type=HOSTILE, source=HOSTILE, text=HOSTILE) for number in range(1, 40)]
    told = chain(*events, edges=caused(*((number // 2, number) for number in range(2, 40))), next_after=39)
    for line in chain_lines(told, width, ascii_only=ascii_only):
        assert cell_len(line.text) <= max(width, 20)
        assert not any(sign in line.text for sign in ACTING)
        assert line.text.isascii() or not ascii_only


def test_how_long_in_two_units() -> None:
    said = [stretch(seconds * MICROSECONDS) for seconds in (0, 59, 184, 8_040, 90_000, 86_400 * 1200)]
    assert said == ["0 s", "59 s", "3 min 4 s", "2 h 14 min", "1 d 1 h", "1,200 d 0 h"]


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("width", [1, 40, 80, 200])
def test_no_statistics_break_a_terminal(width: int, ascii_only: bool) -> None:
    groups = [
        Group(name=name, number=10**9, rate_1m=0.3, rate_5m=5, counts=[1, None, 7]) for name in (HOSTILE, "a", "")
    ]
    told = Statistics(
        number=7, rate_1m=1, rate_5m=2, bucket="hour", groups=groups, others=4, others_number=9,
        counted_to=5, last_seq=9, complete=False, buckets=[],
    )  # fmt: skip
    for line in statistics_lines(told, width, ascii_only=ascii_only):
        assert cell_len(line) <= max(width, 60)
        assert not any(sign in line for sign in ACTING)
        assert line.isascii() or not ascii_only
