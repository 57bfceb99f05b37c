"""Building the replays of a log and the bus that it belongs to, and playing them when it is this instance's turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from godtui.bloodbank.health import ComponentHealth
from godtui.bloodbank.publisher import Publisher
from godtui.candystore.replay.feed import ReplayFeed
from godtui.candystore.replay.job import Tools
from godtui.candystore.replay.news import News
from godtui.candystore.replay.plan import Planner
from godtui.candystore.replay.reading import Stored
from godtui.candystore.replay.replays import Replays
from godtui.clock import Clock
from godtui.estate import Estate
from godtui.holyfields import Contracts
from godtui.operations.protocols import ReplayOperations
from godtui.operations.replays import EngineReplays, SharedReplays
from godtui.runtime.supervisor import Supervisor
from godtui.runtime.transport import Transport

STANDING_BY: Final = "standing by: "
"""What goes before the reason where a turn is not ours."""


class Replaying:
    """The replays of an instance. `feed` shows readers of the store's tail what goes over the bus once more."""

    def __init__(
        self,
        stored: Stored,
        transport: Transport,
        clock: Clock,
        contracts: Contracts,
        estate: Callable[[], Estate],
        publisher: Publisher,
    ) -> None:
        """`publisher` makes what is said of replays, and sends nothing itself. To be made on the engine's loop."""
        log, loop = stored.log, asyncio.get_running_loop()
        self.feed = ReplayFeed(lambda: log.tail.wake(loop))
        self._transport = transport
        news = News(publisher.message, transport.outbox)
        planner = Planner(stored, transport.carrier, clock, contracts, estate)
        tools = Tools(log, stored, transport.carrier, self.feed, news, clock)
        self._replays = Replays(tools, planner, self._standing)

    @property
    def operations(self) -> ReplayOperations:
        """What skins may do with them, which is another instance's affair where the history is there."""
        here, history = EngineReplays(self._replays), self._transport.history
        return here if history is None else SharedReplays(here, history)

    def work(self, supervisor: Supervisor) -> None:
        """Play until the supervisor stops, whenever it is this instance's turn."""
        supervisor.start("replays", self._replays.run, self._health, turn=self._transport.replaying)

    def _standing(self) -> str:
        """Why nothing is replayed, where it is not this instance's turn."""
        standing = "" if self._transport.replaying is None else self._transport.replaying.standing
        return standing.removeprefix(STANDING_BY) if standing.startswith(STANDING_BY) else ""

    def _health(self) -> ComponentHealth:
        playing = self._replays.playing
        figures = {
            "running": len(playing),
            "waiting": sum(bool(job.waits) for job in playing),
            "missed_by_readers": self.feed.missed,
        }
        waits = next((job.waits for job in playing if job.waits), "")
        return ComponentHealth("ok", f"{len(playing)} running" + (f"; waits: {waits}" if waits else ""), figures)
