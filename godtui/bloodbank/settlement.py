"""What consumers decide on messages, and how decisions become durable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from godtui.bloodbank import tables
from godtui.bloodbank.handed import Handed
from godtui.clock import Clock
from godtui.eventlog import EventLog, LogUnavailableError, Transaction

RETRY_SECONDS: Final = 0.5

logger = logging.getLogger(__name__)


class Ack(NamedTuple):
    """Its effect is durable."""

    handed: Handed


class TryAgain(NamedTuple):
    """Hand it out again from a moment (µs) on; a message given back goes to the front, any other to the end."""

    handed: Handed
    due_at: int
    given_back: bool


class Bury(NamedTuple):
    """It becomes a letter."""

    handed: Handed
    reason: str


Settlement: TypeAlias = Ack | TryAgain | Bury


@dataclass(slots=True)
class Settle:
    """Many decisions in one commit. Running it twice does what running it once does."""

    queue: str
    settlements: Sequence[Settlement]
    now: int

    def __call__(self, transaction: Transaction) -> None:
        """Remove what is done, in one statement, and turn the rest."""
        done = [each.handed.row for each in self.settlements if isinstance(each, Ack)]
        if done:
            transaction.execute(tables.DELIVERED, (tables.listed(done),))
        end: int | None = None
        for each in self.settlements:
            if isinstance(each, TryAgain):
                if end is None:
                    end = transaction.execute(tables.END_OF_LOG).fetchone()[0]
                behind = 0 if each.given_back else end
                transaction.execute(tables.TRY_AGAIN, (each.due_at, behind, each.handed.row, each.handed.attempts))
            elif isinstance(each, Bury):
                removed = transaction.execute(tables.REMOVE, (each.handed.row, each.handed.attempts)).rowcount
                if removed:
                    each.handed.bury(transaction, self.queue, each.reason, self.now)


@dataclass(slots=True)
class Round:
    """Decisions that are written together, and the moment when they are."""

    settlements: list[Settlement] = field(default_factory=list)
    written: asyncio.Event = field(default_factory=asyncio.Event)


class Settler:
    """Writes a queue's decisions in the next commit, in the order they were taken; while the disk refuses, again.

    What is not written when it closes is delivered again.
    """

    def __init__(
        self, queue: str, log: EventLog, clock: Clock, on_written: Callable[[Sequence[Settlement]], None]
    ) -> None:
        self._queue = queue
        self._log = log
        self._clock = clock
        self._on_written = on_written
        self._next = Round()
        self._writing: asyncio.Task[None] | None = None
        self._closed = False

    def add(self, settlements: Sequence[Settlement]) -> asyncio.Event:
        """Take decisions, at least one; the event is set once they are durable, or nothing more will be written."""
        if self._closed:
            self._next.written.set()
            return self._next.written
        self._next.settlements += settlements
        if self._writing is None or self._writing.done():
            self._writing = asyncio.ensure_future(self._write())
        return self._next.written

    async def close(self) -> None:
        """Write nothing more."""
        self._closed = True
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        self._next.written.set()

    async def _write(self) -> None:
        while self._next.settlements:
            now, self._next = self._next, Round()
            try:
                while not await self._written(now.settlements):
                    await self._clock.sleep(RETRY_SECONDS)
            finally:
                now.written.set()

    async def _written(self, settlements: Sequence[Settlement]) -> bool:
        try:
            await self._log.submit(Settle(self._queue, settlements, self._clock.now()))
        except LogUnavailableError:
            return False
        except Exception:
            logger.exception("queue %s: %d decisions cannot be kept and are lost", self._queue, len(settlements))
            return True
        self._on_written(settlements)
        return True
