"""Without a log, what goes over the bus is shown as it comes, and what was not seen is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pytest

from godtui.bloodbank.bus import Message
from godtui.bloodbank.frames import Dropped, Events, Frame, Replayed, Welcome
from godtui.bloodbank.judging import judge
from godtui.candystore import passing as module
from godtui.candystore.passing import Passing
from godtui.clock import rfc3339
from godtui.envelope import new_id, read_envelope
from godtui.eventlog import tail
from godtui.filters import Filter, parse
from godtui.holyfields import Registry
from godtui.operations import StoreUnavailableError
from godtui.settings import packaged
from tests.candystore.taps import HandTap, Taps
from tests.clock import MORNING, ManualClock
from tests.contract.messages import event


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(packaged("schemas"))


@pytest.fixture
def taps() -> Taps:
    return Taps()


@pytest.fixture
def passing(taps: Taps, registry: Registry, clock: ManualClock) -> Passing:
    return Passing(taps, lambda message: judge(message, registry), clock)


def look(passing: Passing, text: str = "") -> AsyncGenerator[Frame]:
    return passing.stream(parse(text, now=MORNING))


async def numbers(frames: AsyncGenerator[Frame], count: int) -> list[int]:
    """What the payloads of the next events say."""
    found: list[int] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            frame = await anext(frames)
            assert isinstance(frame, Events), frame
            found += [each.envelope().payload["number"] for each in frame.events]
    return found


async def test_what_a_replay_sends_is_told_from_what_comes(passing: Passing, taps: Taps) -> None:
    async with aclosing(look(passing)) as frames:
        assert await anext(frames) == Welcome(None)
        one, other = event(number=1), event(number=2)
        replay_id = new_id()
        time = rfc3339(read_envelope(one.body)[0].time)
        marks = {"x-godtui-replay": str(replay_id), "x-godtui-original-time": time}
        taps.last.bring(replace(one, headers=marks), other)
        again = await anext(frames)
        assert isinstance(again, Replayed)
        assert (again.replay_id, again.event.envelope().payload["number"]) == (replay_id, 1)
        assert await numbers(frames, 1) == [2]


async def test_what_comes_has_no_place_and_what_is_irregular_is_said(passing: Passing, taps: Taps) -> None:
    async with aclosing(look(passing)) as frames:
        assert await anext(frames) == Welcome(None)
        odd = replace(event("some.unknown.type", number=2), routing_key="another.key")
        taps.last.bring(event("agent.task.started", task_id="t"), Message(b"no event", "some.thing", ""), odd)
        frame = await anext(frames)
        assert isinstance(frame, Events)
        assert [each.seq for each in frame.events] == [0, 0]
        assert frame.events[0].to_json().endswith(b'"seq":null,"stored_at":null,"violations":[]}')
        assert {fault.path for fault in frame.events[1].faults()} == {"/event_type"}
        assert frame.events[1].stored_at == MORNING, "it was seen then"


async def test_all_share_one_view_as_long_as_one_looks(passing: Passing, taps: Taps) -> None:
    async with aclosing(look(passing)) as one, aclosing(look(passing, "payload.number>1")) as other:
        await anext(one)
        await anext(other)
        taps.last.bring(*(event(number=n) for n in (1, 2, 3)))
        assert await numbers(one, 3) == [1, 2, 3]
        assert await numbers(other, 2) == [2, 3]
        await one.aclose()
        taps.last.bring(event(number=4))
        assert await numbers(other, 1) == [4]
    (tap,) = taps.opened
    assert tap.closed
    async with aclosing(look(passing)) as again:
        await anext(again)
        taps.last.bring(event(number=5))
        assert await numbers(again, 1) == [5]
    assert len(taps.opened) == 2


async def test_a_slow_reader_is_told_how_much_passed_unseen(
    passing: Passing, taps: Taps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "Tail", lambda: tail.Tail(max_events=16))
    async with aclosing(look(passing)) as frames:
        await anext(frames)
        for number in range(100):
            taps.last.bring(event(number=number))
            await asyncio.sleep(0)
        while taps.last._kept._kept:
            await asyncio.sleep(0)
        dropped = await anext(frames)
        assert dropped == Dropped(100, None, None)
        taps.last.bring(event(number=100))
        assert await numbers(frames, 1) == [100]


async def test_what_the_tap_itself_missed_counts(registry: Registry, clock: ManualClock) -> None:
    taps = Taps(capacity=3)
    passing = Passing(taps, lambda message: judge(message, registry), clock)
    async with aclosing(look(passing)) as frames:
        await anext(frames)
        taps.last.bring(*(event(number=n) for n in range(10)))
        assert await anext(frames) == Dropped(10, None, None), "as with the log, one goes on with what is new"
        taps.last.bring(event(number=10))
        assert await numbers(frames, 1) == [10]


async def test_a_view_that_was_lost_ends_the_stream_after_what_it_brought(passing: Passing, taps: Taps) -> None:
    async with aclosing(look(passing)) as frames:
        await anext(frames)
        taps.last.bring(event(number=1))
        assert await numbers(frames, 1) == [1]
        waiting = asyncio.ensure_future(anext(frames))
        await asyncio.sleep(0)
        taps.last.on_break()
        with pytest.raises(StoreUnavailableError, match="connect again"):
            await asyncio.wait_for(waiting, 30)
        async with aclosing(look(passing)) as again:
            assert await anext(again) == Welcome(None)
            assert len(taps.opened) == 2
    assert [tap.closed for tap in taps.opened] == [True, True]


async def test_a_bus_that_does_not_answer_is_said(
    registry: Registry, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OPEN_SECONDS", 0.05)

    class Silent(HandTap):
        async def __aenter__(self) -> Silent:
            await asyncio.Event().wait()
            raise AssertionError

    passing = Passing(lambda broke: Silent(1, broke), lambda message: judge(message, registry), clock)
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        await anext(passing.stream(Filter()))


async def test_the_bus_closing_ends_the_stream(passing: Passing, taps: Taps) -> None:
    async with aclosing(look(passing)) as frames:
        await anext(frames)
        await taps.last.close()
        with pytest.raises(StoreUnavailableError):
            await asyncio.wait_for(anext(frames), 30)
