"""`godtui publish`: one event, many lines, and everything that can be said wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from godtui.cli.lines import Line, Splitter
from tests.cli.conftest import Command
from tests.processes import PATIENCE, Process, environment, run

CREATED = ("test.event.created", "--payload", '{"message": "hello"}')


def stored(command: Command, *arguments: str) -> list[dict[str, object]]:
    """What the store holds, oldest first."""
    ended = command("events", "--format", "json", *arguments)
    assert ended.code == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_one_event_without_an_instance(command: Command) -> None:
    ended = command("publish", *CREATED)
    assert (ended.code, ended.stderr) == (0, "")
    receipt = json.loads(ended.stdout)
    assert receipt["event_type"] == "test.event.created"
    assert receipt["version"] == "v1"
    (event,) = stored(command)
    assert event["event_id"] == receipt["event_id"] == receipt["correlation_id"]
    assert event["payload"] == {"message": "hello"}
    assert event["source"]["service"] == "cli"  # type: ignore[index]


def test_what_can_be_said_of_it(command: Command, home: Path) -> None:
    chain = str(uuid4())
    (home / "payload.json").write_text('{"message": "from a file"}')
    ended = command(
        "publish", "test.event.created", "--payload-file", "payload.json", "--correlation-id", chain, "--source", "ci"
    )
    assert ended.code == 0
    (event,) = stored(command)
    assert event["correlation_id"] == chain
    assert event["payload"] == {"message": "from a file"}
    assert event["source"]["service"] == "ci"  # type: ignore[index]


def test_lines_of_payloads(command: Command) -> None:
    lines = "".join(f'{{"message": "{number}"}}\n\n' for number in range(450)).encode()
    ended = command("publish", "test.event.created", "-", stdin=lines[:-2])
    assert (ended.code, ended.stderr) == (0, "")
    assert json.loads(ended.stdout) == {"accepted": 450, "rejected": 0, "unconfirmed": 0}
    events = stored(command, "--limit", "1000")
    assert [event["payload"]["message"] for event in events] == [str(n) for n in range(450)]  # type: ignore[index]


def test_lines_of_envelopes_may_come_twice(command: Command) -> None:
    ids = [str(uuid4()) for _ in range(3)]
    lines = "\n".join(
        json.dumps(
            {"event_id": one, "event_type": "test.event.created", "payload": {"message": one}, "agent_context": 5}
        )
        for one in ids
    ).encode()
    for _ in range(2):
        ended = command("publish", "--envelopes", "-", stdin=lines)
        assert json.loads(ended.stdout)["accepted"] == 3
    events = stored(command)
    assert [event["event_id"] for event in events] == ids
    assert events[0]["agent_context"] == 5


def test_stored_events_can_be_published_again_and_elsewhere(command: Command, tmp_path: Path) -> None:
    command("publish", *CREATED)
    own = {"event_type": "test.event.created", "payload": {"message": "own"}, "seq": "mine", "agent_context": 5}
    assert command("publish", "--envelopes", "-", stdin=json.dumps(own).encode()).code == 0
    before = stored(command)
    lines = command("events", "--format", "json").stdout.encode()
    for there in ((), ("--data-dir", str(tmp_path))):
        ended = command("publish", "--envelopes", "-", *there, stdin=lines)
        assert (ended.code, json.loads(ended.stdout)["accepted"]) == (0, 2), ended.stderr
        after = stored(command, *there)
        assert [_published(event) for event in after] == [_published(event) for event in before]
    assert before[1]["extra"] == {"seq": "mine"}
    assert "extra" not in before[0]


def _published(event: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in event.items() if key not in ("seq", "stored_at")}


def test_bad_lines_hold_up_no_good_ones(command: Command) -> None:
    lines = b'{"message": "1"}\nnot json\n{"message": 3}\n\xff\xfe\n[]\n{"message": "\\ud800"}\n{"message": "7"}'
    ended = command("publish", "test.event.created", "-", stdin=lines)
    assert ended.code == 1
    assert json.loads(ended.stdout) == {"accepted": 2, "rejected": 5, "unconfirmed": 0}
    said = ended.stderr.splitlines()
    assert sorted(line.split(":")[0] for line in said[:-1]) == ["line 2", "line 3", "line 4", "line 5", "line 6"]
    assert "UTF-8" in ended.stderr
    assert said[-1] == "godtui: 5 of the lines were not published; each is named above"
    assert "Traceback" not in ended.stderr
    assert len(stored(command)) == 2


def test_no_lines_at_all(command: Command) -> None:
    ended = command("publish", "test.event.created", "-", stdin=b"\n \n")
    assert (ended.code, json.loads(ended.stdout)["accepted"]) == (0, 0)


def test_nothing_is_taken_before_the_first_line(home: Path) -> None:
    data = ("--data-dir", str(home / "data"))
    waiting = subprocess.Popen(
        [sys.executable, "-m", "godtui", "publish", "test.event.created", "-", *data],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=home, env=environment(home),
    )  # fmt: skip
    with waiting:
        assert run(home, "publish", *CREATED, *data).returncode == 0
        assert run(home, "publish", *CREATED, *data).returncode == 0
        said, _ = waiting.communicate(b'{"message": "late"}\n', PATIENCE)
    assert (waiting.returncode, json.loads(said)["accepted"]) == (0, 1)
    assert len(run(home, "events", *data).stdout.splitlines()) == 3


def test_a_directory_is_read_and_published_into_in_one_pipe(home: Path) -> None:
    godtui, data = f"{sys.executable} -m godtui", f"--data-dir {home / 'data'}"
    assert run(home, "publish", *CREATED, *data.split()).returncode == 0
    ended = subprocess.run(
        f"{godtui} events --format json {data} | {godtui} publish --envelopes - {data}",
        shell=True, capture_output=True, timeout=PATIENCE, check=False, cwd=home, env=environment(home),
    )  # fmt: skip
    assert (ended.returncode, json.loads(ended.stdout)["accepted"]) == (0, 1), ended.stderr


def test_a_line_that_is_too_large_is_named(command: Command) -> None:
    large = b'{"message": "%s"}\n{"message": "fits"}\n' % (b"x" * 1_100_000)
    ended = command("publish", "test.event.created", "-", stdin=large)
    assert ended.code == 1
    assert ended.stderr.startswith("line 1: the event is 1,1")
    assert len(stored(command)) == 1


WRONG: list[tuple[int, str, tuple[str, ...]]] = [
    (2, "say which event type", ("publish",)),
    (2, "give the payload with --payload", ("publish", "test.event.created")),
    (2, "not both", ("publish", *CREATED, "--payload-file", "x")),
    (2, "leave --payload and --payload-file out", ("publish", *CREATED, "-")),
    (2, "add -", ("publish", "--envelopes")),
    (2, "leave TYPE out", ("publish", "test.event.created", "-", "--envelopes")),
    (2, '"more" is not understood', ("publish", "test.event.created", "more")),
    (2, "nowhere cannot be read: No such file", ("publish", "test.event.created", "--payload-file", "nowhere")),
    (2, "cannot be read: Is a directory", ("publish", "test.event.created", "--payload-file", ".")),
    (2, "No such option", ("publish", "--paylod", "{}")),
    (2, "GODTUI_PORT", ("publish", *CREATED, "--port", "x")),
    (1, "/dev/zero has over 134,217,728 bytes", ("publish", "test.event.created", "--payload-file", "/dev/zero")),
    (1, "the payload is not JSON", ("publish", "test.event.created", "--payload", "{'message': 1}")),
    (1, "the payload is not JSON", ("publish", "test.event.created", "--payload", "")),
    (1, "the payload is not JSON", ("publish", "test.event.created", "--payload", '{"message": NaN}')),
    (1, "/payload/message", ("publish", "test.event.created", "--payload", '{"message": 5}')),
    (1, "/payload", ("publish", "test.event.created", "--payload", "[]")),
    (1, "test.event.created", ("publish", "test.event.creatd", "--payload", "{}")),
    (1, "lower-case words", ("publish", "Test", "--payload", "{}")),
    (1, "/correlation_id", ("publish", *CREATED, "--correlation-id", "x")),
    (2, "URL such as http://localhost:8000", ("publish", *CREATED, "--attach", "localhost:8000")),
    (2, "no password", ("publish", *CREATED, "--attach", "http://a:b@localhost:1")),
    (3, "nothing answers at http://127.0.0.1:1", ("publish", *CREATED, "--attach", "http://127.0.0.1:1")),
]


@pytest.mark.parametrize(("code", "part", "arguments"), WRONG, ids=[" ".join(row[2])[:60] for row in WRONG])
def test_every_wrong_use_is_one_sentence(command: Command, code: int, part: str, arguments: tuple[str, ...]) -> None:
    ended = command(*arguments)
    if part == "GODTUI_PORT":
        part = "--port"
    assert part in ended.sentence
    assert (ended.code, ended.stdout) == (code, "")


def test_a_size_limit(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GODTUI_MAX_EVENT_BYTES", "100")
    ended = command("publish", *CREATED)
    assert (ended.code, "at most 100" in ended.sentence) == (1, True)


def test_a_file_that_may_not_be_read(command: Command, home: Path) -> None:
    (home / "secret.json").write_text("{}")
    (home / "secret.json").chmod(0)
    if os.access(home / "secret.json", os.R_OK):
        (home / "loop").symlink_to("loop")
        ended = command("publish", "test.event.created", "--payload-file", "loop")
    else:
        ended = command("publish", "test.event.created", "--payload-file", "secret.json")
    assert ended.code == 2
    assert "cannot be read" in ended.sentence


def test_a_data_directory_that_cannot_be_made(command: Command, home: Path) -> None:
    (home / "file").write_text("")
    ended = command("publish", *CREATED, "--data-dir", "file")
    assert ended.code == 2
    assert "file" in ended.sentence


def test_a_token_that_cannot_be_sent(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GODTUI_API_TOKEN", "gehäim")
    ended = command("publish", *CREATED, "--attach", "http://127.0.0.1:1")
    assert ended.code == 2
    assert "gehäim" not in ended.sentence


def test_beside_a_live_instance(command: Command, live: Process, live_home: Path) -> None:
    ended = command("publish", *CREATED, "--data-dir", str(live_home / "data"))
    receipt = json.loads(ended.stdout)
    assert [event["event_id"] for event in stored(command, f"id:{receipt['event_id']}", "--attach", live.url)] == [
        receipt["event_id"]
    ]


@pytest.mark.parametrize("by", ["option", "variable"])
def test_attached_to_an_instance(command: Command, live: Process, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    there: tuple[str, ...] = ("--attach", live.url)
    if by == "variable":
        monkeypatch.setenv("GODTUI_URL", live.url)
        there = ()
    identity = str(uuid4())
    line = json.dumps({"event_id": identity, "event_type": "test.event.created", "payload": {"message": "x"}}).encode()
    for _ in range(2):
        assert command("publish", "--envelopes", "-", *there, stdin=line).code == 0
    assert len(stored(command, f"id:{identity}", *there)) == 1
    other = line.replace(b'"x"', b'"y"')
    ended = command("publish", "--envelopes", "-", *there, stdin=other)
    assert ended.code == 1
    assert "other content" in ended.stderr
    assert command("publish", "test.event.created", "--payload", '{"message": 5}', *there).code == 1


class TestSplitter:
    """Lines from chunks that end anywhere."""

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
    def test_chunks_of_any_size(self, size: int) -> None:
        text = b"one\n\ntwo\r\n  \nthree"
        splitter = Splitter()
        found = [line for start in range(0, len(text), size) for line in splitter.feed(text[start : start + size])]
        found += splitter.end()
        assert [line.text for line in found] == [b"one", b"", b"two\r", b"  ", b"three"]
        assert [line.number for line in found] == [1, 2, 3, 4, 5]
        assert sum(line.size for line in found) == len(text)

    def test_a_line_without_end_is_not_kept(self) -> None:
        splitter = Splitter(most=10)
        found = [line for _ in range(50) for line in splitter.feed(b"abc")]
        found += splitter.feed(b"\nshort\n")
        assert found == [Line(1, None, 151), Line(2, b"short", 6)]
        assert list(splitter.end()) == []


def test_ids_are_uuids(command: Command) -> None:
    receipt = json.loads(command("publish", *CREATED, "--json").stdout)
    assert UUID(receipt["event_id"]).version == 7
