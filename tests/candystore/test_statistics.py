"""Statistics say what counting the log says, whatever happened between."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from godtui import filters
from godtui.candystore.statistics import Latest, Question, Statistics, ask, asking
from godtui.candystore.tallies import MIGRATIONS, Tallier, subtract
from godtui.clock import rfc3339, to_datetime
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog, Transaction
from tests.clock import MICROSECONDS, MORNING, ManualClock
from tests.eventlog.records import record

TYPES = ("agent.task.started", "agent.task.failed", "test.event.created")
SOURCES = ("http", "cli", "")
SPANS = {"minute": 60, "hour": 3600, "day": 86400}


@pytest.fixture
async def log(tmp_path: Path, clock: ManualClock) -> AsyncIterator[EventLog]:
    log = opened(tmp_path, clock)
    yield log
    await log.close()


def opened(directory: Path, clock: ManualClock) -> EventLog:
    log = EventLog(directory, rooms=(MIGRATIONS,), clock=clock)
    log.start()
    return log


@asynccontextmanager
async def counting(log: EventLog, clock: ManualClock) -> AsyncIterator[Tallier]:
    """A tallier that runs within the block."""
    tallier = Tallier(log, clock)
    task = asyncio.create_task(tallier.run())
    try:
        yield tallier
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def counted(log: EventLog, clock: ManualClock) -> None:
    """Let everything be counted that there is."""
    async with counting(log, clock):
        while True:
            now = await state(log)
            if now == log.last_seq:
                return
            if clock.sleeping:
                clock.advance(0.02)
            await asyncio.sleep(0)


async def state(log: EventLog) -> int:
    return int((await log.rows("SELECT counted_to FROM tallied", purpose="a test"))[0][0])


async def fill(log: EventLog, count: int, of: Sequence[str] = TYPES, by: Sequence[str] = SOURCES) -> None:
    await log.append([record(n, event_type=of[n % len(of)], source=by[n // 2 % len(by)]) for n in range(count)])


async def cut(log: EventLog, below: int) -> None:
    """As retention does: the floor, what lies below it, and the tallies, in one unit."""

    def unit(transaction: Transaction) -> None:
        subtract(transaction, transaction.cut(below))

    await log.submit(unit)


async def everything(log: EventLog) -> list[StoredEvent]:
    return [StoredEvent._make(row) for row in await log.rows(
        "SELECT seq, stored_at, event_id, event_type, source, correlation_id, time, violations, headers, body"
        " FROM stored_events", purpose="a test"
    )]  # fmt: skip


def wanted(text: str = "", now: int = MORNING, **options: Any) -> Question:
    return Question(filters.parse(text, now=now), **options)


def recount(events: Sequence[StoredEvent], question: Question, told: Statistics) -> Statistics:
    """The same answer from the events themselves; rates and counts in the future aside."""
    predicate = filters.Filter((*question.types, *question.sources)).predicate()
    since = None if told.since is None else told.since.timestamp()
    end = None if told.until is None else told.until.timestamp()
    chosen = [
        event
        for event in events
        if predicate(event)
        and (since is None or event.stored_at >= since * MICROSECONDS)
        and (end is None or event.stored_at < end * MICROSECONDS)
    ]
    names = {"type": lambda e: e.event_type, "source": lambda e: e.source, "none": lambda e: ""}[question.by]
    numbers = Counter(map(names, chosen))
    newest = {names(event): event for event in events if predicate(event)}
    groups = [
        group.model_copy(
            update={
                "number": numbers[group.name],
                "counts": series(chosen, told, names, group.name),
                "latest": latest(newest.get(group.name)),
            }
        )
        for group in told.groups
    ]
    return told.model_copy(
        update={
            "number": len(chosen),
            "groups": groups,
            "counts": series(chosen, told, names, None),
            "others_number": len(chosen) - sum(group.number for group in groups) if question.by != "none" else 0,
        }
    )


def latest(event: StoredEvent | None) -> Latest | None:
    if event is None:
        return None
    return Latest(event_id=UUID(bytes=event.event_id), seq=event.seq, stored_at=to_datetime(event.stored_at))


def series(chosen: Sequence[StoredEvent], told: Statistics, names: Any, name: str | None) -> list[int | None]:
    if told.bucket is None:
        return []
    span = SPANS[told.bucket] * MICROSECONDS
    at = Counter(event.stored_at // span * span for event in chosen if name is None or names(event) == name)
    return [at[round(start.timestamp()) * MICROSECONDS] for start in told.buckets]


async def test_nothing_is_nothing(log: EventLog) -> None:
    told = await ask(log, wanted(), MORNING)
    assert (told.number, told.groups, told.complete, told.counted_to) == (0, [], True, 0)


async def test_numbers_by_type_and_source(log: EventLog, clock: ManualClock) -> None:
    await fill(log, 100)
    await counted(log, clock)
    await fill(log, 7)
    told = await ask(log, wanted(), clock.now())
    assert (told.number, told.complete, told.last_seq) == (107, True, 107)
    assert [(group.name, group.number) for group in told.groups] == [(TYPES[0], 37), (TYPES[1], 35), (TYPES[2], 35)]
    assert [group.latest.seq for group in told.groups if group.latest] == [107, 105, 106]
    told = await ask(log, wanted("type:agent.# source:http", by="source"), clock.now())
    assert [(group.name, group.latest and group.latest.seq) for group in told.groups] == [("http", 107)]
    assert told == recount(await everything(log), wanted("type:agent.# source:http", by="source"), told)


async def test_what_is_imported_is_counted_but_is_no_traffic(log: EventLog, clock: ManualClock) -> None:
    await fill(log, 30)
    await log.submit(lambda transaction: transaction.append_history([record() for _ in range(60)]))
    for _ in range(2):
        told = await ask(log, wanted(), clock.now())
        assert (told.number, told.rate_1m, told.rate_5m) == (90, 0.5, 0.1)
        await counted(log, clock)


async def test_a_log_far_beyond_its_tallies_says_so(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MAX_BEYOND", 50)
    await fill(log, 120)
    told = await ask(log, wanted(), MORNING)
    assert (told.number, told.counted_to, told.last_seq, told.complete) == (50, 50, 120, False)


async def test_minutes_that_are_no_longer_kept_are_not_made_up(log: EventLog, clock: ManualClock) -> None:
    await fill(log, 60)
    await counted(log, clock)
    clock.advance(3 * 86400)
    await fill(log, 4)
    await counted(log, clock)
    told = await ask(log, wanted(f"since:{rfc3339(MORNING - 60 * MICROSECONDS)}"), clock.now())
    assert told.since is not None
    assert (told.number, told.since.minute) == (64, 0), "moved to the hour, as it says"
    of_then = f"since:{rfc3339(MORNING - 60 * MICROSECONDS)} until:{rfc3339(MORNING + 600 * MICROSECONDS)}"
    told = await ask(log, wanted(of_then, bucket="minute"), clock.now())
    assert (told.number, set(told.counts)) == (60, {None})


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 40)),
        st.tuples(st.just("advance"), st.sampled_from((1, 9, 61, 3600, 86400, 3 * 86400))),
        st.tuples(st.just("set"), st.sampled_from((-7200, 7200, -3 * 86400, 10**9, -(10**9)))),
        st.tuples(st.just("count"), st.just(0)),
        st.tuples(st.just("cut"), st.integers(1, 30)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=14,
)
QUESTIONS: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("type:agent.#", {"by": "source"}),
    ("source:http,cli", {"limit": 1}),
    ("since:90m", {"by": "none"}),
    ("since:26h until:30m", {}),
    ("since:4d", {"bucket": "hour"}),
    ("since:40d", {"bucket": "day", "by": "source"}),
    ("since:100m type:test.#", {"bucket": "minute"}),
]


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_statistics_are_what_a_recount_says(tmp_path_factory: pytest.TempPathFactory, steps: list[Any]) -> None:
    asyncio.run(_run(tmp_path_factory.mktemp("log"), steps))


async def _run(directory: Path, steps: list[Any]) -> None:
    clock = ManualClock()
    log = opened(directory, clock)
    for step, amount in steps:
        match step:
            case "append":
                await fill(log, amount)
            case "advance":
                clock.advance(amount)
            case "set":
                clock.set_wall(amount)
            case "count":
                await counted(log, clock)
            case "cut":
                first = (await log.rows("SELECT min(seq) FROM events", purpose="a test"))[0][0]
                await cut(log, min((first or log.last_seq) + amount, log.last_seq + 1))
            case "restart":
                await log.close()
                log = opened(directory, clock)
    events = await everything(log)
    for text, options in QUESTIONS:
        question = wanted(text, clock.now(), **options)
        told = await ask(log, question, clock.now())
        assert told.complete
        plain = recount(events, question, told)
        assert told.model_copy(update={"counts": [], "groups": _without(told)}) == plain.model_copy(
            update={"counts": [], "groups": _without(plain)}
        )
        pairs: list[tuple[Any, Any]] = [(told, plain), *zip(told.groups, plain.groups, strict=True)]
        for mine, theirs in pairs:
            assert all(a is None or a == b for a, b in zip(mine.counts, theirs.counts, strict=True))
    await log.close()


def _without(told: Statistics) -> list[Any]:
    return [group.model_copy(update={"counts": []}) for group in told.groups]
