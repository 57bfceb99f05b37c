"""Stored events once more: to whom, in what order, how often, and under whose control."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from uuid import UUID

import orjson
import pytest

from godtui import filters
from godtui.bloodbank.frames import Events, Position, Replayed, Welcome
from godtui.bloodbank.replayed import ORIGINAL_TIME, REPLAY, TARGET
from godtui.candystore import live
from godtui.candystore.replay import feed, tables
from godtui.candystore.replay.errors import (
    ReplayRefusedError,
    ReplayStateError,
    ReplayUnconfirmedError,
    UnknownReplayError,
)
from godtui.candystore.replay.views import ReplayRequest
from godtui.clock import rfc3339
from godtui.envelope import EventDraft, new_id
from tests.candystore.replay.rig import ALL, CREATED, SOME, Rig
from tests.clock import MICROSECONDS, MORNING


async def test_to_the_bus_every_queue_bound_now_gets_each_event_once(rig: Rig) -> None:
    published = await rig.publish([0, 1, 2])
    await rig.bus.declare(ALL)
    await rig.bus.declare(SOME)
    stored = rig.log.last_seq
    view = await rig.create(speed="max")
    done = await rig.reaches(view.replay_id, state="completed")
    assert (done.total, done.done, done.sent, done.skipped) == (3, 3, 3, 0)
    assert await rig.ids("all") == await rig.ids("some") == published
    (first, *_) = await rig.waiting("all")
    assert first.routing_key == CREATED
    assert first.headers == {
        REPLAY: str(view.replay_id),
        TARGET: "bus",
        ORIGINAL_TIME: rfc3339(MORNING),
    }
    assert [each["type"] for each in await rig.said()] == ["started", "completed"]
    assert rig.log.last_seq == stored + 2


async def test_to_one_queue_it_gets_what_it_is_not_bound_to(rig: Rig) -> None:
    published = await rig.publish([0, 1])
    await rig.bus.declare(ALL)
    await rig.bus.declare(SOME)
    view = await rig.create(speed="max", to="queue:some")
    await rig.reaches(view.replay_id, state="completed")
    assert (await rig.ids("some"), await rig.ids("all")) == (published, [])
    assert (await rig.waiting("some"))[0].headers[TARGET] == "queue:some"


async def test_what_comes_later_is_no_part_of_it(rig: Rig) -> None:
    published = await rig.publish([0])
    await rig.bus.declare(SOME)
    view = await rig.create(speed="max", to="queue:some", paused=True)
    await rig.publish([1])
    await rig.replays.resume(view.replay_id)
    done = await rig.reaches(view.replay_id, state="completed")
    assert done.total == 1
    assert await rig.ids("some") == published


async def test_of_everything_its_own_announcements_are_no_part(rig: Rig) -> None:
    await rig.publish([0])
    await rig.bus.declare(SOME)
    for number in (1, 2):
        view = await rig.create("", speed="max", to="queue:some")
        done = await rig.reaches(view.replay_id, state="completed")
        assert done.sent == {1: 1, 2: 3}[number]
    own = [orjson.loads(message.body)["payload"].get("replay_id") for message in await rig.waiting("some")]
    assert str(view.replay_id) not in own


async def test_nothing_to_send_completes_at_once(rig: Rig) -> None:
    await rig.publish([0])
    view = await rig.create("type:no.such.thing")
    done = await rig.reaches(view.replay_id, state="completed")
    assert (done.total, done.sent) == (0, 0)


async def test_distances_are_those_of_the_events_own_times(rig: Rig) -> None:
    await rig.publish([0, 10, 5, 30])
    await rig.bus.declare(SOME)
    view = await rig.create(speed=10.0)
    await rig.reaches(view.replay_id, done=1)
    rig.clock.advance(0.9)
    await rig.waits()
    assert (await rig.view(view.replay_id)).done == 1
    rig.clock.advance(0.1)
    # What lies before the one before it comes at once.
    await rig.reaches(view.replay_id, done=3)
    rig.clock.advance(2.4)
    assert (await rig.view(view.replay_id)).done == 3
    rig.clock.advance(0.1)
    await rig.reaches(view.replay_id, state="completed")


async def test_absurd_times_overflow_nothing(rig: Rig) -> None:
    for time in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"):
        draft = EventDraft.model_validate({"event_type": CREATED, "payload": {"message": "x"}, "timestamp": time})
        await rig.publisher.publish(draft)
    await rig.bus.declare(SOME)
    view = await rig.create(max_gap_s=2)
    await rig.reaches(view.replay_id, done=1)
    await rig.waits()
    rig.clock.advance(2)
    await rig.reaches(view.replay_id, state="completed")
    slow = await rig.create(speed=1e-300)
    assert (await rig.reaches(slow.replay_id, done=1)).eta_s is None
    await rig.replays.cancel(slow.replay_id)


async def test_the_rate_limits_the_highest_speed(rig: Rig) -> None:
    await rig.publish([0] * 5)
    await rig.bus.declare(SOME)
    view = await rig.create(speed="max", rate=2)
    for number in (1, 2, 3, 4):
        await rig.reaches(view.replay_id, done=number)
        await rig.waits()
        assert (await rig.view(view.replay_id)).done == number
        rig.clock.advance(0.5)
    await rig.reaches(view.replay_id, state="completed")


async def test_paused_it_sends_nothing_and_resumed_it_waits_what_was_left(rig: Rig) -> None:
    await rig.publish([0, 10, 20])
    await rig.bus.declare(SOME)
    view = await rig.create()
    await rig.reaches(view.replay_id, done=1)
    await rig.waits()
    rig.clock.advance(4)
    paused = await rig.replays.pause(view.replay_id)
    assert (paused.state, paused.done, paused.eta_s) == ("paused", 1, None)
    rig.clock.advance(100)
    assert (await rig.replays.resume(view.replay_id)).state == "running"
    await rig.waits()
    rig.clock.advance(5.9)
    assert (await rig.view(view.replay_id)).done == 1
    rig.clock.advance(0.1)
    await rig.reaches(view.replay_id, done=2)


async def test_adjusted_it_goes_on_at_the_other_speed_from_now(rig: Rig) -> None:
    await rig.publish([0, 10, 20])
    await rig.bus.declare(SOME)
    view = await rig.create()
    await rig.reaches(view.replay_id, done=1)
    await rig.waits()
    rig.clock.advance(5)
    changed = await rig.replays.adjust(view.replay_id, speed=10.0, rate=None, max_gap_s=None)
    assert (changed.speed, changed.state) == (10.0, "running")
    await rig.waits()
    rig.clock.advance(0.5)
    await rig.reaches(view.replay_id, done=2)
    await rig.waits()
    rig.clock.advance(1)
    await rig.reaches(view.replay_id, state="completed")


async def test_steps_go_forwards_with_sending_and_back_without(rig: Rig) -> None:
    published = await rig.publish(range(10))
    await rig.bus.declare(SOME)
    view = await rig.create(paused=True)
    assert await rig.said() == []
    forward = await rig.replays.step(view.replay_id, 4)
    assert (forward.state, forward.done, forward.sent) == ("paused", 4, 4)
    assert [each["type"] for each in await rig.said()] == ["started"]
    back = await rig.replays.step(view.replay_id, -2)
    assert (back.done, back.sent) == (2, 4)
    again = await rig.replays.step(view.replay_id, 1)
    assert (again.done, again.sent) == (3, 5)
    assert await rig.ids("some") == [*published[:4], published[2]]
    assert (await rig.replays.step(view.replay_id, -100)).done == 0
    assert (await rig.replays.step(view.replay_id, 100)).done == 10
    assert (await rig.replays.step(view.replay_id, 1)).done == 10
    for count in (0, 1001, -1001):
        with pytest.raises(ReplayRefusedError):
            await rig.replays.step(view.replay_id, count)


async def test_sought_by_position_or_moment_in_both_directions(rig: Rig) -> None:
    published = await rig.publish(range(10))
    await rig.bus.declare(SOME)
    view = await rig.create(paused=True)
    moved = await rig.replays.seek(view.replay_id, seq=None, at=MORNING + 7 * MICROSECONDS)
    assert (moved.done, moved.sent, moved.position) == (7, 0, 7)
    await rig.replays.step(view.replay_id, 1)
    moved = await rig.replays.seek(view.replay_id, seq=3, at=None)
    assert (moved.done, moved.sent) == (2, 1)
    await rig.replays.step(view.replay_id, 1)
    assert await rig.ids("some") == [published[7], published[2]]
    end = await rig.replays.seek(view.replay_id, seq=None, at=MORNING + 700 * MICROSECONDS)
    assert end.done == 10
    assert (await rig.replays.seek(view.replay_id, seq=-5, at=None)).done == 0
    for seq, at in ((None, None), (1, 1), (None, 1 << 62)):
        with pytest.raises(ReplayRefusedError):
            await rig.replays.seek(view.replay_id, seq=seq, at=at)


async def test_sought_while_it_runs_it_goes_on_from_there_at_once(rig: Rig) -> None:
    published = await rig.publish([0, 100, 200, 300])
    await rig.bus.declare(SOME)
    view = await rig.create()
    await rig.reaches(view.replay_id, done=1)
    assert (await rig.replays.seek(view.replay_id, seq=4, at=None)).state == "running"
    await rig.reaches(view.replay_id, state="completed")
    assert await rig.ids("some") == [published[0], published[3]]


async def test_cancelled_it_ends_where_it_stands(rig: Rig) -> None:
    await rig.publish([0, 100])
    await rig.bus.declare(SOME)
    view = await rig.create()
    await rig.reaches(view.replay_id, done=1)
    ended = await rig.replays.cancel(view.replay_id)
    assert (ended.state, ended.done, ended.is_open) == ("cancelled", 1, False)
    assert (await rig.said())[-1] == {
        "type": "cancelled",
        "replay_id": str(view.replay_id),
        "filter": f"type:{CREATED}",
        "to": "bus",
        "total": 2,
        "sent": 1,
    }
    for ask in (rig.replays.pause, rig.replays.resume, rig.replays.cancel):
        with pytest.raises(ReplayStateError, match="cancelled"):
            await ask(view.replay_id)


async def test_a_restart_goes_on_with_what_ran_and_leaves_what_was_paused(rig: Rig) -> None:
    published = await rig.publish([0, 10, 20])
    await rig.bus.declare(SOME)
    ran = await rig.create(to="queue:some")
    held = await rig.create(to="queue:some", paused=True)
    await rig.reaches(ran.replay_id, done=1)
    await rig.reopen()
    await rig.waits()
    rig.clock.advance(10)
    await rig.reaches(ran.replay_id, done=2)
    rig.clock.advance(10)
    await rig.reaches(ran.replay_id, state="completed")
    assert (await rig.view(held.replay_id)).state == "paused"
    assert await rig.ids("some") == published


async def test_a_queue_that_goes_fails_it_with_the_reason(rig: Rig) -> None:
    await rig.publish([0, 10])
    await rig.bus.declare(SOME)
    view = await rig.create(to="queue:some")
    await rig.reaches(view.replay_id, done=1)
    await rig.bus.delete("some")
    await rig.waits()
    rig.clock.advance(10)
    failed = await rig.reaches(view.replay_id, state="failed")
    assert failed.reason == "no queue named some is declared"
    assert (await rig.said())[-1]["reason"] == failed.reason


async def test_what_cannot_be_is_refused(rig: Rig) -> None:
    await rig.publish([0])
    await rig.bus.declare(SOME)
    for asked, said in (
        ({"to": "queue:nowhere"}, "no queue named nowhere"),
        ({"to": "queue:candystore.events"}, "the log stands in the place"),
        ({"to": "queue:"}, "bus or queue:NAME"),
        ({"to": "elsewhere"}, "bus or queue:NAME"),
        ({"speed": 0.0}, "a speed is"),
        ({"speed": float("nan")}, "a speed is"),
        ({"speed": float("inf")}, "a speed is"),
        ({"rate": float("inf")}, "a rate is"),
        ({"max_gap_s": float("inf")}, "a longest gap"),
    ):
        with pytest.raises(ReplayRefusedError, match=said):
            await rig.create(**asked)
        with pytest.raises(ReplayRefusedError, match=said):
            await rig.replays.plan(ReplayRequest(filter="", **asked))
    assert await rig.replays.newest(10) == []
    for ask in (rig.replays.pause, rig.replays.resume, rig.replays.cancel):
        with pytest.raises(UnknownReplayError):
            await ask(new_id())
    assert await rig.replays.find(new_id()) is None


async def test_many_events_go_to_the_bus_only_when_that_is_confirmed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("godtui.candystore.replay.replays.MAX_UNCONFIRMED", 3)
    await rig.publish(range(4))
    await rig.bus.declare(SOME)
    with pytest.raises(ReplayUnconfirmedError) as refused:
        await rig.create(speed="max")
    assert refused.value.total == 4
    for asked in ({"confirm": True}, {"to": "queue:some"}):
        view = await rig.create(speed="max", **asked)
        await rig.reaches(view.replay_id, state="completed")


async def test_only_so_many_run_at_once(rig: Rig) -> None:
    await rig.publish([0, 100])
    await rig.bus.declare(SOME)
    running = [await rig.create() for _ in range(8)]
    with pytest.raises(ReplayRefusedError, match="8 replays run already"):
        await rig.create()
    held = await rig.create(paused=True)
    with pytest.raises(ReplayStateError, match="8 replays run already"):
        await rig.replays.resume(held.replay_id)
    await rig.replays.cancel(running[0].replay_id)
    assert (await rig.replays.resume(held.replay_id)).state == "running"
    assert len(await rig.replays.newest(100)) == 9


async def test_the_oldest_that_ended_are_forgotten(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("godtui.candystore.replay.records.MAX_ENDED", 3)
    views = []
    for _ in range(5):
        views.append(await rig.create("type:no.such"))
        await rig.reaches(views[-1].replay_id, state="completed")
    kept: list[UUID] = [view.replay_id for view in await rig.replays.newest(100)]
    assert kept == [view.replay_id for view in reversed(views[-3:])]


async def test_readers_of_the_tail_are_shown_what_goes_to_the_bus(rig: Rig) -> None:
    published = await rig.publish([0, 1])
    await rig.bus.declare(SOME)
    wanted = filters.parse(f"type:{CREATED}", now=0)
    async with aclosing(live.stream(rig.log, wanted, positions=True, feed=rig.feed)) as frames:
        assert isinstance(await anext(frames), Welcome)
        coming = asyncio.ensure_future(anext(frames))
        await asyncio.sleep(0)
        aside = await rig.create(speed="max", to="queue:some")
        await rig.reaches(aside.replay_id, state="completed")
        view = await rig.create(speed="max")
        seen = [await coming]
        while len([frame for frame in seen if isinstance(frame, Replayed)]) < 2:
            seen.append(await anext(frames))
        again = [frame for frame in seen if isinstance(frame, Replayed)]
        assert [(frame.replay_id, UUID(bytes=frame.event.event_id)) for frame in again] == [
            (view.replay_id, event_id) for event_id in published
        ]
        late = await rig.publish([2])
        while not isinstance(frame := await anext(frames), Events):
            assert isinstance(frame, Position)
        assert [UUID(bytes=event.event_id) for event in frame.events] == late


async def test_a_reader_that_is_slow_misses_some_and_holds_up_nobody(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MAX_EVENTS", 2)
    await rig.publish(range(5))
    await rig.bus.declare(SOME)
    with rig.feed.listening(lambda event: True) as slow, rig.feed.listening(lambda event: event.seq > 4) as picky:
        view = await rig.create(speed="max")
        await rig.reaches(view.replay_id, state="completed")
        assert [frame.event.seq for frame in slow.take()] == [1, 2]
        assert [frame.event.seq for frame in picky.take()] == [5]
    assert rig.feed.missed == 3


async def test_what_an_open_one_may_still_send_is_needed(rig: Rig) -> None:
    async def needed() -> tuple[int | None, str | None]:
        row = (await rig.log.rows(tables.LOWEST_NEEDED, purpose="a test"))[0]
        return row[0], row[1]

    assert (await needed())[0] is None
    await rig.publish(range(5))
    await rig.bus.declare(SOME)
    later = await rig.create(f"type:{CREATED} since:2026-02-12T14:02:14Z", paused=True)
    assert await needed() == (4, str(later.replay_id))
    view = await rig.create(paused=True)
    assert await needed() == (1, str(view.replay_id))
    await rig.replays.step(view.replay_id, 2)
    assert await needed() == (3, str(view.replay_id))
    for each in (view, later):
        await rig.replays.cancel(each.replay_id)
    assert (await needed())[0] is None
