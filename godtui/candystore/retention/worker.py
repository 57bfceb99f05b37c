"""Retention at work: what is too old or too much is cut, in steps between which others have their turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from godtui.bloodbank import announce
from godtui.bloodbank.bus import Message, PublishOutcome, Sink
from godtui.bloodbank.health import ComponentHealth
from godtui.bloodbank.outbox import Outbox
from godtui.bloodbank.positions import Reached, reached
from godtui.bloodbank.receipt import Publish
from godtui.candystore.retention.aging import Aging
from godtui.candystore.retention.cutting import MAX_EVENTS, Cut, CutStep, Keeper, Needed, Trim
from godtui.candystore.retention.trust import Trust
from godtui.clock import Clock
from godtui.envelope import EventDraft
from godtui.eventlog import EventLog, Transaction, Walked
from godtui.settings import Retention

EVENT_TYPE: Final = "candystore.retention.completed"
CHECK_SECONDS: Final = 10.0
TELL_SECONDS: Final = 3_600.0
FORGET_SECONDS: Final = 3_600.0
PAUSE_SECONDS: Final = 0.02
GIVE_WAY: Final = 3.0
"""How many times as long as a cut took others have their turn: it can be made up for later."""
HELD_SECONDS: Final = 86_400.0
"""Held back for so long, retention says by whom."""
REMEMBERED_SECONDS: Final = 30 * 86_400
"""How long ids of cut events are remembered."""
WALK_IDS: Final = 500
SEEN: Final = "candystore.retention.seen"
"""The name of the moment (µs) at which the clock was last believed, kept among the positions."""
SEEN_SECONDS: Final = 600.0

_USED: Final = (
    "SELECT (page_count - freelist_count) * page_size"
    " FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()"
)
_FIRST: Final = "SELECT min(seq) FROM events"
_NEWEST: Final = "SELECT stored_at FROM events ORDER BY seq DESC LIMIT 1"
_UNTOLD: Final = "SELECT untold_first, floor - 1, untold_count FROM retention WHERE untold_count > 0"
_TOLD: Final = "UPDATE retention SET untold_first = NULL, untold_count = 0"
_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Telling:
    outbox: Outbox

    async def publish(self, messages: Sequence[Message]) -> list[PublishOutcome]:
        return await self.outbox.publish(messages, along=_told)


def retention_told(outbox: Outbox) -> Sink:
    """Where a RetentionWorker's publisher sends, so that each cut is told of once."""
    return _Telling(outbox)


def _told(transaction: Transaction) -> None:
    transaction.execute(_TOLD)


class RetentionWorker:
    """Cuts from the front what the setting does not keep. `publish` sends to `retention_told`.

    `cut` counts events since the start.
    """

    def __init__(
        self,
        log: EventLog,
        keep: Retention,
        publish: Publish,
        clock: Clock,
        *,
        keepers: Sequence[Keeper] = (),
        trims: Sequence[Trim] = (),
    ) -> None:
        self._log = log
        self._keep = keep
        self._publish = publish
        self._clock = clock
        self._keepers = keepers
        self._trims = trims
        self._trust = Trust(clock)
        self._aging = Aging(log)
        self._held: Needed | None = None
        self._held_since: float | None = None
        self._next_told = self._next_walk = self._next_seen = clock.monotonic()
        self._begun = False
        self.cut = 0

    async def run(self) -> None:
        """Keep to the setting until cancelled. Raises LogUnavailableError."""
        await self._log.tail.beginning()
        while True:
            await self._look_at_the_clock()
            await self._cut()
            await self._tell()
            await self._forget()
            await self._clock.sleep(CHECK_SECONDS)

    def look(self) -> ComponentHealth:
        """How it is."""
        figures = {"keeps": str(self._keep), "cut": self.cut, "held_by": self._held and self._held.by}
        if self._keep.age is not None and self._trust.doubt is not None:
            return ComponentHealth("degraded", self._trust.doubt, figures)
        if self._held is not None and self._held_for() >= HELD_SECONDS:
            detail = f"{self._held.by} has needed the events from {self._held.seq:,} on for over a day"
            return ComponentHealth("degraded", f"{detail}; start what consumes from it, or delete it", figures)
        return ComponentHealth("ok", f"keeps {self._keep}", figures)

    def _held_for(self) -> float:
        return 0.0 if self._held_since is None else self._clock.monotonic() - self._held_since

    async def _look_at_the_clock(self) -> None:
        expected: int | None = None
        if not self._begun:
            expected = await reached(self._log, SEEN)
            if expected is None:
                newest = await self._log.rows(_NEWEST, purpose="when the newest event was stored")
                expected = newest[0][0] if newest else None
        self._trust.look(expected)
        self._begun = True
        if self._keep.age is not None and self._trust.doubt is None and self._clock.monotonic() >= self._next_seen:
            await self._log.submit(Reached(SEEN, self._clock.now()))
            self._next_seen = self._clock.monotonic() + SEEN_SECONDS

    async def _cut(self) -> None:
        """Cut for as long as there is something to cut."""
        held: Needed | None = None
        said_by = self._clock.monotonic() + TELL_SECONDS
        while (below := await self._below()) is not None:
            began = self._clock.monotonic()
            step: CutStep = await self._log.submit(Cut(below, self._keepers, self._trims))
            self.cut += step.number
            held = step.held
            if not step.number:
                break
            await self._clock.sleep(max(PAUSE_SECONDS, GIVE_WAY * (self._clock.monotonic() - began)))
            if self._clock.monotonic() >= said_by:
                await self._tell()
        if held is None or self._held is None or held.by != self._held.by:
            self._held_since = None if held is None else self._clock.monotonic()
        self._held = held

    async def _below(self) -> int | None:
        """The position below which something is to go, None where nothing is."""
        if self._keep.age is not None and self._trust.doubt is None:
            now = self._clock.now()
            aged = await self._aging.below(now - self._keep.age * _MICROSECONDS, now)
            if aged is not None:
                return aged
        if self._keep.size is not None:
            used = (await self._log.rows(_USED, purpose="how large the log is"))[0][0]
            first = (await self._log.rows(_FIRST, purpose="where the log begins"))[0][0]
            if used > self._keep.size and first is not None:
                return int(first) + MAX_EVENTS
        return None

    async def _tell(self) -> None:
        """Say what was cut since that was last said, once an hour."""
        if self._clock.monotonic() < self._next_told:
            return
        for first, last, count in await self._log.rows(_UNTOLD, purpose="what was cut"):
            payload = {"count": count, "first_seq": first, "last_seq": last, "reason": str(self._keep)}
            draft = EventDraft(event_type=EVENT_TYPE, payload=payload, source={"service": "candystore"})
            await announce(draft, self._publish, self._clock)
            self._next_told = self._clock.monotonic() + TELL_SECONDS

    async def _forget(self) -> None:
        """Walk along the ids of cut events, and forget those that were cut long ago."""
        if self._clock.monotonic() < self._next_walk or self._trust.doubt is not None:
            return
        before = self._clock.now() - REMEMBERED_SECONDS * _MICROSECONDS
        after: bytes | None = b""
        while after is not None:
            walked = await self._log.submit(_Walk(after, before))
            after = walked.reached
            await self._clock.sleep(PAUSE_SECONDS)
        self._next_walk = self._clock.monotonic() + FORGET_SECONDS


@dataclass(frozen=True, slots=True)
class _Walk:
    after: bytes
    before: int

    def __call__(self, transaction: Transaction) -> Walked:
        return transaction.cut_ids.forget(transaction.connection, self.after, self.before, WALK_IDS)
