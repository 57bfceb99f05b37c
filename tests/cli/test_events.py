"""`godtui events`: what is stored, as rows or as JSON, and what arrives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.processes import PATIENCE, Process, environment, headless, run


def fill(command: Command, count: int, kind: str = "test.event.created") -> None:
    lines = "\n".join(
        json.dumps({"event_type": kind, "payload": {"message": f"{kind} {number}", "task_id": "t"}})
        for number in range(count)
    )
    assert command("publish", "--envelopes", "-", stdin=lines.replace(', "task_id": "t"', "").encode()).code == 0


def messages(text: str) -> list[str]:
    return [json.loads(line)["payload"]["message"] for line in text.splitlines()]


def test_the_newest_come_oldest_first(command: Command) -> None:
    fill(command, 5)
    ended = command("events", "--limit", "3")
    assert (ended.code, ended.stderr) == (0, "")
    assert messages(ended.stdout) == [f"test.event.created {number}" for number in (2, 3, 4)]
    assert [json.loads(line)["seq"] for line in ended.stdout.splitlines()] == [3, 4, 5]


def test_more_than_a_page(command: Command) -> None:
    fill(command, 1203)
    ended = command("events", "--limit", "5000")
    assert len(ended.stdout.splitlines()) == 1203
    assert len(command("events", "--limit", "1100", "since:1h").stdout.splitlines()) == 1100


def test_filters_in_one_word_or_in_several(command: Command) -> None:
    fill(command, 12)
    assert messages(command("events", "created 3").stdout) == ["test.event.created 3"]
    assert messages(command("events", "type:test.#", "payload.message~event", "11").stdout) == ["test.event.created 11"]
    assert command("events", "type:agent.#").stdout == ""


def test_negated_terms_are_no_options(command: Command) -> None:
    fill(command, 3)
    assert len(command("events", "-type:agent.#").stdout.splitlines()) == 3
    assert messages(command("events", "-0", "created", "-payload.message~1").stdout) != []
    assert len(command("events", "-source:foo", "-0", "--limit", "9").stdout.splitlines()) == 2
    assert command("events", "-is:invalid", "-f:x").code == 2


def test_a_table_cannot_be_broken_by_what_it_shows(command: Command) -> None:
    payload = json.dumps({"message": "a\x1b[31mred\nnew\x00line ‮"})
    assert command("publish", "test.event.created", "--payload", payload).code == 0
    ended = command("events", "--format", "table")
    assert len(ended.stdout.splitlines()) == 1
    assert not any(sign in ended.stdout for sign in "\x1b\x00‮")
    assert "test.event.created" in ended.stdout
    assert "cli" in ended.stdout


WRONG: list[tuple[int, str, tuple[str, ...]]] = [
    (2, "character 8", ("events", "before type:")),
    (2, "type:", ("events", "typ:x")),
    (2, "character 1", ("events", "-")),
    (2, "--limit", ("events", "--limit", "0")),
    (2, "--format", ("events", "--format", "xml")),
    (2, "No such option", ("events", "--folow")),
    (3, "nothing answers", ("events", "--attach", "http://127.0.0.1:1")),
]


@pytest.mark.parametrize(("code", "part", "arguments"), WRONG, ids=[" ".join(row[2]) for row in WRONG])
def test_every_wrong_use_is_one_sentence(command: Command, code: int, part: str, arguments: tuple[str, ...]) -> None:
    ended = command(*arguments)
    assert part in ended.sentence
    assert ended.code == code


def test_nothing_stored_is_nothing_said(command: Command) -> None:
    assert command("events") == (0, "", "")


def test_who_has_read_enough_may_go(home: Path) -> None:
    lines = "\n".join(json.dumps({"message": "x" * 1000}) for _ in range(1000)).encode()
    data = str(home / "data")
    assert run(home, "publish", "test.event.created", "-", "--data-dir", data, stdin=lines).returncode == 0
    godtui = f"{sys.executable} -m godtui events --limit 1000 --data-dir {data}"
    script = f"set -o pipefail; {godtui} | head -n 1 | wc -l; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment(home)
    )
    assert ended.stdout.split() == ["1", "0"]
    assert ended.stderr == ""


def test_outputs_may_be_closed(home: Path) -> None:
    godtui = f"{sys.executable} -m godtui"
    data = home / "data"
    publish = f"{godtui} publish test.event.created --data-dir {data}"
    script = f"""
        {publish} --payload '{{"message": "x"}}' >&-; echo $?
        {godtui} events --data-dir {data} >&- 2>&-; echo $?
        {publish} - <&-; echo $?
    """
    ended = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment(home)
    )
    assert ended.stdout.split() == ["0", "0", "2"]
    assert ended.stderr.startswith("godtui: standard input is closed")
    assert len(ended.stderr.splitlines()) == 1


def test_following_survives_the_instance(home: Path, command: Command) -> None:
    """Without loss and without doubles, from before there is an instance until after it was killed and came back."""
    (home / "data").mkdir()
    fill(command, 2)
    with Process(home, "events", "--follow", "type:test.#", "--data-dir", str(home / "data")) as following:
        following.until(lambda: len(following.stdout) == 2)
        following.until(lambda: any("waiting for a godtui" in line for line in following.stderr))
        fill(command, 3)
        with headless(home) as first:
            first.started()
            fill(command, 3)
            following.until(lambda: len(following.stdout) == 8)
            first.kill()
        fill(command, 4)
        with headless(home) as second:
            second.started()
            fill(command, 1)
            following.until(lambda: len(following.stdout) == 13)
            second.stop()
        seqs = [json.loads(line)["seq"] for line in following.stdout]
        assert seqs == sorted(set(seqs))
        following.send(signal.SIGINT)
        assert following.wait() == 0
        assert not any("Traceback" in line for line in following.stderr)


def test_interrupted_commands_say_nothing(home: Path) -> None:
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "godtui", "publish", "test.event.created", "-", "--data-dir", str(home / "data")],
        stdin=reading,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(home),
    )
    os.close(reading)
    try:
        os.write(writing, b'{"message": "at once"}\n')
        log = home / "data" / "events.sqlite-wal"
        deadline = time.monotonic() + PATIENCE
        while not (log.exists() and b"at once" in log.read_bytes()):
            assert time.monotonic() < deadline, "it was not published before its line was the last"
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
        os.close(writing)
    assert (process.returncode, out, err.strip()) == (130, b"", b"")
