"""We are stopped and go on; the log's disk is full."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.rig import LENIENT, PATIENCE, RECOVERY_SECONDS, running, say
from tests.eventlog.test_disk import can_mount, fill, small_disk

UNTRUSTED_SECONDS = 6.0
"""Longer than what was seen of the memory's queue counts."""
UNHEARD_SECONDS = 60.0
"""Longer than a broker waits for a heartbeat."""


async def stopped_for(seconds: float, url: str, directory: Path) -> str:
    """What a child says in the end that was stopped so long."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.child", url, str(directory)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE + seconds):
            for _ in range(50):
                assert await child.stdout.readline()
            child.send_signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            child.send_signal(signal.SIGCONT)
            lines = 0
            while lines < 200:  # more than it can have had under way
                assert await child.stdout.readline()
                lines += 1
            child.stdin.write(b"end\n")
            await child.stdin.drain()
            rest = (await child.stdout.read()).decode().splitlines()
            assert await child.wait() == 0
            return rest[-1]
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def test_we_are_stopped_for_longer_than_anything_is_trusted(vhost: str, tmp_path: Path) -> None:
    assert (await stopped_for(UNTRUSTED_SECONDS, vhost, tmp_path)).endswith(" 0 lost, 0 doubled")


@pytest.mark.soak
async def test_we_are_stopped_for_a_minute(vhost: str, tmp_path: Path) -> None:
    said = await stopped_for(UNHEARD_SECONDS, vhost, tmp_path)
    say(f"\nstopped for {UNHEARD_SECONDS:g} s: {said}")
    assert said.endswith(" 0 lost, 0 doubled")


if can_mount():  # elsewhere the tests of the log stand for it, which hold it to confirming nothing then

    async def test_the_logs_disk_is_full(vhost: str, tmp_path: Path) -> None:
        """The broker keeps what is published until there is room, and nobody's publish fails."""
        with small_disk(tmp_path / "disk") as directory:
            ballast = directory / "ballast"
            fill(ballast, 1_000_000)
            async with running(vhost, directory, publishers=2) as rig:
                await rig.until(lambda: rig.persister.fault)
                assert "full" in str(rig.persister.fault)
                await rig.goes_on()
                assert rig.bus.fault is None
                await rig.stop_load()  # or the little room there is would be full again
                ballast.unlink()
                over = time.monotonic()
                await rig.until(lambda: rig.persister.fault is None)
                assert time.monotonic() - over < RECOVERY_SECONDS * LENIENT
