"""`POST /publish`: every verdict on one event."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from godtui.api.configuration import ApiConfig

TYPE = "test.event.created"
ID = "0198c5a2-6c1e-7000-8000-000000000001"
OTHER_ID = "0198c5a2-6c1e-7000-8000-000000000002"


def draft(**fields: Any) -> dict[str, Any]:
    return {"event_type": TYPE, "payload": {"message": "test"}, **fields}


async def post(http: httpx.AsyncClient, body: Any) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await http.post("/publish", content=content)


def refused(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem, after a look at what all problems have in common."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert "Traceback" not in response.text
    return problem


def paths(problem: dict[str, Any]) -> list[str]:
    return [error["path"] for error in problem["errors"]]


async def stored(http: httpx.AsyncClient, event_id: str) -> dict[str, Any]:
    response = await http.get(f"/events/{event_id}")
    assert response.status_code == 200
    event: dict[str, Any] = json.loads(response.content)
    return event


async def test_the_least_that_can_be_said_is_completed(http: httpx.AsyncClient) -> None:
    response = await post(http, draft())
    assert response.status_code == 202
    receipt = response.json()
    assert set(receipt) == {"event_id", "event_type", "version", "correlation_id", "timestamp"}
    assert receipt["event_type"] == TYPE
    assert receipt["version"] == "v1"
    assert receipt["correlation_id"] == receipt["event_id"]
    assert UUID(receipt["event_id"]).version == 7
    event = await stored(http, receipt["event_id"])
    assert event["source"]["service"] == "http"
    assert event["timestamp"] == receipt["timestamp"]
    assert event["payload"] == {"message": "test"}
    assert event["seq"] == 1
    assert event["violations"] == []


async def test_what_is_said_is_kept(http: httpx.AsyncClient) -> None:
    body = draft(
        event_id=ID,
        timestamp="2026-02-12T16:02:11.482001+02:00",
        version="v1",
        source={"service": "mine", "host": "a"},
        correlation_id=OTHER_ID,
        causation_id=OTHER_ID,
        agent_context={"depth": [1, {"x": None}]},
    )
    receipt = (await post(http, body)).json()
    assert receipt["event_id"] == ID
    assert receipt["correlation_id"] == OTHER_ID
    assert receipt["timestamp"] == "2026-02-12T14:02:11.482001Z"
    event = await stored(http, ID)
    assert event["source"]["service"] == "mine"
    assert event["source"]["host"] == "a"
    assert event["source"]["causation_id"] == OTHER_ID
    assert event["agent_context"] == {"depth": [1, {"x": None}]}
    assert "causation_id" not in event


async def test_integers_keep_every_digit(http: httpx.AsyncClient) -> None:
    digits = "123456789012345678901234567890"
    body = f'{{"event_type":"{TYPE}","payload":{{"message":"x"}},"event_id":"{ID}","big":{digits}}}'
    assert (await post(http, body.encode())).status_code == 202
    assert (await stored(http, ID))["big"] == int(digits)


async def test_nul_is_kept(http: httpx.AsyncClient) -> None:
    assert (await post(http, draft(event_id=ID, payload={"message": "a\0b"}))).status_code == 202
    assert (await stored(http, ID))["payload"] == {"message": "a\0b"}


@pytest.mark.parametrize(
    "stamp", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-02-12T14:02:11.1234567Z"]
)
async def test_the_years_1_to_9999_are_kept(http: httpx.AsyncClient, stamp: str) -> None:
    assert (await post(http, draft(event_id=ID, timestamp=stamp))).status_code == 202
    assert (await stored(http, ID))["timestamp"].startswith(stamp[:19])


async def test_a_repeat_is_answered_and_stored_once(http: httpx.AsyncClient) -> None:
    first, second = await post(http, draft(event_id=ID)), await post(http, draft(event_id=ID, source={"app": "again"}))
    assert (first.status_code, second.status_code) == (202, 202)
    assert len((await http.get("/events")).json()["events"]) == 1


async def test_an_id_with_other_content_is_a_conflict(http: httpx.AsyncClient) -> None:
    await post(http, draft(event_id=ID))
    problem = refused(await post(http, draft(event_id=ID, payload={"message": "other"})), 409)
    assert problem["event_id"] == ID
    assert (await stored(http, ID))["payload"] == {"message": "test"}


NOT_JSON = {
    "nothing": b"",
    "words": b"event_type=test",
    "cut off": b'{"event_type": "test',
    "two values": b"{} {}",
    "NaN": b'{"event_type":"test.event.created","payload":{"message":NaN}}',
    "Infinity": b'{"event_type":"test.event.created","payload":{"message":-Infinity}}',
    "nesting of 100,000": b'{"event_type":"test.event.created","payload":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "open nesting of 100,000": b"[" * 100_000,
    "nesting of 201": b'{"payload":' + b"[" * 200 + b"]" * 200 + b"}",
    "invalid UTF-8": b'{"event_type":"test.event.created","payload":{"message":"\xff"}}',
    "UTF-16": '{"event_type":"test.event.created"}'.encode("utf-16"),
    "a lone surrogate": b'{"event_type":"test.event.created","payload":{"message":"\\ud800"}}',
    "a lone surrogate as a key": b'{"event_type":"test.event.created","payload":{"\\udfff":1}}',
    "a surrogate in UTF-8": b'{"event_type":"test.event.created","payload":{"message":"\xed\xa0\x80"}}',
    "duplicate keys": b'{"event_type":"test.event.created","payload":{"message":"a","message":"b"}}',
    "duplicate keys above": b'{"event_type":"a.b","event_type":"test.event.created","payload":{"message":"a"}}',
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_what_is_not_json_is_400(gate: httpx.AsyncClient, body: bytes) -> None:
    refused(await post(gate, body), 400)


async def test_a_surrogate_pair_is_one_character(http: httpx.AsyncClient) -> None:
    body = b'{"event_type":"test.event.created","event_id":"%b","payload":{"message":"\\ud83d\\ude00"}}' % ID.encode()
    assert (await post(http, body)).status_code == 202
    assert (await stored(http, ID))["payload"] == {"message": "\U0001f600"}


@pytest.mark.parametrize("number", ["1e400", "9" * 4301])
async def test_a_number_that_cannot_be_kept_is_422(gate: httpx.AsyncClient, number: str) -> None:
    body = f'{{"event_type":"{TYPE}","payload":{{"message":"x"}},"big":{number}}}'
    refused(await post(gate, body.encode()), 422)


@pytest.mark.parametrize("body", [[], [draft()], "text", 7, None, True])
async def test_what_is_no_object_is_422(gate: httpx.AsyncClient, body: Any) -> None:
    problem = refused(await post(gate, body), 422)
    assert problem["errors"] == [{"path": "", "message": "an event is a JSON object"}]


@pytest.mark.parametrize("field", ["event_type", "payload"])
async def test_a_missing_field_is_named(gate: httpx.AsyncClient, field: str) -> None:
    body = draft()
    del body[field]
    problem = refused(await post(gate, body), 422)
    assert problem["errors"] == [{"path": f"/{field}", "message": f"{field} is missing"}]


JSON_VALUES: dict[str, Any] = {
    "string": "x",
    "integer": 7,
    "float": 0.5,
    "boolean": True,
    "null": None,
    "array": [],
    "object": {},
}
FIELDS = {
    "event_type": set(),
    "payload": {"object"},
    "event_id": set(),
    "timestamp": set(),
    "version": set(),
    "source": {"object"},
    "correlation_id": {"null"},
    "causation_id": {"null"},
}


@pytest.mark.parametrize(
    ("field", "kind"), [(field, kind) for field, right in FIELDS.items() for kind in JSON_VALUES if kind not in right]
)
async def test_a_field_of_the_wrong_type_is_named(gate: httpx.AsyncClient, field: str, kind: str) -> None:
    problem = refused(await post(gate, draft(**{field: JSON_VALUES[kind]})), 422)
    assert paths(problem) == [f"/{field}"]
    assert not re.search("input|dictionary|bytes", problem["detail"], re.IGNORECASE), problem["detail"]


@pytest.mark.parametrize("value", [7, True, "", "x", "0198c5a2-8f3b-7c41-9d2e", [], {}])
async def test_what_is_no_uuid_is_told_how_one_looks(gate: httpx.AsyncClient, value: Any) -> None:
    for field in ("event_id", "correlation_id", "causation_id"):
        (error,) = refused(await post(gate, draft(**{field: value})), 422)["errors"]
        assert error["message"].startswith(f"{field} is a UUID such as 0198c5a2-")


async def test_what_is_no_object_is_told_so(gate: httpx.AsyncClient) -> None:
    for field in ("payload", "source"):
        (error,) = refused(await post(gate, draft(**{field: [1]})), 422)["errors"]
        assert error == {"path": f"/{field}", "message": f"{field} is a JSON object"}


async def test_every_fault_of_an_event_is_listed(gate: httpx.AsyncClient) -> None:
    problem = refused(await post(gate, {"event_type": "No", "event_id": 7, "timestamp": None}), 422)
    assert sorted(paths(problem)) == ["/event_id", "/event_type", "/payload", "/timestamp"]


@pytest.mark.parametrize(
    "name", ["", "one", "Test.event", "test..created", ".test.created", "test.event.", "täst.event", "test event.x"]
)
async def test_a_name_against_the_grammar_is_422(gate: httpx.AsyncClient, name: str) -> None:
    assert paths(refused(await post(gate, draft(event_type=name)), 422)) == ["/event_type"]


async def test_a_name_that_is_too_long_is_422(gate: httpx.AsyncClient) -> None:
    problem = refused(await post(gate, draft(event_type="a." + "b" * 254)), 422)
    assert "255" in problem["errors"][0]["message"]


async def test_a_refusal_does_not_repeat_what_was_sent_at_length(gate: httpx.AsyncClient) -> None:
    problem = refused(await post(gate, draft(version="x" * 100_000)), 422)
    assert paths(problem) == ["/version"]
    assert len(problem["detail"]) <= 1000


async def test_an_unknown_name_is_422_and_the_nearest_is_named(http: httpx.AsyncClient) -> None:
    problem = refused(await post(http, draft(event_type="test.event.creatd")), 422)
    assert paths(problem) == ["/event_type"]
    assert TYPE in problem["errors"][0]["message"]


async def test_a_payload_against_its_schema_is_named_by_pointer(http: httpx.AsyncClient) -> None:
    problem = refused(await post(http, draft(payload={"message": 7})), 422)
    assert paths(problem) == ["/payload/message"]
    assert problem["errors"][0]["keyword"] == "type"


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-02-12T14:02:11.482",
        "2026-02-12",
        "yesterday",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
    ],
)
async def test_a_timestamp_without_zone_or_outside_the_years_is_422(gate: httpx.AsyncClient, stamp: str) -> None:
    assert paths(refused(await post(gate, draft(timestamp=stamp)), 422)) == ["/timestamp"]


@pytest.mark.parametrize("body", [b"x" * 2_097_152, json.dumps(draft(payload={"message": "x" * 2_097_152})).encode()])
async def test_two_mebibytes_are_413(gate: httpx.AsyncClient, body: bytes) -> None:
    problem = refused(await post(gate, body), 413)
    assert "1,048,576" in problem["detail"]


async def test_a_body_of_unknown_length_is_read_no_further_than_allowed(gate: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 65_536

    refused(await gate.post("/publish", content=endless()), 413)
    assert sent <= 17


async def test_an_event_that_grows_over_the_limit_is_413(http: httpx.AsyncClient, config: ApiConfig) -> None:
    empty = len(json.dumps(draft(payload={"message": ""})))
    message = "x" * (config.max_event_bytes - empty)
    problem = refused(await post(http, draft(payload={"message": message})), 413)
    assert "event_id" in problem


async def test_parameters_are_refused(gate: httpx.AsyncClient) -> None:
    response = await gate.post("/publish?dry_run=1", content=json.dumps(draft()))
    assert paths(refused(response, 422)) == ["query:dry_run"]
