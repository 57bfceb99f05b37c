"""Building the dispatcher of settings, estate and bus, and running it when it is this instance's turn."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from godtui.bloodbank.bus import Bus, Message
from godtui.bloodbank.outbox import Outbox
from godtui.bloodbank.queues import plane_queue
from godtui.clock import Clock
from godtui.dispatcher.carrier import Carrier
from godtui.dispatcher.check_plan import CheckPlan
from godtui.dispatcher.checks import CheckRules, Checks
from godtui.dispatcher.desk import Desk, Place
from godtui.dispatcher.gate import GateRules
from godtui.dispatcher.handover import CarrierRules
from godtui.dispatcher.intake import Intake
from godtui.dispatcher.ledger import Ledger, LedgerRules
from godtui.dispatcher.names import Names
from godtui.dispatcher.redaction import Redaction
from godtui.dispatcher.state_file import StateFile
from godtui.dispatcher.views import SettingView
from godtui.dispatcher.worker import Dispatcher
from godtui.envelope import EventDraft
from godtui.estate import Estate
from godtui.eventlog import EventLog
from godtui.runtime.supervisor import Supervisor, Turn, Worker
from godtui.settings import Settings

if TYPE_CHECKING:
    from godtui.dispatcher.openclaw import Hook

SETTINGS: Final = tuple(name for name in Settings.model_fields if name.startswith(("openclaw_", "infra_", "plane_")))
"""What an operator may want to know of the settings in force."""

FREE_TEXT: Final = ("INFRA_COMPONENT_CHECKS_JSON", "OPENCLAW_HOOK_URL")
"""Those into which an operator may have written a secret."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the dispatcher works in. `message` makes of a draft what is published."""

    bus: Bus
    log: EventLog
    outbox: Outbox
    clock: Clock
    message: Callable[[EventDraft], Message]
    history_here: Callable[[], bool]
    instance: str
    url: Callable[[], str | None]


@dataclass(slots=True)
class Tools:
    """What one turn is worked with."""

    ledger: Ledger
    intake: Intake
    carrier: Carrier
    checks: Checks
    hook: Hook | None


class Dispatching:
    """The dispatcher of an instance, with the desk at which operators see it."""

    def __init__(self, settings: Settings, estate: Estate, around: Surroundings, turn: Turn | None) -> None:
        self._settings = settings
        self._estate = estate
        self._around = around
        self._turn = turn
        self._worker: Worker | None = None
        state_file = StateFile(settings.infra_dispatch_state_path, around.clock)
        self._dispatcher = Dispatcher(self._tools, state_file, around.clock, self._me)
        self.desk = Desk(
            self._dispatcher, around.log, around.clock, elsewhere=self._elsewhere, settings=self._settings_in_force
        )

    def work(self, supervisor: Supervisor) -> None:
        """Dispatch until the supervisor stops, whenever it is this instance's turn."""
        self._worker = supervisor.start("dispatcher", self._dispatcher.run, self._dispatcher.health, turn=self._turn)

    def _tools(self, dispatcher: Dispatcher) -> Tools:
        settings, around, clock = self._settings, self._around, self._around.clock
        rules = LedgerRules(GateRules.of(settings), round(settings.infra_rearm_seconds * 1_000_000))
        ledger = Ledger(around.log, around.outbox, around.message, rules, Names.of(self._estate, {}, {}))
        hook = self._hook()
        checks = Checks(
            CheckPlan.of(settings, self._estate),
            CheckRules.of(settings),
            clock,
            os.environ,
            settings.secrets(),
            lambda check, component: carrier.check_completed(check, component),
        )
        carrier = Carrier(
            ledger,
            checks,
            hook,
            clock,
            CarrierRules(
                policy=settings.infra_check_policy,
                retry=settings.infra_check_retry_seconds,
                deliver=settings.openclaw_hook_deliver,
                prefix=settings.infra_component_label_prefix,
            ),
        )
        intake = Intake(
            around.bus,
            around.log,
            ledger,
            plane_queue(settings.message_ttl),
            clock,
            history_here=around.history_here,
            decided=dispatcher.touched,
        )
        return Tools(ledger, intake, carrier, checks, hook)

    def _hook(self) -> Hook | None:
        token = self._settings.openclaw_hook_token
        if token is None:
            return None
        # The library for it takes time and memory, of which an instance that sends nothing needs neither.
        from godtui.dispatcher.openclaw import Hook

        return Hook(self._settings.openclaw_hook_url, token.get_secret_value(), self._around.clock)

    def _me(self) -> dict[str, str | None]:
        return {"instance": self._around.instance, "url": self._around.url()}

    def _elsewhere(self) -> Place:
        """Why it does not work here at this moment."""
        worker, turn = self._worker, self._turn
        if worker is None:
            return Place("off", "no dispatcher works here")
        if worker.state == "standing by" and turn is not None:
            return Place("standing by", turn.standing, turn.active)
        if worker.state == "retrying":
            return Place("failed", worker.detail)
        return Place("off", "the dispatcher is starting" if worker.state == "running" else worker.detail)

    def _settings_in_force(self) -> list[SettingView]:
        # A command or a URL may have a secret in it; a word such as `set` is none, whatever the secrets are.
        redaction = Redaction(self._settings.secrets())
        return [
            SettingView(name=name, value=redaction.text(value) if name in FREE_TEXT else value, origin=origin)
            for name, value, origin in self._settings.shown(SETTINGS)
        ]
