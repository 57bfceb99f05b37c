"""The estate follows `registry.yaml`: a sound change is taken in, an unsound one leaves the old in force."""

from __future__ import annotations

import logging

from godtui.bloodbank.health import ComponentHealth
from godtui.estate import Estate
from godtui.holyfields.watch import Watch
from godtui.settings.values import counted, printable

logger = logging.getLogger(__name__)


class LiveEstate:
    """The estate as its file tells it now. `at_work` is what the dispatcher here was built with, if there is one."""

    def __init__(self, estate: Estate, at_work: Estate | None, watch: Watch[Estate], path: str) -> None:
        self.current = estate
        self._at_work = at_work
        self._watch = watch
        self._path = path
        self._fault: ValueError | None = None

    async def run(self) -> None:
        """Follow the file until cancelled."""
        try:
            await self._watch.run(self._take)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    def look(self) -> ComponentHealth:
        """How the services registry is."""
        figures = {"path": self._path}
        if self._fault is not None:
            first, _, more = str(self._fault).partition("\n")
            others = f" (and {more.count(chr(10)) + 1} more)" if more else ""
            sentence = f"{printable(first)}{others}; the registry from before stays in force"
            return ComponentHealth("degraded", sentence, figures)
        services = counted(len(self.current.services), "service")
        if self._at_work is not None and self._at_work != self.current:
            return ComponentHealth(
                "ok", f"{services}; the dispatcher works by the registry from before: restart", figures
            )
        return ComponentHealth("ok", services, figures)

    def _take(self, outcome: Estate | ValueError) -> None:
        if isinstance(outcome, ValueError):
            if str(outcome) != str(self._fault):
                logger.warning("the services registry stays as it was: %s", outcome)
            self._fault = outcome
            return
        self._fault, self.current = None, outcome
