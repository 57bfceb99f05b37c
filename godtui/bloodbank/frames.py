"""What a reader of the store's tail is told, in this process or over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from godtui.envelope import StoredEvent


class Welcome(NamedTuple):
    """The stream is open; `seq` is the last committed position."""

    seq: int


class Events(NamedTuple):
    """Stored events in `seq` order, each once."""

    events: Sequence[StoredEvent]


class Position(NamedTuple):
    """Everything up to `seq` has been looked at, whether or not it matched."""

    seq: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Matching events that a slow live reader missed: how many, and between which positions."""

    count: int
    from_seq: int
    to_seq: int


class Gap(NamedTuple):
    """Positions asked for that the log no longer holds."""

    from_seq: int
    to_seq: int


Frame: TypeAlias = Welcome | Events | Position | Dropped | Gap
