"""The bus on a broker, with the workers that carry events from there into the log and from the outbox there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from godtui.bloodbank.bus import Sink
from godtui.bloodbank.collector import Collector
from godtui.bloodbank.health import ComponentHealth
from godtui.bloodbank.outbox import Outbox
from godtui.bloodbank.rabbitmq import MEMORY, RabbitBus, Topology
from godtui.bloodbank.recollection import Recollection
from godtui.bloodbank.relay import Relay
from godtui.bloodbank.requeue import PutBack, PutBackOverBroker
from godtui.candystore.persister import Persister
from godtui.clock import Clock, rfc3339
from godtui.eventlog import EventLog
from godtui.holyfields import Contracts
from godtui.runtime.supervisor import Supervisor
from godtui.runtime.transport import plane_queue
from godtui.settings import Settings, shown_url


class BrokerTransport:
    """RabbitMQ in between: the broker confirms, the persister stores."""

    remembers = False

    def __init__(self, settings: Settings, log: EventLog, clock: Clock, instance: str) -> None:
        self._settings = settings
        self._log = log
        self._clock = clock
        self.topology = topology(settings)
        self.bus = RabbitBus(settings.bus_urls, topology=self.topology, clock=clock, name=f"godtui {instance}")
        self.publishing: Sink = Recollection(self.bus, log)
        self.outbox = Outbox(log)
        self.put_back: PutBack = PutBackOverBroker(self.bus, log)
        self._relay = Relay(log, self.bus, clock)

    def work(self, supervisor: Supervisor, contracts: Contracts) -> None:
        if "persister" in self._settings.workers:
            persister = Persister(self.bus, self._log, contracts, self._clock, self.topology.memory)
            collector = Collector(self.bus, self._log, self._clock)
            supervisor.start("persister", persister.run)
            supervisor.start("collector", collector.run)
        supervisor.start("relay", self._relay.run, self._relay_health)

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
        if bus.watchdog.gaps:
            return ComponentHealth("degraded", str(bus.watchdog.gaps[-1]), figures)
        return ComponentHealth("ok", f"connected to {figures['node']}", figures)

    def _relay_health(self) -> ComponentHealth:
        relay = self._relay
        figures = {"waiting": relay.waiting.number}
        if relay.fault is None:
            return ComponentHealth("ok", f"{relay.waiting.number} events wait in the outbox", figures)
        return ComponentHealth("degraded", f"{relay.waiting.number} events wait in the outbox: {relay.fault}", figures)


def topology(settings: Settings) -> Topology:
    """What is declared on the broker, as the settings want it."""
    standard = Topology(queue_type=settings.queue_type)
    memory = replace(standard.memory, message_ttl=settings.message_ttl.of(MEMORY) or None)
    return replace(standard, memory=memory, standing=(plane_queue(settings),))
