"""`POST /publish/batch`: an outcome for each event."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest

from godtui.api.application import create_application
from godtui.api.configuration import ApiConfig
from godtui.envelope import EventDraft
from godtui.operations import BatchReport, Operations, Unconfirmed
from tests.api.conftest import connect
from tests.api.test_publish import ID, OTHER_ID, draft, paths, refused
from tests.clock import ManualClock

NDJSON = {"content-type": "application/x-ndjson"}


def array(*entries: Any) -> bytes:
    return json.dumps(entries).encode()


def lines(*entries: Any) -> bytes:
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


async def post(http: httpx.AsyncClient, body: bytes, **headers: str) -> httpx.Response:
    return await http.post("/publish/batch", content=body, headers=headers)


async def messages(http: httpx.AsyncClient) -> list[str]:
    page = (await http.get("/events?order=asc&limit=1000")).json()
    return [event["payload"]["message"] for event in page["events"]]


def said(text: str, **fields: Any) -> dict[str, Any]:
    return draft(payload={"message": text}, **fields)


@pytest.mark.parametrize("write", [array, lines])
async def test_all_in_order(http: httpx.AsyncClient, write: Any) -> None:
    response = await post(http, write(said("a"), said("b"), said("c")))
    assert response.status_code == 200
    assert response.json() == {"accepted": 3, "rejected": [], "unconfirmed": []}
    assert await messages(http) == ["a", "b", "c"]


@pytest.mark.parametrize("write", [array, lines])
async def test_valid_ones_are_published_although_others_are_not(http: httpx.AsyncClient, write: Any) -> None:
    body = write(
        said("a"), {"event_type": "test.event.created"}, said("b"), draft(payload={"message": 7}), 7, said("c")
    )
    response = await post(http, body)
    assert response.status_code == 207
    report = response.json()
    assert report["accepted"] == 3
    assert report["unconfirmed"] == []
    assert [one["index"] for one in report["rejected"]] == [1, 3, 4]
    assert [[error["path"] for error in one["errors"]] for one in report["rejected"]] == [
        ["/payload"],
        ["/payload/message"],
        [""],
    ]
    assert await messages(http) == ["a", "b", "c"]


async def test_no_source_is_http(http: httpx.AsyncClient) -> None:
    await post(http, array(said("a", event_id=ID), said("b", event_id=OTHER_ID, source={"app": "mine"})))
    sources = [(await http.get(f"/events/{event_id}")).json()["source"] for event_id in (ID, OTHER_ID)]
    assert [(source.get("service"), source.get("app")) for source in sources] == [("http", None), (None, "mine")]


async def test_a_conflict_is_rejected_with_its_keyword(http: httpx.AsyncClient) -> None:
    response = await post(http, array(said("a", event_id=ID), said("a", event_id=ID), said("b", event_id=ID)))
    assert response.status_code == 207
    report = response.json()
    assert report["accepted"] == 2
    assert [(one["index"], one["errors"][0]["keyword"]) for one in report["rejected"]] == [(2, "conflict")]
    assert await messages(http) == ["a"]


async def test_a_broken_line_is_rejected_alone(http: httpx.AsyncClient) -> None:
    body = lines(said("a")) + b"\n  \r\n" + b'{"event_type": "test\n' + b'{"a": NaN}\n\xff\n' + lines(said("b"))
    response = await post(http, body)
    assert response.status_code == 207
    assert [one["index"] for one in response.json()["rejected"]] == [1, 2, 3]
    assert await messages(http) == ["a", "b"]


async def test_lines_may_end_as_on_windows_and_without_an_end(http: httpx.AsyncClient) -> None:
    body = lines(said("a")).replace(b"\n", b"\r\n") + lines(said("b")).rstrip()
    assert (await post(http, body)).status_code == 200
    assert await messages(http) == ["a", "b"]


async def test_one_object_is_a_batch_of_one_line(http: httpx.AsyncClient) -> None:
    assert (await post(http, json.dumps(said("a")).encode())).json()["accepted"] == 1


async def test_what_is_called_ndjson_is_read_as_lines(http: httpx.AsyncClient) -> None:
    response = await post(http, array(said("a")) + b"\n" + lines(said("b")), **NDJSON)
    assert response.status_code == 207
    assert [one["index"] for one in response.json()["rejected"]] == [0]
    assert await messages(http) == ["b"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"nonsense",
        b"nonsense\nmore",
        b"[" * 100_000,
        array(said("a"))[:-1],
        array(said("\ud800")),
        b"[NaN]",
    ],
)
async def test_what_is_not_json_is_400(gate: httpx.AsyncClient, body: bytes) -> None:
    refused(await post(gate, body), 400)


async def test_an_empty_array_is_complete(http: httpx.AsyncClient) -> None:
    response = await post(http, b" []")
    assert response.status_code == 200
    assert response.json() == {"accepted": 0, "rejected": [], "unconfirmed": []}


@pytest.mark.parametrize("write", [array, lines])
async def test_a_thousand_are_taken_and_one_more_is_422(http: httpx.AsyncClient, write: Any) -> None:
    many = [said(str(number)) for number in range(1001)]
    assert "1,001" in refused(await post(http, write(*many)), 422)["detail"]
    assert await messages(http) == []
    assert (await post(http, write(*many[:1000]))).json()["accepted"] == 1000
    assert await messages(http) == [str(number) for number in range(1000)]


async def test_an_event_over_the_limit_is_rejected_alone(http: httpx.AsyncClient) -> None:
    response = await post(http, array(said("a"), said("x" * 1_048_576), said("b")))
    assert response.status_code == 207
    assert [one["index"] for one in response.json()["rejected"]] == [1]
    assert await messages(http) == ["a", "b"]


async def test_sixteen_mebibytes_are_taken_and_one_byte_more_is_413(http: httpx.AsyncClient) -> None:
    full = array(said("a")).ljust(16 * 1024 * 1024)
    refused(await post(http, full + b" "), 413)
    assert (await post(http, full)).status_code == 200


async def test_a_body_of_unknown_length_is_read_no_further_than_allowed(gate: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 1_048_576

    refused(await gate.post("/publish/batch", content=endless()), 413)
    assert sent <= 17


async def test_parameters_are_refused(gate: httpx.AsyncClient) -> None:
    response = await gate.post("/publish/batch?atomic=1", content=array(said("a")))
    assert paths(refused(response, 422)) == ["query:atomic"]


class NeverSure:
    """A bus that confirms nothing."""

    async def publish_batch(self, drafts: Sequence[EventDraft]) -> BatchReport:
        return BatchReport(unconfirmed=[Unconfirmed(index, draft.event_id) for index, draft in enumerate(drafts)])


async def test_what_is_unconfirmed_is_told_with_its_id(operations: Operations, clock: ManualClock) -> None:
    class Unsure:
        bus = NeverSure()
        store, schemas, monitor = operations.store, operations.schemas, operations.monitor

    async with connect(create_application(Unsure(), ApiConfig(), clock)) as http:
        response = await post(http, array(7, said("a", event_id=ID), {}, said("b", event_id=OTHER_ID)))
    assert response.status_code == 207
    report = response.json()
    assert report["accepted"] == 0
    assert report["unconfirmed"] == [{"index": 1, "event_id": ID}, {"index": 3, "event_id": OTHER_ID}]
    assert [one["index"] for one in report["rejected"]] == [0, 2]
