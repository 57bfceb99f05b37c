"""One queue over the log."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

from godtui.bloodbank import tables, units
from godtui.bloodbank.bindings import Bindings
from godtui.bloodbank.bus import QueueSpec, QueueStatistics
from godtui.bloodbank.units import Handed, Settlement
from godtui.clock import Clock
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog, LogUnavailableError

SWEEP_STEP: Final = 500
CURSOR_SLACK: Final = 1000
"""How many events that concern nobody the stored cursor may lag behind."""


class EmbeddedQueue:
    """Hands out what lies beyond its cursor and what waits behind it; every hand-out is durable before it is seen."""

    def __init__(self, log: EventLog, clock: Clock, spec: QueueSpec, declared: units.Declared) -> None:
        self.name = spec.name
        self.consumers = 0
        self._log = log
        self._clock = clock
        self._handing = asyncio.Lock()
        self._kick = asyncio.Event()
        self._stored_cursor = 0
        self._cursor = 0
        self._next_due: int | None = 0
        self._orphans: list[int] = []
        self.redeclare(spec, declared)

    def redeclare(self, spec: QueueSpec, declared: units.Declared) -> None:
        """Take bindings and time to live as they are now."""
        self._ttl = units.ttl_microseconds(spec)
        self._bindings = Bindings(declared.bindings)
        self._cursor = self._stored_cursor = max(self._cursor, declared.cursor)

    @property
    def message_ttl(self) -> int | None:
        """How long a message waits before it becomes a letter, in microseconds."""
        return self._ttl

    def wake(self) -> None:
        """Something was put behind the cursor."""
        self._next_due = 0
        self._kick.set()

    async def take(self, most: int) -> list[Handed]:
        """Hand out up to `most` messages now, perhaps none. Raises LogUnavailableError."""
        async with self._handing:
            await self._adopt()
            now = self._clock.now()
            due = self._next_due is not None and self._next_due <= now
            events, cursor = await self._beyond_cursor(most)
            if not events and not due:
                self._cursor = cursor
                await self._keep_cursor()
                return []
            handed = await self._log.submit(
                units.HandOut(self.name, now, most if due else 0, events, cursor, self._ttl)
            )
            self._cursor = self._stored_cursor = cursor
            if due:
                await self._look_ahead()
            return handed

    async def wait(self, until: float | None = None) -> None:
        """Wait until there may be something to take, or until a monotonic moment."""
        sleep = None if until is None else max(0.0, until - self._clock.monotonic())
        if self._next_due is not None:
            ahead = max(0.0, (self._next_due - self._clock.now()) / 1_000_000)
            sleep = ahead if sleep is None else min(sleep, ahead)
        self._kick.clear()
        waits: list[asyncio.Task[object]] = [
            asyncio.ensure_future(self._log.tail.beyond(self._cursor)),
            asyncio.ensure_future(self._kick.wait()),
        ]
        if sleep is not None:
            waits.append(asyncio.ensure_future(self._clock.sleep(sleep)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Make decisions durable. Raises LogUnavailableError."""
        await self._log.submit(units.Settle(self.name, settlements, self._clock.now()))
        if any(settlement.due_at is not None for settlement in settlements):
            await self._look_ahead()
            self._kick.set()

    async def give_back(self, rows: Sequence[int]) -> None:
        """What a consumer leaves behind waits again, at once or as soon as the disk takes it."""
        self._orphans += rows
        with contextlib.suppress(LogUnavailableError):
            await self._adopt()

    async def _adopt(self) -> None:
        orphans, self._orphans = self._orphans, []
        if not orphans:
            return
        try:
            await self._log.submit(units.GiveBack(orphans))
        except LogUnavailableError:
            self._orphans += orphans
            raise
        self.wake()

    async def sweep(self) -> None:
        """Turn what has waited too long into letters, a step at a time. Raises LogUnavailableError."""
        while self._ttl is not None and await self._expire(self._clock.now() - self._ttl):
            pass

    async def _expire(self, before: int) -> bool:
        async with self._handing:
            events, cursor = await self._beyond_cursor(SWEEP_STEP, expired_before=before)
            waiting = await self._log.rows(tables.OVERDUE, (self.name, before, SWEEP_STEP), purpose="expired messages")
            self._cursor = cursor
            if events or waiting:
                rows = [row[0] for row in waiting]
                await self._log.submit(units.Expire(self.name, self._clock.now(), events, rows, cursor))
                self._stored_cursor = cursor
            return len(events) == SWEEP_STEP or len(waiting) == SWEEP_STEP

    async def statistics(self) -> QueueStatistics:
        """How much waits and how much is handed out."""
        counted = dict(await self._log.rows(tables.COUNT_DELIVERIES, (self.name,), purpose="queue statistics"))
        ready = counted.get(0, 0)
        end = self._log.last_seq
        for stretch in self._bindings.beyond(self._cursor):
            low = max(stretch.after, self._cursor)
            high = end if stretch.until is None else min(stretch.until, end)
            for event_type, count in await self._log.rows(tables.COUNT_BEYOND, (low, high), purpose="queue statistics"):
                ready += count if stretch.matcher.matches(event_type) else 0
        return QueueStatistics(ready, counted.get(1, 0), self.consumers)

    async def _beyond_cursor(self, most: int, expired_before: int | None = None) -> tuple[list[StoredEvent], int]:
        """The next events of this queue and where the cursor is after them."""
        found: list[StoredEvent] = []
        cursor = self._cursor
        while len(found) < most and (page := await self._log.after(cursor)):
            for event in page:
                if expired_before is not None and event.stored_at > expired_before:
                    return found, cursor
                cursor = event.seq
                if self._bindings.match(event.seq, event.event_type):
                    found.append(event)
                    if len(found) == most:
                        break
        return found, cursor

    async def _keep_cursor(self) -> None:
        if self._cursor - self._stored_cursor >= CURSOR_SLACK:
            await self._log.submit(units.HandOut(self.name, 0, 0, (), self._cursor, None))
            self._stored_cursor = self._cursor

    async def _look_ahead(self) -> None:
        rows = await self._log.rows(tables.NEXT_DUE, (self.name,), purpose="next redelivery")
        self._next_due = rows[0][0]
