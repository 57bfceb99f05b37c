"""A query answers what its filter's predicate says, whatever way through the store it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from godtui.candystore import candidates, live, planning, queries
from godtui.candystore import ways as store_ways
from godtui.candystore.live import Events, Gap, Position, Welcome
from godtui.candystore.queries import Page, query
from godtui.candystore.search import Search
from godtui.candystore.ways import Direction
from godtui.cursors import BadCursorError
from godtui.envelope import StoredEvent, new_id
from godtui.eventlog import EventLog
from godtui.filters import Filter, parse
from tests.candystore.estate import busy_week, filters
from tests.candystore.search.indexing import indexed
from tests.clock import MORNING, ManualClock
from tests.eventlog.records import record, records

COUNT = 700
WEEK = busy_week(COUNT)
IDS = [UUID(bytes=one.event_id) for one in WEEK]

SETTINGS = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Store(NamedTuple):
    """A filled log and the loop it lives on."""

    runner: asyncio.Runner
    log: EventLog
    events: list[StoredEvent]
    search: Search

    def run(self, work: Any) -> Any:
        return self.runner.run(work)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    clock = ManualClock()
    with asyncio.Runner() as runner:
        log = EventLog(tmp_path_factory.mktemp("store"), clock=clock)
        log.start()

        search = Search(log.path.parent, log, clock, paths=lambda: ("n",))

        async def fill() -> list[StoredEvent]:
            for start in range(0, COUNT, 70):
                await log.append(WEEK[start : start + 70])
                clock.advance(1)
            await indexed(search, log, clock)
            return await log.after(0, COUNT + 1)

        yield Store(runner, log, runner.run(fill()), search)
        runner.run(search.close())
        runner.run(log.close())


@pytest.fixture(params=["as shipped", "narrow"])
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with limits so small that every query meets all of them."""
    if request.param == "narrow":
        limits = {
            candidates: {"PAGE_ROWS": 7, "FIRST_WINDOW": 50, "FIRST_BODIES": 30, "WIDEST_WINDOW": 60, "DENSE": 5},
            planning: {"STRETCH_ROWS": 40, "MAX_MARKED": 2, "MAX_ALTERNATIVES": 3, "FEW": 20, "MAX_READ": 5},
            store_ways: {"LOOKUPS_A_STATEMENT": 2},
        }
        for module, values in limits.items():
            for name, value in values.items():
                monkeypatch.setattr(module, name, value)
        monkeypatch.setattr(live, "FAR_BEHIND", 20)


async def pages(
    log: EventLog, wanted: Filter, order: Direction, limit: int, search: Search | None = None
) -> list[StoredEvent]:
    """Everything that a client finds who follows the cursors."""
    found: list[StoredEvent] = []
    cursor: str | None = None
    while True:
        page = await query(log, wanted, limit=limit, cursor=cursor, order=order, search=search)
        assert len(page.events) <= limit
        found += page.events
        cursor = page.next_cursor
        if cursor is None:
            return found


def matching(events: Sequence[StoredEvent], wanted: Filter) -> list[StoredEvent]:
    predicate = wanted.predicate()
    return [event for event in events if predicate(event)]


@SETTINGS
@given(text=filters(IDS, COUNT), order=st.sampled_from(("asc", "desc")), limit=st.sampled_from((1, 3, 50, 1000)))
def test_a_query_is_what_the_predicate_says(store: Store, ways: None, text: str, order: Direction, limit: int) -> None:
    wanted = parse(text, now=MORNING)
    expected = matching(store.events, wanted)
    if limit == 1:
        expected = expected[:3] if order == "asc" else expected[-3:]
        found = store.run(_first(store.log, wanted, order, 3))
    else:
        found = store.run(pages(store.log, wanted, order, limit))
    assert found == (expected if order == "asc" else expected[::-1])


async def _first(log: EventLog, wanted: Filter, order: Direction, count: int) -> list[StoredEvent]:
    found: list[StoredEvent] = []
    cursor: str | None = None
    for _ in range(count):
        page = await query(log, wanted, limit=1, cursor=cursor, order=order)
        found += page.events
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


@SETTINGS
@given(text=filters(IDS, COUNT), after=st.integers(0, COUNT))
def test_a_stream_is_what_the_predicate_says(store: Store, ways: None, text: str, after: int) -> None:
    wanted = parse(text, now=MORNING)
    expected = [event for event in matching(store.events, wanted) if event.seq > after]
    assert store.run(_caught_up(store.log, wanted, after)) == expected


async def _caught_up(log: EventLog, wanted: Filter, after: int) -> list[StoredEvent]:
    """What a stream tells until it says that it has looked at everything."""
    found: list[StoredEvent] = []
    if after >= log.last_seq:
        return found
    reached = after
    async with aclosing(live.stream(log, wanted, after=after, positions=True)) as frames:
        async for frame in frames:
            if isinstance(frame, Events):
                assert frame.events, "an empty frame says nothing"
                found += frame.events
            elif isinstance(frame, Position):
                assert reached <= frame.seq
                assert all(event.seq <= frame.seq for event in found)
                reached = frame.seq
                if reached >= log.last_seq:
                    return found
    raise AssertionError("a stream does not end")


async def test_pages_stay_stable_while_events_arrive(log: EventLog) -> None:
    await log.append(records(25))
    first = await query(log, Filter(), limit=10)
    await log.append(records(30))
    second = await query(log, Filter(), limit=10, cursor=first.next_cursor)
    await log.append(records(30))
    third = await query(log, Filter(), limit=10, cursor=second.next_cursor)
    seqs = [event.seq for page in (first, second, third) for event in page.events]
    assert seqs == list(range(25, 0, -1))
    assert third.next_cursor is None


async def test_ascending_pages_meet_what_arrives(log: EventLog) -> None:
    await log.append(records(15))
    first = await query(log, Filter(), limit=10, order="asc")
    await log.append(records(5))
    second = await query(log, Filter(), limit=10, cursor=first.next_cursor, order="asc")
    assert [event.seq for event in second.events] == list(range(11, 21))


async def test_a_full_last_page_has_no_next(log: EventLog) -> None:
    await log.append(records(10))
    assert (await query(log, Filter(), limit=10)).next_cursor is None
    assert (await query(log, Filter(), limit=9)).next_cursor is not None


async def test_nothing_stored_is_an_empty_page(log: EventLog) -> None:
    assert await query(log, Filter()) == Page([], None)


async def test_a_cursor_of_another_query_is_refused(log: EventLog) -> None:
    await log.append(records(10))
    wanted = parse("type:test.#", now=MORNING)
    cursor = (await query(log, wanted, limit=3)).next_cursor
    assert cursor is not None
    for other, order in ((parse("type:test.*.*", now=MORNING), "desc"), (Filter(), "desc"), (wanted, "asc")):
        with pytest.raises(BadCursorError):
            await query(log, other, limit=3, cursor=cursor, order=order)  # type: ignore[arg-type]
    assert len((await query(log, wanted, limit=5, cursor=cursor)).events) == 5


@pytest.mark.parametrize("forged", ["", "x", "AAAA", "é", "A" * 32, "A" * 10_000, "=", "\n", "\ud800"], ids=ascii)
async def test_a_forged_cursor_is_refused(log: EventLog, forged: str) -> None:
    with pytest.raises(BadCursorError):
        await query(log, Filter(), cursor=forged)


async def test_a_cursor_with_another_position_is_refused(log: EventLog) -> None:
    await log.append(records(10))
    cursor = (await query(log, Filter(), limit=3)).next_cursor
    assert cursor is not None
    for place in range(len(cursor)):
        changed = cursor[:place] + ("B" if cursor[place] == "A" else "A") + cursor[place + 1 :]
        if place < len(cursor) - 1:  # the last character carries two bits that mean nothing
            with pytest.raises(BadCursorError):
                await query(log, Filter(), cursor=changed)


async def test_a_chain_holds_its_first_event_and_those_that_name_it(log: EventLog) -> None:
    chain = new_id()
    await log.append(
        [
            record(1, event_id=chain.bytes, correlation_id=chain.bytes),
            record(2),
            record(3, correlation_id=chain.bytes),
            record(4, event_id=new_id().bytes, correlation_id=None),
        ]
    )
    page = await query(log, parse(f"correlation:{chain}", now=MORNING), order="asc")
    assert [event.seq for event in page.events] == [1, 3]


class HurryingClock(ManualClock):
    """Time passes whenever somebody looks at it."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def monotonic(self) -> float:
        self.advance(self._seconds)
        return super().monotonic()


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("text", ["payload.n=77", "payload.n=3 is:invalid", "-disk", "nothing"])
def test_a_page_that_takes_long_ends_early_and_is_gone_on_with(
    store: Store, monkeypatch: pytest.MonkeyPatch, text: str, order: Direction
) -> None:
    monkeypatch.setattr(candidates, "FIRST_BODIES", 64)
    monkeypatch.setattr(candidates, "FIRST_WINDOW", 64)
    wanted = parse(text, now=MORNING)
    expected = [event.seq for event in matching(store.events, wanted)]
    clock = HurryingClock(0.2)
    found: list[int] = []
    cursor: str | None = None
    early = 0
    while True:
        page = store.run(query(store.log, wanted, limit=1000, cursor=cursor, order=order, clock=clock))
        found += [event.seq for event in page.events]
        if page.looked_to is not None:
            early += 1
            assert page.next_cursor is not None
            beyond = [seq for seq in found if (seq < page.looked_to if order == "desc" else seq > page.looked_to)]
            assert beyond == []
        cursor = page.next_cursor
        if cursor is None:
            break
    assert early > 0
    assert found == (expected if order == "asc" else expected[::-1])


def test_statements_shrink_where_they_take_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    rows = EventLog.rows

    async def listening(self: EventLog, statement: str, parameters: Sequence[Any] = (), *, purpose: str) -> Any:
        if purpose == "a query":
            asked.append(parameters[1] - parameters[0] - 1)
        return await rows(self, statement, parameters, purpose=purpose)

    monkeypatch.setattr(EventLog, "rows", listening)
    monkeypatch.setattr(candidates, "FIRST_BODIES", 64)
    wanted = parse("payload.n=77", now=MORNING)
    store.run(query(store.log, wanted, clock=HurryingClock(0.06), seconds=60))
    assert asked[:4] == [64, 32, 16, 8]
    asked.clear()
    store.run(query(store.log, wanted, clock=ManualClock()))
    assert asked[:3] == [64, 128, 256]


async def test_a_cursor_of_a_range_that_was_cut_goes_on_with_what_is_left(log: EventLog) -> None:
    await log.append(records(30))
    down = await query(log, Filter(), limit=10)
    up = await query(log, Filter(), limit=5, order="asc")
    await _retain_from(log, 12)
    assert [one.seq for one in (await query(log, Filter(), cursor=down.next_cursor)).events] == list(range(20, 11, -1))
    rest = await query(log, Filter(), cursor=up.next_cursor, order="asc")
    assert [one.seq for one in rest.events] == list(range(12, 31))
    assert (rest.next_cursor, rest.looked_to) == (None, None)


@pytest.mark.parametrize("order", ["desc", "asc"])
async def test_a_page_holds_no_more_bytes_than_it_may(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, order: Direction
) -> None:
    await log.append([record(number, text="x" * size) for number, size in enumerate((10, 900, 10, 5000, 10, 10, 900))])
    monkeypatch.setattr(queries, "PAGE_BYTES", 1_600)
    pages: list[list[int]] = []
    cursor: str | None = None
    while not pages or cursor is not None:
        page = await query(log, Filter(), limit=3, cursor=cursor, order=order)
        pages.append([event.seq for event in page.events])
        is_early = len(page.events) < 3 and page.next_cursor is not None
        assert page.looked_to == (pages[-1][-1] if is_early else None)
        cursor = page.next_cursor
    assert pages == ([[1, 2], [3], [4], [5, 6], [7]] if order == "asc" else [[7, 6], [5], [4], [3, 2], [1]])


WORST = {
    "a path of a thousand steps": f"payload{'.a' * 1000}=1",
    "as many terms as there may be": " ".join(f"w{number}" for number in range(64)),
    "as many values as there may be": f"payload.n={','.join(map(str, range(900)))}",
    "as many sources as there may be": f"source:{','.join(f's{number}' for number in range(800))}",
    "as many types as there may be": f"type:{','.join(f'a.b{number}' for number in range(500))}",
    "as many patterns as there may be": f"type:{','.join('#.x' for _ in range(1000))}",
    "one long word": "w" * 4000,
    "a phrase of many words": f'"{" ".join("abcdefghij" * 199)}"',
    "SQL": '"\'; DROP TABLE events; --" source:"x\' OR 1=1 --" payload."a\' b"="\'"',
    "FTS5": '"disk) OR NEAR(a b" "text: AND NOT"',
    "many parts": "payload.message~" + ",".join(['" x1 "'] * 400),
}


@pytest.mark.parametrize("by_index", [True, False])
@pytest.mark.parametrize("text", WORST.values(), ids=WORST)
def test_the_worst_that_can_be_asked_is_answered(store: Store, text: str, by_index: bool) -> None:
    wanted = parse(text, now=MORNING)
    found = store.run(pages(store.log, wanted, "desc", 1000, store.search if by_index else None))
    assert found == matching(store.events, wanted)[::-1]


PLANS = {
    "": "PRIMARY KEY (rowid>? AND rowid<?)",
    "type:agent.task.failed": "PRIMARY KEY (rowid>? AND rowid<?)",
    "source:cli": "PRIMARY KEY (rowid>? AND rowid<?)",
    f"id:{IDS[3]}": "events_by_id",
    f"correlation:{IDS[3]}": "events_by_correlation",
    "since:2026-02-12T14:10:00Z until:2026-02-12T14:10:30Z": "events_by_time",
    "disk": "PRIMARY KEY (rowid>? AND rowid<?)",
    "is:invalid stored-since:2026-02-12": "PRIMARY KEY (rowid>? AND rowid<?)",
}


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize(("text", "index"), PLANS.items(), ids=PLANS.keys())
def test_every_statement_is_led_by_an_index(
    store: Store, monkeypatch: pytest.MonkeyPatch, text: str, index: str, order: Direction
) -> None:
    asked: list[tuple[str, Sequence[Any]]] = []
    rows = EventLog.rows

    async def listening(self: EventLog, statement: str, parameters: Sequence[Any] = (), *, purpose: str) -> Any:
        asked.append((statement, parameters))
        return await rows(self, statement, parameters, purpose=purpose)

    monkeypatch.setattr(EventLog, "rows", listening)
    store.run(query(store.log, parse(text, now=MORNING), order=order))

    async def explain() -> list[list[str]]:
        plans = [
            await rows(store.log, f"EXPLAIN QUERY PLAN {statement}", parameters, purpose="test")
            for statement, parameters in asked
        ]
        return [[row[3] for row in plan] for plan in plans]

    plans = store.run(explain())
    assert any(index in line for plan in plans for line in plan), plans
    for plan, (statement, _) in zip(plans, asked, strict=True):
        scans = [line for line in plan if line.startswith("SCAN") and "SCAN (subquery" not in line]
        assert all("types" in statement and "FROM types" in statement for _ in scans), plan
        assert "LIMIT" in statement or "WHERE name" in statement or "FROM types" in statement


async def test_a_gap_is_told_where_the_log_begins_later(log: EventLog) -> None:
    await log.append(records(20))
    await _retain_from(log, 8)
    async with aclosing(live.stream(log, Filter(), after=3)) as frames:
        assert await anext(frames) == Welcome(20)
        assert await anext(frames) == Gap(4, 7)
        events = await anext(frames)
        assert isinstance(events, Events)
        assert [event.seq for event in events.events] == list(range(8, 21))
    async with aclosing(live.stream(log, Filter(), after=7)) as frames:
        await anext(frames)
        assert isinstance(await anext(frames), Events), "nothing that was asked for is missing"


async def test_a_log_that_kept_nothing_is_one_gap(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.start()
    await log.append(records(20))
    await _retain_from(log, 21)
    await log.close()
    log = EventLog(tmp_path)
    log.start()
    async with aclosing(live.stream(log, Filter(), after=3)) as frames:
        assert await anext(frames) == Welcome(20)
        assert await anext(frames) == Gap(4, 20)
        waiting = asyncio.ensure_future(anext(frames))
        await log.append(records(1))
        events = await asyncio.wait_for(waiting, 30)
        assert isinstance(events, Events)
        assert [event.seq for event in events.events] == [21]
    await log.close()


async def _retain_from(log: EventLog, seq: int) -> None:
    """As retention will: the floor and what lies below it, in one commit."""

    def cut(transaction: Any) -> None:
        transaction.execute("UPDATE retention SET floor = ?", (seq,))
        transaction.execute("DELETE FROM events WHERE seq < ?", (seq,))

    await log.submit(cut)
