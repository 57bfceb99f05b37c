"""`/replays` as HTTP has it: shapes, statuses and refusals."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from godtui.api.application import create_application
from godtui.api.configuration import ApiConfig
from godtui.api.replay_requests import MAX_BYTES
from godtui.bloodbank.holder import Holder
from godtui.clock import to_microseconds
from godtui.envelope import read_timestamp
from godtui.operations import HistoryElsewhereError, ReplayRefusedError, ReplayRequest, StoreUnavailableError
from tests.api.conftest import Idle, connect
from tests.api.test_publish import paths, refused
from tests.clock import ManualClock
from tests.replaying import QUEUE, MemoryReplays

FIRST = UUID(int=1)
REPLAY = f"/replays/{FIRST}"
TO = f"queue:{QUEUE}"
BODILESS = ("pause", "resume", "cancel")
ACTIONS = {**dict.fromkeys(BODILESS, b""), "step": b"", "seek": b'{"seq":1}', "speed": b'{"speed":2}'}


class Replaying(Idle):
    """Operations with replays alone."""

    def __init__(self, replays: MemoryReplays) -> None:
        super().__init__()
        self.replays = replays


@pytest.fixture
def replays() -> MemoryReplays:
    return MemoryReplays()


@pytest.fixture
async def http(replays: MemoryReplays) -> AsyncIterator[httpx.AsyncClient]:
    application = create_application(Replaying(replays), ApiConfig(), ManualClock())  # type: ignore[arg-type]
    async with connect(application) as client:
        yield client


@pytest.fixture
async def made(http: httpx.AsyncClient) -> dict[str, Any]:
    """A replay that is there already."""
    response = await http.post("/replays", json={"filter": "disk", "to": TO, "rate": 5})
    assert response.status_code == 201
    document: dict[str, Any] = response.json()
    return document


async def test_a_replay_is_made(http: httpx.AsyncClient, replays: MemoryReplays) -> None:
    body: dict[str, Any] = {
        "filter": "type:a.#",
        "to": TO,
        "speed": "max",
        "rate": 10,
        "max_gap_s": 0,
        "paused": True,
        "confirm": True,
    }
    response = await http.post("/replays", json=body)
    assert (response.status_code, response.headers["location"]) == (201, REPLAY)
    assert response.json() == replays.all[FIRST].document()
    assert replays.calls == [("create", ReplayRequest(**body))]


async def test_what_is_left_out(http: httpx.AsyncClient, replays: MemoryReplays) -> None:
    told = (await http.post("/replays", json={"filter": ""})).json()
    assert (told["to"], told["speed"], told["rate"], told["max_gap_s"], told["state"]) == (
        "bus", 1.0, None, None, "running",
    )  # fmt: skip
    assert (await http.post("/replays", json={"filter": "", "rate": None, "max_gap_s": None})).status_code == 201


async def test_moments_are_fixed_when_it_is_made(http: httpx.AsyncClient, replays: MemoryReplays) -> None:
    assert (
        (await http.post("/replays", json={"filter": "since:15m"})).json()["filter"].startswith("since:2026-02-12T13:")
    )
    assert replays.calls[0][1].filter == replays.all[FIRST].filter


async def test_a_dry_run_makes_nothing(http: httpx.AsyncClient, replays: MemoryReplays) -> None:
    response = await http.post("/replays", json={"filter": "disk", "speed": 2, "dry_run": True})
    assert response.status_code == 200
    assert response.json() == (await replays.plan(replays.calls[0][1])).document()
    assert (response.json()["total"], replays.all) == (10, {})


async def test_many_events_to_the_bus_want_a_yes(http: httpx.AsyncClient, replays: MemoryReplays) -> None:
    replays.total = 1001
    problem = refused(await http.post("/replays", json={"filter": ""}), 409)
    assert (problem["total"], replays.all) == (1001, {})
    assert "1,001" in problem["detail"]
    assert (await http.post("/replays", json={"filter": "", "to": TO})).status_code == 201
    assert (await http.post("/replays", json={"filter": "", "dry_run": True})).status_code == 200
    assert (await http.post("/replays", json={"filter": "", "confirm": True})).status_code == 201


async def test_a_filter_that_cannot_be_understood(http: httpx.AsyncClient, replays: MemoryReplays) -> None:
    assert paths(refused(await http.post("/replays", json={"filter": "a tpye:b"}), 422)) == ["filter:2"]
    assert paths(refused(await http.post("/replays", json={"filter": "x" * 5000}), 422)) == ["filter:4096"]
    assert replays.calls == []


async def test_a_queue_that_is_not_there(http: httpx.AsyncClient) -> None:
    problem = refused(await http.post("/replays", json={"filter": "", "to": "queue:x"}), 422)
    assert problem["errors"] == [{"path": "/to", "message": "no queue named x is declared"}]


async def test_no_room_is_409(http: httpx.AsyncClient, replays: MemoryReplays) -> None:
    replays.error = ReplayRefusedError("100 replays are open already; cancel some of them")
    assert "total" not in refused(await http.post("/replays", json={"filter": ""}), 409)


NUMBERS = [b"0", b"-1", b"true", b'"1"', b'"MAX"', b"[]", b"{}", b"1e10", b"1" + b"0" * 400, b"-0.0"]


@pytest.mark.parametrize(
    ("body", "status", "found"),
    [
        (b"", 422, ["/filter"]),
        (b"{", 400, []),
        (b"[]", 422, [""]),
        (b"null", 422, [""]),
        (b"{}", 422, ["/filter"]),
        (b'{"filter":"","filter":""}', 400, []),
        (b'{"filter":null}', 422, ["/filter"]),
        (b'{"filter":1,"to":2,"x/y":3}', 422, ["/filter", "/to", "/x~1y"]),
        (b'{"filter":"","speed":NaN}', 400, []),
        (b'{"filter":"","speed":1e999}', 422, [""]),
        (b'{"filter":"","speed":null}', 422, ["/speed"]),
        *((b'{"filter":"","speed":%b}' % number, 422, ["/speed"]) for number in NUMBERS),
        *((b'{"filter":"","rate":%b}' % number, 422, ["/rate"]) for number in NUMBERS),
        *((b'{"filter":"","max_gap_s":%b}' % number, 422, ["/max_gap_s"]) for number in NUMBERS[1:-1]),
        *(
            (b'{"filter":"","to":%b}' % to, 422, ["/to"])
            for to in (b'""', b'"queue:"', b'"Bus"', b'"x"', b"null", b'"queue:%b"' % (b"x" * 300))
        ),
        *(
            (b'{"filter":"","%b":%b}' % (name, value), 422, [f"/{name.decode()}"])
            for name in (b"dry_run", b"confirm", b"paused")
            for value in (b"1", b'"true"', b"null")
        ),
        (b'{"filter":"","max_gap":1}', 422, ["/max_gap"]),
        (b'{"filter":"%b"}' % (b"x" * MAX_BYTES), 413, []),
    ],
)
async def test_what_makes_no_replay(
    http: httpx.AsyncClient, replays: MemoryReplays, body: bytes, status: int, found: list[str]
) -> None:
    problem = refused(await http.post("/replays", content=body), status)
    assert [fault["path"] for fault in problem.get("errors", [])] == found
    assert replays.calls == []


async def test_lists(http: httpx.AsyncClient, replays: MemoryReplays, made: dict[str, Any]) -> None:
    await http.post("/replays", json={"filter": "b"})
    await http.post(f"{REPLAY}/cancel")
    listed = (await http.get("/replays")).json()
    assert [one["replay_id"] for one in listed["replays"]] == [str(UUID(int=2)), str(FIRST)]
    assert len((await http.get("/replays?limit=1")).json()["replays"]) == 1
    assert [call[1] for call in replays.calls if call[0] == "replays"] == [100, 1]
    for query in ("limit=0", "limit=1001", "limit=", "state=open"):
        assert paths(refused(await http.get(f"/replays?{query}"), 422)) == [f"query:{query.partition('=')[0]}"]


async def test_one(http: httpx.AsyncClient, made: dict[str, Any]) -> None:
    assert (await http.get(REPLAY)).json() == made
    refused(await http.get(f"/replays/{UUID(int=2)}"), 404)
    assert paths(refused(await http.get("/replays/1"), 422)) == ["path:replay_id"]


async def test_the_controls(http: httpx.AsyncClient, replays: MemoryReplays, made: dict[str, Any]) -> None:
    async def post(action: str, **body: Any) -> Any:
        response = await http.post(f"{REPLAY}/{action}", content=json.dumps(body) if body else b"")
        assert response.status_code == 200
        return response.json()

    replays.calls.clear()
    assert (await post("pause"))["state"] == "paused"
    assert (await post("step"))["done"] == 1
    assert (await post("step", count=3))["done"] == 4
    assert (await post("step", count=-2.0))["done"] == 2
    assert (await post("seek", seq=5))["position"] == 4
    await post("seek", at="2026-02-12T15:02:11.5+01:00")
    assert (await post("resume"))["state"] == "running"
    assert (await post("cancel"))["state"] == "cancelled"
    moment = to_microseconds(read_timestamp("2026-02-12T14:02:11.5Z")[0])
    assert [call[0::2] if call[0] == "step" else call for call in replays.calls] == [
        ("pause", FIRST),
        ("step", 1),
        ("step", 3),
        ("step", -2),
        ("seek", FIRST, 5, None),
        ("seek", FIRST, None, moment),
        ("resume", FIRST),
        ("cancel", FIRST),
    ]


async def test_of_its_tempo_what_is_left_out_stays(http: httpx.AsyncClient, made: dict[str, Any]) -> None:
    async def tempo(**body: Any) -> tuple[Any, ...]:
        told = (await http.post(f"{REPLAY}/speed", json=body)).json()
        return told["speed"], told["rate"], told["max_gap_s"]

    assert await tempo(speed="max") == ("max", 5.0, None)
    assert await tempo(max_gap_s=1.5) == ("max", 5.0, 1.5)
    assert await tempo(speed=0.5, rate=None) == (0.5, None, 1.5)
    assert await tempo(max_gap_s=None) == (0.5, None, None)


@pytest.mark.parametrize(
    ("action", "body", "found"),
    [
        *(
            ("step", b'{"count":%b}' % value, ["/count"])
            for value in (b"0", b"1001", b"-1001", b"1.5", b"true", b"null")
        ),
        ("step", b'{"counts":1}', ["/counts"]),
        ("step", b"[]", [""]),
        ("seek", b"", [""]),
        ("seek", b'{"seq":1,"at":"2026-02-12T14:02:11Z"}', [""]),
        *(("seek", b'{"seq":%b}' % value, ["/seq"]) for value in (b"0", b"-1", b"1e300", b'"1"', b"true")),
        *(
            ("seek", b'{"at":%b}' % value, ["/at"])
            for value in (b"1", b'"15m"', b'"2026-02-12"', b'"2026-02-12T14:02:11"', b'"0001-01-01T00:00:00+23:00"')
        ),
        ("speed", b"", [""]),
        ("speed", b"{}", [""]),
        ("speed", b'{"max_gap":1}', ["/max_gap"]),
        *(("speed", b'{"speed":%b}' % number, ["/speed"]) for number in [*NUMBERS, b"null"]),
        *(("speed", b'{"rate":%b}' % number, ["/rate"]) for number in NUMBERS),
    ],
)
async def test_what_does_nothing_with_a_replay(
    http: httpx.AsyncClient, replays: MemoryReplays, made: dict[str, Any], action: str, body: bytes, found: list[str]
) -> None:
    replays.calls.clear()
    assert paths(refused(await http.post(f"{REPLAY}/{action}", content=body), 422)) == found
    assert replays.calls == []


@pytest.mark.parametrize(("action", "content"), ACTIONS.items())
async def test_unknown_and_ended_replays(
    http: httpx.AsyncClient, made: dict[str, Any], action: str, content: bytes
) -> None:
    refused(await http.post(f"/replays/{UUID(int=9)}/{action}", content=content), 404)
    assert paths(refused(await http.post(f"/replays/x/{action}", content=content), 422)) == ["path:replay_id"]
    await http.post(f"{REPLAY}/cancel")
    problem = refused(await http.post(f"{REPLAY}/{action}", content=content), 409)
    assert problem["detail"] == "the replay is cancelled; make a new one"
    assert paths(refused(await http.post(f"{REPLAY}/{action}?x=1", content=content), 422)) == ["query:x"]


async def test_only_a_paused_one_steps(http: httpx.AsyncClient, made: dict[str, Any]) -> None:
    refused(await http.post(f"{REPLAY}/step"), 409)


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", "/replays", b""),
        ("GET", REPLAY, b""),
        ("POST", "/replays", b'{"filter":""}'),
        ("POST", "/replays", b'{"filter":"","dry_run":true}'),
        *(("POST", f"{REPLAY}/{action}", content) for action, content in ACTIONS.items()),
    ],
)
async def test_what_is_not_there_now_is_503(
    http: httpx.AsyncClient, replays: MemoryReplays, method: str, path: str, content: bytes
) -> None:
    replays.error = StoreUnavailableError("the disk is gone")
    response = await http.request(method, path, content=content)
    assert (refused(response, 503)["detail"], response.headers["retry-after"]) == ("the disk is gone", "1")
    replays.error = HistoryElsewhereError(Holder("there", "http://there:8000"))
    response = await http.request(method, path, content=content)
    assert refused(response, 503)["history"] == {"instance": "there", "url": "http://there:8000"}
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/replays", "GET, POST"),
        ("DELETE", REPLAY, "GET"),
        ("GET", f"{REPLAY}/pause", "POST"),
        ("PUT", f"{REPLAY}/speed", "POST"),
    ],
)
async def test_another_method_is_405(http: httpx.AsyncClient, method: str, path: str, allowed: str) -> None:
    response = await http.request(method, path)
    assert response.headers["allow"] == allowed
    refused(response, 405)
