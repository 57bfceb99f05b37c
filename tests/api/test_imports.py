"""`POST /events/import`, and what is said of an event that was cut; in process, over a port and over a socket."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from godtui import jsontext
from godtui.envelope import new_id
from godtui.filters import Filter
from godtui.operations import ImportReport, Operations, Rejection
from godtui.runtime.engine import Engine
from tests.api.test_operations_contract import draft, texts, ways
from tests.clock import MORNING

__all__ = ["ways"]
PATH = "/events/import"


def line(**fields: Any) -> bytes:
    return jsontext.dumps(
        {
            "event_id": str(new_id()),
            "event_type": "test.event.created",
            "timestamp": "2020-01-01T00:00:00Z",
            "source": {"service": "elsewhere"},
            "payload": {"message": "a"},
            **fields,
        }
    )


async def test_lines_become_history(ways: Operations, engine: Engine) -> None:
    known = line()
    report = await ways.archive.import_lines([known, b"broken", line(payload={"message": "b"}), known])
    assert (report.stored, report.already) == (2, 1)
    assert [one.index for one in report.refused] == [1]
    assert isinstance(report.refused[0], Rejection)
    assert report.refused[0].faults[0].message.startswith("not JSON that can be kept: ")
    assert texts((await ways.store.query(Filter(), order="asc")).events) == ["a", "b"]
    assert all(engine._log.imported.holds(seq) for seq in (1, 2))
    assert await ways.archive.import_lines([]) == ImportReport()


async def test_what_is_exported_is_imported(ways: Operations, engine: Engine) -> None:
    receipt = await ways.bus.publish(draft("a", seq="foreign", big=10**30))
    stored = await ways.store.event(receipt.event_id)
    assert stored is not None
    assert (await ways.archive.import_lines([stored.to_json()])).already == 1


async def test_a_large_event_is_imported(ways: Operations) -> None:
    report = await ways.archive.import_lines([line(payload={"message": "x" * 15_000_000})])
    assert (report.stored, report.refused) == (1, [])


async def test_an_event_that_was_cut_is_known_as_such(ways: Operations, engine: Engine) -> None:
    receipt = await ways.bus.publish(draft("a"))
    assert await ways.archive.cut_at(receipt.event_id) is None
    await engine._log.submit(lambda transaction: transaction.cut(2))
    assert await ways.store.event(receipt.event_id) is None
    assert await ways.archive.cut_at(receipt.event_id) == MORNING
    assert await ways.archive.cut_at(new_id()) is None
    assert (await ways.bus.publish(draft("a", event_id=str(receipt.event_id)))).event_id == receipt.event_id
    assert (await ways.store.query(Filter())).events == []


async def test_a_cut_event_is_404_and_says_when(http: httpx.AsyncClient, engine: Engine) -> None:
    event_id = new_id()
    await http.post(PATH, content=line(event_id=str(event_id)))
    await engine._log.submit(lambda transaction: transaction.cut(2))
    answer = await http.get(f"/events/{event_id}")
    assert answer.status_code == 404
    problem = answer.json()
    assert problem["detail"] == f"event {event_id} was cut by retention at 2026-02-12T14:02:11.482000Z"
    assert problem["cut_at"] == "2026-02-12T14:02:11.482000Z"


async def test_lines_are_answered_by_index(http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, content=b"\n\n" + line() + b"\r\n \n[]\n\n" + line())
    assert answer.status_code == 207
    assert answer.json() == {
        "stored": 2,
        "already": 0,
        "refused": [{"index": 1, "errors": [{"path": "", "message": "an event is a JSON object"}]}],
    }
    answer = await http.post(PATH, content=line())
    assert (answer.status_code, answer.json()) == (200, {"stored": 1, "already": 0, "refused": []})
    answer = await http.post(PATH, content=b"")
    assert (answer.status_code, answer.json()) == (200, {"stored": 0, "already": 0, "refused": []})


async def test_one_request_is_bounded(http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, content=b"x\n" * 1001)
    assert answer.status_code == 422
    assert "1,001 lines; one request holds at most 1,000" in answer.json()["detail"]
    answer = await http.post(PATH, content=b"x" * (16 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert (await http.post(PATH + "?a=b", content=b"")).status_code == 422
    assert (await http.put(PATH, content=b"")).status_code == 405


@pytest.mark.parametrize("body", [b"\xff\n\0", b"[" * 100_000, b'{"event_id":' * 1000])
async def test_hostile_bodies_are_refused_line_by_line(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post(PATH, content=body)
    assert answer.status_code == 207
    assert json.loads(answer.content)["stored"] == 0
