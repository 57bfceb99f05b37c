"""The engine: the only place that knows the concrete classes, builds them, and starts and stops them in order."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import cached_property
from typing import Final, Protocol
from uuid import UUID

from godtui import __version__
from godtui.bloodbank import tables
from godtui.bloodbank.bus import Sink
from godtui.bloodbank.health import ComponentHealth, Health, HealthReporter, Status
from godtui.bloodbank.letterbox import Letterbox
from godtui.bloodbank.notices import Notices, notices_out
from godtui.bloodbank.publisher import DEFAULT_MAX_BYTES, Publisher, PublishingRules
from godtui.bloodbank.requeue import Requeue
from godtui.candystore.announcer import Announcer, announcements
from godtui.candystore.replay.reading import Stored
from godtui.candystore.replay.tables import LOWEST_NEEDED as REPLAYS_NEED
from godtui.candystore.retention import Keeper, RetentionWorker, retention_told
from godtui.candystore.search import Search
from godtui.candystore.tallies import Tallier, subtract
from godtui.clock import Clock, SystemClock
from godtui.dispatcher.ingress import DURABLE_SECONDS, MAX_EVENT_BYTES, ClosedIngress, PlaneIngress
from godtui.estate import Estate
from godtui.eventlog import Allegiance, EventLog, Ownership
from godtui.holyfields import Contracts, Registry
from godtui.holyfields.reloading import Reloader
from godtui.holyfields.watch import following_file, following_folder
from godtui.operations.absent import AbsentDispatcher
from godtui.operations.archive import EngineArchive, SharedArchive
from godtui.operations.chains import EngineChains, SharedChains
from godtui.operations.engine import EngineBus, EngineContracts, EngineMonitor, EngineOperations, EngineStore
from godtui.operations.letters import EngineLetters
from godtui.operations.protocols import (
    ArchiveOperations,
    ChainOperations,
    DispatcherOperations,
    StatisticsOperations,
    WebhookOperations,
)
from godtui.operations.statistics import EngineStatistics, SharedStatistics
from godtui.runtime.announced import Announced
from godtui.runtime.contracts import EVENT_TYPE as SCHEMA_UPDATED
from godtui.runtime.contracts import LiveContracts, is_readable
from godtui.runtime.dispatching import Dispatching, Surroundings
from godtui.runtime.registry_file import LiveEstate
from godtui.runtime.replaying import Replaying
from godtui.runtime.rooms import ROOMS
from godtui.runtime.supervisor import Supervisor
from godtui.runtime.transport import EmbeddedTransport, Transport
from godtui.settings import Settings, packaged
from godtui.settings.values import counted

MAX_WAL_BYTES: Final = 64 * 1024 * 1024

logger = logging.getLogger(__name__)


class Service(Protocol):
    """Something that takes events in from outside, such as the HTTP server: started last, stopped first."""

    @property
    def url(self) -> str | None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


MakeService = Callable[["Engine"], Service]


class Engine:
    """Bus, store, contracts and workers in one loop. Needs the ownership of its data directory."""

    def __init__(
        self,
        settings: Settings,
        ownership: Ownership,
        *,
        services: Sequence[MakeService] = (),
        workers: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.instance = f"{socket.gethostname()}-{os.getpid()}"
        self._ownership = ownership
        self._make_services = services
        self._with_workers = workers
        self._stack = AsyncExitStack()
        self._stopping = asyncio.Lock()
        self._log = EventLog(
            settings.data_dir,
            rooms=ROOMS,
            clock=self.clock,
            on_change=self._log_changed,
        )
        self._search = Search(settings.data_dir, self._log, self.clock)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._announced = False
        self._transport = self._make_transport()
        self._supervisor = Supervisor(self.clock)
        self._contracts: Contracts | None = None
        self.services: list[Service] = []

    async def start(self) -> None:
        """Start everything in order; what was started is stopped again where something fails.

        Raises SchemaFolderError, EstateError, DataDirectoryError, and what the services raise.
        """
        async with AsyncExitStack() as stack:
            stack.callback(self._ownership.release)
            self._allegiance = Allegiance(self.settings.data_dir, self.settings.bus)
            self._reloader = Reloader(self.settings.schemas_folder())
            self._contracts = Contracts(self._reloader.load())
            estate = Estate.load(self.settings.registry_file()) if self._with_workers else Estate()
            self._allegiance.keep()
            self._log.start()
            stack.push_async_callback(self._log.close)
            stack.push_async_callback(self._search.close)
            await self._search.open()
            await self._transport.bus.start()
            stack.push_async_callback(self._transport.bus.close)
            stack.push_async_callback(self._supervisor.stop)
            self._operations = self._build(self._contracts, estate)
            for make in self._make_services:
                service = make(self)
                await service.start()
                stack.push_async_callback(service.stop)
                self.services.append(service)
            self._loop = asyncio.get_running_loop()
            self._announce()
            await self._transport.begin()
            self._stack = stack.pop_all()
        logger.info("started: bus %s, data directory %s", self.settings.shown_bus_url, self.settings.data_dir)

    async def stop(self) -> None:
        """Stop taking events in, finish what was begun, close; may be called twice, and before `start`."""
        async with self._stopping:
            await self._stack.aclose()
            self._ownership.release()
        logger.info("stopped")

    @property
    def operations(self) -> EngineOperations:
        """What skins may do with the engine."""
        return self._operations

    @property
    def url(self) -> str | None:
        """Where the engine can be reached over HTTP, if it can."""
        return next((service.url for service in self.services if service.url), None)

    def health(self) -> Health:
        """The state of every component now."""
        now = self.clock.monotonic()
        components = {"bus": self._transport.health(), "store": self._store_health(), "schemas": self._schemas_health()}
        components |= {worker.name: worker.health(now) for worker in self._supervisor.workers}
        statuses = {component.status for component in components.values()}
        worst: Status = "down" if "down" in statuses else "degraded" if "degraded" in statuses else "ok"
        return Health(worst, __version__, self.instance, components)

    def _make_transport(self) -> Transport:
        settings, log, clock = self.settings, self._log, self.clock
        if not settings.bus_urls:
            return EmbeddedTransport(settings, log, clock)
        # A broker's library takes time and memory, of which the embedded bus needs neither.
        from godtui.runtime.broker import BrokerTransport

        return BrokerTransport(settings, log, clock, self.instance, lambda: self.url, workers=self._with_workers)

    def _announce(self) -> None:
        """Say who owns the data directory, and what bus it belongs to, to those who come second; once is enough."""
        if self._announced:
            return
        note = {"instance": self.instance, "url": self.url, "version": __version__, "settings": self.settings.shared()}
        kept = self._allegiance.keep()
        self._announced = self._ownership.announce(note) and kept

    def _log_changed(self) -> None:
        """On the writer's thread: where the disk had no room for the note, it may have now."""
        if self._loop is not None and not self._announced:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._announce)

    def _build(self, contracts: Contracts, estate: Estate) -> EngineOperations:
        settings = self.settings
        rules = PublishingRules(
            max_event_bytes=settings.max_event_bytes,
            timeout=settings.publish_timeout,
            allow_unknown_types=settings.unknown_types == "allow",
            instance=self.instance,
        )
        transport = self._transport
        publisher = Publisher(
            transport.publishing, contracts, rules, clock=self.clock, correlation_of=self._correlation_of
        )
        dispatcher: DispatcherOperations = AbsentDispatcher(
            "no dispatcher works here; start one with --workers persister,dispatcher"
        )
        followed: LiveEstate | None = None
        own = self._own_publishers(contracts, rules)

        def current_estate() -> Estate:
            return estate if followed is None else followed.current

        self._search.paths = lambda: current_estate().payload_indexes
        stored = Stored(self._log, self._search)
        replaying = Replaying(stored, transport, self.clock, contracts, current_estate, own(transport.outbox))
        if self._with_workers:
            replaying.work(self._supervisor)
            self._work(contracts, own)
            followed = self._follow(contracts, estate, own)
            if "dispatcher" in settings.workers:
                dispatcher = self._dispatch(estate, own)
        letterbox = Letterbox(self._log)
        requeue = Requeue(letterbox, transport.put_back, contracts, rules)
        store, letters = transport.shared(
            EngineStore(self._log, self._search, self.clock, replaying.feed),
            EngineLetters(letterbox, requeue),
            contracts,
        )
        return EngineOperations(
            EngineBus(publisher),
            store,
            letters,
            EngineContracts(contracts, current_estate),
            dispatcher,
            self._ingress(contracts, rules),
            EngineMonitor(self.health),
            self._chains(),
            self._archive(contracts),
            self._statistics(),
            replaying.operations,
        )

    def _archive(self, contracts: Contracts) -> ArchiveOperations:
        archive, history = EngineArchive(self._log, contracts), self._transport.history
        return archive if history is None else SharedArchive(archive, history)

    def _chains(self) -> ChainOperations:
        chains, history = EngineChains(self._log), self._transport.history
        return chains if history is None else SharedChains(chains, history)

    def _statistics(self) -> StatisticsOperations:
        statistics, history = EngineStatistics(self._log, self.clock), self._transport.history
        return statistics if history is None else SharedStatistics(statistics, history)

    def _work(self, contracts: Contracts, publisher_to: Callable[[Sink], Publisher]) -> None:
        """Start the workers; what they say goes through the outbox, but how everything is: nobody needs that late."""
        log, clock, outbox, start = self._log, self.clock, self._transport.outbox, self._supervisor.start
        self._transport.work(self._supervisor, contracts)
        start("search", self._search.run, self._search.look)
        announcer = Announcer(log, publisher_to(announcements(outbox)).publish, clock)
        start("announcer", announcer.run)
        retention = RetentionWorker(
            log,
            self.settings.retention,
            publisher_to(retention_told(outbox)).publish,
            clock,
            keepers=(Keeper("queue", tables.LOWEST_NEEDED), Keeper("replay", REPLAYS_NEED)),
            trims=(subtract,),
        )
        start("retention", retention.run, retention.look)
        tallier = Tallier(log, clock)
        start("tallies", tallier.run, tallier.look)
        reporting = publisher_to(self._transport.bus).publish
        reporter = HealthReporter(self.health, reporting, clock, self.settings.health_interval)

        async def report() -> None:
            # That there is no bus yet, in the moment of starting, is no news.
            await self._transport.tried()
            await reporter.run()

        start("health", report)
        start("notices", Notices(log, publisher_to(notices_out(outbox)).publish_batch, clock).run)

    def _follow(self, contracts: Contracts, estate: Estate, publisher_to: Callable[[Sink], Publisher]) -> LiveEstate:
        """Start those who keep contracts and estate as their files have them."""
        transport, clock, start = self._transport, self.clock, self._supervisor.start
        announced = Announced(self._log, transport.outbox, clock)
        live = LiveContracts(
            contracts,
            following_folder(self._reloader, clock),
            publisher_to(announced).publish,
            announced.missed,
            lambda: transport.bus.tap((SCHEMA_UPDATED,)),
            clock,
            self.instance,
            is_readable,
        )
        start("schemas", live.run, live.look)
        path = self.settings.registry_file()
        at_work = estate if "dispatcher" in self.settings.workers else None
        following = LiveEstate(estate, at_work, following_file(path, lambda: Estate.load(path), clock), str(path))
        start("registry", following.run, following.look)
        return following

    def _dispatch(self, estate: Estate, publisher_to: Callable[[Sink], Publisher]) -> DispatcherOperations:
        """Start the dispatcher; the desk at which it is seen."""
        transport = self._transport
        outbox, history = transport.outbox, transport.history
        around = Surroundings(
            transport.bus,
            self._log,
            outbox,
            self.clock,
            publisher_to(outbox).message,
            lambda: history is None or history.here,
            self.instance,
            lambda: self.url,
        )
        dispatching = Dispatching(self.settings, estate, around, transport.dispatching)
        dispatching.work(self._supervisor)
        return dispatching.desk

    def _own_publishers(self, contracts: Contracts, rules: PublishingRules) -> Callable[[Sink], Publisher]:
        """Publishers of what the engine itself says, which is its own affair: contracts and size are as shipped."""
        own = contracts if self.settings.schemas_folder() == packaged("schemas") else self._shipped
        rules = replace(rules, max_event_bytes=max(rules.max_event_bytes, DEFAULT_MAX_BYTES))
        return lambda sink: Publisher(sink, own, rules, clock=self.clock)

    @cached_property
    def _shipped(self) -> Contracts:
        return Contracts(Registry.load(packaged("schemas")))

    def _ingress(self, contracts: Contracts, rules: PublishingRules) -> WebhookOperations:
        """What Plane delivers goes through the outbox, whatever it is like and however the bus is."""
        secret = self.settings.plane_webhook_secret
        if secret is None:
            return ClosedIngress()
        lenient = replace(rules, max_event_bytes=MAX_EVENT_BYTES, timeout=DURABLE_SECONDS, allow_unknown_types=True)
        publisher = self._own_publishers(contracts, lenient)(self._transport.outbox)
        return PlaneIngress(secret.get_secret_value(), publisher, self.clock)

    async def _correlation_of(self, event_id: UUID) -> UUID | None:
        """The chain of a stored event; None where no log is here to tell."""
        history = self._transport.history
        if history is not None and not history.here:
            return None
        cause = await self._log.event(event_id.bytes)
        return UUID(bytes=cause.correlation_id) if cause and cause.correlation_id else None

    def _store_health(self) -> ComponentHealth:
        log = self._log
        figures = {
            "last_seq": log.last_seq if log.tail.opened else None,
            "commit_ms": round(log.commit_seconds * 1000, 2),
            "wal_bytes": log.wal_bytes,
            "path": str(log.path),
        }
        history = self._transport.history
        if history is not None:
            figures |= history.figures
        if log.fault:
            detail = f"{log.path.parent} cannot be written: {log.fault}"
            advice = "" if ";" in log.fault else "; free space or fix its permissions"
            return ComponentHealth("down" if self._transport.remembers else "degraded", detail + advice, figures)
        if log.wal_bytes > MAX_WAL_BYTES:
            oldest = log.oldest_reader()
            reader = f"the oldest read ({oldest[1]}) has run {oldest[0]:.0f} s" if oldest else "no read is running"
            return ComponentHealth("degraded", f"the write-ahead log has {log.wal_bytes:,} bytes; {reader}", figures)
        remark = None if history is None else history.remark
        return ComponentHealth("ok", f"stored up to {log.last_seq:,}" + (f"; {remark}" if remark else ""), figures)

    def _schemas_health(self) -> ComponentHealth:
        contracts = self._contracts
        if contracts is None:
            return ComponentHealth("degraded", "contracts are being loaded")
        registry = contracts.current
        return ComponentHealth("ok", counted(len(registry), "event type"), {"folder": str(registry.folder)})
