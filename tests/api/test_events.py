"""`GET /events` and `GET /events/{event_id}`."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.api.test_batch import array, post, said
from tests.api.test_publish import ID, OTHER_ID, paths, refused
from tests.clock import ManualClock


async def fill(http: httpx.AsyncClient, *entries: dict[str, Any]) -> None:
    assert (await post(http, array(*entries))).status_code == 200


async def texts(http: httpx.AsyncClient, query: str) -> list[str]:
    response = await http.get(f"/events?{query}")
    assert response.status_code == 200, response.text
    return [event["payload"]["message"] for event in response.json()["events"]]


async def test_newest_first_unless_asked_otherwise(http: httpx.AsyncClient) -> None:
    await fill(http, said("a"), said("b"), said("c"))
    assert await texts(http, "") == ["c", "b", "a"]
    assert await texts(http, "order=desc") == ["c", "b", "a"]
    assert await texts(http, "order=asc") == ["a", "b", "c"]
    assert await texts(http, "limit=2") == ["c", "b"]


async def test_an_empty_log_is_an_empty_page(http: httpx.AsyncClient) -> None:
    assert (await http.get("/events")).json() == {"events": [], "next_cursor": None, "looked_to": None}


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_stay_stable_while_events_arrive(http: httpx.AsyncClient, order: str) -> None:
    await fill(http, *(said(f"{number:02}") for number in range(10)))
    seen, cursor = [], ""
    while cursor is not None:
        page = (await http.get(f"/events?limit=3&order={order}{cursor and '&cursor=' + quote(cursor)}")).json()
        seen += [event["payload"]["message"] for event in page["events"]]
        cursor = page["next_cursor"]
        if len(seen) < 13:
            await fill(http, said("late"))
    known = [f"{number:02}" for number in range(10)]
    assert [text for text in seen if text != "late"] == (known if order == "asc" else known[::-1])
    assert len([text for text in seen if text == "late"]) == (0 if order == "desc" else len(seen) - 10)


async def test_a_while_ago_is_the_same_moment_on_every_page(http: httpx.AsyncClient, clock: ManualClock) -> None:
    await fill(http, said("a"), said("b"), said("c"))
    page = (await http.get("/events?since=15m&limit=2")).json()
    clock.advance(3600)
    assert await texts(http, f"since=15m&limit=2&cursor={quote(page['next_cursor'])}") == ["a"]
    assert await texts(http, "since=15m") == []


async def test_every_condition_must_hold(http: httpx.AsyncClient) -> None:
    await fill(
        http,
        said("red fox", event_id=ID, source={"service": "one"}),
        said("red dog", source={"service": "two"}, correlation_id=ID),
        said("blue fox", source={"service": "two"}),
    )
    assert await texts(http, "text=red") == ["red dog", "red fox"]
    assert await texts(http, "text=red&source=two") == ["red dog"]
    assert await texts(http, "filter=source:two") == ["blue fox", "red dog"]
    assert await texts(http, "filter=source:two&text=fox") == ["blue fox"]
    assert await texts(http, "filter=-red&source=two") == ["blue fox"]
    assert await texts(http, f"correlation_id={ID}") == ["red dog", "red fox"]
    assert await texts(http, f"filter=id:{ID}") == ["red fox"]
    assert await texts(http, "type=test.%23&text=fox") == ["blue fox", "red fox"]
    assert await texts(http, "type=agent.*") == []
    assert await texts(http, "since=2030-01-01") == []
    assert await texts(http, "until=2030-01-01&text=dog") == ["red dog"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "query:limit"),
        ("limit=1001", "query:limit"),
        ("limit=-1", "query:limit"),
        ("limit=1.0", "query:limit"),
        ("limit=%2B5", "query:limit"),
        ("limit=", "query:limit"),
        ("limit=many", "query:limit"),
        ("limit=" + "9" * 30, "query:limit"),
        ("limit=5&limit=5", "query:limit"),
        ("order=up", "query:order"),
        ("order=", "query:order"),
        ("page=2", "query:page"),
        ("from_seq=-1", "query:from_seq"),
        ("cursor=1.a.b&from_seq=3", "query:from_seq"),
        ("Limit=5", "query:Limit"),
        ("=5", "query:"),
        ("filter=%ff", "query:filter"),
        ("filter=%e", "query:filter"),
        ("filter=type:", "filter:0"),
        ("filter=red%20type:a..b", "filter:4"),
        ("filter=nokey:1", "filter:0"),
        ("filter=%22open", "filter:0"),
        ("type=a..b", "type:0"),
        ("type=", "type:0"),
        ("since=yesterday", "since:0"),
        ("until=2026-02-12T00:00:00", "until:0"),
        ("correlation_id=7", "correlation_id:0"),
        ("text=%20", "text:0"),
    ],
)
async def test_a_parameter_that_is_not_right_is_422(gate: httpx.AsyncClient, query: str, path: str) -> None:
    assert paths(refused(await gate.get(f"/events?{query}"), 422)) == [path]


async def test_every_fault_of_a_query_is_listed(gate: httpx.AsyncClient) -> None:
    problem = refused(await gate.get("/events?limit=0&order=up&page=2"), 422)
    assert sorted(paths(problem)) == ["query:limit", "query:order", "query:page"]
    assert "limit: must be greater than or equal to 1" in problem["detail"]


async def test_a_cursor_of_another_query_is_400(http: httpx.AsyncClient) -> None:
    await fill(http, said("a"), said("b"), said("c"))
    cursor = quote((await http.get("/events?limit=1&source=http")).json()["next_cursor"])
    for query in (f"cursor={cursor}", f"source=other&cursor={cursor}", f"source=http&order=asc&cursor={cursor}"):
        refused(await http.get(f"/events?limit=1&{query}"), 400)
    assert await texts(http, f"source=http&limit=1&cursor={cursor}") == ["b"]


async def test_a_cursor_of_which_any_character_is_changed_is_400(http: httpx.AsyncClient) -> None:
    await fill(http, said("a"), said("b"))
    cursor = (await http.get("/events?limit=1")).json()["next_cursor"]
    assert await texts(http, f"cursor={quote(cursor)}") == ["a"]
    changed = {f"{digit}{cursor}" for digit in "019+ "} | {f"{cursor}{tail}" for tail in ("=", "A", "0", ".", "\n")}
    for place, character in enumerate(cursor):
        others = ("", "0", "1", "A", "/" if character == "_" else "+", character.swapcase())
        changed |= {f"{cursor[:place]}{other}{cursor[place + 1 :]}" for other in others}
    for forged in changed - {cursor}:
        refused(await http.get(f"/events?cursor={quote(forged, safe='')}"), 400)


FORGED = ["", "x", "0", "1.", ".x", "1770904931482000.AAAA", "1770904931482000." + "A" * 64, "9" * 18 + ".A", "-1.A"]


@pytest.mark.parametrize("cursor", FORGED)
async def test_a_forged_cursor_is_400(http: httpx.AsyncClient, cursor: str) -> None:
    for query in (f"cursor={cursor}", f"since=15m&cursor={cursor}"):
        refused(await http.get(f"/events?{query}"), 400)


async def test_fields_of_reserved_names_are_set_aside(http: httpx.AsyncClient) -> None:
    await fill(http, said("a", event_id=ID, seq="mine", extra=[1], stored_at=None))
    event = json.loads((await http.get(f"/events/{ID}")).content)
    assert event["seq"] == 1
    assert event["extra"] == {"seq": "mine", "extra": [1], "stored_at": None}
    assert (await http.get("/events")).json()["events"] == [event]


async def test_an_event_that_is_not_stored_is_404(gate: httpx.AsyncClient) -> None:
    refused(await gate.get(f"/events/{OTHER_ID}"), 404)


async def test_what_is_no_id_is_422(gate: httpx.AsyncClient) -> None:
    problem = refused(await gate.get("/events/seven"), 422)
    assert paths(problem) == ["path:event_id"]
    assert "event_id is a UUID such as" in problem["detail"]


async def test_one_event_takes_no_parameters(gate: httpx.AsyncClient) -> None:
    assert paths(refused(await gate.get(f"/events/{ID}?seq=1"), 422)) == ["query:seq"]
