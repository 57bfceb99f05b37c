"""`godtui backup` beside an instance and without one, and `godtui restore`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import click
import pytest

from godtui.cli.backing_up import Meter, watched
from godtui.eventlog import CopyError
from tests.cli.conftest import Command
from tests.processes import Process, run


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, but for what each start writes."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as opened:
        names = [row[0] for row in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: opened.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall() for name in names if name != "meta"
        }


def published(command: Command, count: int) -> None:
    lines = "\n".join(json.dumps({"message": str(number)}) for number in range(count))
    assert command("publish", "test.event.created", "-", stdin=lines.encode()).code == 0


def stored(command: Command) -> list[int]:
    listed = command("events", "type:test.#", "--limit", "9999")
    assert listed.code == 0
    return [int(json.loads(line)["payload"]["message"]) for line in listed.stdout.splitlines()]


def test_backup_restore_and_go_on(command: Command, home: Path) -> None:
    published(command, 30)
    before = tables(home / "data" / "events.sqlite")
    told = command("backup", "kept.sqlite")
    assert told.code == 0, told.stderr
    file = home / "kept.sqlite"
    assert json.loads(told.stdout) == {
        "path": str(file.resolve()), "events": 30, "first_seq": 1, "last_seq": 30, "size": file.stat().st_size,
    }  # fmt: skip
    assert file.stat().st_mode & 0o777 == 0o600
    assert tables(file) == before
    published(command, 5)
    restored = command("restore", "kept.sqlite", "--data-dir", "other")
    assert restored.code == 0, restored.stderr
    assert json.loads(restored.stdout)["events"] == 30
    assert tables(home / "other" / "events.sqlite") == before
    assert json.loads((home / "other" / "bus.json").read_bytes()) == {"nodes": [], "vhost": "/"}
    assert sorted(one.name for one in (home / "other").iterdir()) == ["bus.json", "events.sqlite"]
    assert command("publish", "test.event.created", "--payload", '{"message": "99"}', "--data-dir", "other").code == 0
    assert stored(command) == [*range(30), *range(5)]
    listed = command("events", "--data-dir", "other", "--limit", "1")
    assert [(one["seq"], one["payload"]["message"]) for one in map(json.loads, listed.stdout.splitlines())] == [
        (31, "99")
    ]


def test_what_is_refused(command: Command, home: Path) -> None:
    nothing = command("backup", "kept.sqlite")
    assert nothing.code == 1
    assert "no event log in" in nothing.sentence
    published(command, 1)
    file = home / "kept.sqlite"
    file.write_text("mine")
    there = command("backup", "kept.sqlite")
    assert (there.code, file.read_text()) == (1, "mine")
    assert "--force" in there.sentence
    assert command("backup", "kept.sqlite", "--force").code == 0
    assert len(tables(file)["events"]) == 1
    inside = command("backup", "data/events.sqlite", "--force")
    assert inside.code == 1
    assert "in the data directory itself" in inside.sentence
    elsewhere = command("backup", "more.sqlite", "--attach", "http://127.0.0.1:9")
    assert elsewhere.code == 2
    assert "without --attach" in elsewhere.sentence
    over = command("restore", "kept.sqlite")
    assert over.code == 2
    assert "has a log already (events.sqlite); move events.sqlite away" in over.sentence
    missing = command("restore", "none.sqlite", "--data-dir", "other")
    assert missing.code == 1
    assert "is not there" in missing.sentence
    file.write_bytes(file.read_bytes()[:5000])
    broken = command("restore", "kept.sqlite", "--data-dir", "other")
    assert broken.code == 2
    assert "is damaged" in broken.sentence
    file.write_text("mine")
    assert "is damaged" in command("restore", "kept.sqlite", "--data-dir", "other").sentence
    assert not list((home / "other").iterdir())


def test_a_backup_of_another_bus_or_a_newer_program(command: Command, home: Path) -> None:
    published(command, 1)
    (home / "data" / "bus.json").write_text('{"nodes": ["rabbit:5672"], "vhost": "/"}')
    assert command("backup", "kept.sqlite").code == 0
    (home / "other").mkdir()
    (home / "other" / "bus.json").write_text('{"nodes": [], "vhost": "/"}')
    refused = command("restore", "kept.sqlite", "--data-dir", "other")
    assert refused.code == 2
    assert "belongs to the bus embedded:, the backup to the broker rabbit:5672" in refused.sentence
    (home / "other" / "bus.json").unlink()
    assert command("restore", "kept.sqlite", "--data-dir", "other").code == 0
    assert json.loads((home / "other" / "bus.json").read_bytes())["nodes"] == ["rabbit:5672"]
    with closing(sqlite3.connect(home / "kept.sqlite")) as opened, opened:
        opened.execute("UPDATE schema_versions SET version = 999 WHERE room = 'dispatcher'")
    newer = command("restore", "kept.sqlite", "--data-dir", "third")
    assert newer.code == 2
    assert "use a newer godtui" in newer.sentence


def test_what_a_restored_log_no_longer_says(command: Command, home: Path) -> None:
    published(command, 1)
    with closing(sqlite3.connect(home / "data" / "events.sqlite")) as opened, opened:
        opened.execute("INSERT INTO positions VALUES ('tenure.log', 7), ('dispatcher', 3)")
        opened.execute(
            "INSERT INTO replays SELECT NULL, randomblob(16), '', 'bus' , 1.0, NULL, NULL, value, ''"
            f", {', '.join('0' * (len(opened.execute('PRAGMA table_info(replays)').fetchall()) - 9))}"
            """ FROM json_each('["running", "completed"]')"""
        )
    (home / "other").mkdir()
    (home / "other" / "search.sqlite").write_text("of another log")
    assert command("backup", "kept.sqlite").code == 0
    assert command("restore", "kept.sqlite", "--data-dir", "other").code == 0
    restored = tables(home / "other" / "events.sqlite")
    assert restored["positions"] == [("dispatcher", 3)]
    assert [row[7] for row in restored["replays"]] == ["paused", "completed"]
    assert not (home / "other" / "search.sqlite").exists()


def test_beside_an_instance(command: Command, live: Process, live_home: Path, home: Path) -> None:
    directory = str(live_home / "data")
    for number in range(3):
        assert command(
            "publish", "test.event.created", "--payload", f'{{"message": "{number}"}}', "--data-dir", directory
        )
    told = command("backup", "kept.sqlite", "--data-dir", directory)
    assert told.code == 0, told.stderr
    assert tables(home / "kept.sqlite")["events"] == tables(live_home / "data" / "events.sqlite")["events"]
    taken = command("restore", "kept.sqlite", "--data-dir", directory)
    assert taken.code == 2
    assert "belongs to a running godtui" in taken.sentence


def test_what_a_killed_instance_left_in_its_write_ahead_log(home: Path) -> None:
    with Process(home, "--headless", "--port", "0", "--data-dir", "data") as process:
        process.started()
        ended = run(home, "publish", "test.event.created", "--payload", '{"message": "kept"}', "--data-dir", "data")
        assert ended.returncode == 0, ended.stderr
        process.kill()
    assert (home / "data" / "events.sqlite-wal").stat().st_size
    ended = run(home, "backup", "kept.sqlite", "--data-dir", "data")
    assert ended.returncode == 0, ended.stderr
    kinds = [row[0] for row in tables(home / "kept.sqlite")["types"]]
    assert len(kinds) >= 1
    assert ("test.event.created",) in [row[1:] for row in tables(home / "kept.sqlite")["types"]]


class Endless:
    """A job that ends only when it is stopped; it asks for the signal that does so itself."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._stopped = threading.Event()

    def run(self) -> None:
        os.kill(os.getpid(), self._number)
        assert self._stopped.wait(30)
        raise CopyError("stopped")

    def stop(self) -> None:
        self._stopped.set()


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, click.Abort), (signal.SIGTERM, CopyError)])
def test_signals_let_a_job_clean_up(number: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        asyncio.run(watched(Endless(number), Meter(), "test"))
