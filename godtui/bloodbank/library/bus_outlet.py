"""Publishing straight to a bus; contracts are judged here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from godtui.bloodbank.bus import Bus
from godtui.bloodbank.errors import PublishError
from godtui.bloodbank.publisher import Publisher, PublishingRules
from godtui.bloodbank.receipt import Receipt
from godtui.bloodbank.report import MAX_BATCH_EVENTS, BatchReport
from godtui.clock import Clock
from godtui.envelope import EventDraft, InvalidEventError
from godtui.holyfields import Contracts


class BusOutlet:
    """An Outlet over a bus of its own. `ready` waits a moment until something can be published."""

    def __init__(
        self,
        bus: Bus,
        contracts: Contracts,
        rules: PublishingRules,
        *,
        ready: Callable[[], Awaitable[Any]] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._bus = bus
        self._ready = ready
        self._publisher = Publisher(bus, contracts, rules, clock=clock)

    async def open(self) -> None:
        await self._bus.start()
        if self._ready is not None:
            await self._ready()

    async def close(self) -> None:
        await self._bus.close()

    async def publish(self, draft: EventDraft) -> Receipt:
        return await self._publisher.publish(draft)

    async def publish_batch(self, drafts: Sequence[EventDraft]) -> BatchReport:
        outcomes: list[Receipt | InvalidEventError | PublishError] = []
        # The time that a publish may take counts for each part.
        for start in range(0, len(drafts), MAX_BATCH_EVENTS):
            outcomes += await self._publisher.publish_batch(drafts[start : start + MAX_BATCH_EVENTS])
        return BatchReport.of(outcomes)
