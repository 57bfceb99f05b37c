"""`godtui events --all` and `godtui import`: out of one store and into another, whole, and on from where it stopped."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.test_events import fill
from tests.processes import PATIENCE, Process, environment

PLACE = re.compile(r',"seq":\d+,"stored_at":"[^"]+"')


def test_there_and_back(command: Command, home: Path) -> None:
    fill(command, 1203)
    exported = command("events", "--all")
    assert (exported.code, exported.stderr) == (0, "")
    assert [json.loads(line)["seq"] for line in exported.stdout.splitlines()] == list(range(1, 1204))
    (home / "kept").write_text(exported.stdout)
    elsewhere = ("--data-dir", str(home / "other"))
    ended = command("import", str(home / "kept"), *elsewhere)
    assert (ended.code, ended.stderr) == (0, "")
    assert json.loads(ended.stdout) == {"stored": 1203, "already": 0, "refused": 0}
    again = command("events", "--all", *elsewhere)
    assert PLACE.sub("", again.stdout) == PLACE.sub("", exported.stdout)
    ended = command("import", "-", *elsewhere, stdin=exported.stdout.encode())
    assert json.loads(ended.stdout) == {"stored": 0, "already": 1203, "refused": 0}


def test_an_export_goes_on_beyond_a_position(command: Command) -> None:
    fill(command, 12)
    seqs = [json.loads(line)["seq"] for line in command("events", "--all", "--after", "9").stdout.splitlines()]
    assert seqs == [10, 11, 12]
    assert command("events", "--all", "--after", "12").stdout == ""
    assert command("events", "--all", "--after", "99").stdout == ""
    matching = command("events", "--all", "payload.message~1", "--after", "3").stdout.splitlines()
    assert [json.loads(line)["seq"] for line in matching] == [11, 12]
    assert command("events", "--all", "--format", "table", "--after", "11").stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--after", "3"), "--after goes with --all"),
        (("--all", "--follow"), "--all ends with what is stored now; leave --follow and --limit out"),
        (("--all", "--limit", "3"), "--all ends with what is stored now; leave --follow and --limit out"),
    ],
)
def test_what_makes_no_sense_of_an_export(command: Command, options: tuple[str, ...], sentence: str) -> None:
    ended = command("events", *options)
    assert (ended.code, ended.sentence) == (2, sentence)


def test_an_empty_store_exports_nothing(command: Command) -> None:
    ended = command("events", "--all")
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")
    assert json.loads(command("import", "-").stdout) == {"stored": 0, "already": 0, "refused": 0}


def test_a_disk_that_fills_in_mid_export_leaves_whole_lines(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(command, 700)
    whole = command("events", "--all").stdout
    target = home / "part"
    with target.open("wb") as file:
        full = _Full(file.fileno(), len(whole) * 3 // 4)
        monkeypatch.setattr("sys.stdout", full)
        ended = command("events", "--all")
        monkeypatch.undo()
    assert ended.code == 1
    found = re.search(r"the output cannot be written \(No space left on device\); .* --after (\d+)$", ended.stderr)
    assert found is not None, ended.stderr
    kept = target.read_text()
    assert kept.endswith("\n")
    assert [json.loads(line)["seq"] for line in kept.splitlines()] == list(range(1, int(found[1]) + 1))


class _Full:
    """Standard output without a buffer, on a file whose disk takes only so many bytes: first fewer, then an error."""

    def __init__(self, descriptor: int, room: int) -> None:
        self._descriptor = descriptor
        self._room = room
        self.buffer = self

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return False

    def write(self, text: bytes) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = os.write(self._descriptor, text[: self._room])
        self._room -= written
        return written

    def flush(self) -> None:
        return


def test_lines_that_are_broken_are_named_and_the_rest_is_taken(command: Command, home: Path) -> None:
    fill(command, 5)
    lines = command("events", "--all").stdout.splitlines()
    lines[1] = lines[1][:30]
    lines[3] = lines[3].replace('"payload":{', '"payload":[{').replace('},"seq"', '}],"seq"')
    lines.insert(2, "")
    ended = command(
        "import", "-", "--data-dir", str(home / "b"), "--errors", str(home / "bad"), stdin="\n".join(lines).encode()
    )
    assert ended.code == 1
    assert json.loads(ended.stdout) == {"stored": 3, "already": 0, "refused": 2}
    said = ended.stderr.splitlines()
    assert said[0].startswith("line 2: ")
    assert said[1].startswith("line 5: ")
    assert said[2] == "godtui: 2 of the lines were not imported; the others are"
    bad = [json.loads(line) for line in (home / "bad").read_text().splitlines()]
    assert [one["line"] for one in bad] == [2, 5]
    assert bad[1]["errors"][0]["path"] == "/payload"


def test_so_many_broken_lines_are_named_and_no_more(command: Command) -> None:
    ended = command("import", "-", stdin=b"x\n" * 2500)
    assert ended.code == 1
    assert json.loads(ended.stdout)["refused"] == 2500
    assert len(ended.stderr.splitlines()) == 102
    assert "--errors FILE lists all" in ended.stderr


def test_an_import_begins_behind_a_line(command: Command, home: Path) -> None:
    fill(command, 5)
    kept = command("events", "--all").stdout.encode()
    ended = command("import", "-", "--after-line", "3", "--data-dir", str(home / "b"), stdin=b"broken\n" + kept)
    assert json.loads(ended.stdout) == {"stored": 3, "already": 0, "refused": 0}


def test_files_that_are_none(command: Command, home: Path) -> None:
    ended = command("import", "nowhere")
    assert (ended.code, ended.sentence) == (2, "nowhere cannot be read: No such file or directory")
    ended = command("import", str(home))
    assert (ended.code, ended.sentence) == (2, f"{home} cannot be read: Is a directory")
    ended = command("import", "-", "--errors", "no/where")
    assert (ended.code, ended.sentence) == (2, "no/where cannot be written: No such file or directory")


def test_a_store_that_ends_in_mid_import_says_how_far_it_came(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from godtui.candystore.importing import Importer
    from godtui.eventlog import LogUnavailableError

    fill(command, 1)
    line = command("events", "--all").stdout
    taken = Importer.take
    calls: list[int] = []

    async def failing(self: Importer, lines: list[bytes]) -> object:
        calls.append(len(lines))
        if len(calls) == 3:
            raise LogUnavailableError("the log cannot be written: the disk is full")
        return await taken(self, lines)

    monkeypatch.setattr(Importer, "take", failing)
    ended = command("import", "-", stdin=line.encode() * 3500)
    assert ended.code == 3
    assert "the disk is full; it came to line" in ended.sentence
    found = re.search(r"--after-line (\d+)$", ended.sentence)
    assert found is not None
    assert int(found[1]) == sum(calls[:2])


def test_a_live_instance_takes_an_import_too(live: Process, live_home: Path, tmp_path: Path) -> None:
    source = tmp_path / "lines"
    with source.open("w") as file:
        for number in range(2300):
            payload = {"message": f"imported {number}"}
            stamp = "2020-01-01T00:00:00Z"
            event = {"event_id": f"00000000-0000-4000-8000-{number:012d}", "event_type": "test.event.created",
                     "timestamp": stamp, "source": {"service": "import"}, "payload": payload}  # fmt: skip
            file.write(json.dumps(event) + "\n")
        file.write("broken\n")
    settings = environment(live_home)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "godtui", *arguments]
        return subprocess.run(
            command, env=settings, cwd=live_home, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    ended = run("import", str(source))
    assert ended.returncode == 1
    assert json.loads(ended.stdout) == {"stored": 2300, "already": 0, "refused": 1}
    exported = run("events", "--all", "source:import")
    assert [json.loads(line)["payload"]["message"] for line in exported.stdout.splitlines()] == [
        f"imported {number}" for number in range(2300)
    ]
    assert json.loads(run("import", str(source)).stdout) == {"stored": 0, "already": 2300, "refused": 1}
