"""The worker that counts what is stored, about once a second, and from the first event on where nothing is counted."""

from __future__ import annotations

from typing import Final

from godtui.bloodbank.health import ComponentHealth
from godtui.candystore.tallies.tables import (
    MINUTE,
    MINUTES_KEPT_SECONDS,
    PRUNE,
    SLOT,
    SLOTS,
    SLOTS_KEPT_SECONDS,
    STATE,
    Fresh,
    State,
    add,
    slots,
    state,
)
from godtui.clock import Clock
from godtui.eventlog import EventLog, Transaction

INTERVAL_SECONDS: Final = 1.0
CATCHING_UP_SECONDS: Final = 0.02
"""The pause between two steps while much is to be counted."""
STEP_EVENTS: Final = 5_000
"""How many events are counted at once: their unit must not keep others waiting."""
STEP_ROWS: Final = 2_000
"""How many rows are deleted at once."""
FAR_BEHIND: Final = 50_000

_NEXT: Final = "SELECT min(seq) FROM events WHERE seq > ?"


class Tallier:
    """Counts into the tallies whatever the log holds beyond them."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._counted = 0
        self._pruned_at = float("-inf")

    async def run(self) -> None:
        """Count until cancelled. Raises LogUnavailableError."""
        await self._log.tail.beginning()
        while True:
            known = await self._state()
            self._counted = known.counted_to
            await self._prune()
            await self._log.tail.beyond(known.counted_to)
            await self._step(known)
            behind = self._log.last_seq - self._counted
            await self._clock.sleep(CATCHING_UP_SECONDS if behind > STEP_EVENTS else INTERVAL_SECONDS)

    def look(self) -> ComponentHealth:
        """Whether everything is counted, or how far."""
        last = self._log.last_seq if self._log.tail.opened else 0
        figures = {"counted_to": self._counted, "behind": max(0, last - self._counted)}
        if last - self._counted > FAR_BEHIND:
            return ComponentHealth("ok", f"counting events anew: {self._counted:,} of {last:,}", figures)
        return ComponentHealth("ok", f"counted up to {self._counted:,}", figures)

    async def _state(self) -> State:
        return State._make((await self._log.rows(STATE, purpose="how far is counted"))[0])

    async def _step(self, known: State) -> None:
        """Count the next events; nothing where the tallies were changed meanwhile."""
        upto = min(known.counted_to + STEP_EVENTS, self._log.last_seq)
        rows = await self._log.rows(SLOTS, (known.counted_to, upto), purpose="counting what is new")
        if not rows:
            # What was there has gone: it is counted on from where something is.
            found = (await self._log.rows(_NEXT, (upto,), purpose="what is new"))[0][0]
            upto = max(upto, self._log.last_seq if found is None else found - 1)
        if await self._log.submit(Add(known, slots(rows), upto, self._now())):
            self._counted = upto

    async def _prune(self) -> None:
        """Once a minute, the finer tallies that are too old, or of a future that a clock was set to for a while."""
        moment = self._clock.monotonic()
        if moment - self._pruned_at < MINUTE:
            return
        now = self._now()
        for span, kept in ((MINUTE, MINUTES_KEPT_SECONDS), (SLOT, SLOTS_KEPT_SECONDS)):
            while await self._delete(PRUNE, (span, now - kept, now + kept, STEP_ROWS)) == STEP_ROWS:
                await self._clock.sleep(CATCHING_UP_SECONDS)
        self._pruned_at = moment

    async def _delete(self, statement: str, parameters: tuple[int, ...]) -> int:
        return await self._log.submit(lambda transaction: transaction.execute(statement, parameters).rowcount)

    def _now(self) -> int:
        return self._clock.now() // 1_000_000


class Add:
    """A unit: what was counted beyond a state, unless that is no longer the state."""

    def __init__(self, known: State, counted: list[Fresh], upto: int, now: int) -> None:
        self._known = known
        self._counted = counted
        self._now = now
        self._upto = upto

    def __call__(self, transaction: Transaction) -> bool:
        if state(transaction) != self._known:
            return False
        add(transaction, self._counted, self._now, self._upto)
        return True
