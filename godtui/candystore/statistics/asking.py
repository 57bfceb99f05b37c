"""Statistics out of the tallies, exact with what lies beyond them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from godtui.bloodbank.tables import listed
from godtui.candystore.statistics.rates import MICROSECONDS, WINDOWS, rates
from godtui.candystore.statistics.stretches import EARLIEST, LATEST, Stretch, down, stretches, up
from godtui.candystore.statistics.views import (
    MAX_BUCKETS,
    MAX_FIGURES,
    Bucket,
    By,
    Group,
    Latest,
    Question,
    Statistics,
    StatisticsRefusedError,
)
from godtui.candystore.tallies.tables import DAY, HOUR, MINUTE, SLOT, SLOTS, STATE, Fresh, State, slots
from godtui.clock import to_datetime
from godtui.eventlog import EventLog
from godtui.topics import Matcher

MAX_BEYOND: Final = 20_000
"""So many events beyond the tallies are counted with every question; where there are more, the answer says so."""
TRIES: Final = 5
"""How often a question is asked again because the tallies changed meanwhile."""
SPANS: Final[dict[Bucket, int]] = {"minute": MINUTE, "hour": HOUR, "day": DAY}
USUAL: Final[dict[Bucket, int]] = {"minute": 60, "hour": 48, "day": 90}
"""How many buckets an answer has where no beginning was asked for."""
_LAST_MOMENT: Final = 253_402_300_799
"""The last second of the year 9999, the last that can be written."""

_KEYS: Final[dict[By, str]] = {"type": "type_id", "source": "source_id", "none": "0"}
_LATEST: Final = "SELECT seq, event_id, stored_at FROM events WHERE seq IN (SELECT value FROM json_each(?))"
_NAMED: Final[dict[By, str]] = {"type": "types", "source": "sources", "none": ""}


class _Chosen(NamedTuple):
    """Which rows count: by the ids of types and sources, None for all."""

    by: By
    types: frozenset[int] | None
    sources: frozenset[int] | None

    @property
    def condition(self) -> str:
        parts = [
            f" AND {column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - ours
            for column, ids in (("type_id", self.types), ("source_id", self.sources))
            if ids is not None
        ]
        return "".join(parts)

    @property
    def parameters(self) -> list[str]:
        return [listed(sorted(ids)) for ids in (self.types, self.sources) if ids is not None]

    def holds(self, one: Fresh) -> bool:
        return (self.types is None or one.type_id in self.types) and (
            self.sources is None or one.source_id in self.sources
        )

    def key(self, one: Fresh) -> int:
        return {"type": one.type_id, "source": one.source_id, "none": 0}[self.by]


async def ask(log: EventLog, question: Question, now: int) -> Statistics:
    """What a question says at a moment (µs since 1970). Raises StatisticsRefusedError, LogUnavailableError."""
    question.require_known()
    known = await _state(log)
    for _ in range(TRIES):
        found = await _Asking(log, question, now, known).answer()
        before, known = known, await _state(log)
        if known == before:
            return found
    return found.model_copy(update={"complete": False})


async def _state(log: EventLog) -> State:
    return State._make((await log.rows(STATE, purpose="how far is counted"))[0])


class _Asking:
    """One question to tallies of one version."""

    def __init__(self, log: EventLog, question: Question, now: int, known: State) -> None:
        self._log = log
        self._question = question
        self._now = now
        self._known = known
        self._fresh: list[Fresh] = []

    async def answer(self) -> Statistics:
        question = self._question
        chosen = await self._chosen()
        since, until = self._bounds()
        last = self._log.last_seq
        upto = min(last, self._known.counted_to + MAX_BEYOND)
        rows = await self._log.rows(SLOTS, (self._known.counted_to, upto), purpose="events beyond the tallies")
        self._fresh = [one for one in slots(rows) if chosen.holds(one)]
        if question.bucket in (None, "minute"):
            since, until = await self._finest(since, until)
        numbers = await self._numbers(chosen, stretches(since, until))
        top = [key for key, _ in sorted(numbers.items(), key=lambda item: (-item[1], item[0]))]
        kept = top[: question.limit] if question.by != "none" else []
        buckets = self._buckets(since, until, len(kept))
        counts = await self._counts(chosen, buckets, kept)
        slotted = await self._slots(chosen)
        names = await self._names(kept)
        latest = await self._latest(chosen, kept)
        overall = [slot for key in slotted for slot in slotted[key]]
        rate_1m, rate_5m = rates(overall, self._now)
        groups = [self._group(key, numbers, slotted, names, latest, counts) for key in kept]
        return Statistics(
            number=sum(numbers.values()),
            rate_1m=rate_1m,
            rate_5m=rate_5m,
            since=_moment(since),
            until=_moment(until),
            by=question.by,
            bucket=question.bucket,
            buckets=[to_datetime(start * MICROSECONDS) for start in buckets],
            counts=counts.get(None, []),
            groups=groups,
            others=len(numbers) - len(kept) if question.by != "none" else 0,
            others_number=sum(numbers[key] for key in top[len(kept) :]) if question.by != "none" else 0,
            counted_to=upto,
            last_seq=last,
            complete=upto == last,
        )

    def _group(
        self,
        key: int,
        numbers: Mapping[int, int],
        slotted: Mapping[int, list[tuple[int, int]]],
        names: Mapping[int, str],
        latest: Mapping[int, Latest],
        counts: Mapping[int | None, list[int | None]],
    ) -> Group:
        rate_1m, rate_5m = rates(slotted.get(key, ()), self._now)
        return Group(
            name=names.get(key, ""),
            number=numbers[key],
            rate_1m=rate_1m,
            rate_5m=rate_5m,
            latest=latest.get(key),
            counts=counts.get(key, []),
        )

    async def _chosen(self) -> _Chosen:
        question = self._question
        types = sources = None
        if question.types:
            rows = await self._log.rows("SELECT id, name FROM types", purpose="event types")
            matchers = [Matcher(term.patterns) for term in question.types]
            types = frozenset(one for one, name in rows if all(matcher.matches(name) for matcher in matchers))
        for term in question.sources:
            statement = "SELECT id FROM sources WHERE name IN (SELECT value FROM json_each(?))"
            rows = await self._log.rows(statement, (listed(term.names),), purpose="sources")
            ids = frozenset(row[0] for row in rows)
            sources = ids if sources is None else sources & ids
        return _Chosen(question.by, types, sources)

    def _bounds(self) -> tuple[int, int]:
        """What is counted between, in seconds, moved apart to whole minutes or buckets."""
        since, until = self._question.bound("since"), self._question.bound("until")
        first = EARLIEST if since is None else since // MICROSECONDS
        end = LATEST if until is None else -(-until // MICROSECONDS)
        bucket = self._question.bucket
        if bucket is None:
            return down(first, MINUTE), up(end, MINUTE)
        span = SPANS[bucket]
        if until is None:
            end = self._now // MICROSECONDS + 1
        end = up(end, span)
        first = end - USUAL[bucket] * span if since is None else down(first, span)
        if (end - first) // span > MAX_BUCKETS:
            raise StatisticsRefusedError(
                f"that is {(end - first) // span:,} buckets of a {bucket}, and an answer has at most {MAX_BUCKETS:,}; "
                "ask for larger ones, or for less time",
                "bucket",
            )
        return first, end

    async def _finest(self, since: int, until: int) -> tuple[int, int]:
        """The same bounds, moved to whole hours where the tallies are no longer as fine as minutes."""
        if since != EARLIEST and since % HOUR and not await self._has_minutes([down(since, HOUR)]):
            since = down(since, HOUR)
        if until != LATEST and until % HOUR and not await self._has_minutes([down(until, HOUR)]):
            until = up(until, HOUR)
        return since, until

    async def _has_minutes(self, hours: Sequence[int]) -> bool:
        return not await self._coarse(min(hours), max(hours) + HOUR)

    async def _coarse(self, since: int, until: int) -> set[int]:
        """The hours within a time of which minutes are missing."""
        statement = """
            SELECT h.start FROM (SELECT start, sum(number) AS number FROM tallies
                                 WHERE span = ?1 AND start >= ?3 AND start < ?4 GROUP BY 1) h
            LEFT JOIN (SELECT start - start % ?1 AS hour, sum(number) AS number FROM tallies
                       WHERE span = ?2 AND start >= ?3 AND start < ?4 GROUP BY 1) m ON m.hour = h.start
            WHERE h.number IS NOT m.number
        """
        rows = await self._log.rows(statement, (HOUR, MINUTE, since, until), purpose="whether minutes are kept")
        return {row[0] for row in rows}

    async def _numbers(self, chosen: _Chosen, parts: Iterable[Stretch]) -> Counter[int]:
        """How many there are of each key."""
        found: Counter[int] = Counter()
        for part in parts:
            statement = (
                f"SELECT {_KEYS[chosen.by]}, sum(number) FROM tallies"  # noqa: S608 - all parts are ours
                f" WHERE span = ? AND start >= ? AND start < ?{chosen.condition} GROUP BY 1"
            )
            rows = await self._log.rows(statement, [*part, *chosen.parameters], purpose="statistics")
            for key, number in rows:
                found[key] += number
            for one in self._fresh:
                if part.holds(one.start):
                    found[chosen.key(one)] += one.number
        return found

    def _buckets(self, since: int, until: int, groups: int) -> list[int]:
        if self._question.bucket is None:
            return []
        buckets = list(range(since, until, SPANS[self._question.bucket]))
        if len(buckets) * groups > MAX_FIGURES:
            raise StatisticsRefusedError(
                f"that is {len(buckets):,} buckets of each of {groups:,} groups; ask for fewer, with a lower limit, "
                "larger buckets or less time",
                "limit",
            )
        return buckets

    async def _counts(
        self, chosen: _Chosen, buckets: Sequence[int], kept: Sequence[int]
    ) -> dict[int | None, list[int | None]]:
        """Bucket by bucket, of each key, and under None of all that were chosen."""
        bucket = self._question.bucket
        if bucket is None or not buckets:
            return {}
        span = SPANS[bucket]
        since, until = buckets[0], buckets[-1] + span
        together = await self._by_key(chosen._replace(by="none"), [0], since, until, span)
        numbers: dict[int | None, list[int | None]] = {None: together[0]}
        if kept:
            numbers |= await self._by_key(chosen, kept, since, until, span)
        if bucket == "minute":
            gone = await self._coarse(down(since, HOUR), up(until, HOUR))
            for places in numbers.values():
                for place, start in enumerate(buckets):
                    if down(start, HOUR) in gone:
                        places[place] = None
        return numbers

    async def _by_key(
        self, chosen: _Chosen, kept: Sequence[int], since: int, until: int, span: int
    ) -> dict[int | None, list[int | None]]:
        column = _KEYS[chosen.by]
        statement = (
            f"SELECT start, {column}, sum(number) FROM tallies"  # noqa: S608 - all parts are ours
            f" WHERE span = ? AND start >= ? AND start < ?{chosen.condition}"
            f" AND {column} IN (SELECT value FROM json_each(?)) GROUP BY 1, 2"
        )
        parameters = [span, since, until, *chosen.parameters, listed(list(kept))]
        numbers: dict[int, list[int]] = {key: [0] * ((until - since) // span) for key in kept}
        for start, key, number in await self._log.rows(statement, parameters, purpose="statistics by time"):
            numbers[key][(start - since) // span] += number
        for one in self._fresh:
            if since <= one.start < until and chosen.key(one) in numbers:
                numbers[chosen.key(one)][(one.start - since) // span] += one.number
        return {key: list(places) for key, places in numbers.items()}

    async def _slots(self, chosen: _Chosen) -> dict[int, list[tuple[int, int]]]:
        """Of each key, the slots of the last minutes."""
        second = self._now // MICROSECONDS
        since = second - max(WINDOWS) - SLOT
        statement = (
            f"SELECT start, {_KEYS[chosen.by]}, sum(number) FROM tallies"  # noqa: S608 - all parts are ours
            f" WHERE span = ? AND start >= ? AND start <= ?{chosen.condition} GROUP BY 1, 2"
        )
        rows = await self._log.rows(statement, [SLOT, since, second, *chosen.parameters], purpose="rates")
        found: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for start, key, number in rows:
            found[key].append((start, number))
        for one in self._fresh:
            if since <= one.start <= second:
                found[chosen.key(one)].append((one.start, one.traffic))
        return found

    async def _names(self, kept: Sequence[int]) -> dict[int, str]:
        if not kept:
            return {}
        statement = f"SELECT id, name FROM {_NAMED[self._question.by]} WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608
        return dict(await self._log.rows(statement, (listed(list(kept)),), purpose="names"))

    async def _latest(self, chosen: _Chosen, kept: Sequence[int]) -> dict[int, Latest]:
        """The newest of each key; none of one of which retention has cut everything."""
        if not kept:
            return {}
        column = _KEYS[chosen.by]
        statement = (
            f"SELECT {column}, max(seq) FROM newest"  # noqa: S608 - all parts are ours
            f" WHERE {column} IN (SELECT value FROM json_each(?)){chosen.condition} GROUP BY 1"
        )
        rows = await self._log.rows(statement, (listed(list(kept)), *chosen.parameters), purpose="the latest")
        newest: dict[int, int] = dict(rows)
        for one in self._fresh:
            newest[chosen.key(one)] = max(one.newest, newest.get(chosen.key(one), 0))
        wanted = listed([newest[key] for key in kept if key in newest])
        told = {row[0]: row for row in await self._log.rows(_LATEST, (wanted,), purpose="the latest events")}
        return {
            key: Latest(event_id=UUID(bytes=row[1]), seq=row[0], stored_at=to_datetime(row[2]))
            for key in kept
            if (row := told.get(newest.get(key, 0)))
        }


def _moment(second: int) -> Any:
    return to_datetime(second * MICROSECONDS) if EARLIEST < second <= _LAST_MOMENT else None
