"""The indexes serve: what a page of history costs does not grow with the number stored."""

from __future__ import annotations

import pytest

from godtui.envelope import new_id
from godtui.eventlog import EventLog
from godtui.eventlog.pages import SIZED
from tests.eventlog.records import record

QUESTIONS = {
    "one id": ("event_id = x'00'", "events_by_id (event_id=?)"),
    "beyond a position": ("seq > 5", "INTEGER PRIMARY KEY (rowid>?)"),
    "a time": ("time >= 5 AND time < 9", "events_by_time (time>? AND time<?)"),
    "a chain's followers": (
        "correlation_id = x'00' AND correlation_id <> event_id",
        "events_by_correlation (correlation_id=?)",
    ),
}


@pytest.mark.parametrize(("condition", "index"), QUESTIONS.values(), ids=QUESTIONS.keys())
@pytest.mark.parametrize("table", ["events", "stored_events"])
async def test_a_question_is_answered_by_an_index(log: EventLog, condition: str, index: str, table: str) -> None:
    columns = SIZED if table == "stored_events" else "seq, body"
    plan = [
        row[3]
        for row in await log.rows(f"EXPLAIN QUERY PLAN SELECT {columns} FROM {table} WHERE {condition}", purpose="test")
    ]
    assert any(line.startswith("SEARCH") and line.endswith(index) for line in plan), plan
    assert not [line for line in plan if line.startswith("SCAN")], plan


@pytest.mark.parametrize("order", ["", "DESC"])
@pytest.mark.parametrize("condition", ["seq > 5", "type_id = 1 AND seq > 5", "source_id = 1 AND seq > 5"])
async def test_a_page_in_order_is_not_sorted(log: EventLog, condition: str, order: str) -> None:
    statement = f"SELECT {SIZED} FROM stored_events WHERE {condition} ORDER BY seq {order} LIMIT 100"
    plan = [row[3] for row in await log.rows(f"EXPLAIN QUERY PLAN {statement}", purpose="test")]
    assert not [line for line in plan if "TEMP B-TREE" in line or line.startswith("SCAN")], plan


async def test_a_whole_chain_is_found_by_two_indexes(log: EventLog) -> None:
    root = new_id().bytes
    chain = [record(event_id=root, correlation_id=root), record(correlation_id=root), record(correlation_id=root)]
    await log.append([*chain, record(), record(correlation_id=new_id().bytes)])
    statement = (
        "SELECT seq FROM events WHERE event_id = ? UNION "
        "SELECT seq FROM events WHERE correlation_id = ? AND correlation_id <> event_id ORDER BY seq"
    )
    assert await log.rows(statement, (root, root), purpose="test") == [(1,), (2,), (3,)]
    plan = [row[3] for row in await log.rows(f"EXPLAIN QUERY PLAN {statement}", (root, root), purpose="test")]
    assert sum("USING COVERING INDEX" in line or "USING INDEX" in line for line in plan) == 2, plan
    indexed = await log.rows("SELECT count(*) FROM events INDEXED BY events_by_correlation "
                             "WHERE correlation_id <> event_id", purpose="test")  # fmt: skip
    assert indexed == [(3,)], "a chain's first event takes no room in the index"
