"""How the bus and all around it are, said at an interval and when it changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from godtui.bloodbank.errors import PublishError
from godtui.bloodbank.receipt import Publish
from godtui.clock import Clock
from godtui.envelope import EventDraft, InvalidEventError

EVENT_TYPE: Final = "bloodbank.health.status"
HELD_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.5

Status: TypeAlias = Literal["ok", "degraded", "down"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ComponentHealth:
    """How one part is: status, a sentence, and figures of its own."""

    status: Status
    detail: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The component as `/health` shows it."""
        return {"status": self.status, "detail": self.detail, **self.figures}


@dataclass(frozen=True, slots=True)
class Health:
    """How the whole is; `down` when events cannot be accepted."""

    status: Status
    version: str
    instance: str
    components: Mapping[str, ComponentHealth]

    def document(self) -> dict[str, Any]:
        """The body of `GET /health`."""
        return {
            "status": self.status,
            "version": self.version,
            "instance": self.instance,
            "components": {name: component.document() for name, component in self.components.items()},
        }


class HealthReporter:
    """Publishes `bloodbank.health.status` every interval, and when a component's status changed and stayed so."""

    def __init__(self, look: Callable[[], Health], publish: Publish, clock: Clock, interval: float) -> None:
        self._look = look
        self._publish = publish
        self._clock = clock
        self._interval = interval
        self._reported: dict[str, Status] | None = None
        self._seen: dict[str, tuple[Status, float]] = {}
        self._due = clock.monotonic()
        self._failing = False

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            await self.step()
            await self._clock.sleep(LOOK_SECONDS)

    async def step(self) -> None:
        """Look once and report if it is time."""
        now = self._clock.monotonic()
        health = self._look()
        statuses = {name: component.status for name, component in health.components.items()}
        for name, status in statuses.items():
            if name not in self._seen or self._seen[name][0] != status:
                self._seen[name] = status, now
        if now >= self._due or self._changed(statuses, now):
            await self._report(health, statuses, now)

    def _changed(self, statuses: Mapping[str, Status], now: float) -> bool:
        """Whether a component has for long enough been otherwise than was last reported."""
        reported = self._reported
        return reported is not None and any(
            reported.get(name) != status and now - self._seen[name][1] >= HELD_SECONDS
            for name, status in statuses.items()
        )

    async def _report(self, health: Health, statuses: dict[str, Status], now: float) -> None:
        draft = EventDraft(event_type=EVENT_TYPE, payload=health.document(), source={"service": "bloodbank"})
        try:
            await self._publish(draft)
        except (PublishError, InvalidEventError) as error:
            # Tried again with what is seen then: nobody is served by a late report of the past.
            self._reported, self._due = None, now + HELD_SECONDS
            if not self._failing:
                logger.warning("health cannot be published: %s", error)
            self._failing = True
        else:
            self._reported, self._due, self._failing = statuses, now + self._interval, False
