"""When a ticket was ready: its episodes as arithmetic over Plane's own times, whatever order deliveries come in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from functools import reduce
from typing import Any, NamedTuple, Self

MAX_POINTS = 64
"""Points kept one by one. What is older is summed up, and takes no more part in reordering."""

MAX_RETURNS = 32
"""Returns kept of what is summed up. Beyond it the shortest go, so that only a very short re-arm could tell."""


class Return(NamedTuple):
    """A ready point after an absence: how long that lasted and when it ended, in µs."""

    absence: int
    at: int


class Past(NamedTuple):
    """All that counts of the points up to `at`.

    `first` is the first ready point, `absent_since` the first point that is not ready after the last ready one. Of the
    returns those are kept that no later one outlasts: their absences shrink from one to the next.
    """

    at: int
    first: int | None = None
    absent_since: int | None = None
    returns: tuple[Return, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether the last point is a ready one."""
        return self.first is not None and self.absent_since is None

    def then(self, at: int, ready: bool) -> Past:
        """The past with a later point."""
        if not ready:
            return Past(at, self.first, at if self.ready else self.absent_since, self.returns)
        if self.first is None:
            return Past(at, at)
        if self.absent_since is None:
            return Past(at, self.first, None, self.returns)
        absence = at - self.absent_since
        outlasting = tuple(one for one in self.returns if one.absence > absence)
        return Past(at, self.first, None, (*outlasting, Return(absence, at)))

    def after(self, at: int) -> Past:
        """What is left when all up to `at`, a ready point, is covered."""
        returns = tuple(one for one in self.returns if one.at - one.absence > at)
        return Past(self.at, at, self.absent_since, returns)


class Standing(NamedTuple):
    """What the points say. `fresh`: the ticket is ready in an episode that is not covered.

    `since` is the first ready point of the current episode, None where the ticket is not ready; `latest` the time of
    the newest point. Both are µs since 1970.
    """

    ready: bool = False
    fresh: bool = False
    since: int | None = None
    latest: int | None = None


class Timeline(NamedTuple):
    """Points in the order of their times (µs since 1970, whether ready), of which no two share a time.

    `past` sums up what came before them, and `covered` is the time up to which everything was dispatched. Whatever
    comes for a time up to `past.at` comes too late to count; `covered` is never later than that.
    """

    points: tuple[tuple[int, bool], ...] = ()
    covered: int | None = None
    past: Past | None = None

    def seen(self, at: int, ready: bool) -> Timeline:
        """With a point more; the later word on the same time replaces the earlier."""
        if self.past is not None and at <= self.past.at:
            return self
        index = bisect_left(self.points, (at, False))
        known = index < len(self.points) and self.points[index][0] == at
        points = (*self.points[:index], (at, ready), *self.points[index + known :])
        if len(points) <= MAX_POINTS:
            return self._replace(points=points)
        past = _followed(self.past, points[0])
        return self._replace(points=points[1:], past=past._replace(returns=past.returns[:MAX_RETURNS]))

    def settle(self, at: int) -> Timeline:
        """With the episode whose newest ready point is `at` dispatched: what comes later counts from there."""
        if self.covered is not None and at <= self.covered:
            return self
        past = Past(at, at) if self.past is None or self.past.at <= at else self.past.after(at)
        return Timeline(tuple(point for point in self.points if point[0] > at), at, past)

    def standing(self, rearm: int) -> Standing:
        """Where the ticket stands, when an absence of `rearm` µs and more ends an episode; 0: any absence does."""
        end = reduce(_followed, self.points, self.past)
        if end is None:
            return Standing()
        if not end.ready:
            return Standing(latest=end.at)
        begun = next((one.at for one in reversed(end.returns) if one.absence >= rearm), None)
        fresh = self.covered is None or begun is not None
        return Standing(True, fresh, end.first if begun is None else begun, end.at)

    def document(self) -> dict[str, Any]:
        """The timeline as a JSON object."""
        return {
            "points": [list(point) for point in self.points],
            "covered": self.covered,
            "past": None if self.past is None else self.past._asdict() | {"returns": [*map(list, self.past.returns)]},
        }

    @classmethod
    def from_document(cls, told: Mapping[str, Any]) -> Self:
        """The inverse of `document`."""
        past = told["past"]
        if past is not None:
            past = Past(**{**past, "returns": tuple(Return(*one) for one in past["returns"])})
        return cls(tuple((at, ready) for at, ready in told["points"]), told["covered"], past)


def _followed(past: Past | None, point: tuple[int, bool]) -> Past:
    at, ready = point
    return Past(at, at if ready else None) if past is None else past.then(at, ready)
