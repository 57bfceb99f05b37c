"""Pages of stored events hold no more bytes than they may, whatever is stored."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from godtui.eventlog import EventLog, Tail
from godtui.eventlog.pages import PAGE_BYTES, SMALL_BYTES
from tests.eventlog.records import record

LARGE = SMALL_BYTES + 1
SIZES = (10, PAGE_BYTES, 10, LARGE, SMALL_BYTES, PAGE_BYTES - 2 * LARGE, LARGE, LARGE, PAGE_BYTES * 2, 10)
"""Of bodies; by twos and threes they are as much as one page holds, and one byte more."""


@pytest.fixture
async def filled(log: EventLog) -> EventLog:
    await log.append([record()._replace(body=b"%d" % number * size) for number, size in enumerate(SIZES)])
    return log


@pytest.mark.parametrize("limit", [1, 2, 3, len(SIZES), 100])
@pytest.mark.parametrize("direction", ["asc", "desc"])
async def test_all_is_read_in_pages_that_fit(filled: EventLog, direction: Literal["asc", "desc"], limit: int) -> None:
    found: list[tuple[int, bytes]] = []
    reached: int | None = 0 if direction == "asc" else len(SIZES) + 1
    condition = "seq > ?" if direction == "asc" else "seq < ?"
    while reached is not None:
        events, reached = await filled.page(condition, (reached,), direction, limit, purpose="test")
        assert len(events) == 1 or sum(len(event.body) for event in events) <= PAGE_BYTES
        assert reached is None or reached == events[-1].seq
        found += [(event.seq, event.body) for event in events]
    expected = [(number + 1, b"%d" % number * size) for number, size in enumerate(SIZES)]
    assert found == (expected if direction == "asc" else expected[::-1])


async def test_what_is_cut_between_size_and_body_is_not_there(
    filled: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = filled.rows

    async def late(statement: str, *arguments: Any, **named: Any) -> list[tuple[Any, ...]]:
        found = await rows(statement, *arguments, **named)
        await filled.submit(lambda transaction: transaction.cut(5))
        return found

    monkeypatch.setattr(filled, "rows", late)
    monkeypatch.setattr(filled, "tail", Tail())
    filled.tail.start_at(len(SIZES))
    page = await filled.page("seq > ?", (1,), "asc", 1, purpose="test")
    assert (page.events, page.reached) == ([], 2)
    assert [event.seq for event in await filled.after(1, 1)] == [5]
