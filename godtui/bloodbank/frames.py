"""What a reader of the store's tail is told, in this process or over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from uuid import UUID

from godtui.envelope import StoredEvent


class Welcome(NamedTuple):
    """The stream is open; `seq` is the last committed position, None where nothing that comes has a position."""

    seq: int | None


class Events(NamedTuple):
    """Stored events in `seq` order, each once; on an instance without the history, what goes over the bus."""

    events: Sequence[StoredEvent]


class Position(NamedTuple):
    """Everything up to `seq` has been looked at, whether or not it matched."""

    seq: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Matching events that a slow live reader missed: how many, and between which positions.

    Without positions, as many at most: what was missed was not looked at.
    """

    count: int
    from_seq: int | None
    to_seq: int | None


class Gap(NamedTuple):
    """Positions asked for that the log no longer holds."""

    from_seq: int
    to_seq: int


class Replayed(NamedTuple):
    """A stored event that a replay sent to the bus once more; it never moves a reader's position."""

    replay_id: UUID
    event: StoredEvent


Frame: TypeAlias = Welcome | Events | Position | Dropped | Gap | Replayed
