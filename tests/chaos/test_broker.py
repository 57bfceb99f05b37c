"""The broker is killed, stopped, restarted, and short of memory."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests import broker
from tests.broker import Node
from tests.chaos.rig import FAULT_SECONDS, LENIENT, RECOVERY_SECONDS, Rig, running

LEADER_SECONDS = 3.0
"""A quorum queue that is killed sooner after its declaration may stay without a leader for ever (3.10, one node)."""


async def restarted(rig: Rig, node: Node) -> None:
    """Wait until the node answers, and our health says so in time."""
    await asyncio.to_thread(node.start)
    over = time.monotonic()
    assert await rig.well(over) < RECOVERY_SECONDS * LENIENT
    await rig.goes_on()


async def test_the_broker_is_killed_and_stopped_under_load(node: Node, tmp_path: Path) -> None:
    async with running(node.url, tmp_path) as rig:
        await asyncio.sleep(LEADER_SECONDS)
        for end in (node.kill, node.stop):
            fault = time.monotonic()
            await asyncio.to_thread(end)
            assert await rig.faulty(fault) < FAULT_SECONDS * LENIENT
            await restarted(rig, node)


async def test_a_memory_alarm_is_said_and_ends(vhost: str, tmp_path: Path) -> None:
    node = broker.shared()
    async with running(vhost, tmp_path) as rig:
        await asyncio.to_thread(node.control, "set_vm_memory_high_watermark", "0.00001")
        fault = time.monotonic()
        try:
            assert await rig.faulty(fault) < FAULT_SECONDS * LENIENT
            assert rig.bus.state.status == "blocked"
            assert "alarm" in str(rig.bus.fault)
            await rig.until(lambda: any("alarm" in reason for reason in rig.reasons))
            assert (await rig.stored()) >= rig.confirmed, "what was confirmed is stored in an alarm too"
        finally:
            await asyncio.to_thread(node.control, "set_vm_memory_high_watermark", "0.4")
        assert await rig.well(time.monotonic()) < RECOVERY_SECONDS * LENIENT
        assert rig.bus.state.status == "open"
        await rig.goes_on()
