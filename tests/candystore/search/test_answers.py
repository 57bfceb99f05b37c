"""However much is indexed, the answer is what the predicate says: nothing left out, nothing too much."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from godtui.candystore.candidates import scan
from godtui.candystore.search import Search, expression, lookups, tables, writer
from godtui.candystore.ways import Direction
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog
from godtui.filters import ORDERINGS, Filter, PayloadTerm, Scalar, Segment, Term, WordTerm
from godtui.filters.predicate import compile_predicate
from tests.candystore.search.indexing import indexed
from tests.candystore.search.zoo import about, terms, zoo
from tests.clock import ManualClock

COUNT = 600
PATHS = ("task", '"a.b"', "id.*", "spelled", "x_y.0", "nowhere")
EXTENTS = ("all of it", "half of it", "none of it")

SETTINGS = settings(
    max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Zoo(NamedTuple):
    """A log of oddities, and searches that know more or less of it."""

    runner: asyncio.Runner
    log: EventLog
    events: list[StoredEvent]
    searches: Mapping[str, Search]

    def found(self, wanted: Filter, extent: str, direction: Direction, above: int, below: int) -> list[StoredEvent]:
        async def collect() -> list[StoredEvent]:
            search = self.searches[extent]
            found: list[StoredEvent] = []
            async with aclosing(scan(self.log, wanted, direction, above, below, first=7, search=search)) as steps:
                async for step in steps:
                    found += step.events
            return found

        return self.runner.run(collect())


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoo]:
    clock = ManualClock()
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as narrow:
        for module in (lookups, tables, writer):
            narrow.setattr(module, "SEGMENT", 150)
            narrow.setattr(module, "BLOCK", 10)
        log = EventLog(tmp_path_factory.mktemp("zoo"), clock=clock)
        log.start()
        events = zoo(COUNT)
        searches = {
            extent: Search(tmp_path_factory.mktemp("search"), log, clock, paths=lambda: PATHS) for extent in EXTENTS
        }

        async def fill() -> list[StoredEvent]:
            await log.append(events[: COUNT // 2])
            clock.advance(10)
            await indexed(searches["half of it"], log, clock)
            await log.append(events[COUNT // 2 :])
            await indexed(searches["all of it"], log, clock)
            return await log.after(0, COUNT + 1)

        yield Zoo(runner, log, runner.run(fill()), searches)
        for search in searches.values():
            runner.run(search.close())
        runner.run(log.close())


@pytest.mark.parametrize("direction", ["desc", "asc"])
def test_values_at_an_indexed_path_lead_to_all_that_compare(stored: Zoo, direction: Direction) -> None:
    state = stored.searches["all of it"].state
    assert state is not None
    asked: set[PayloadTerm] = set()
    for event in stored.events:
        asked |= {term for term in about(event) if isinstance(term, PayloadTerm) and state.index_of(term.path)}
    ranges = {replace(term, operator=order) for term in asked for order in ORDERINGS if term.operator == ">="}
    assert len(asked) > 100
    for term in asked | ranges:
        wanted = Filter((term,))
        predicate = wanted.predicate()
        expected = [event.seq for event in stored.events if predicate(event)]
        found = [event.seq for event in stored.found(wanted, "all of it", direction, 0, COUNT + 1)]
        assert found == (expected if direction == "asc" else expected[::-1]), str(term)


def test_each_search_knows_what_it_should(stored: Zoo) -> None:
    states = [stored.searches[extent].state for extent in EXTENTS]
    assert [0 if state is None else state.indexed for state in states] == [COUNT, COUNT // 2, 0]
    assert states[0] is not None
    assert len(states[0].segments) == 5


def test_what_an_event_holds_leads_to_it(stored: Zoo) -> None:
    met: dict[Term, set[int]] = {}
    for event in stored.events:
        for term in about(event):
            assert compile_predicate([term])(event), term
            met.setdefault(term, set()).add(event.seq)
    state = stored.searches["all of it"].state
    assert state is not None

    async def led(asked: str) -> set[int]:
        numbers = state.segments
        found = [
            (await state.rows(f"SELECT rowid FROM words_{number} WHERE words_{number} MATCH ?", (asked,)))
            for number in numbers
        ]
        return {row[0] for rows in found for row in rows}

    asked = {term: words for term in met if (words := expression([term])) is not None}
    found = {words: stored.runner.run(led(words)) for words in set(asked.values())}
    assert len(found) > 300
    assert {str(term): missed for term, words in asked.items() if (missed := met[term] - found[words])} == {}
    assert sum(len(found[words]) < COUNT / 4 for words in asked.values()) > len(asked) / 2, "hints tell something"


@SETTINGS
@given(
    wanted=st.lists(terms(COUNT), min_size=1, max_size=3),
    extent=st.sampled_from(EXTENTS),
    direction=st.sampled_from(("desc", "asc")),
    bounds=st.tuples(st.integers(0, COUNT), st.integers(0, COUNT + 1)),
)
@example([WordTerm(("1", "5"))], "all of it", "desc", (0, COUNT + 1))
@example([WordTerm(("w" * 1001,))], "all of it", "desc", (0, COUNT + 1))
@example([PayloadTerm((Segment("task"),), "=", (Scalar("number", 100000),))], "all of it", "asc", (0, COUNT + 1))
@example([PayloadTerm((Segment("task"),), "=", (Scalar("number", 10**300),))], "all of it", "asc", (0, COUNT + 1))
def test_a_search_is_what_the_predicate_says(
    stored: Zoo, wanted: list[Term], extent: str, direction: Direction, bounds: tuple[int, int]
) -> None:
    filtered = Filter(tuple(wanted))
    above, below = bounds
    predicate = filtered.predicate()
    expected = [event.seq for event in stored.events if above < event.seq < below and predicate(event)]
    found = [event.seq for event in stored.found(filtered, extent, direction, above, below)]
    assert found == (expected if direction == "asc" else expected[::-1])
