"""Chains, statistics and counts: over HTTP as in process, and strict about what is asked."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest

from godtui import filters, jsontext
from godtui.envelope import new_id
from godtui.operations import Count, Operations, Question, StatisticsRefusedError
from tests.api.test_batch import said
from tests.api.test_events import fill
from tests.api.test_operations_contract import draft, wanted, ways
from tests.api.test_publish import ID, paths, refused
from tests.clock import MORNING, ManualClock

__all__ = ["ways"]


async def test_a_chain_is_told_the_same_everywhere(ways: Operations, operations: Operations) -> None:
    first = await operations.bus.publish(draft("a"))
    await operations.bus.publish(draft("b", causation_id=str(first.event_id)))
    await operations.bus.publish(draft("c", causation_id=str(new_id()), correlation_id=str(first.event_id)))
    there = await ways.chains.chain(first.event_id)
    here = await operations.chains.chain(first.event_id)
    assert there is not None
    assert here is not None
    assert jsontext.parse(there.to_json()) == jsontext.parse(here.to_json())
    assert (len(there.edges), len(there.orphans), there.total) == (1, 1, (3, True))
    rest = await ways.chains.chain(first.event_id, after=2)
    assert rest is not None
    assert ([event.seq for event in rest.events], rest.complete) == ([3], False)
    assert await ways.chains.chain(new_id()) is None


async def test_statistics_are_told_the_same_everywhere(ways: Operations, operations: Operations) -> None:
    await operations.bus.publish_batch([draft(str(number), source={"app": "a,b"}) for number in range(9)])
    await operations.bus.publish(draft("x", source={"app": "other"}))
    for text, by, bucket in (("", "type", None), ('source:"a,b" since:15m', "source", "minute"), ("", "none", "day")):
        question = Question(wanted(text), by, bucket)  # type: ignore[arg-type]
        there = await ways.statistics.ask(question)
        assert there == await operations.statistics.ask(question)
        assert there.number == (9 if text else 10)
        assert there.complete
    for question in (
        Question(wanted("word")),
        Question(wanted("-type:a.b")),
        Question(wanted("since:2020-01-01"), bucket="minute"),
    ):
        with pytest.raises(StatisticsRefusedError):
            await ways.statistics.ask(question)


async def test_a_count_is_told_the_same_everywhere(ways: Operations, operations: Operations) -> None:
    await operations.bus.publish_batch([draft("red" if number % 3 else "blue") for number in range(9)])
    for text, number in (("", 9), ("red", 6), ("type:test.#", 9), ("source:nobody", 0), ("-red", 3)):
        assert await ways.store.count(wanted(text)) == (number, True)


async def test_a_page_tells_the_count_where_it_is_asked_for(http: httpx.AsyncClient) -> None:
    await fill(http, said("a"), said("b"), said("c"))
    page = (await http.get("/events?limit=1&text=b&count=true")).json()
    assert page["count"] == {"number": 1, "exact": True}
    assert "count" not in (await http.get("/events?limit=1&count=false")).json()


async def test_an_estimate_is_no_less_than_the_page_beside_it(
    http: httpx.AsyncClient, operations: Operations, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def estimate(*_: object) -> Count:
        return Count(0, exact=False)

    monkeypatch.setattr(operations.store, "count", estimate)
    await fill(http, said("a"), said("b"))
    assert (await http.get("/events?count=true")).json()["count"] == {"number": 2, "exact": False}


async def test_rates_are_of_the_last_minutes(http: httpx.AsyncClient, clock: ManualClock) -> None:
    await fill(http, *(said(str(number)) for number in range(60)))
    told = (await http.get("/stats")).json()
    assert (told["rate_1m"], told["rate_5m"]) == (1.0, 0.2)
    clock.advance(120)
    told = (await http.get("/stats?by=none")).json()
    assert (told["rate_1m"], told["rate_5m"], told["number"]) == (0.0, 0.2, 60)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("stats?by=colour", "query:by"),
        ("stats?bucket=second", "query:bucket"),
        ("stats?limit=0", "query:limit"),
        ("stats?limit=1001", "query:limit"),
        ("stats?since=yesterday", "since:0"),
        ("stats?type=a..b", "type:0"),
        ("stats?source=", "source:0"),
        ("stats?text=word", "query:text"),
        (f"chains/{ID}?after=-1", "query:after"),
        (f"chains/{ID}?limit=3", "query:limit"),
        ("chains/seven", "path:correlation_id"),
        ("events?count=maybe", "query:count"),
    ],
)
async def test_a_parameter_that_is_not_right_is_422(gate: httpx.AsyncClient, query: str, path: str) -> None:
    assert paths(refused(await gate.get(f"/{query}"), 422)) == [path]


async def test_too_much_at_once_is_422(http: httpx.AsyncClient) -> None:
    assert paths(refused(await http.get("/stats?bucket=minute&since=2020-01-01"), 422)) == ["query:bucket"]
    refused(await http.get(f"/chains/{UUID(int=7)}"), 404)


async def test_the_ends_of_time_are_no_error(http: httpx.AsyncClient) -> None:
    await fill(http, said("a"))
    for since in ("0001-01-01", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59.999999Z"):
        told = (await http.get(f"/stats?since={since}")).json()
        assert told["number"] == (0 if since.startswith("9999") else 1)
        told = (await http.get(f"/stats?until={since}")).json()
        assert told["number"] == (1 if since.startswith("9999") else 0)
    assert filters.parse("", now=MORNING) == Question().wanted
