"""Confirmed means on disk: a process is killed at random moments, and every confirmed id is there exactly once."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from godtui.eventlog import EventLog
from tests.eventlog.appender import SLOW

REPOSITORY = Path(__file__).parents[2]


def run_and_kill(directory: Path, seed: int, *options: str, after: str, seconds: float) -> list[str]:
    """Start an appender, kill it some time after it printed a line, and return the whole lines it printed."""
    output = directory.parent / f"{directory.name}.out"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.eventlog.appender", str(directory), str(seed), *options],
            stdout=file,
            cwd=REPOSITORY,
        )
        try:
            deadline = time.monotonic() + 30
            while after.encode() not in output.read_bytes():
                assert process.poll() is None, "the appender ended by itself"
                assert time.monotonic() < deadline, "the appender never came so far"
                time.sleep(0.002)
            time.sleep(seconds)
        finally:
            process.kill()
            process.wait()
    return [line.decode() for line in output.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def confirmed(lines: list[str]) -> dict[bytes, int]:
    """Which ids were confirmed, and where."""
    told = [line.split() for line in lines]
    assert all(words[1] == "stored" for words in told if len(words) == 3)
    return {bytes.fromhex(words[0]): int(words[2]) for words in told if len(words) == 3}


async def check(directory: Path, expected: dict[bytes, int]) -> None:
    log = EventLog(directory)
    log.start()
    try:
        rows = await log.rows("SELECT event_id, seq FROM stored_events", purpose="test")
        kept = {row[0]: row[1] for row in rows}
        assert len(kept) == len(rows)
        assert {one: kept.get(one) for one in expected} == expected
        assert sorted(kept.values()) == list(range(1, len(rows) + 1))
        assert log.last_seq == len(rows)
        assert await log.rows("PRAGMA integrity_check", purpose="test") == [("ok",)]
    finally:
        await log.close()


async def kill_under_load(directory: Path, seed: int) -> None:
    chance = random.Random(seed)
    directory.mkdir()
    expected: dict[bytes, int] = {}
    for life in range(2):
        lines = run_and_kill(directory, seed + life, after="stored", seconds=chance.uniform(0, 0.5))
        expected |= confirmed(lines)
        assert expected
        await check(directory, expected)


async def kill_during_migration(directory: Path, seed: int) -> None:
    chance = random.Random(seed)
    directory.mkdir()
    run_and_kill(directory, seed, "--slow", after="starting", seconds=chance.uniform(0, 0.4))
    log = EventLog(directory, rooms=[SLOW])
    log.start()
    try:
        for number in range(len(SLOW.scripts)):
            assert await log.rows(f"SELECT count(*) FROM slow{number}", purpose="test") == [(20_000,)]
        assert await log.rows("SELECT version FROM schema_versions WHERE room = 'slow'", purpose="test") == [
            (len(SLOW.scripts),)
        ]
    finally:
        await log.close()


@pytest.mark.parametrize("seed", range(3))
async def test_killed_under_load(tmp_path: Path, seed: int) -> None:
    await kill_under_load(tmp_path / "data", seed)


async def test_killed_during_migration(tmp_path: Path) -> None:
    await kill_during_migration(tmp_path / "data", 1)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_killed_under_load_many_times(tmp_path: Path) -> None:
    for seed in range(100, 140):
        await kill_under_load(tmp_path / f"data{seed}", seed)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_killed_during_migration_many_times(tmp_path: Path) -> None:
    for seed in range(100, 120):
        await kill_during_migration(tmp_path / f"data{seed}", seed)
