"""Many rounds of everything that can happen to a broker and the way to it, by chance from a seed."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiormq
import pytest

from godtui.bloodbank.rabbitmq import MEMORY
from godtui.bloodbank.rabbitmq.topology import EXCHANGE
from tests.broker import Node
from tests.chaos.proxy import Place, Proxy, is_body, is_confirm
from tests.chaos.rig import FAULT_SECONDS, LENIENT, RECOVERY_SECONDS, Rig, say

ROUNDS = 60
KILLS = 20
LEADER_SECONDS = 3.0


class Arena:
    """A rig, the way to its broker, and what is done to both."""

    def __init__(self, node: Node, proxy: Proxy, rig: Rig, seed: int) -> None:
        self.node = node
        self.proxy = proxy
        self.rig = rig
        self.chance = random.Random(seed)
        self.slowest: dict[str, float] = {}
        """Seconds until a fault was said, and until all was well after its end, by what was done."""

    async def play(self, name: str, action: Callable[[], Awaitable[None]]) -> None:
        """One fault and its end; all is well again in time."""
        await asyncio.sleep(self.chance.random())
        await action()
        took = await self.rig.well(time.monotonic())
        self._note(f"well after {name}", took, RECOVERY_SECONDS)
        await self.rig.goes_on()

    async def _said(self, name: str) -> None:
        self._note(f"{name} said", await self.rig.faulty(time.monotonic()), FAULT_SECONDS)

    def _note(self, what: str, seconds: float, limit: float) -> None:
        self.slowest[what] = max(seconds, self.slowest.get(what, 0.0))
        assert seconds < limit * LENIENT, what

    async def kill(self) -> None:
        await asyncio.sleep(LEADER_SECONDS)
        await asyncio.to_thread(self.node.kill)
        await self._said("kill")
        await asyncio.to_thread(self.node.start)

    async def stop(self) -> None:
        await asyncio.sleep(LEADER_SECONDS)
        await asyncio.to_thread(self.node.stop)
        await self._said("stop")
        await asyncio.to_thread(self.node.start)

    async def freeze(self) -> None:
        self.node.freeze()
        await self._said("freeze")
        self.node.thaw()

    async def cut(self) -> None:
        places: tuple[Place, ...] = ("before", "after", "within")
        confirm = self.chance.random() < 0.5
        number, place = self.chance.randint(1, 30), self.chance.choice(places)
        fired = self.proxy.set_trap(is_confirm if confirm else is_body, number, place, from_broker=confirm)
        await self.rig.until(fired.is_set)

    async def hang(self) -> None:
        if self.chance.random() < 0.5:
            self.proxy.deaf = True
        else:
            self.proxy.reading.clear()
        await self._said("hang")
        self.proxy.deaf = False
        self.proxy.reading.set()

    async def starve(self) -> None:
        await asyncio.to_thread(self.node.control, "set_vm_memory_high_watermark", "0.00001")
        await self._said("starve")
        await asyncio.to_thread(self.node.control, "set_vm_memory_high_watermark", "0.4")

    async def delete(self) -> None:
        async with aiormq.connect(self.node.url) as connection:
            await (await connection.channel()).queue_delete(MEMORY)
        await self.rig.until(lambda: self.rig.bus.fault is None)

    async def unbind(self) -> None:
        async with aiormq.connect(self.node.url) as connection:
            await (await connection.channel()).queue_unbind(MEMORY, EXCHANGE, "#")
        await self.rig.goes_on()


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1])
async def test_many_rounds(node: Node, tmp_path: Path, seed: int) -> None:
    proxy = Proxy(node.port)
    await proxy.accept()
    rig = Rig(proxy.url_of(node.url), tmp_path, seed=seed)
    await rig.start()
    arena = Arena(node, proxy, rig, seed)
    others = [arena.stop, arena.freeze, arena.cut, arena.cut, arena.hang, arena.starve, arena.delete, arena.unbind]
    actions = [arena.kill] * KILLS + [arena.chance.choice(others) for _ in range(ROUNDS - KILLS)]
    arena.chance.shuffle(actions)
    try:
        for number, action in enumerate(actions, 1):
            await arena.play(action.__name__, action)
            say(f"round {number}, {action.__name__}: {len(rig.confirmed):,} confirmed")
        verdict = await rig.verdict()
        slowest = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in sorted(arena.slowest.items()))
        say(f"chaos, seed {seed}: {ROUNDS} rounds with {KILLS} kills, {verdict}; slowest: {slowest}")
        assert (verdict.lost, verdict.doubled) == (set(), set())
    finally:
        await rig.close()
        await proxy.refuse()
