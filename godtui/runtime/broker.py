"""The bus on a broker, with the workers that carry events from there into the log and from the outbox there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from godtui.bloodbank.bus import Sink, Tap
from godtui.bloodbank.collector import Collector
from godtui.bloodbank.deaths import DEAD_LETTERS
from godtui.bloodbank.health import ComponentHealth
from godtui.bloodbank.holder import Holder
from godtui.bloodbank.judging import judge
from godtui.bloodbank.outbox import Outbox
from godtui.bloodbank.rabbitmq import RabbitBus, Topology
from godtui.bloodbank.recollection import Recollection
from godtui.bloodbank.relay import Relay
from godtui.bloodbank.requeue import PutBack, PutBackOverBroker
from godtui.candystore.passing import Passing
from godtui.candystore.persister import Persister
from godtui.candystore.replay.carriers import BrokerCarrier, Carrier
from godtui.candystore.tenure import ROLE, Tenure
from godtui.clock import Clock, rfc3339
from godtui.eventlog import EventLog, LogUnavailableError
from godtui.holyfields import Contracts
from godtui.operations.protocols import LetterOperations, StoreOperations
from godtui.operations.shared import SharedLetters, SharedStore
from godtui.runtime.history import ClaimedHistory
from godtui.runtime.supervisor import Supervisor
from godtui.settings import Settings, shown_url
from godtui.settings.values import counted

DISPATCHING: Final = "godtui.dispatcher"
"""The role of dispatching tickets."""
OPEN_SECONDS: Final = 2.0
GAP_MICROSECONDS: Final = 3600 * 1_000_000
"""How long health stays degraded over events that may be lost; the figures tell of them for longer."""
TAPPED_MESSAGES: Final = 10_000
"""How many messages may wait to be shown on an instance without the history."""


class BrokerTransport:
    """RabbitMQ in between: the broker confirms, the persister stores."""

    remembers = False

    def __init__(
        self,
        settings: Settings,
        log: EventLog,
        clock: Clock,
        instance: str,
        url: Callable[[], str | None],
        *,
        workers: bool = True,
    ) -> None:
        """`url` is where others reach this instance; without `workers`, none of the settings' are run here."""
        self._settings = settings
        self._log = log
        self._clock = clock
        self.topology = Topology.of(settings.queue_type, settings.message_ttl)
        self.bus = RabbitBus(settings.bus_urls, topology=self.topology, clock=clock, name=f"godtui {instance}")
        self.publishing: Sink = Recollection(self.bus, log, self.bus.pending)
        self.outbox = Outbox(log)
        self.put_back: PutBack = PutBackOverBroker(self.bus, log)
        self._relay = Relay(log, self.bus, clock)
        self._tenure = Tenure(log, clock, lambda: Holder(instance, url()))
        keeps = "persister" in settings.workers
        self._claim = self.bus.claim(ROLE, self._tenure if keeps and workers else None)
        self.replaying = self._claim
        self.history = ClaimedHistory(self._claim, self._tenure, keeps=keeps)
        dispatches = "dispatcher" in settings.workers and workers
        self.dispatching = self.bus.claim(DISPATCHING, self._tenure.duty() if dispatches else None)
        own = {DEAD_LETTERS, *self._claim.queues, *self.dispatching.queues}
        self.carrier: Carrier = BrokerCarrier(self.bus, log, settings.publish_timeout, own)

    def work(self, supervisor: Supervisor, contracts: Contracts) -> None:
        if "persister" in self._settings.workers:
            persister = Persister(self.bus, self._log, contracts, self._clock, self.topology.memory)
            collector = Collector(self.bus, self._log, self._clock)
            # Letters are collected where the history is, so that all of it is in one place.
            supervisor.start("persister", persister.run, lambda: _persisting(persister), turn=self._claim)
            supervisor.start("collector", collector.run, lambda: _collecting(collector), turn=self._claim)
        supervisor.start("relay", self._relay.run, self._relay_health)

    def shared(
        self, store: StoreOperations, letters: LetterOperations, contracts: Contracts
    ) -> tuple[StoreOperations, LetterOperations]:
        def view(broken: Callable[[], None]) -> Tap:
            return self.bus.tap(("#",), TAPPED_MESSAGES, on_break=broken)

        passing = Passing(view, lambda message: judge(message, contracts.current), self._clock)
        return SharedStore(store, self.history, passing), SharedLetters(letters, self.history)

    async def begin(self) -> None:
        with suppress(LogUnavailableError, TimeoutError):
            async with asyncio.timeout(OPEN_SECONDS):
                await self._tenure.open()
        self._claim.start()
        self.dispatching.start()

    async def tried(self) -> None:
        await self.bus.tried()

    def health(self) -> ComponentHealth:
        """Down while nothing can be accepted; degraded while something that was accepted may be missing."""
        bus, state, now = self.bus, self.bus.state, self._clock.monotonic()
        figures: dict[str, Any] = {
            "transport": "rabbitmq",
            "node": shown_url(state.node),
            "state": state.status,
            "since": rfc3339(state.since),
            "next_try_seconds": None if state.next_try is None else round(max(0.0, state.next_try - now), 1),
            "tries": state.tries,
            "memory": {"waiting": bus.watchdog.backlog, "consumers": bus.watchdog.consumers},
            "gaps": [str(gap) for gap in bus.watchdog.gaps],
        }
        fault = bus.fault
        if fault:
            return ComponentHealth("down", f"events cannot be accepted: {fault}", figures)
        if bus.watchdog.gaps and self._clock.now() - bus.watchdog.gaps[-1].until < GAP_MICROSECONDS:
            return ComponentHealth("degraded", str(bus.watchdog.gaps[-1]), figures)
        return ComponentHealth("ok", f"connected to {figures['node']}", figures)

    def _relay_health(self) -> ComponentHealth:
        relay = self._relay
        number = relay.waiting.number
        figures = {"waiting": number}
        sentence = f"{counted(number, 'event')} {'waits' if number == 1 else 'wait'} in the outbox"
        if relay.fault is None:
            return ComponentHealth("ok", sentence, figures)
        return ComponentHealth("degraded", f"{sentence}: {relay.fault}", figures)


def _persisting(persister: Persister) -> ComponentHealth:
    figures = {
        "stored": persister.stored,
        "held_before": persister.held,
        "dead_lettered": persister.refused,
        "replayed": persister.replayed,
        "last_batch": persister.last_batch,
    }
    if persister.fault:
        return ComponentHealth("degraded", persister.fault, figures)
    return ComponentHealth("ok", f"{counted(persister.stored, 'event')} stored since the start", figures)


def _collecting(collector: Collector) -> ComponentHealth:
    return ComponentHealth("degraded", collector.fault) if collector.fault else ComponentHealth("ok", "running")
