"""What a replay would do, said before it does it."""

from __future__ import annotations

import pytest

from godtui.bloodbank.bus import QueueSpec
from godtui.candystore.replay import survey
from godtui.candystore.replay.views import ReplayPlan, ReplayQueue, ReplayRequest
from godtui.clock import to_datetime
from godtui.envelope import new_id
from godtui.estate import Estate
from godtui.eventlog import Record
from tests.candystore.replay.rig import ALL, CREATED, SOME, Rig
from tests.clock import MICROSECONDS, MORNING


async def plan(rig: Rig, filter: str = f"type:{CREATED}", **asked: object) -> ReplayPlan:  # noqa: A002
    return await rig.replays.plan(ReplayRequest.model_validate({"filter": filter, **asked}))


async def test_how_many_go_where_to_whom_and_how_long_it_takes(rig: Rig) -> None:
    rig.estate = Estate.model_validate(
        {"services": {"worker": {"queue_names": ["some"]}, "watcher": {"queue_name": "some"}, "other": {}}}
    )
    await rig.publish([0, 10, 5, 30])
    await rig.bus.declare(ALL)
    await rig.bus.declare(SOME)
    await rig.bus.declare(QueueSpec("deaf", ("agent.#",)))
    async with rig.bus.subscribe(ALL):
        planned = await plan(rig, speed=10.0)
        assert (planned.total, planned.exact, planned.invalid) == (4, True, 0)
        assert planned.first_at == to_datetime(MORNING)
        assert planned.last_at == to_datetime(MORNING + 30 * MICROSECONDS)
        assert planned.duration_s == pytest.approx(3.5)
        assert planned.queues == (
            ReplayQueue(name="all", count=4),
            ReplayQueue(name="some", count=4, services=("watcher", "worker")),
        )
        assert planned.notes == ("some: nobody takes from it now; what is sent waits there",)
    assert (await plan(rig, speed="max")).duration_s is None
    assert (await plan(rig, speed="max", rate=2)).duration_s == pytest.approx(1.5)
    assert (await plan(rig, max_gap_s=2)).duration_s == pytest.approx(4)
    assert await rig.replays.newest(1) == []
    assert await rig.ids("all") == []


async def test_the_filter_s_moments_are_fixed(rig: Rig) -> None:
    await rig.publish([0])
    planned = await plan(rig, f"type:{CREATED} since:15m")
    assert planned.filter == f"type:{CREATED} since:2026-02-12T13:47:11.482000Z"


async def test_what_today_s_contracts_refuse_is_counted(rig: Rig) -> None:
    await rig.publish([0])
    (held,) = await rig.log.after(0)
    for payload in ({"message": 5}, {"message": "fine"}):
        envelope = held.envelope().model_copy(update={"event_id": new_id(), "payload": payload})
        await rig.log.append([Record.of(envelope, envelope.to_json())])
    planned = await plan(rig)
    assert (planned.total, planned.invalid) == (3, 1)
    assert any("today's contracts" in note for note in planned.notes)


async def test_a_plan_for_one_queue_tells_of_that_queue_alone(rig: Rig) -> None:
    await rig.publish([0, 1])
    await rig.bus.declare(ALL)
    await rig.bus.declare(QueueSpec("infra-dispatcher.plane", ("webhook.plane.#",)))
    planned = await plan(rig, to="queue:infra-dispatcher.plane")
    assert planned.queues == (ReplayQueue(name="infra-dispatcher.plane", count=2),)
    assert any("never dispatched" in note for note in planned.notes)


async def test_without_any_queue_and_with_own_announcements_that_is_said(rig: Rig) -> None:
    await rig.publish([0])
    made = await rig.create("type:none.such", speed="max")
    await rig.reaches(made.replay_id, state="completed")
    planned = await plan(rig, "")
    assert (planned.total, planned.queues) == (3, ())
    assert [note.partition(" ")[0] for note in planned.notes] == ["no", "2"]


async def test_what_takes_too_long_is_estimated_and_said(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "SECONDS", -1.0)
    await rig.publish(range(1100))
    await rig.bus.declare(SOME)
    planned = await plan(rig)
    assert not planned.exact
    assert 500 <= planned.total <= 2200
    assert planned.last_at == to_datetime(MORNING + 1099 * MICROSECONDS)
    assert planned.queues[0].count == planned.total
    assert planned.notes[0].startswith("the numbers are estimated")
    made = await rig.create(speed="max", to="queue:some")
    done = await rig.reaches(made.replay_id, state="completed")
    assert (done.exact, done.sent) == (False, 1100)


async def test_only_so_many_are_judged(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "JUDGED", 2)
    await rig.publish(range(4))
    planned = await plan(rig)
    assert (planned.total, planned.invalid, planned.exact) == (4, 0, False)
