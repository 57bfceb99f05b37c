"""What became of a batch of events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self
from uuid import UUID

from godtui.bloodbank.errors import NotConfirmedError, PublishError
from godtui.bloodbank.receipt import Receipt
from godtui.envelope import Fault, InvalidEventError

MAX_BATCH_EVENTS: Final = 1000
MAX_BATCH_BYTES: Final = 16 * 1024 * 1024
"""What one request may hold."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One event of a batch that was not accepted, and why."""

    index: int
    faults: Sequence[Fault]


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """One event of a batch that may or may not arrive; repeat it under its id."""

    index: int
    event_id: UUID


@dataclass(slots=True)
class BatchReport:
    """What became of each event of a batch."""

    accepted: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    unconfirmed: list[Unconfirmed] = field(default_factory=list)

    def within(self, places: Sequence[int], rejected: Iterable[Rejection] = ()) -> BatchReport:
        """The report told by the places of its events in a larger batch, with what else was rejected there."""
        refused = [replace(one, index=places[one.index]) for one in self.rejected]
        waiting = [replace(one, index=places[one.index]) for one in self.unconfirmed]
        return BatchReport(self.accepted, sorted([*rejected, *refused], key=lambda one: one.index), waiting)

    @classmethod
    def of(cls, outcomes: Iterable[Receipt | InvalidEventError | PublishError]) -> Self:
        """The report of outcomes that are in the batch's order."""
        report = cls()
        for index, outcome in enumerate(outcomes):
            match outcome:
                case Receipt():
                    report.accepted += 1
                case NotConfirmedError():
                    report.unconfirmed.append(Unconfirmed(index, outcome.event_id))
                case InvalidEventError():
                    report.rejected.append(Rejection(index, outcome.faults))
                case _:
                    report.rejected.append(Rejection(index, [Fault("", str(outcome), outcome.keyword)]))
        return report
