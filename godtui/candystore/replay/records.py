"""One replay as the log keeps it, and what changes it: each a unit of the log, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from godtui.candystore.replay import tables
from godtui.candystore.replay.errors import ReplayRefusedError, ReplayStateError, UnknownReplayError
from godtui.candystore.replay.views import OPEN_STATES, ReplayState, ReplayView, Speed
from godtui.clock import to_datetime
from godtui.eventlog import EventLog, Transaction

MAX_RUNNING: Final = 8
MAX_OPEN: Final = 100
MAX_ENDED: Final = 1000
"""How many that ended are kept."""

Announce = Callable[[Transaction], Any]
"""What is said of a change, in the same commit."""


class Replay(NamedTuple):
    """A row of `tables.REPLAY`."""

    number: int | None
    id: bytes
    filter: str
    target: str
    speed: float | None
    rate: float | None
    max_gap: float | None
    state: ReplayState
    reason: str
    total: int
    exact: int
    done: int
    sent: int
    skipped: int
    position: int
    at: int | None
    until_seq: int
    last_at: int | None
    created_at: int
    started_at: int | None
    ended_at: int | None
    revision: int

    @property
    def replay_id(self) -> UUID:
        """Its id."""
        return UUID(bytes=self.id)

    @property
    def is_open(self) -> bool:
        """Whether something is still to come."""
        return self.state in OPEN_STATES

    @property
    def pace(self) -> Speed:
        """Its speed as operators name it."""
        return "max" if self.speed is None else self.speed

    def payload(self) -> dict[str, Any]:
        """What every event about it says."""
        return {"replay_id": str(self.replay_id), "filter": self.filter, "to": self.target, "total": self.total}

    def view(self, *, waits: str = "", eta: float | None = None) -> ReplayView:
        """As operators see it; `waits` is what it waits for while it runs, `eta` in seconds."""
        return ReplayView(
            replay_id=self.replay_id,
            filter=self.filter,
            to=self.target,
            speed=self.pace,
            rate=self.rate,
            max_gap_s=self.max_gap,
            state=self.state,
            reason=self.reason or waits,
            total=self.total,
            exact=bool(self.exact),
            done=self.done,
            sent=self.sent,
            skipped=self.skipped,
            position=self.position,
            at=_moment(self.at),
            eta_s=eta,
            created_at=to_datetime(self.created_at),
            started_at=_moment(self.started_at),
            ended_at=_moment(self.ended_at),
        )


@dataclass(frozen=True, slots=True)
class Create:
    """A new replay, with what is said of it. Raises ReplayRefusedError where too many are open."""

    replay: Replay
    announce: Announce | None

    def __call__(self, transaction: Transaction) -> None:
        number, running = transaction.execute(tables.COUNT_OPEN).fetchone()
        if number >= MAX_OPEN:
            raise ReplayRefusedError(f"{number} replays are open already; cancel some of them")
        if self.replay.state == "running" and running >= MAX_RUNNING:
            raise ReplayRefusedError(f"{running} replays run already; wait for one, or pause or cancel it")
        transaction.execute(tables.ADD, self.replay[1:])
        if self.announce is not None:
            self.announce(transaction)


@dataclass(frozen=True, slots=True)
class Advance:
    """Events are sent, up to a position: False, having done nothing, where the replay stands elsewhere by now."""

    before: Replay
    position: int
    at: int | None
    sent: int
    skipped: int = 0

    def __call__(self, transaction: Transaction) -> bool:
        before, done = self.before, self.sent + self.skipped
        row = (self.position, self.at, done, self.sent, self.skipped, before.id, before.revision, before.position)
        return transaction.execute(tables.ADVANCE, row).rowcount == 1

    @property
    def after(self) -> Replay:
        """The replay once that is done."""
        before = self.before
        return before._replace(
            position=self.position,
            at=self.at,
            done=before.done + self.sent + self.skipped,
            sent=before.sent + self.sent,
            skipped=before.skipped + self.skipped,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """Bring a replay into a state that was made of what it is in the log. Answers what it is then.

    `make` gets the replay as it is and may raise what the operator is told; `announce` makes what is said of it.
    Raises UnknownReplayError, and ReplayStateError where it has ended.
    """

    replay_id: UUID
    make: Callable[[Replay], Replay]
    announce: Callable[[Replay], Announce | None] = lambda replay: None

    def __call__(self, transaction: Transaction) -> Replay:
        row = transaction.execute(tables.REPLAY, (self.replay_id.bytes,)).fetchone()
        if row is None:
            raise UnknownReplayError(self.replay_id)
        before = Replay._make(row)
        if not before.is_open:
            raise ReplayStateError(f"the replay is {before.state}; make a new one")
        after = self.make(before)._replace(revision=before.revision + 1)
        if after.state == "running" != before.state:
            _require_room(transaction)
        transaction.execute(
            tables.CHANGE,
            (
                after.state, after.reason, after.speed, after.rate, after.max_gap, after.position, after.at, after.done,
                after.exact, after.started_at, after.ended_at, after.id,
            ),
        )  # fmt: skip
        say = self.announce(after)
        if say is not None:
            say(transaction)
        if not after.is_open:
            transaction.execute(tables.FORGET, (MAX_ENDED - 1,))
        return after


async def open_replays(log: EventLog) -> list[Replay]:
    """Those that are open, newest first. Raises LogUnavailableError."""
    return _read(await log.rows(tables.OPEN, purpose="replays"))


async def newest(log: EventLog, limit: int) -> list[Replay]:
    """Those that are open, then the newest of the others. Raises LogUnavailableError."""
    found = (await open_replays(log))[:limit]
    return found + _read(await log.rows(tables.ENDED, (limit - len(found),), purpose="replays"))


async def find(log: EventLog, replay_id: UUID) -> Replay | None:
    """One replay. Raises LogUnavailableError."""
    rows = await log.rows(tables.REPLAY, (replay_id.bytes,), purpose="a replay")
    return Replay._make(rows[0]) if rows else None


def _read(rows: Sequence[Sequence[Any]]) -> list[Replay]:
    return [Replay._make(row) for row in rows]


def _require_room(transaction: Transaction) -> None:
    running = transaction.execute(tables.COUNT_OPEN).fetchone()[1]
    if running >= MAX_RUNNING:
        raise ReplayStateError(f"{running} replays run already; wait for one, or pause or cancel it")


def _moment(microseconds: int | None) -> Any:
    return None if microseconds is None else to_datetime(microseconds)
