"""Counts are what looking at every event says, or say that they are estimates."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings

from godtui.candystore import counting
from godtui.candystore.counting import Count, count
from godtui.candystore.tallies import MIGRATIONS
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog
from godtui.filters import parse
from tests.candystore.estate import filters
from tests.candystore.test_queries import COUNT, IDS, WEEK, matching
from tests.clock import MORNING, ManualClock
from tests.eventlog.records import records


class Filled(NamedTuple):
    """A log with a busy week in it, and the loop it lives on."""

    runner: asyncio.Runner
    log: EventLog
    events: list[StoredEvent]

    def run(self, work: Coroutine[Any, Any, Count]) -> Count:
        return self.runner.run(work)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with asyncio.Runner() as runner:
        log = EventLog(tmp_path_factory.mktemp("store"), rooms=(MIGRATIONS,), clock=ManualClock())
        log.start()
        runner.run(log.append(WEEK))
        yield Filled(runner, log, runner.run(log.after(0, COUNT + 1)))
        runner.run(log.close())


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=filters(IDS, COUNT))
def test_with_time_every_count_is_exact(store: Filled, text: str) -> None:
    wanted = parse(text, now=MORNING)
    told = store.run(count(store.log, wanted, clock=ManualClock()))
    assert told == (len(matching(store.events, wanted)), True)


@pytest.mark.parametrize(
    "text", ["", "type:agent.#", "source:http type:*.*.created", "since:2026-02-12T14:00:00Z", "id:" + str(IDS[3])]
)
def test_what_an_index_answers_is_exact_without_time(store: Filled, text: str) -> None:
    wanted = parse(text, now=MORNING)
    told = store.run(count(store.log, wanted, clock=ManualClock(), seconds=0))
    assert told == (len(matching(store.events, wanted)), True)


async def test_without_time_a_count_is_an_estimate(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "SAMPLE_WIDTH", 200)
    for _ in range(6):
        await log.append(records(1000))
    wanted = parse("payload.number<250", now=MORNING)
    told = await count(log, wanted, clock=ManualClock(), seconds=0)
    assert not told.exact
    assert 0 < told.number < 6000
    assert await count(log, wanted, clock=ManualClock()) == (1500, True)


async def test_more_at_a_time_than_its_index_counts(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MAX_AT_TIME", 10)
    await log.append(records(40))
    told: Any = await count(log, parse("since:2026-02-12", now=MORNING), clock=ManualClock())
    assert told == (40, True)


async def test_nothing_is_counted_exactly(log: EventLog) -> None:
    assert await count(log, parse("word", now=MORNING), clock=ManualClock(), seconds=0) == (0, True)
