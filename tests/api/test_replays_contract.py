"""What holds of replays holds in process, over a port and over a Unix socket."""

from __future__ import annotations

from uuid import UUID

import pytest

from godtui.bloodbank.holder import Holder
from godtui.filters import FilterError
from godtui.operations import (
    HistoryElsewhereError,
    Operations,
    ReplayError,
    ReplayOperations,
    ReplayRefusedError,
    ReplayRequest,
    ReplayStateError,
    ReplayUnconfirmedError,
    StoreUnavailableError,
    UnknownReplayError,
)
from godtui.runtime.engine import Engine
from tests.api.conftest import Waiting
from tests.api.test_operations_contract import draft, ways
from tests.api.test_publish import TYPE
from tests.bloodbank.letters import PLANE
from tests.clock import MORNING
from tests.replaying import MemoryReplays

__all__ = ["ways"]


@pytest.fixture
def replays(engine: Engine) -> MemoryReplays:
    """What stands behind every way to replays, where a test asks for it."""
    found = engine.operations.replays = MemoryReplays()
    return found


WHOLE = ReplayRequest(
    filter='type:a.# "disk full"', to=f"queue:{PLANE}", speed=0.5, rate=10.5, max_gap_s=0, paused=True, confirm=True
)


async def test_a_replay_is_told_whole(ways: Operations, replays: MemoryReplays) -> None:
    for asked in (WHOLE, ReplayRequest(filter="", speed="max")):
        assert await ways.replays.plan(asked) == await replays.plan(asked)
        made = await ways.replays.create(asked)
        assert replays.calls[-1] == ("create", asked)
        assert made == replays.all[made.replay_id] == await ways.replays.replay(made.replay_id)
    assert await ways.replays.replays() == list(replays.all.values())
    assert len(await ways.replays.replays(1)) == 1
    assert await ways.replays.replay(UUID(int=9)) is None


async def test_a_replay_is_controlled(ways: Operations, replays: MemoryReplays) -> None:
    made = await ways.replays.create(WHOLE)
    named = made.replay_id
    replays.calls.clear()
    assert (await ways.replays.step(named)).done == 1
    assert (await ways.replays.step(named, 4)).done == 5
    assert (await ways.replays.step(named, -3)).done == 2
    assert (await ways.replays.seek(named, seq=7)).position == 6
    await ways.replays.seek(named, at=MORNING + 1)
    assert (await ways.replays.resume(named)).state == "running"
    assert (await ways.replays.pause(named)).state == "paused"
    faster = await ways.replays.adjust(named, speed="max", rate=None, max_gap_s=1.5)
    assert (faster.speed, faster.rate, faster.max_gap_s) == ("max", None, 1.5)
    slower = await ways.replays.adjust(named, speed=1e-9, rate=2, max_gap_s=None)
    assert (slower.speed, slower.rate, slower.max_gap_s) == (1e-9, 2, None)
    assert (await ways.replays.cancel(named)).state == "cancelled"
    assert [call for call in replays.calls if call[0] != "replay"] == [
        ("step", named, 1),
        ("step", named, 4),
        ("step", named, -3),
        ("seek", named, 7, None),
        ("seek", named, None, MORNING + 1),
        ("resume", named),
        ("pause", named),
        ("adjust", named, "max", None, 1.5),
        ("adjust", named, 1e-9, 2, None),
        ("cancel", named),
    ]


async def _controls(asked: ReplayOperations, named: UUID) -> list[ReplayError]:
    """What each of the ways to change a replay raises."""
    calls = (
        asked.pause(named),
        asked.resume(named),
        asked.step(named),
        asked.seek(named, seq=1),
        asked.adjust(named, speed=1, rate=None, max_gap_s=None),
        asked.cancel(named),
    )
    raised = []
    for call in calls:
        with pytest.raises(ReplayError) as caught:
            await call
        raised.append(caught.value)
    return raised


async def test_unknown_and_ended_replays(ways: Operations, replays: MemoryReplays) -> None:
    for error in await _controls(ways.replays, UUID(int=9)):
        assert isinstance(error, UnknownReplayError)
        assert error.replay_id == UUID(int=9)
    made = await ways.replays.create(WHOLE)
    await ways.replays.cancel(made.replay_id)
    for error in await _controls(ways.replays, made.replay_id):
        assert isinstance(error, ReplayStateError)
        assert str(error) == "the replay is cancelled; make a new one"


async def test_a_replay_that_is_refused(ways: Operations, replays: MemoryReplays) -> None:
    for asked in (ways.replays.plan, ways.replays.create):
        with pytest.raises(ReplayRefusedError, match="no queue named x is declared") as caught:
            await asked(ReplayRequest(filter="", to="queue:x"))
        assert caught.value.path == "/to"
        with pytest.raises(FilterError, match="tpye") as refused:
            await asked(ReplayRequest(filter="a tpye:b"))
        assert refused.value.offset == 2
    replays.total = 1001
    with pytest.raises(ReplayUnconfirmedError) as unconfirmed:
        await ways.replays.create(ReplayRequest(filter=""))
    assert unconfirmed.value.total == 1001
    replays.error = ReplayRefusedError("100 replays are open already; cancel some of them")
    with pytest.raises(ReplayRefusedError, match="100 replays are open already") as full:
        await ways.replays.create(ReplayRequest(filter=""))
    assert full.value.path == ""


async def test_replays_that_are_elsewhere_or_out_of_reach(ways: Operations, replays: MemoryReplays) -> None:
    asked, named = ways.replays, UUID(int=1)
    for error in (StoreUnavailableError("the disk is gone"), HistoryElsewhereError(Holder("there", None))):
        replays.error = error
        calls = (
            asked.plan(WHOLE), asked.create(WHOLE), asked.replays(), asked.replay(named), asked.pause(named),
            asked.resume(named), asked.step(named), asked.seek(named, at=1), asked.cancel(named),
            asked.adjust(named, speed=1, rate=None, max_gap_s=None),
        )  # fmt: skip
        for call in calls:
            with pytest.raises(type(error)) as caught:
                await call
            assert str(caught.value) == str(error)


async def test_the_engine_s_own_replays(ways: Operations, waiting: Waiting) -> None:
    for number in range(5):
        await ways.bus.publish(draft(str(number)))
    asked = ReplayRequest(filter=f"type:{TYPE}", to=f"queue:{PLANE}", paused=True)
    plan = await ways.replays.plan(asked)
    assert (plan.total, plan.exact, [(queue.name, queue.count) for queue in plan.queues]) == (5, True, [(PLANE, 5)])
    made = await ways.replays.create(asked)
    assert (made.state, made.total, made.done) == ("paused", 5, 0)
    stepped = await ways.replays.step(made.replay_id, 2)
    assert (stepped.done, stepped.sent, await waiting(PLANE)) == (2, 2, 2)
    assert (await ways.replays.seek(made.replay_id, seq=stepped.position + 3)).done == 4
    assert await ways.replays.replays() == [await ways.replays.replay(made.replay_id)]
    assert (await ways.replays.cancel(made.replay_id)).state == "cancelled"
    with pytest.raises(ReplayRefusedError) as refused:
        await ways.replays.plan(ReplayRequest(filter="", to="queue:nobody"))
    assert refused.value.path == "/to"
