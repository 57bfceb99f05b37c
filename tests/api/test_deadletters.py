"""`/dead-letters` as HTTP has it: shapes, statuses and refusals."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.api.conftest import Bury
from tests.api.test_publish import paths, refused
from tests.bloodbank.letters import ENVELOPE, PLANE, row
from tests.clock import MORNING, ManualClock

BODY = json.dumps(ENVELOPE).encode()
LISTED = {
    "id": 1,
    "queue": PLANE,
    "reason": "expired",
    "event_type": "test.event.created",
    "message_id": "m",
    "routing_key": "test.event.created",
    "attempts": 1,
    "requeues": 0,
    "first_at": "2026-02-12T14:02:11.482000Z",
    "last_at": "2026-02-12T14:02:12.482000Z",
    "body_bytes": len(BODY),
    "body_encoding": "json",
    "body": ENVELOPE,
}


def letter(**more: Any) -> tuple[Any, ...]:
    given = {"key": "test.event.created", "queue": PLANE, "reason": "expired", "message_id": "m", "at": MORNING + 10**6}
    return row(more.pop("body", BODY), **{**given, **more})


async def ids(http: httpx.AsyncClient, query: str) -> list[int]:
    response = await http.get(f"/dead-letters?{query}")
    assert response.status_code == 200, response.text
    return [one["id"] for one in response.json()["dead_letters"]]


async def test_a_list_and_a_letter(http: httpx.AsyncClient, bury: Bury) -> None:
    assert (await http.get("/dead-letters")).json() == {"dead_letters": [], "next_cursor": None}
    await bury(letter(headers={"mine": 1}))
    assert (await http.get("/dead-letters")).json() == {"dead_letters": [LISTED], "next_cursor": None}
    assert (await http.get("/dead-letters/1")).json() == {**LISTED, "headers": {"mine": 1}, "deaths": []}


async def test_a_page_is_small_whatever_it_lists(http: httpx.AsyncClient, bury: Bury) -> None:
    await bury(*(letter(body=b"\0" * 1_048_576, headers={"x": "y" * 100_000}) for _ in range(12)))
    page = await http.get("/dead-letters")
    assert len(page.content) < 12 * (6 * 1024 + 1000)
    assert page.json()["dead_letters"][0]["body"] == "\0" * 1024
    assert len((await http.get("/dead-letters/1")).json()["body"]) == 1_048_576


async def test_conditions(http: httpx.AsyncClient, bury: Bury) -> None:
    await bury(letter(), letter(queue="other"), letter(reason="ü b"), letter(body=b"{", key="agent.task.failed"))
    assert await ids(http, "") == [4, 3, 2, 1]
    assert await ids(http, "queue=other") == [2]
    assert await ids(http, "queue=") == []
    assert await ids(http, f"reason={quote('ü b')}") == [3]
    assert await ids(http, "filter=source:contract&queue=" + PLANE) == [3, 1]
    assert await ids(http, "filter=type:agent.%23") == [4]


async def test_a_while_ago_is_the_same_moment_on_every_page(
    http: httpx.AsyncClient, bury: Bury, clock: ManualClock
) -> None:
    await bury(letter(), letter(), letter())
    page = (await http.get("/dead-letters?filter=since:15m&limit=2")).json()
    clock.advance(3600)
    assert await ids(http, f"filter=since:15m&limit=2&cursor={quote(page['next_cursor'])}") == [1]
    assert await ids(http, "filter=since:15m") == []


@pytest.mark.parametrize("query", ["cursor=x", "cursor=1.AAAA.0", "cursor="])
async def test_a_bad_cursor_is_400(http: httpx.AsyncClient, query: str) -> None:
    refused(await http.get(f"/dead-letters?{query}"), 400)


async def test_a_cursor_is_good_for_its_query_alone(http: httpx.AsyncClient, bury: Bury) -> None:
    await bury(*[letter()] * 3)
    cursor = (await http.get("/dead-letters?limit=1")).json()["next_cursor"]
    refused(await http.get(f"/dead-letters?queue=x&cursor={cursor}"), 400)
    refused(await http.get(f"/events?cursor={cursor}"), 400)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "query:limit"),
        ("limit=1001", "query:limit"),
        ("order=asc", "query:order"),
        ("reason=", "query:reason"),
        ("queue=a&queue=b", "query:queue"),
        ("filter=type:", "filter:0"),
    ],
)
async def test_other_parameters_are_422(http: httpx.AsyncClient, query: str, path: str) -> None:
    problem = refused(await http.get(f"/dead-letters?{query}"), 422)
    assert paths(problem) == [path]


@pytest.mark.parametrize("letter_id", ["0", "-1", "x", "1.0", "1_0", "9" * 30])
async def test_what_is_no_id_is_422(http: httpx.AsyncClient, letter_id: str) -> None:
    problem = refused(await http.get(f"/dead-letters/{letter_id}"), 422)
    assert "whole number" in problem["detail"]
    refused(await http.post(f"/dead-letters/{letter_id}/requeue"), 422)
    refused(await http.delete(f"/dead-letters/{letter_id}"), 422)


async def test_what_is_not_there_is_404(http: httpx.AsyncClient) -> None:
    for response in (
        await http.get("/dead-letters/7"),
        await http.post("/dead-letters/7/requeue"),
        await http.delete("/dead-letters/7"),
    ):
        assert "no dead letter 7" in refused(response, 404)["detail"]


async def test_requeued(http: httpx.AsyncClient, bury: Bury) -> None:
    await bury(letter(headers={"x-godtui-requeues": 2}), letter(body=b"{"), letter())
    answer = {"queue": PLANE, "message_id": "m", "routing_key": "test.event.created"}
    response = await http.post("/dead-letters/1/requeue")
    assert (response.status_code, response.json()) == (200, {"id": 1, **answer, "requeues": 3})
    response = await http.post("/dead-letters/2/requeue", json={"body": ENVELOPE})
    assert response.json() == {"id": 2, **answer, "message_id": ENVELOPE["event_id"], "requeues": 1}
    assert (await http.post("/dead-letters/3/requeue", json={})).status_code == 200
    assert await ids(http, "") == []


@pytest.mark.parametrize(
    ("body", "status", "found"),
    [
        (b"{", 400, []),
        (b'{"body":{"a":NaN}}', 400, []),
        (b"[]", 422, [""]),
        (b'{"body":null}', 422, ["/body"]),
        (b'{"bodies":{}}', 422, ["/bodies"]),
        (b'{"body":{}}', 422, ["/event_id", "/event_type", "/timestamp", "/source", "/payload"]),
        (json.dumps({"body": {**ENVELOPE, "payload": {}}}).encode(), 422, ["/payload"]),
        (b'{"body":{"x":"%b"}}' % (b"x" * 1_100_000), 413, []),
    ],
)
async def test_a_correction_that_is_none(
    http: httpx.AsyncClient, bury: Bury, body: bytes, status: int, found: list[str]
) -> None:
    await bury(letter())
    problem = refused(await http.post("/dead-letters/1/requeue", content=body), status)
    assert [error["path"] for error in problem.get("errors", [])] == found
    assert await ids(http, "") == [1]


async def test_a_queue_that_is_gone_is_409(http: httpx.AsyncClient, bury: Bury) -> None:
    await bury(letter(queue="gone"))
    problem = refused(await http.post("/dead-letters/1/requeue"), 409)
    assert "no queue named gone" in problem["detail"]
    assert "discard the letter" in problem["detail"]


async def test_discarded(http: httpx.AsyncClient, bury: Bury) -> None:
    await bury(letter())
    response = await http.delete("/dead-letters/1")
    assert (response.status_code, response.content) == (204, b"")
    assert await ids(http, "") == []


async def test_another_method_names_all_that_the_path_takes(http: httpx.AsyncClient) -> None:
    response = await http.patch("/dead-letters/1")
    assert response.headers["allow"] == "DELETE, GET"
    refused(response, 405)


async def test_no_parameter_is_taken_where_none_is_wanted(http: httpx.AsyncClient) -> None:
    refused(await http.get("/dead-letters/1?x=1"), 422)
    refused(await http.post("/dead-letters/1/requeue?x=1"), 422)
    refused(await http.delete("/dead-letters/1?x=1"), 422)
