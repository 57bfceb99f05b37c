"""RabbitMQ under the contract suite: a node of the tests' own, real time, and everything deleted behind each test."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import aiormq

from godtui.bloodbank.bus import QueueSpec
from godtui.bloodbank.rabbitmq import DEAD_LETTERS, RabbitBus, Topology
from godtui.bloodbank.rabbitmq.consumer import RabbitSubscription
from tests.contract.harness import PATIENCE, Harness, Letter

_OURS = ("x-godtui-", "x-death", "x-first-death-", "x-last-death-", "x-delivery-count")


class RecordingBus(RabbitBus):
    """Remembers which queues there may be, for they have to go."""

    names: set[str]

    async def declare(self, spec: QueueSpec) -> None:
        self.names.add(spec.name)
        await super().declare(spec)

    def subscribe(self, spec: QueueSpec, *, ahead: int = 0) -> RabbitSubscription:
        self.names.add(spec.name)
        return super().subscribe(spec, ahead=ahead)


class RabbitHarness(Harness):
    transport = "rabbitmq"
    moment = 0.5

    def __init__(self, address: str, topology: Topology | None = None) -> None:
        self._url = address
        self._topology = topology or Topology()
        self._names: set[str] = set()
        self._letters: list[Letter] = []
        self.bus: RecordingBus

    @property
    def address(self) -> str:
        return self._url

    async def start(self) -> None:
        self.bus = RecordingBus([self._url], topology=self._topology)
        self.bus.names = self._names
        await self.bus.start()
        assert await self.bus.connected(PATIENCE), self.bus.fault

    async def stop(self) -> None:
        await self.bus.close()

    async def clean(self) -> None:
        """Delete what the test made."""
        connection = await aiormq.connect(self._url)
        channel = await connection.channel()
        standing = [spec.name for spec in self._topology.queues]
        tiers = [f"{name}.retry.{round(n * self.moment * 1000)}ms" for name in self._names for n in (1, 2, 3)]
        for name in (*self._names, *tiers, *standing, DEAD_LETTERS):
            await channel.queue_delete(name)
        await connection.close()

    async def pass_time(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def letters(self) -> list[Letter]:
        async with asyncio.timeout(PATIENCE):
            connection = await aiormq.connect(self._url)
            channel = await connection.channel()
            while (got := await channel.basic_get(DEAD_LETTERS, no_ack=True)).delivery.name == "Basic.GetOk":
                self._letters.append(letter_of(got))
            await connection.close()
        return list(self._letters)


def letter_of(got: aiormq.abc.DeliveredMessage) -> Letter:
    """A dead letter as the broker has it."""
    properties = got.header.properties
    headers = properties.headers or {}
    shown = {key: value for key, value in headers.items() if not key.startswith(_OURS)}
    deaths = headers.get("x-death")
    death = deaths[0] if isinstance(deaths, Sequence) and deaths else {}
    assert isinstance(death, dict)
    return Letter(
        str(headers.get("x-godtui-queue", death.get("queue"))),
        str(headers.get("x-godtui-reason", death.get("reason"))),
        int(str(headers.get("x-godtui-attempts", death.get("count")))),
        properties.message_id or "",
        got.routing_key or "",
        shown,
        got.body,
    )
