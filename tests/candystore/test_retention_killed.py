"""A process that is killed while it cuts: every event is either there or remembered as cut, and the count is right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from godtui.eventlog import EventLog

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("lines", [500, 1203])
async def test_killed_in_mid_cut(tmp_path: Path, lines: int) -> None:
    (tmp_path / "data").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.candystore.cutter", str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
    )
    assert process.stdout is not None
    with process.stdout:
        confirmed = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        confirmed += process.stdout.readlines()
    process.wait()
    ids = {bytes.fromhex(line.decode().strip()) for line in confirmed if line.endswith(b"\n")}
    log = EventLog(tmp_path / "data")
    log.start()
    stored = await log.rows("SELECT seq, event_id FROM events ORDER BY seq", purpose="test")
    cut = {row[0] for row in await log.rows("SELECT event_id FROM cut_ids", purpose="test")}
    ((floor, first, count),) = await log.rows("SELECT floor, untold_first, untold_count FROM retention", purpose="test")
    assert [seq for seq, _ in stored] == list(range(floor, log.last_seq + 1))
    assert (first, count) == (1, floor - 1)
    assert count > 0
    assert len(cut) == count
    assert not cut & {event_id for _, event_id in stored}
    assert ids <= cut | {event_id for _, event_id in stored}
    assert await log.rows("PRAGMA integrity_check", purpose="test") == [("ok",)]
    await log.close()
