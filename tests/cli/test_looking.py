"""`godtui events` where pages end early: it goes on, says how far it has come, and interrupted shows what it found."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from godtui.cli.asking import _newest
from godtui.envelope import StoredEvent, new_id
from godtui.filters import Filter
from godtui.operations import Page


def event(seq: int) -> StoredEvent:
    return StoredEvent(seq, 0, new_id().bytes, "test.event.created", "tests", None, 0, None, None, b"{}")


def operations(*pages: Page | None) -> Any:
    """A store that answers with these pages; None waits for ever."""
    given = iter(pages)

    async def query(*_: Any, **__: Any) -> Page:
        page = next(given)
        if page is None:
            await asyncio.Event().wait()
        assert page is not None
        return page

    return SimpleNamespace(store=SimpleNamespace(query=query))


EARLY = (Page([event(9)], "a", 7_000), Page([], "b", 3_000))


async def test_it_goes_on_where_a_page_ended_early(capsys: pytest.CaptureFixture[str]) -> None:
    found = await _newest(operations(*EARLY, Page([event(2)], None)), Filter(), 100)
    assert [one.seq for one in found] == [9, 2]
    assert capsys.readouterr().err.count("\n") == 1, "in a pipe it is said once"


async def test_a_terminal_shows_how_far_it_has_come(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    await _newest(operations(*EARLY, Page([event(2)], None)), Filter(), 100)
    said = capsys.readouterr().err
    assert "looked back to event 7,000, 1 found" in said
    assert "looked back to event 3,000, 1 found" in said
    assert "\n" not in said


async def test_interrupted_it_shows_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    looking = asyncio.ensure_future(_newest(operations(*EARLY, None), Filter(), 100))
    for _ in range(5):
        await asyncio.sleep(0)
    looking.cancel()
    assert [one.seq for one in await looking] == [9]
    assert "looked back to event 3,000, not further" in capsys.readouterr().err


async def test_quick_answers_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    looking = asyncio.ensure_future(_newest(operations(Page([event(9)], "a"), None), Filter(), 100))
    for _ in range(5):
        await asyncio.sleep(0)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert capsys.readouterr().err == ""
