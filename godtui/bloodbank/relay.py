"""From the outbox to the bus: in order, each row gone only after its message was confirmed."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from godtui.backoff import Backoff
from godtui.bloodbank import outbox_tables
from godtui.bloodbank.bus import Bus, Conflict, Message, PublishOutcome, Refused, Unconfirmed
from godtui.bloodbank.deadlines import Deadlines
from godtui.bloodbank.handed import Handed
from godtui.bloodbank.outbox import OUTBOX, Waiting, waiting
from godtui.bloodbank.tables import listed
from godtui.clock import Clock
from godtui.eventlog import EventLog, LogUnavailableError, Transaction

BATCH_ROWS: Final = 200
BATCH_BYTES: Final = 4 * 1024 * 1024
PAUSES: Final = Backoff(0.5, 15.0)
LOOK_SECONDS: Final = 0.5
DEFAULT_TIMEOUT: Final = 30.0
"""Far longer than a batch takes on a slow link, or it would be sent for ever and never be confirmed."""
COUNT_SECONDS: Final = 1.0
"""How often the line is counted at most: that costs more the longer it is."""

NOTHING: Final = Waiting(0, None)

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Relayed:
    """What is decided leaves the outbox, what was refused as a letter. Running it twice does what once does."""

    arrived: Sequence[Handed]
    refused: Sequence[tuple[Handed, str]]

    def __call__(self, transaction: Transaction) -> None:
        if self.arrived:
            transaction.execute(outbox_tables.REMOVE, (listed([each.row for each in self.arrived]),))
        for each, reason in self.refused:
            if transaction.execute(outbox_tables.REMOVE, (listed([each.row]),)).rowcount:
                each.bury(transaction, OUTBOX, reason, transaction.now)


class Relay:
    """Sends what the outbox of a log holds; one at a time for each log. Its state may be read from any thread."""

    def __init__(
        self,
        log: EventLog,
        bus: Bus,
        clock: Clock,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`timeout` is how many seconds a batch may take to be confirmed."""
        self._log = log
        self._bus = bus
        self._clock = clock
        self._jitter = jitter
        self._deadlines = Deadlines(timeout)
        self._tries = 0
        self._counted_at = float("-inf")
        self.waiting = NOTHING
        """What the outbox held when it was last counted."""
        self.fault: str | None = None
        """Why the last try failed, None where it did not."""
        self.retry_at: float | None = None
        """The monotonic moment of the next try, while one is waited for."""

    async def run(self) -> None:
        """Send what waits and what comes, until cancelled."""
        while True:
            try:
                await self._step()
            except LogUnavailableError as error:
                await self._wait_for_log(error)

    async def _step(self) -> None:
        changes = self._log.tail.changes(OUTBOX)
        rows = await self._log.rows(outbox_tables.NEXT, (BATCH_ROWS, BATCH_BYTES), purpose="what the outbox sends next")
        if rows:
            await self._count()
            await self._send([replace(Handed.from_row(row), put_alone=True) for row in rows])
            self.fault = None
        else:
            self.waiting, self.fault = NOTHING, None
            await self._log.tail.changed(OUTBOX, changes)

    async def _send(self, batch: Sequence[Handed]) -> None:
        """Publish until all are decided: what comes after them goes out only then."""
        while batch:
            for each in batch:
                each.attempts += 1
            outcomes = await self._publish([each.message for each in batch])
            decided, batch = _judged(batch, outcomes)
            if decided is not None:
                self._tries = 0
                await self._settle(decided)
            if batch:
                await self._wait_for_bus(outcomes)

    async def _publish(self, messages: Sequence[Message]) -> Sequence[PublishOutcome]:
        try:
            with self._deadlines.bound():
                return await self._bus.publish(messages)
        except TimeoutError:
            return [Unconfirmed(f"no confirmation within {self._deadlines.seconds:g} s")] * len(messages)

    async def _settle(self, decided: Relayed) -> None:
        """Until it is durable, nothing else is sent: after a restart, all that is now in doubt would be sent again."""
        while True:
            try:
                await self._log.submit(decided)
            except LogUnavailableError as error:
                await self._wait_for_log(error)
            else:
                return

    async def _wait_for_bus(self, outcomes: Sequence[PublishOutcome]) -> None:
        reason = next(outcome.reason for outcome in outcomes if isinstance(outcome, Unconfirmed))
        if self.fault is None:
            logger.warning("the outbox cannot be sent and is tried again and again: %s", reason)
        self.fault = reason
        self._tries += 1
        await self._pause(PAUSES.jittered(self._tries, self._jitter()))

    async def _wait_for_log(self, error: LogUnavailableError) -> None:
        self.fault = str(error)
        await self._pause(PAUSES.first)

    async def _pause(self, seconds: float) -> None:
        """Wait that long, or until a bus that was away is back."""
        due = self.retry_at = self._clock.monotonic() + seconds
        was_away = self._bus.fault is not None
        try:
            while (left := due - self._clock.monotonic()) > 0:
                await self._clock.sleep(min(left, LOOK_SECONDS))
                with suppress(LogUnavailableError):
                    await self._count()
                is_away = self._bus.fault is not None
                if was_away and not is_away:
                    return
                was_away = is_away
        finally:
            self.retry_at = None

    async def _count(self) -> None:
        now = self._clock.monotonic()
        if now - self._counted_at >= COUNT_SECONDS:
            self._counted_at = now
            self.waiting = await waiting(self._log)


def _judged(batch: Sequence[Handed], outcomes: Sequence[PublishOutcome]) -> tuple[Relayed | None, list[Handed]]:
    """What is decided of a batch, and what of it has to be sent again."""
    arrived: list[Handed] = []
    refused: list[tuple[Handed, str]] = []
    again: list[Handed] = []
    for each, outcome in zip(batch, outcomes, strict=True):
        match outcome:
            case Refused(reason):
                refused.append((each, reason))
            case Conflict():
                refused.append((each, "conflict"))
            case Unconfirmed():
                again.append(each)
            case _:
                arrived.append(each)
    return Relayed(arrived, refused) if len(again) < len(batch) else None, again
