"""`godtui salvage`, and how commands take a damaged log."""

from __future__ import annotations

import json
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

from tests.cli.conftest import Command
from tests.processes import Process

PAGE = 4096


def filled(command: Command, count: int) -> None:
    lines = "\n".join(json.dumps({"message": f"number {number:05d} " * 10}) for number in range(count))
    assert command("publish", "test.event.created", "-", stdin=lines.encode()).code == 0


def spoiled(path: Path, text: bytes) -> None:
    """Overwrite the page that holds some text."""
    content = bytearray(path.read_bytes())
    page = content.index(text) // PAGE
    content[page * PAGE : page * PAGE + PAGE] = b"\xff" * PAGE
    path.write_bytes(content)


def test_salvage_and_go_on(command: Command, home: Path) -> None:
    filled(command, 300)
    data = home / "data"
    path = data / "events.sqlite"
    sound = command("salvage")
    assert sound.code == 1
    assert "finds" in sound.sentence
    assert "sound" in sound.sentence
    spoiled(path, b"number 00150 ")
    damaged = path.read_bytes()
    failed = command("backup", "kept.sqlite")
    assert failed.code == 2
    assert "is damaged" in failed.sentence
    assert "godtui salvage" in failed.sentence
    assert not (home / "kept.sqlite").exists()
    printed = command("salvage", "--print")
    assert printed.code == 1
    seqs = [json.loads(line)["seq"] for line in printed.stdout.splitlines()]
    lost = sorted(set(range(1, 301)) - set(seqs))
    assert 151 in lost
    assert f"{len(lost)} events cannot be read: {lost[0]} to {lost[-1]}" in printed.sentence
    assert path.read_bytes() == damaged
    done = command("salvage")
    assert done.code == 1
    assert f"{len(lost)} events are lost: {lost[0]} to {lost[-1]}" in done.stderr
    told = json.loads(done.stdout)
    assert (told["events"], told["lost"], told["tables"]) == (300 - len(lost), [[lost[0], lost[-1]]], {})
    aside = Path(told["aside"])
    assert aside.read_bytes() == damaged
    assert aside.name.startswith("events.sqlite.damaged-")
    assert path.stat().st_mode & 0o777 == 0o600
    filled(command, 1)
    newest = json.loads(command("events", "--limit", "1").stdout)
    assert newest["seq"] == 301
    assert command("backup", "kept.sqlite").code == 0
    with closing(sqlite3.connect(home / "kept.sqlite")) as opened:
        assert opened.execute("SELECT number FROM tallies WHERE span = 0").fetchall() in ([], [(301 - len(lost),)])


def test_what_loses_nothing_ends_well(command: Command, home: Path) -> None:
    filled(command, 30)
    path = home / "data" / "events.sqlite"
    with path.open("r+b") as file:
        file.write(bytes(100))
    refused = command("events")
    assert refused.code == 2
    assert "its first page is not that of an SQLite database" in refused.sentence
    assert "godtui salvage" in refused.sentence
    printed = command("salvage", "--print")
    assert (printed.code, len(printed.stdout.splitlines())) == (0, 30)
    done = command("salvage", "--json")
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["events"] == 30
    assert len(command("events").stdout.splitlines()) == 30


def test_a_write_ahead_log_that_is_gone(command: Command, home: Path) -> None:
    filled(command, 30)
    data = home / "data"
    (data / "events.sqlite-shm").write_bytes(bytes(16) + struct.pack("=I", 7) + bytes(32748))
    refused = command("events")
    assert refused.code == 2
    assert "events.sqlite-wal is gone" in refused.sentence
    assert command("salvage").code == 0
    assert len(command("events").stdout.splitlines()) == 30
    assert [one for one in data.iterdir() if one.name.endswith("-shm") and "damaged" in one.name]


def test_a_log_of_a_newer_version_is_printed(command: Command, home: Path) -> None:
    filled(command, 3)
    with closing(sqlite3.connect(home / "data" / "events.sqlite")) as opened, opened:
        opened.execute("UPDATE schema_versions SET version = 999")
    refused = command("events")
    assert refused.code == 2
    assert "use a newer godtui" in refused.sentence
    printed = command("salvage", "--print")
    assert (printed.code, len(printed.stdout.splitlines())) == (0, 3)


def test_what_is_refused(command: Command, live: Process, live_home: Path) -> None:
    nothing = command("salvage")
    assert nothing.code == 1
    assert "holds nothing to salvage" in nothing.sentence
    assert "is not there" in command("salvage", "--print").sentence
    assert "belongs to a running godtui" in command("salvage", "--data-dir", str(live_home / "data")).sentence
    assert command("salvage", "--attach", "http://127.0.0.1:9").code == 2
