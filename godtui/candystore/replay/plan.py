"""What a replay would do, said before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from godtui import filters
from godtui.bloodbank.queues import PLANE
from godtui.candystore.replay.carriers import Carrier
from godtui.candystore.replay.errors import ReplayRefusedError
from godtui.candystore.replay.job import queue_of
from godtui.candystore.replay.pacing import LONGEST_SECONDS, least_wait
from godtui.candystore.replay.reading import Stored
from godtui.candystore.replay.survey import Survey, Tempo, survey
from godtui.candystore.replay.views import BUS, QUEUE, ReplayPlan, ReplayQueue, ReplayRequest, Speed
from godtui.clock import Clock, to_datetime
from godtui.estate import Estate
from godtui.filters import Filter
from godtui.holyfields import Contracts
from godtui.topics import Matcher

DISPATCHER: Final = (
    f"{PLANE}: deliveries are judged again by today's rules; only an episode that was never dispatched can dispatch"
)
ESTIMATED: Final = "the numbers are estimated: there is more than could be looked at within some seconds"
NOT_LISTED: Final = "the broker does not tell what its queues are bound by: those listed are registry.yaml's"


class Planner:
    """Judges requests, and foresees what they would do by the contracts and the estate as they are."""

    def __init__(
        self, stored: Stored, carrier: Carrier, clock: Clock, contracts: Contracts, estate: Callable[[], Estate]
    ) -> None:
        self._stored = stored
        self._carrier = carrier
        self._clock = clock
        self._contracts = contracts
        self._estate = estate

    async def judge(self, request: ReplayRequest) -> Filter:
        """The filter, with its moments fixed.

        Raises ReplayRefusedError, FilterError, NotNowError, LogUnavailableError.
        """
        tempo(request.speed, request.rate, request.max_gap_s)
        wanted = filters.parse(request.filter, now=self._clock.now())
        queue = queue_of(request.to)
        if queue is not None:
            if not request.to.startswith(QUEUE) or not queue:
                raise ReplayRefusedError(f"a replay goes to bus or queue:NAME, not to {request.to[:80]!r}", "/to")
            await self._carrier.require(queue)
        return wanted

    async def survey(self, request: ReplayRequest, wanted: Filter, until_seq: int) -> Survey:
        """How much it comprises. Raises LogUnavailableError."""
        pace = tempo(request.speed, request.rate, request.max_gap_s)
        return await survey(self._stored, wanted, until_seq, self._clock, pace)

    async def plan(self, request: ReplayRequest) -> ReplayPlan:
        """All of it. Raises ReplayRefusedError, FilterError, NotNowError, LogUnavailableError."""
        wanted = await self.judge(request)
        pace = tempo(request.speed, request.rate, request.max_gap_s)
        registry = self._contracts.current
        found = await survey(self._stored, wanted, self._stored.log.last_seq, self._clock, pace, registry=registry)
        bound = await self._carrier.queues() if request.to == BUS else None
        queues = self._queues(request, found, bound)
        limited = pace.speed is not None or pace.least
        return ReplayPlan(
            filter=str(wanted),
            to=request.to,
            speed=request.speed,
            rate=request.rate,
            max_gap_s=request.max_gap_s,
            total=found.total,
            exact=found.exact,
            first_at=None if found.first_at is None else to_datetime(found.first_at),
            last_at=None if found.last_at is None else to_datetime(found.last_at),
            duration_s=found.paced if limited and found.paced < LONGEST_SECONDS else None,
            queues=queues,
            invalid=found.invalid,
            notes=await self._notes(request, found, queues, listed=bound is not None),
        )

    def _queues(
        self, request: ReplayRequest, found: Survey, bound: Mapping[str, Matcher] | None
    ) -> tuple[ReplayQueue, ...]:
        estate = self._estate()
        queue = queue_of(request.to)
        if queue is not None:
            counts = {queue: found.total}
        else:
            matchers = bound if bound is not None else declared(estate)
            counts = {name: _matching(found, matcher) for name, matcher in matchers.items()}
        return tuple(
            ReplayQueue(name=name, count=count, services=services_of(estate, name))
            for name, count in sorted(counts.items())
            if count or name == queue
        )

    async def _notes(
        self, request: ReplayRequest, found: Survey, queues: Sequence[ReplayQueue], *, listed: bool
    ) -> tuple[str, ...]:
        notes = []
        if not found.exact:
            notes.append(ESTIMATED)
        if request.to == BUS and not listed:
            notes.append(NOT_LISTED)
        if request.to != BUS:
            notes += await self._carrier.remarks(request.to.removeprefix(QUEUE))
        if request.to == BUS and listed and not queues and found.total:
            notes.append("no queue is bound to any of these events: only live readers will see them")
        for queue in queues:
            if queue.name == PLANE:
                notes.append(DISPATCHER)
            elif await self._carrier.consumers(queue.name) == 0:
                notes.append(f"{queue.name}: nobody takes from it now; what is sent waits there")
        own = sum(number for name, number in found.by_type.items() if _is_own(name))
        if own:
            notes.append(
                f"{own:,} of them are godtui's own; -type:bloodbank.#,candystore.#,holyfields.# leaves those out"
            )
        if found.invalid:
            notes.append(f"{found.invalid:,} of them are refused by today's contracts; they are sent as they are")
        return tuple(notes)


def tempo(speed: Speed, rate: float | None, max_gap_s: float | None) -> Tempo:
    """How quickly that is. Raises ReplayRefusedError on what is no number to go by."""
    if speed != "max" and not (isinstance(speed, int | float) and math.isfinite(speed) and speed > 0):
        raise ReplayRefusedError('a speed is a number above 0, or "max"', "/speed")
    if rate is not None and not (math.isfinite(rate) and rate > 0):
        raise ReplayRefusedError("a rate is a number of events a second above 0", "/rate")
    if max_gap_s is not None and not (math.isfinite(max_gap_s) and max_gap_s >= 0):
        raise ReplayRefusedError("a longest gap is a number of seconds, 0 or more", "/max_gap_s")
    return Tempo(None if speed == "max" else float(speed), max_gap_s, least_wait(rate))


def services_of(estate: Estate, queue: str) -> tuple[str, ...]:
    """The services that take from a queue by `registry.yaml`."""
    return tuple(
        sorted(name for name, each in estate.services.items() if queue in (each.queue_name, *each.queue_names))
    )


def declared(estate: Estate) -> dict[str, Matcher]:
    """The queues that `registry.yaml` names, each with what its services take by it."""
    patterns: dict[str, set[str]] = {}
    for service in estate.services.values():
        for queue in filter(None, (service.queue_name, *service.queue_names)):
            patterns.setdefault(queue, set()).update((*service.routing_keys, *service.consumes))
    return {queue: Matcher(sorted(bound)) for queue, bound in patterns.items()}


def _matching(found: Survey, matcher: Matcher) -> int:
    return sum(number for name, number in found.by_type.items() if matcher.matches(name))


def _is_own(event_type: str) -> bool:
    return event_type.startswith(("bloodbank.", "candystore.", "holyfields.")) or event_type.endswith(".dlq")
