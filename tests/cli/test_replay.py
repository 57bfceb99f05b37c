"""`godtui replay` and `godtui replays`: on an instance that runs, whose replays are in memory."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from rich.cells import cell_len

from godtui.bloodbank.holder import Holder
from godtui.cli import replaying
from godtui.cli.replay_lines import end_line, plan_lines, progress_text, replay_line, replay_lines, table, tempo
from godtui.cli.serving import HttpService
from godtui.cli.tables import columns
from godtui.cli.ticket_lines import Look
from godtui.eventlog import Ownership
from godtui.operations import (
    HistoryElsewhereError,
    ReplayPlan,
    ReplayQueue,
    ReplayRefusedError,
    ReplayRequest,
    ReplayView,
    StoreUnavailableError,
)
from godtui.runtime.engine import Engine
from godtui.runtime.hosting import Host
from godtui.settings import Settings
from tests.cli.conftest import Command, Ended
from tests.cli.test_program import Terminal
from tests.processes import Process
from tests.replaying import NOW, QUEUE, MemoryReplays

TO = f"queue:{QUEUE}"
FIRST = str(UUID(int=1))
WIDE = Look(100, False, NOW)
ACTING = "\x1b\x00"


@pytest.fixture(scope="module")
def instance() -> Iterator[Engine]:
    """An instance in a thread of its own."""
    with tempfile.TemporaryDirectory(prefix="g") as home:
        settings = Settings(data_dir=Path(home) / "data", port=0)
        engine = Engine(settings, Ownership.take(settings.data_dir), services=(HttpService,), workers=False)
        host = Host(lambda: engine, "embedded")
        host.start()
        yield engine
        host.stop()


@pytest.fixture
def fake(instance: Engine) -> MemoryReplays:
    """Its replays, fresh for each test; they are through after two looks."""
    found = instance.operations.replays = MemoryReplays()
    found.ticks = 5
    return found


@dataclass
class Asking:
    """Runs `godtui ARGUMENTS` on the instance."""

    command: Command
    url: str
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, *arguments: str) -> Ended:
        return self.command(*arguments, "--attach", self.url)

    def document(self, *arguments: str) -> dict[str, Any]:
        ended = self(*arguments)
        assert (ended.code, ended.stderr) == (0, "")
        told: dict[str, Any] = json.loads(ended.stdout)
        return told

    def on_terminal(self, *arguments: str) -> Ended:
        """The same as on a terminal of 80 columns, without anybody who answers."""
        with self.monkeypatch.context() as patching:
            patching.setattr("sys.stdout.isatty", lambda: True)
            patching.setenv("COLUMNS", "80")
            return self(*arguments)

    def lines(self, *arguments: str) -> list[str]:
        ended = self.on_terminal(*arguments)
        assert (ended.code, ended.stderr) == (0, "")
        assert not any(sign in ended.stdout for sign in ACTING)
        lines = ended.stdout.splitlines()
        assert all(cell_len(line) <= 80 for line in lines)
        return lines


@pytest.fixture
def ask(command: Command, instance: Engine, fake: MemoryReplays, monkeypatch: pytest.MonkeyPatch) -> Asking:
    assert instance.url is not None
    monkeypatch.setattr(replaying, "POLL_SECONDS", 0)
    return Asking(command, instance.url, monkeypatch)


def test_a_replay_goes_to_its_end(ask: Asking, fake: MemoryReplays) -> None:
    told = ask.document(
        "replay", "type:a.#", "-is:invalid", "--to", TO, "--speed", "10", "--rate", "5", "--max-gap", "0", "--yes"
    )
    assert (told["state"], told["done"], told["replay_id"]) == ("completed", 10, FIRST)
    wanted = ReplayRequest(
        filter="type:a.# -is:invalid", to=TO, speed=10, rate=5, max_gap_s=0, paused=False, confirm=True
    )
    assert fake.calls[0] == ("create", wanted)
    assert [call[0] for call in fake.calls[1:]] == ["replay", "replay"]


def test_a_terminal_sees_the_plan_and_the_end(ask: Asking) -> None:
    lines = ask.lines("replay", "disk", "--to", TO, "--speed", "max", "--yes")
    assert lines[:4] == [
        "filter       disk",
        f"to           queue {QUEUE}",
        "events       10",
        "from         2026-02-12 14:02:11",
    ]
    assert f"queues       {QUEUE}  10  infra-dispatcher" in lines
    assert "notes        a note ␛[31m" in lines
    assert lines[-2:] == [f"replay {FIRST} completed: 10 events to queue", QUEUE]


def test_a_dry_run_sends_nothing(ask: Asking, fake: MemoryReplays) -> None:
    assert ask.document("replay", "disk", "--dry-run")["total"] == 10
    assert ask.lines("replay", "", "--dry-run")[0] == "filter       everything"
    assert [call[0] for call in fake.calls] == ["plan", "plan"]


def test_moments_are_fixed_before_the_plan(ask: Asking, fake: MemoryReplays) -> None:
    told = ask.document("replay", "since:15m", "--dry-run")["filter"]
    assert told == fake.calls[0][1].filter
    assert told.startswith("since:2")


def test_a_pipe_wants_a_yes(ask: Asking, fake: MemoryReplays) -> None:
    ended = ask("replay", "disk")
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.sentence == "this sends events once more; look with --dry-run, then add --yes"
    assert fake.calls == []


def test_nothing_to_replay(ask: Asking, fake: MemoryReplays) -> None:
    fake.total = 0
    assert ask.lines("replay", "disk", "--yes")[-1] == "no stored event matches; there is nothing to replay"
    assert fake.all == {}


def test_a_replay_is_left_to_itself(ask: Asking, fake: MemoryReplays) -> None:
    assert ask.document("replay", "disk", "--yes", "--detach")["state"] == "running"
    assert ask.document("replay", "disk", "--yes", "--paused")["state"] == "paused"
    assert ask.document("replays", "follow", FIRST)["state"] == "completed"
    assert " ".join(ask.lines("replays", "follow", FIRST)) == f"replay {FIRST} completed: 10 events to the bus"


def test_an_end_that_is_none(ask: Asking, fake: MemoryReplays) -> None:
    fake.ticks = 0
    ask.document("replay", "disk", "--yes", "--detach")
    ask.document("replays", "cancel", FIRST)
    ended = ask("replays", "follow", FIRST)
    assert (ended.code, json.loads(ended.stdout)["state"]) == (1, "cancelled")
    assert ended.sentence == f"replay {FIRST} was cancelled after 0 of 10 events"


def test_the_controls(ask: Asking, fake: MemoryReplays) -> None:
    fake.ticks = 0
    ask.document("replay", "disk", "--yes", "--detach", "--rate", "5")
    assert ask.document("replays", "pause", FIRST)["state"] == "paused"
    assert ask.document("replays", "step", FIRST)["done"] == 1
    assert ask.document("replays", "step", FIRST, "5")["done"] == 6
    assert ask.document("replays", "step", FIRST, "-2")["done"] == 4
    assert ask.document("replays", "seek", FIRST, "8")["position"] == 7
    ask.document("replays", "seek", FIRST, "2026-02-12T15:02:11+01:00")
    assert fake.calls[-1] == ("seek", UUID(FIRST), None, 1_770_904_931_000_000)
    faster = ask.document("replays", "speed", FIRST, "max", "--max-gap", "2")
    assert (faster["speed"], faster["rate"], faster["max_gap_s"]) == ("max", 5.0, 2.0)
    free = ask.document("replays", "speed", FIRST, "--rate", "none", "--max-gap", "none")
    assert (free["speed"], free["rate"], free["max_gap_s"]) == ("max", None, None)
    assert ask.document("replays", "show", FIRST) == free
    assert ask.lines("replays", "resume", FIRST) == [
        f"replay {FIRST} is running; 10 of 10 events, at",
        "2026-02-12 14:02:11",
    ]
    assert ask.document("replays", "cancel", FIRST)["state"] == "cancelled"


def test_lists(ask: Asking, fake: MemoryReplays) -> None:
    assert ask("replays", "list").stdout == ""
    assert ask.lines("replays", "list") == ["no replays"]
    fake.ticks = 0
    for text in ("disk", "type:a.very.long.type.of.events", ""):
        ask.document("replay", text, "--yes", "--paused")
    told = [json.loads(line)["replay_id"] for line in ask("replays", "list").stdout.splitlines()]
    assert told == [str(UUID(int=number)) for number in (1, 2, 3)]
    head, *rows = ask.lines("replays", "list", "--limit", "2")
    assert head.split() == ["id", "state", "done", "of", "to", "filter"]
    assert [row.split()[:5] for row in rows] == [[one, "paused", "0", "10", "bus"] for one in told[:2]]
    assert ask.lines("replays", "show", told[2])[:3] == [
        f"replay       {told[2]}",
        "state        paused",
        "filter       everything",
    ]


UNKNOWN = str(UUID(int=9))


@pytest.mark.parametrize(
    ("code", "said", "arguments"),
    [
        (2, "Missing argument 'FILTER...'", ("replay",)),
        (2, "understood at character 3", ("replay", "a tpye:b", "--yes")),
        (2, "'0' is not a number above 0, or max", ("replay", "a", "--speed", "0")),
        (2, "is not a number above 0", ("replay", "a", "--rate", "inf")),
        (2, "'-1' is not a number, 0 or more", ("replay", "a", "--max-gap", "-1")),
        (1, "no queue named x is declared", ("replay", "a", "--to", "queue:x", "--yes")),
        (1, "a replay goes to bus", ("replay", "a", "--to", "nowhere", "--yes")),
        (1, "at most 1,000,000,000", ("replay", "a", "--speed", "1e10", "--yes")),
        (2, "is not a valid UUID", ("replays", "show", "1")),
        (1, f"there is no replay {UNKNOWN}", ("replays", "show", UNKNOWN)),
        (1, f"there is no replay {UNKNOWN}", ("replays", "pause", UNKNOWN)),
        (1, f"there is no replay {UNKNOWN}", ("replays", "speed", UNKNOWN, "2")),
        (1, f"there is no replay {UNKNOWN}", ("replays", "follow", UNKNOWN)),
        (1, "a step is 1 to 1,000", ("replays", "step", UNKNOWN, "0")),
        (2, "not a valid integer", ("replays", "step", UNKNOWN, "1.5")),
        (2, "a place is a position", ("replays", "seek", UNKNOWN, "15m")),
        (2, "a place is a position", ("replays", "seek", UNKNOWN, "2026-02-12T15:02:11")),
        (2, "a position is a number from 1", ("replays", "seek", UNKNOWN, "0")),
        (2, "a position is a number from 1", ("replays", "seek", UNKNOWN, "9" * 30)),
        (2, "say how quickly", ("replays", "speed", UNKNOWN)),
        (2, "is not a number above 0, or max", ("replays", "speed", UNKNOWN, "none")),
    ],
)
def test_what_cannot_be_done(ask: Asking, code: int, said: str, arguments: tuple[str, ...]) -> None:
    ended = ask(*arguments)
    assert (ended.code, ended.stdout) == (code, "")
    assert said in ended.sentence


def test_errors_of_the_store(ask: Asking, fake: MemoryReplays) -> None:
    fake.error = StoreUnavailableError("the disk is gone \x1b[31m")
    for arguments in (("replay", "a", "--yes"), ("replays", "list"), ("replays", "pause", FIRST)):
        ended = ask(*arguments)
        assert (ended.code, ended.sentence) == (3, "the disk is gone ␛[31m")
    fake.error = HistoryElsewhereError(Holder("there", "http://there:8000"))
    ended = ask("replay", "a", "--yes")
    assert ended.code == 3
    assert "http://there:8000" in ended.sentence
    fake.error = ReplayRefusedError("8 replays run already; wait for one, or pause or cancel it")
    assert ask("replay", "a", "--yes").code == 1


def test_an_instance_is_needed(command: Command) -> None:
    for arguments in (("replay", "a", "--yes"), ("replay", "a", "--dry-run"), ("replays", "list")):
        ended = command(*arguments)
        assert ended.code == 3
        assert "start godtui --headless there" in ended.sentence


def test_an_interrupt_pauses(instance: Engine, fake: MemoryReplays, home: Path) -> None:
    fake.ticks = 0
    assert instance.url is not None
    with Process(home, "replay", "disk", "--yes", "--attach", instance.url) as process:
        process.until(lambda: any(call[0] == "replay" for call in list(fake.calls)))
        process.send(signal.SIGINT)
        assert process.wait() == 130
    assert fake.all[UUID(FIRST)].state == "paused"
    assert process.stderr == [
        "godtui: paused after 0 of 10 events",
        f"  godtui replays resume {FIRST}   goes on",
        f"  godtui replays cancel {FIRST}   ends it",
        "",
    ]


def test_an_interrupt_that_cannot_pause(fake: MemoryReplays, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(replaying._pause(fake, UUID(FIRST)))
    fake.error = TimeoutError()
    asyncio.run(replaying._pause(fake, UUID(FIRST)))
    assert capsys.readouterr().err.splitlines() == [
        f"godtui: the replay could not be paused ({why}); see godtui replays show {FIRST}"
        for why in (f"there is no replay {FIRST}", "no answer in time")
    ]


def test_a_replay_that_is_lost_sight_of_goes_on(ask: Asking, fake: MemoryReplays) -> None:
    fake.blind = StoreUnavailableError("the disk is gone")
    ended = ask("replay", "disk", "--yes")
    assert (ended.code, ended.stdout) == (3, "")
    assert ended.sentence == (
        "the disk is gone; the replay goes on where it stands whenever a godtui runs there: "
        f"godtui replays follow {FIRST}"
    )


def test_a_real_instance_replays(command: Command, live: Process) -> None:
    chain = str(UUID(int=6))
    for number in range(3):
        payload = json.dumps({"message": f"replayed {number}"})
        arguments = ("--payload", payload, "--correlation-id", chain, "--attach", live.url)
        assert command("publish", "test.event.created", *arguments).code == 0
    ended = command("replay", f"correlation:{chain}", "--to", TO, "--speed", "max", "--yes", "--attach", live.url)
    assert (ended.code, ended.stderr) == (0, "")
    told = json.loads(ended.stdout)
    assert (told["state"], told["total"], told["sent"]) == ("completed", 3, 3)
    listed = command("replays", "list", "--attach", live.url).stdout.splitlines()
    assert told in map(json.loads, listed)


def test_a_terminal_is_asked_and_sees_how_far_it_is(instance: Engine, fake: MemoryReplays, home: Path) -> None:
    fake.ticks = 3
    assert instance.url is not None
    with Terminal(home, "replay", "disk", "--attach", instance.url) as terminal:
        terminal.until("send these 10 events once more? [y/N]: ")
        assert fake.all == {}
        os.write(terminal.master, b"y\n")
        assert terminal.wait() == 0
    assert " 3/10 " in terminal.text
    assert "10/10" in terminal.text
    assert f"replay {FIRST} completed: 10 events to the bus" in terminal.text
    assert "Traceback" not in terminal.text


def test_who_says_no_sends_nothing(instance: Engine, fake: MemoryReplays, home: Path) -> None:
    assert instance.url is not None
    with Terminal(home, "replay", "disk", "--attach", instance.url) as terminal:
        terminal.until("[y/N]: ")
        os.write(terminal.master, b"\n")
        assert terminal.wait() == 130
    assert fake.all == {}


VIEW = ReplayView(
    replay_id=UUID(int=1), filter="a\x1bb", to="bus", speed=2.5, state="running", total=12_345, created_at=NOW
)


def test_what_stands_beside_the_bar_does_not_jump() -> None:
    views = [
        VIEW,
        VIEW.model_copy(update={"done": 12_345, "at": NOW, "eta_s": 3_599.7}),
        VIEW.model_copy(update={"state": "paused", "done": 7}),
        VIEW.model_copy(update={"state": "completed"}),
    ]
    told = [progress_text(one, rate, WIDE) for one in views for rate in (0.0, 7.3, 12_345.0, 99e6)]
    assert {len(one) for one in told} == {len(told[0])}
    assert told[6] == "12,345/12,345  12k/s  eta  1:00:00  2026-02-12 14:02:11"
    assert len(progress_text(VIEW, 1, Look(40, False, NOW))) <= 40
    assert progress_text(VIEW.model_copy(update={"exact": False}), 0, WIDE).startswith("      0/~12,345 ")


def test_how_a_replay_stands_and_ends() -> None:
    waits = VIEW.model_copy(update={"reason": "the disk \x1b is full", "at": NOW, "done": 3, "exact": False})
    assert replay_line(waits, Look(200, False, NOW)) == [
        f"replay {FIRST} is running: the disk ␛ is full; 3 of about 12,345 events, at 2026-02-12 14:02:11"
    ]
    done = {"state": "completed", "sent": 7, "skipped": 2, "started_at": NOW, "ended_at": NOW + timedelta(seconds=61)}
    assert end_line(VIEW.model_copy(update=done)) == (
        f"replay {FIRST} completed: 7 events to the bus in 1:01; the bus refused 2 of them"
    )
    alone = VIEW.model_copy(update={"state": "completed", "sent": 1})
    assert end_line(alone) == f"replay {FIRST} completed: 1 event to the bus"
    failed = VIEW.model_copy(update={"state": "failed", "reason": "the queue x is gone", "done": 7})
    assert end_line(failed) == f"replay {FIRST} failed after 7 of 12,345 events: the queue x is gone"
    lines = list(replay_lines(failed.model_copy(update={"position": 1234, "skipped": 1, "at": NOW}), WIDE))
    assert "state        failed: the queue x is gone" in lines
    assert "stands at    seq 1,234, 2026-02-12 14:02:11" in lines
    assert "refused      1 by the bus" in lines
    assert lines[2] == "filter       a␛b"


def test_a_plan_fits_everywhere() -> None:
    queues = (ReplayQueue(name="a", count=5), ReplayQueue(name="queue.of.long.name", count=12_345, services=("s\x1b",)))
    plan = ReplayPlan(
        filter="x " * 300,
        to="bus",
        speed="max",
        total=12_345,
        exact=False,
        queues=queues,
        invalid=7,
        notes=("n " * 99,),
    )
    for width in (1, 20, 40, 80):
        lines = list(plan_lines(plan, Look(width, True, NOW)))
        assert all(line.isascii() and cell_len(line) <= max(width, 40) for line in lines)
    lines = list(plan_lines(plan, WIDE))
    assert "events       about 12,345" in lines
    assert "invalid      about 7 by today's contracts" in lines
    assert "takes        as long as sending takes" in lines
    for seconds, told in ((0.2, "less than a second"), (61, "about 1:01")):
        assert f"takes        {told}" in list(plan_lines(plan.model_copy(update={"duration_s": seconds}), WIDE))
    assert "queues       a                        5" in lines
    assert "             queue.of.long.name  12,345  s␛" in lines


def test_how_quickly_it_goes() -> None:
    assert tempo(1, None, None) == "as they came"
    assert tempo(0.5, 1000, 1.5) == "0.5 times as quick as they came, at most 1,000 events a second, no gap over 1.5 s"
    assert tempo("max", None, 0) == "as quick as can be, no gap over 0 s"


def test_columns_share_their_room() -> None:
    rows = [["x" * 50, "1", "y" * 5], ["日本", "1,000", "z" * 90]]
    lines = list(columns(("a", "n", "b"), rows, 60, flexible=("a", "b"), numbers=("n",)))
    assert [cell_len(line) for line in lines] == [35, 39, 60]
    assert lines[1].split()[1:] == ["1", "yyyyy"]
    assert lines[1].index(" 1 ") + 1 == lines[2].replace("日本", "xxxx").index("1,000") + 4
    assert list(columns(("a", "b"), [["x" * 9, "y"]], 60, flexible=("a", "b")))[1] == "x" * 9 + "  y"


def test_a_table_of_replays_is_harmless() -> None:
    views = [VIEW, VIEW.model_copy(update={"exact": False, "total": 5, "to": "queue:\x1b[2J" + "q" * 90})]
    for line in table(views, Look(80, False, NOW)):
        assert cell_len(line) <= 80
        assert "\x1b" not in line
