"""The operations of an engine in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

from godtui.bloodbank.asking import asking
from godtui.bloodbank.frames import Frame
from godtui.bloodbank.health import Health
from godtui.bloodbank.publisher import Publisher
from godtui.bloodbank.receipt import Receipt
from godtui.bloodbank.report import BatchReport
from godtui.candystore import live, queries
from godtui.candystore.counting import Count, count
from godtui.candystore.queries import Page
from godtui.candystore.replay.feed import ReplayFeed
from godtui.candystore.search import Search
from godtui.clock import Clock
from godtui.envelope import EventDraft, StoredEvent
from godtui.estate import Estate
from godtui.eventlog import EventLog
from godtui.filters import Filter
from godtui.holyfields import Contracts, Registry, UnknownContractError
from godtui.holyfields.catalogue import Catalogue
from godtui.operations.protocols import (
    ArchiveOperations,
    ChainOperations,
    DispatcherOperations,
    LetterOperations,
    Order,
    ReplayOperations,
    StatisticsOperations,
    StoreOperations,
    WebhookOperations,
)


class EngineBus:
    """Publishing through the engine's publisher."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def publish(self, draft: EventDraft) -> Receipt:
        return await self._publisher.publish(draft)

    async def publish_batch(self, drafts: Sequence[EventDraft]) -> BatchReport:
        return BatchReport.of(await self._publisher.publish_batch(drafts))


class EngineStore:
    """Questions to the engine's log."""

    def __init__(
        self, log: EventLog, search: Search | None = None, clock: Clock | None = None, feed: ReplayFeed | None = None
    ) -> None:
        self._log = log
        self._search = search
        self._clock = clock
        self._feed = feed

    async def query(
        self,
        wanted: Filter,
        *,
        limit: int = 100,
        cursor: str | None = None,
        order: Order = "desc",
        from_seq: int | None = None,
    ) -> Page:
        with asking():
            return await queries.query(
                self._log,
                wanted,
                limit=limit,
                cursor=cursor,
                order=order,
                from_seq=from_seq,
                search=self._search,
                clock=self._clock,
            )

    async def count(self, wanted: Filter) -> Count:
        with asking():
            return await count(self._log, wanted, search=self._search, clock=self._clock)

    async def event(self, event_id: UUID) -> StoredEvent | None:
        with asking():
            return await self._log.event(event_id.bytes)

    async def stream(
        self, wanted: Filter, *, after: int | None = None, positions: bool = False
    ) -> AsyncGenerator[Frame]:
        with asking():
            told = live.stream(
                self._log, wanted, after=after, positions=positions, search=self._search, feed=self._feed
            )
            async with aclosing(told) as frames:
                async for frame in frames:
                    yield frame


class EngineContracts:
    """The contracts in force, beside the services of the estate in force."""

    def __init__(self, contracts: Contracts, look: Callable[[], Estate]) -> None:
        self._contracts = contracts
        self._look = look
        self._estate = look()
        self._catalogue = self._made(contracts.current)

    async def contracts(self) -> list[dict[str, Any]]:
        # On a thread: where contracts have no examples, finding some takes a while.
        return await asyncio.to_thread(self._current().summary)

    async def contract(self, event_type: str, version: str | None = None) -> dict[str, Any] | None:
        try:
            return await asyncio.to_thread(self._current().describe, event_type, version)
        except UnknownContractError:
            return None

    def _current(self) -> Catalogue:
        """The catalogue, another where contracts or estate are others; examples are remembered."""
        registry, estate = self._contracts.current, self._look()
        if registry is not self._catalogue.registry or estate is not self._estate:
            self._estate = estate
            self._catalogue = self._made(registry, self._catalogue)
        return self._catalogue

    def _made(self, registry: Registry, before: Catalogue | None = None) -> Catalogue:
        return Catalogue(registry, self._estate.produced, self._estate.consumed, before)


class EngineMonitor:
    """How the engine is."""

    def __init__(self, look: Callable[[], Health]) -> None:
        self._look = look

    async def health(self) -> Health:
        return self._look()


class EngineOperations:
    """Everything at once, for a skin."""

    def __init__(
        self,
        bus: EngineBus,
        store: StoreOperations,
        letters: LetterOperations,
        schemas: EngineContracts,
        dispatcher: DispatcherOperations,
        webhooks: WebhookOperations,
        monitor: EngineMonitor,
        chains: ChainOperations,
        archive: ArchiveOperations,
        statistics: StatisticsOperations,
        replays: ReplayOperations,
    ) -> None:
        self.bus = bus
        self.store = store
        self.letters = letters
        self.schemas = schemas
        self.dispatcher = dispatcher
        self.webhooks = webhooks
        self.monitor = monitor
        self.chains = chains
        self.archive = archive
        self.statistics = statistics
        self.replays = replays
