"""`godtui dispatcher`: on an instance that runs, whose dispatcher is in memory."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from rich.cells import cell_len

from godtui.cli.dispatching import harmless
from godtui.cli.program import TICKET_STATES
from godtui.cli.serving import HttpService
from godtui.cli.ticket_lines import Look, explanation_lines, state_line, status_lines, table, ticket_lines
from godtui.eventlog import Ownership
from godtui.operations import (
    Check,
    Condition,
    DispatcherStatus,
    DispatcherUnavailableError,
    Explanation,
    StoreUnavailableError,
    TicketState,
    TicketView,
)
from godtui.runtime.engine import Engine
from godtui.runtime.hosting import Host
from godtui.settings import Settings
from tests.cli.conftest import Command, Ended
from tests.cli.test_program import Terminal
from tests.dispatching import CONDITIONS, EVENT, FULL, HOSTILE, NOW, MemoryDispatcher, ticket

ACTING = "\x1b\x00\u202e\u2028"
WIDE = Look(120, False, NOW)


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
def fake(instance: Engine) -> MemoryDispatcher:
    """Its dispatcher, fresh for each test."""
    found = instance.operations.dispatcher = MemoryDispatcher()
    return found


@dataclass
class Asking:
    """Runs `godtui dispatcher ARGUMENTS` on the instance."""

    command: Command
    url: str
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Ended:
        return self.command("dispatcher", *arguments, "--attach", self.url, stdin=stdin)

    def document(self, *arguments: str, stdin: bytes = b"") -> dict[str, Any]:
        ended = self(*arguments, stdin=stdin)
        assert (ended.code, ended.stderr) == (0, "")
        told: dict[str, Any] = json.loads(ended.stdout)
        return told

    def on_terminal(self, *arguments: str, stdin: bytes = b"") -> Ended:
        """The same as on a terminal of 120 columns."""
        with self.monkeypatch.context() as patching:
            patching.setattr("sys.stdout.isatty", lambda: True)
            patching.setenv("COLUMNS", "120")
            return self(*arguments, stdin=stdin)

    def lines(self, *arguments: str, stdin: bytes = b"") -> list[str]:
        ended = self.on_terminal(*arguments, stdin=stdin)
        assert (ended.code, ended.stderr) == (0, "")
        assert not any(sign in ended.stdout for sign in ACTING)
        return ended.stdout.splitlines()


@pytest.fixture
def ask(command: Command, instance: Engine, fake: MemoryDispatcher, monkeypatch: pytest.MonkeyPatch) -> Asking:
    assert instance.url is not None
    return Asking(command, instance.url, monkeypatch)


def test_a_pipe_gets_the_documents(ask: Asking, fake: MemoryDispatcher) -> None:
    assert ask.document("status") == asyncio.run(fake.status()).document()
    assert ask.document("status", "--state", "blocked", "--limit", "5")["tickets"] == [FULL.document()]
    assert fake.calls[-1] == ("status", "blocked", 5)
    assert ask.document("show", "INFRA-1") == FULL.document()
    assert ask.document("show", FULL.id) == FULL.document()
    assert ask.document("pause", "--reason", HOSTILE.replace("\0", ""))["state"] == "paused"
    assert ask.document("resume")["state"] == "running"
    assert ask.document("retry", "INFRA-1")["state"] == "checking"
    assert ask.document("withdraw", "INFRA-1", "--reason", "no")["reason"] == "no"
    assert ask.document("dispatch", "INFRA 4?#ü", "--reason", "why", "--yes")["forced"] == "why"


def test_a_terminal_gets_sentences(ask: Asking) -> None:
    lines = ask.lines("status")
    assert lines[:3] == [
        "running since 2026-02-12 14:02",
        "1 ready, 1 blocked, 1 dispatched, 1 rejected",
        "next try 2026-02-12 14:02",
    ]
    assert lines[5].split() == ["reference", "state", "episode", "title", "why", "next", "try"]
    assert lines[6].startswith("INFRA-1     blocked     2        a␛[31mred")
    assert lines[-4].startswith("check of bloodbank since 2026-02-12 14:02, for INFRA-1, a␛[31mred")
    assert lines[-1] == "1 of 2 settings are at their defaults; --json has them all"
    assert lines[-2] == "INFRA_CHECK_POLICY  annotate  (godtui.toml)"
    assert all(cell_len(line) <= 120 for line in lines[5:10])
    assert ask.lines("pause") == ["the dispatcher is paused since 2026-02-12 14:02"]
    assert ask.lines("pause", "--reason", "a\x1b[2Jb") == ["the dispatcher is paused since 2026-02-12 14:02: a␛[2Jb"]
    assert ask.lines("resume") == ["the dispatcher is running since 2026-02-12 14:02"]
    assert ask.lines("retry", "INFRA-1") == ["INFRA-1 is checking: asked to"]
    assert ask.lines("withdraw", "INFRA-1") == ["INFRA-1 is withdrawn"]
    assert ask.lines("dispatch", "INFRA-1", "--reason", "why", "--yes") == ["INFRA-1 is sending: past the gate"]
    assert ask.lines("show", "INFRA-1")[0] == "ticket       INFRA-1"
    assert json.loads(ask.on_terminal("status", "--json").stdout)["state"] == "running"


def test_what_is_explained(ask: Asking, fake: MemoryDispatcher, home: Path) -> None:
    body = {"event": "issue", "data": [10**30, None]}
    (home / "body.json").write_text(json.dumps(body))
    explained = ask.document("explain", "body.json")
    assert (explained["verdict"], explained["conditions"][0]["why"]) == ("rejected", "it is unstarted")
    assert ask.document("explain", "-", stdin=json.dumps(body).encode()) == explained
    assert fake.calls == [("explain_body", body)] * 2
    assert ask.document("explain", "-", stdin=b"null")["verdict"] == "ignored"
    assert ask.document("explain", "--event", str(EVENT))["verdict"] == "qualified"
    assert ask.document("explain", "--ticket", "INFRA-1")["ticket"] == FULL.document()


def test_an_explanation_is_read_line_by_line(ask: Asking) -> None:
    state, labels, components, verdict, standing = ask.lines("explain", "-", stdin=b"{}")
    assert state == "✓ state: it is unstarted"
    assert labels.startswith("✗ labels: no ready, but a␛[31mred␊new␀line")
    assert (components, verdict) == ("components: bloodbank", "verdict: rejected")
    assert standing.startswith("a␛[31mred")
    assert ask.lines("explain", "--ticket", "INFRA-1")[-2:] == ["verdict: rejected", "paused"]


def test_output_goes_on_as_it_is(ask: Asking, fake: MemoryDispatcher) -> None:
    fake.output = asyncio.Queue()
    for piece in ("one\n", "two\x1b[31m\tx\r\n", None):
        fake.output.put_nowait(piece)
    ended = ask("output", "bloodbank")
    assert (ended.code, ended.stdout, ended.stderr) == (0, "one\ntwo\x1b[31m\tx\r\n", "")
    assert ask("output", "candystore") == (0, "", "")


def test_output_does_not_act_on_a_terminal(ask: Asking, fake: MemoryDispatcher) -> None:
    fake.output = asyncio.Queue()
    for piece in ("one\n", "two\x1b[31m\tx\r\n", None):
        fake.output.put_nowait(piece)
    assert ask.on_terminal("output", "bloodbank").stdout == "one\ntwo␛[31m\tx\n"
    ended = ask.on_terminal("output", "no\x1bne")
    assert (ended.code, ended.stdout) == (0, "")
    assert "no check of no␛ne runs now" in ended.sentence


WRONG: list[tuple[int, str, tuple[str, ...]]] = [
    (1, "INFRA-9 was ever seen", ("show", "INFRA-9")),
    (1, "no ticket is named", ("show", "../../etc/passwd")),
    (1, "no ticket is named", ("retry", "")),
    (1, "INFRA-9 was ever seen", ("explain", "--ticket", "INFRA-9")),
    (1, "is stored", ("explain", "--event", "0198c5a2-6c1e-7000-8000-000000000002")),
    (1, "INFRA-2 is dispatched", ("retry", "INFRA-2")),
    (1, "INFRA-2 is dispatched", ("withdraw", "INFRA-2")),
    (1, "INFRA-2 is dispatched", ("dispatch", "INFRA-2", "--reason", "x", "--yes")),
    (1, "a delivery is not JSON", ("explain", "-")),
    (2, "cannot be read", ("explain", "/nowhere")),
    (2, "one of three", ("explain",)),
    (2, "one of three", ("explain", "-", "--ticket", "INFRA-1")),
    (2, "--event", ("explain", "--event", "x")),
    (2, "--state", ("status", "--state", "waiting")),
    (2, "--limit", ("status", "--limit", "0")),
    (2, "--limit", ("status", "--limit", "1001")),
    (2, "TICKET", ("show",)),
    (2, "--reason", ("dispatch", "INFRA-1", "--yes")),
    (2, "--reason is empty", ("dispatch", "INFRA-1", "--yes", "--reason", " ")),
    (2, "add --yes", ("dispatch", "INFRA-1", "--reason", "x")),
    (2, "501 characters", ("pause", "--reason", "x" * 501)),
    (2, "501 characters", ("withdraw", "INFRA-1", "--reason", "x" * 501)),
    (2, "501 characters", ("dispatch", "INFRA-1", "--yes", "--reason", "x" * 501)),
    (2, "No such command", ("redrive",)),
]


@pytest.mark.parametrize(("code", "said", "arguments"), WRONG)
def test_wrong_usage(ask: Asking, code: int, said: str, arguments: tuple[str, ...]) -> None:
    ended = ask(*arguments)
    assert (ended.code, said in ended.sentence, ended.stdout) == (code, True, ""), ended


def test_a_body_has_its_limit(ask: Asking, fake: MemoryDispatcher) -> None:
    largest = b'"' + b"x" * (16 * 1024 * 1024 - 2) + b'"'
    assert ask("explain", "-", stdin=largest).code == 0
    fake.calls.clear()
    ended = ask("explain", "-", stdin=largest + b" ")
    assert (ended.code, "16,777,216 bytes" in ended.sentence) == (1, True)
    assert fake.calls == []


def test_a_body_that_is_none_says_where(ask: Asking, home: Path) -> None:
    (home / "body.json").write_bytes(b'{"a": 1,}')
    ended = ask("explain", "body.json")
    assert (ended.code, "line 1 column" in ended.sentence) == (1, True)


EVERY = [
    *[("status",), ("show", "INFRA-1"), ("pause",), ("resume",), ("retry", "INFRA-1"), ("withdraw", "INFRA-1")],
    *[("dispatch", "INFRA-1", "--reason", "x", "--yes"), ("explain", "--ticket", "INFRA-1"), ("output", "bloodbank")],
]


@pytest.mark.parametrize("arguments", EVERY, ids=lambda arguments: arguments[0])
def test_where_nothing_can_be_had(ask: Asking, fake: MemoryDispatcher, arguments: tuple[str, ...]) -> None:
    for error in (DispatcherUnavailableError(f"elsewhere: {HOSTILE}"), StoreUnavailableError("the disk is gone")):
        fake.error = error
        ended = ask(*arguments)
        assert (ended.code, ended.stdout) == (3, "")
        assert not any(sign in ended.sentence for sign in ACTING)
        assert ended.sentence.startswith(str(error)[:9])


@pytest.mark.parametrize("arguments", EVERY, ids=lambda arguments: arguments[0])
def test_an_instance_is_needed(command: Command, arguments: tuple[str, ...]) -> None:
    ended = command("dispatcher", *arguments)
    assert (ended.code, "start godtui --headless" in ended.sentence) == (3, True)


def test_it_asks_before_it_goes_past_the_gate(ask: Asking, home: Path, fake: MemoryDispatcher) -> None:
    command = ("dispatcher", "dispatch", "INFRA-1", "--reason", "why", "--attach", ask.url)
    with Terminal(home, *command) as refusing:
        refusing.until("dispatch INFRA-1 past the gate and its checks? [y/N]")
        os.write(refusing.master, b"n\n")
        assert refusing.wait() == 130
    assert fake.calls == []
    with Terminal(home, *command) as agreeing:
        agreeing.until("[y/N]")
        os.write(agreeing.master, b"y\n")
        agreeing.until("INFRA-1 is sending: past the gate")
        assert agreeing.wait() == 0
    assert fake.calls == [("dispatch", "INFRA-1", "why")]


def test_every_state_can_be_asked_for() -> None:
    assert get_args(TicketState) == TICKET_STATES


def status(**fields: Any) -> DispatcherStatus:
    return DispatcherStatus(**{"state": "running", **fields})


def test_the_state_in_a_line() -> None:
    assert state_line(status(since=NOW), WIDE) == "running since 14:02:11"
    assert state_line(status(since=NOW - timedelta(days=1)), WIDE) == "running since 2026-02-11 14:02"
    assert state_line(status(state="held", reason="no token"), WIDE) == "held: no token"
    there = status(state="standing by", reason="not here", active="host-7")
    assert state_line(there, WIDE) == "standing by: not here (host-7 dispatches)"
    assert state_line(status(state="off", reason="host-7 has it", active="host-7"), WIDE) == "off: host-7 has it"


def test_an_idle_dispatcher_says_so() -> None:
    assert list(status_lines(status(), WIDE)) == ["running", "no tickets"]
    counted = status(counts={"failed": 2, "held": 1_200}, tickets=[ticket(1, "held")], notes=[f"set aside {HOSTILE}"])
    lines = list(status_lines(counted, WIDE))
    assert lines[1:3] == ["1,200 held, 2 failed", "set aside a␛[31mred␊new␀line ·␤ 日本"]
    assert lines[-1] == "these are 1 of 1,202 tickets; see --limit and --state"


SOME = [
    ticket(42, "retrying", episode=3, title="Rotate " * 9, reason="no answer within 30 s", next_try_at=NOW),
    ticket(7, "dispatched", title="日本" * 40, reason=""),
]


def test_a_table_is_as_wide_as_it_needs_to_be() -> None:
    assert list(table([ticket(1, "ready")], WIDE)) == [
        "reference  state  episode  title     why",
        "INFRA-1    ready  0        ticket 1  reason 1",
    ]
    head, first, second = table(SOME, WIDE)
    assert head.split() == ["reference", "state", "episode", "title", "why", "next", "try"]
    assert first.endswith("…  no answer within 30 s  14:02:11")
    assert second.startswith("INFRA-7    dispatched  0        日本日本")


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("width", [1, 20, 30, 40, 50, 60, 70, 80, 100, 200])
def test_a_table_fits(width: int, ascii_only: bool) -> None:
    hostile = ticket(3, "blocked", title=HOSTILE, reason=HOSTILE, reference=HOSTILE * 3)
    lines = list(table([*SOME, hostile], Look(width, ascii_only, NOW)))
    assert len(lines) == 4
    for line in lines:
        assert cell_len(line) <= max(width, 20)
        assert not any(sign in line for sign in ACTING)
        assert line.isascii() or not ascii_only
    assert "INFRA-42" in lines[1]


def test_a_narrow_table_keeps_what_matters_most() -> None:
    def head(width: int) -> list[str]:
        return next(iter(table(SOME, Look(width, False, NOW)))).replace("next try", "next_try").split()

    assert head(80) == ["reference", "state", "episode", "title", "why", "next_try"]
    assert head(68) == ["reference", "state", "title", "why", "next_try"]
    assert head(54) == ["reference", "state", "title", "why"]
    assert head(40) == ["reference", "state", "why"]


def test_a_ticket_is_described_for_a_reader() -> None:
    lines = list(ticket_lines(FULL, WIDE))
    assert lines[0] == "ticket       INFRA-1"
    assert "next try     14:02:11" in lines
    assert "✓ state: it is unstarted" in lines
    assert (
        "check of bloodbank: failed (exit code 1, 1.5 s, 14:02:11): the check of bloodbank failed: exit code 1" in lines
    )
    assert lines[-5:-3] == ["  $ false   in /srv/bloodbank", "  | one"]
    assert not any(sign in line for sign in ACTING + "\n" for line in lines)
    least = TicketView(id="7", reference="INFRA-7", state="ready", changed_at=NOW)
    assert list(ticket_lines(least, WIDE)) == [
        *["ticket       INFRA-7", "state        ready", "episode      0", "attempts     0"],
        *["changed      14:02:11", "id           7"],
    ]
    none = least.model_copy(update={"checks": [Check(component=None, outcome="no_component")]})
    assert list(ticket_lines(none, WIDE))[-1] == "check: no component"


def test_conditions_without_a_sentence_are_compared() -> None:
    bare = Condition(name="labels", holds=False, observed=["a", 10**30], wanted=None)
    lines = list(explanation_lines(Explanation(verdict="rejected", conditions=[bare]), WIDE))
    assert lines == [f'✗ labels: it is ["a",{10**30}], and wanted is null', "verdict: rejected"]


def test_without_unicode_all_is_ascii() -> None:
    look = Look(60, True, NOW)
    whole = asyncio.run(MemoryDispatcher().status())
    explained = Explanation(verdict="rejected", conditions=CONDITIONS, standing=[HOSTILE], ticket=FULL)
    lines = [*status_lines(whole, look), *ticket_lines(FULL, look), *explanation_lines(explained, look)]
    assert all(line.isascii() for line in lines)
    assert "+ state: it is unstarted" in lines


def test_output_keeps_its_lines_and_tabs() -> None:
    assert harmless("a\tb\r\nc\rd\x1b[2J") == "a\tb\nc␍d␛[2J"
    assert harmless("ü\x00\n", ascii_only=True) == "?.\n"
