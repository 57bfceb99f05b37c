"""One queue over the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Final, TypeVar

from godtui.bloodbank import tables
from godtui.bloodbank.ahead import look_ahead
from godtui.bloodbank.backlog import Backlog
from godtui.bloodbank.bindings import Bindings
from godtui.bloodbank.bus import QueueSpec, QueueStatistics, UnknownQueueError
from godtui.bloodbank.declaration import Declare, Declared, Drop, Recover
from godtui.bloodbank.handed import Handed
from godtui.bloodbank.handout import Ahead, Expire, HandOut, KeepCursor, QueueRow
from godtui.bloodbank.settlement import Settlement, Settler, TryAgain
from godtui.clock import Clock
from godtui.eventlog import EventLog, LogUnavailableError, Transaction
from godtui.racing import first_of

Result = TypeVar("Result")

SWEEP_STEP: Final = 500
CURSOR_SLACK: Final = 1000
"""How many events that concern nobody the stored cursor may lag behind."""
CURSOR_SECONDS: Final = 600.0
"""For how long it may, so that retention need not keep for a quiet queue what that has passed."""


class EmbeddedQueue:
    """Hands out what lies beyond its cursor and what waits behind it; every hand-out is durable before it is seen.

    One hand-out, sweep or change of bindings at a time: an event is judged by the bindings of its own position.
    """

    def __init__(self, log: EventLog, clock: Clock, name: str, declared: Declared) -> None:
        self.name = name
        self.consumers = 0
        self._log = log
        self._clock = clock
        self._turn = asyncio.Lock()
        self._kick = asyncio.Event()
        self._out: set[int] = set()
        self._next_due: int | None = 0
        self._newly_due: int | None = None
        self._gone = self._in_doubt = False
        self._settler = Settler(name, log, clock, self._settled)
        self._cursor = self._stored_cursor = declared.cursor
        self._kept_at = clock.monotonic()
        self._backlog = Backlog(declared.cursor)
        self._adopt(declared)

    def _adopt(self, declared: Declared) -> None:
        self._row = QueueRow(declared.id, self.name, declared.message_ttl)
        self._bindings = Bindings(declared.bindings)
        self._stored_cursor = declared.cursor
        if declared.cursor > self._cursor:
            self._cursor = declared.cursor
            self._backlog = Backlog(declared.cursor)

    async def declare(self, spec: QueueSpec) -> None:
        """Change bindings and time to live. Raises LogUnavailableError, UnknownQueueError."""
        async with self._turn:
            await self._resolve_doubt()
            self._adopt(await self._submit(Declare(spec)))
        self.wake()

    async def delete(self) -> None:
        """Forget the queue; its consumers are told. Raises LogUnavailableError, UnknownQueueError."""
        async with self._turn:
            await self._resolve_doubt()
            await self._submit(Drop(self.name))
            self._gone = True
        await self.close()

    async def close(self) -> None:
        """Write no more decisions; whoever waits looks again."""
        await self._settler.close()
        self.wake()

    def wake(self) -> None:
        """Something changed: whoever waits looks again."""
        self._due(0)
        self._kick.set()

    async def take(self, most: int) -> list[Handed]:
        """Hand out up to `most` messages now, perhaps none. Raises LogUnavailableError, UnknownQueueError."""
        async with self._turn:
            await self._resolve_doubt()
            now = self._clock.now()
            any_waiting = self._next_due is not None and self._next_due <= now
            ahead = await look_ahead(self._log, self._bindings, self._cursor, most)
            if not ahead.events and not any_waiting:
                await self._pass(ahead)
                return []
            return await self._hand_out(now, most, ahead, any_waiting)

    async def _hand_out(self, now: int, most: int, ahead: Ahead, any_waiting: bool) -> list[Handed]:
        self._newly_due = None
        out = await self._submit(HandOut(self._row, now, most, self._cursor, ahead, any_waiting))
        self._out.update(each.row for each in out.handed)
        if out.cursor > self._cursor:
            self._stored_cursor = out.cursor
        self._move_to(out.cursor, sum(event.seq <= out.cursor for event in ahead.events))
        if any_waiting:
            # What was decided since this commit was handed over is not in its answer.
            self._next_due = _earliest(out.next_due, self._newly_due)
        return out.handed

    async def _pass(self, ahead: Ahead) -> None:
        """Nothing of this queue was found up to there."""
        self._move_to(ahead.cursor, 0)
        if ahead.cursor - self._stored_cursor >= CURSOR_SLACK:
            await self._submit(KeepCursor(self._row.id, ahead.cursor))
            self._stored_cursor = ahead.cursor

    def _move_to(self, cursor: int, passed: int) -> None:
        self._cursor = cursor
        self._backlog.passed(passed, cursor)

    async def wait(self, until: float | None = None) -> None:
        """Wait until there may be something to take, until a monotonic moment, or until woken."""
        seconds = None if until is None else until - self._clock.monotonic()
        if self._next_due is not None:
            ahead = (self._next_due - self._clock.now()) / 1_000_000
            seconds = ahead if seconds is None else min(seconds, ahead)
        await self._first_of([self._log.tail.beyond(self._cursor)], seconds)

    async def rest(self, seconds: float) -> None:
        """Wait that long, or until woken."""
        await self._first_of([], seconds)

    async def _first_of(self, others: list[Coroutine[object, object, object]], seconds: float | None) -> None:
        self._kick.clear()
        if seconds is not None:
            others.append(self._clock.sleep(max(0.0, seconds)))
        await first_of(*others, self._kick.wait())

    def settle(self, settlements: Sequence[Settlement]) -> asyncio.Event:
        """Take decisions; the event is set once they are durable, or the queue is closed."""
        return self._settler.add(settlements)

    def give_back(self, handed: Iterable[Handed]) -> asyncio.Event:
        """What a consumer leaves behind waits again, in front of everything else."""
        return self.settle([TryAgain(each, 0, given_back=True) for each in handed])

    def _settled(self, settlements: Sequence[Settlement]) -> None:
        self._out.difference_update(each.handed.row for each in settlements)
        again = [each.due_at for each in settlements if isinstance(each, TryAgain)]
        if again:
            self._due(min(again))
            self._kick.set()

    def _due(self, moment: int) -> None:
        self._next_due = _earliest(self._next_due, moment)
        self._newly_due = _earliest(self._newly_due, moment)

    async def sweep(self) -> None:
        """Turn what has waited too long into letters, a step at a time; keep the cursor. Raises LogUnavailableError."""
        more = True
        while more and not self._gone and self._row.message_ttl is not None:
            more = await self._expire(self._row.message_ttl)
        if not self._gone and self._clock.monotonic() - self._kept_at >= CURSOR_SECONDS:
            await self._keep_cursor()

    async def _keep_cursor(self) -> None:
        async with self._turn:
            await self._resolve_doubt()
            if self._cursor > self._stored_cursor:
                cursor = self._cursor
                await self._submit(KeepCursor(self._row.id, cursor))
                self._stored_cursor = cursor
            self._kept_at = self._clock.monotonic()

    async def _expire(self, ttl: int) -> bool:
        """One step; whether there is reason for another."""
        async with self._turn:
            await self._resolve_doubt()
            now = self._clock.now()
            ahead = await self._expired_ahead(now - ttl)
            behind = await self._log.rows(tables.ANY_OVERDUE, (self._row.id, now - ttl), purpose="expired messages")
            if not ahead.events and not behind:
                moved = ahead.cursor > self._cursor
                await self._pass(ahead)
                return moved
            await self._submit(Expire(self._row, now, now - ttl, SWEEP_STEP, ahead))
            self._stored_cursor = ahead.cursor
            self._move_to(ahead.cursor, len(ahead.events))
            return True

    async def _expired_ahead(self, before: int) -> Ahead:
        first = await self._log.rows(tables.NEXT_STORED_AT, (self._cursor,), purpose="expired messages")
        if not first or first[0][0] > before:
            return Ahead((), self._cursor)
        return await look_ahead(self._log, self._bindings, self._cursor, SWEEP_STEP, stored_by=before)

    async def statistics(self) -> QueueStatistics:
        """How much waits and how much is handed out. Raises LogUnavailableError, UnknownQueueError."""
        async with self._turn:
            await self._resolve_doubt()
            waiting = await self._log.rows(tables.COUNT_WAITING, (self._row.id,), purpose="queue statistics")
            ready = waiting[0][0] + await self._backlog.count(self._log, self._bindings)
            return QueueStatistics(ready, len(self._out), self.consumers)

    async def _submit(self, unit: Callable[[Transaction], Result]) -> Result:
        try:
            return await self._log.submit(unit)
        except LogUnavailableError:
            self._in_doubt = True
            raise

    async def _resolve_doubt(self) -> None:
        """A commit that failed may have happened all the same: believe the file before going on."""
        if self._in_doubt and not self._gone:
            declared = await self._log.submit(Recover(self._row.id, frozenset(self._out)))
            self._in_doubt = False
            if declared is None:
                self._gone = True
            else:
                self._adopt(declared)
                self._due(0)
        if self._gone:
            raise UnknownQueueError(f"no queue named {self.name} is declared")


def _earliest(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
