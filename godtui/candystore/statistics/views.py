"""What is asked of the statistics, and what they say."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

from pydantic import Field

from godtui.filters import Filter, SourceTerm, TimeTerm, TypeTerm
from godtui.view import View

By: TypeAlias = Literal["type", "source", "none"]
Bucket: TypeAlias = Literal["minute", "hour", "day"]

MAX_BUCKETS: Final = 2_880
"""Two days of minutes: an answer has no more."""
MAX_FIGURES: Final = 100_000
"""Groups times buckets: an answer has no more."""


class StatisticsRefusedError(ValueError):
    """What was asked for would be too much, or makes no sense."""

    def __init__(self, message: str, parameter: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class Question(NamedTuple):
    """Which events to count, by when they were stored, and how to part them.

    `wanted` has terms of types, sources and times alone, none negated; its times are of storing here. Without a
    `bucket` there is one number a group for the whole time.
    """

    wanted: Filter = Filter()
    by: By = "type"
    bucket: Bucket | None = None
    limit: int = 100

    @property
    def types(self) -> list[TypeTerm]:
        """Every term of types; all must hold."""
        return [term for term in self.wanted.terms if isinstance(term, TypeTerm)]

    @property
    def sources(self) -> list[SourceTerm]:
        """Every term of sources; all must hold."""
        return [term for term in self.wanted.terms if isinstance(term, SourceTerm)]

    def bound(self, which: Literal["since", "until"]) -> int | None:
        """The narrowest of a kind of bound, in microseconds since 1970."""
        moments = [term.moment for term in self.wanted.terms if isinstance(term, TimeTerm) and term.bound == which]
        if not moments:
            return None
        return max(moments) if which == "since" else min(moments)

    def require_known(self) -> None:
        """Raises StatisticsRefusedError on terms that no tally is kept by."""
        for term in self.wanted.terms:
            if term.negated or not isinstance(term, TypeTerm | SourceTerm | TimeTerm):
                raise StatisticsRefusedError(
                    f"statistics are kept by type:, source: and time; {term} is for GET /events?count=true", "filter"
                )


class Latest(View):
    """The event of a group that was stored last."""

    event_id: UUID
    seq: int
    stored_at: datetime


class Group(View):
    """One type, or one source: its number, and its rates (events a second over the last minute and five).

    `counts` are its numbers bucket by bucket; None where the tallies are no longer that fine. `latest` is of all time;
    None where retention has cut it.
    """

    name: str
    number: int
    rate_1m: float
    rate_5m: float
    latest: Latest | None = None
    counts: list[int | None] = Field(default_factory=list)


class Statistics(View):
    """Numbers of stored events by when they were stored.

    `since` and `until` are what was counted between: the moments asked for, moved apart to where tallies begin and
    end; None is open. `groups` are the largest; `others` counts those left out and `others_number` their events.
    `counted_to` is the position up to which everything is in the numbers, and `complete` whether that was the end.
    """

    number: int
    rate_1m: float
    rate_5m: float
    since: datetime | None = None
    until: datetime | None = None
    by: By = "type"
    bucket: Bucket | None = None
    buckets: list[datetime] = Field(default_factory=list)
    counts: list[int | None] = Field(default_factory=list)
    groups: list[Group] = Field(default_factory=list)
    others: int = 0
    others_number: int = 0
    counted_to: int
    last_seq: int
    complete: bool
