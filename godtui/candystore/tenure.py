"""From when on this log holds what is published, where instances take turns at storing it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Final

from godtui.bloodbank.holder import Holder
from godtui.bloodbank.positions import Reached, reached
from godtui.clock import Clock, rfc3339
from godtui.eventlog import EventLog, Transaction

ROLE: Final = "godtui.persister"
"""The role of storing what is published."""

SINCE: Final = "tenure.since"
IDENTITY: Final = "tenure.log"
"""Where it is kept, beside the positions of those who follow: the moment, and a number that is this log's alone."""

IDENTIFY: Final = "INSERT INTO positions (name, position) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
"""The number is chosen once."""

IDENTITY_BITS: Final = 62

logger = logging.getLogger(__name__)


class Tenure:
    """What this log holds, and the taker of the role: whoever follows another log has a hole where that was active.

    `since` is the moment (µs since 1970) from which on nothing published is missing, None where it is all there. It is
    known once `open` or `take` was done.
    """

    def __init__(self, log: EventLog, clock: Clock, me: Callable[[], Holder]) -> None:
        """`me` is how others are told of this instance."""
        self.since: int | None = None
        self._log = log
        self._clock = clock
        self._me = me
        self._identity: str | None = None

    async def open(self) -> None:
        """Learn what the log says. Raises LogUnavailableError."""
        await self._log.submit(_identify)
        self._identity = f"{await reached(self._log, IDENTITY) or 0:016x}"
        self.since = await reached(self._log, SINCE)

    async def take(self, before: Holder | None) -> Holder:
        """Note the hole if another log was written before; durable before anything is stored behind it.

        Raises LogUnavailableError: who cannot write leaves the role to others.
        """
        if self._identity is None:
            await self.open()
        now = self._clock.now()
        if before is not None and not self.is_own(before):
            await self._log.submit(Reached(SINCE, now))
            self.since = await reached(self._log, SINCE)
            logger.warning("this log holds what is published since %s; before, it was %s", rfc3339(now), before.where)
        return self._me()._replace(since=now, log=self._identity)

    def is_own(self, holder: Holder) -> bool:
        """Whether that one writes, or wrote, this log."""
        return self._identity is not None and holder.log == self._identity

    def duty(self) -> Duty:
        """The taker of another role, which leaves no hole in the log."""
        return Duty(self)

    async def introduce(self) -> Holder:
        """What is said of us as of now. Raises LogUnavailableError."""
        if self._identity is None:
            await self.open()
        return self._me()._replace(since=self._clock.now(), log=self._identity)


class Duty:
    """The taker of a role that any instance may have, known by its log."""

    def __init__(self, tenure: Tenure) -> None:
        self._tenure = tenure

    async def take(self, before: Holder | None) -> Holder:
        """Raises LogUnavailableError: who cannot write leaves the role to others."""
        return await self._tenure.introduce()

    def is_own(self, holder: Holder) -> bool:
        """Whether that one is, or was, of this log."""
        return self._tenure.is_own(holder)


def _identify(transaction: Transaction) -> None:
    transaction.execute(IDENTIFY, (IDENTITY, secrets.randbits(IDENTITY_BITS)))
