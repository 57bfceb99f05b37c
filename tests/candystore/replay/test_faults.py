"""A replay whose disk, process or readings fail: nothing is lost, nothing is sent twice."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from godtui.candystore.replay.views import ReplayView
from godtui.eventlog import LogUnavailableError
from tests.bloodbank.faulty import Fault, FaultyLog
from tests.candystore.replay.rig import SOME, Rig
from tests.contract.harness import Elsewhere


@pytest_asyncio.fixture
async def shaky(tmp_path: Path) -> AsyncGenerator[Rig]:
    opened = Rig(tmp_path, FaultyLog)
    await opened.open()
    yield opened
    await opened.close()


def faulty(rig: Rig) -> FaultyLog:
    assert isinstance(rig.log, FaultyLog)
    return rig.log


async def ticking(rig: Rig, view: ReplayView, state: str) -> ReplayView:
    """Let time pass by half seconds until it is so."""

    async def is_so() -> ReplayView | None:
        found = await rig.view(view.replay_id)
        if found.state == state:
            return found
        rig.clock.advance(0.5)
        await asyncio.sleep(0.005)
        return None

    return await rig.until(is_so)


@pytest.mark.parametrize("fault", Fault)
async def test_a_step_whose_commit_fails_is_sent_once(shaky: Rig, fault: Fault) -> None:
    published = await shaky.publish([0, 1, 2])
    await shaky.bus.declare(SOME)
    faulty(shaky).faults.append(("Redeliver", fault))
    view = await shaky.create(speed="max")
    done = await ticking(shaky, view, "completed")
    assert (done.done, done.sent) == (3, 3)
    assert await shaky.ids("some") == published


@pytest.mark.parametrize("fault", Fault)
async def test_an_end_whose_commit_fails_is_said_once(shaky: Rig, fault: Fault) -> None:
    await shaky.publish([0])
    await shaky.bus.declare(SOME)
    faulty(shaky).faults.append(("Change", fault))
    view = await shaky.create(speed="max")
    await ticking(shaky, view, "completed")
    assert [each["type"] for each in await shaky.said()] == ["started", "completed"]


async def test_a_full_disk_is_waited_for_and_said(shaky: Rig) -> None:
    published = await shaky.publish([0, 1])
    await shaky.bus.declare(SOME)
    log = faulty(shaky)
    view = await shaky.create()
    await shaky.reaches(view.replay_id, done=1)
    await shaky.waits()
    log.faults.extend([("Redeliver", Fault.NOT_KEPT)] * 3)
    shaky.clock.advance(1)
    waiting = await shaky.reaches(view.replay_id, reason="the disk is full")
    assert waiting.state == "running"
    done = await ticking(shaky, view, "completed")
    assert done.reason == ""
    assert await shaky.ids("some") == published


async def test_what_is_asked_while_the_disk_fails_changes_nothing(shaky: Rig) -> None:
    await shaky.publish([0, 100])
    await shaky.bus.declare(SOME)
    view = await shaky.create()
    await shaky.reaches(view.replay_id, done=1)
    faulty(shaky).faults.append(("Change", Fault.NOT_KEPT))
    with pytest.raises(LogUnavailableError):
        await shaky.replays.pause(view.replay_id)
    assert (await shaky.view(view.replay_id)).state == "running"
    await shaky.waits()
    shaky.clock.advance(100)
    await shaky.reaches(view.replay_id, state="completed")


@pytest.mark.parametrize("fault", Fault)
async def test_one_of_which_nobody_heard_that_it_was_made_plays_if_it_was(shaky: Rig, fault: Fault) -> None:
    published = await shaky.publish([0])
    await shaky.bus.declare(SOME)
    faulty(shaky).faults.append(("Create", fault))
    with pytest.raises(LogUnavailableError):
        await shaky.create(speed="max")
    if fault is Fault.KEPT_UNHEARD:
        (view,) = await shaky.replays.newest(10)
        await ticking(shaky, view, "completed")
    assert await shaky.ids("some") == (published if fault is Fault.KEPT_UNHEARD else [])
    again = await shaky.create(speed="max", paused=True)
    faulty(shaky).faults.append(("Change", fault))
    with pytest.raises(LogUnavailableError):
        await shaky.replays.resume(again.replay_id)
    if fault is Fault.NOT_KEPT:
        await shaky.replays.resume(again.replay_id)
    await ticking(shaky, again, "completed")


async def test_two_at_once_disturb_neither_each_other_nor_what_is_published(rig: Rig) -> None:
    published = await rig.publish(range(700))
    await rig.bus.declare(SOME)
    views = [await rig.create(speed="max") for _ in range(3)]
    fresh = await rig.publish(range(5))
    for view in views:
        await rig.reaches(view.replay_id, state="completed")
    async with rig.bus.subscribe(SOME) as consumer:
        handed: list[str] = []
        while len(handed) < 3 * len(published) + len(fresh):
            handed += [each.message.message_id for each in (await consumer.batch(500)).deliveries]
    assert sorted(handed) == sorted([*map(str, published)] * 3 + [*map(str, fresh)])


async def test_killed_in_the_middle_it_goes_on_and_sends_each_event_once(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "tests.candystore.replay.child", str(tmp_path)]
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    child = Elsewhere(process)
    total = int((await child.says(1))[0])
    while int((await child.says(1))[0]) < total // 3:
        pass
    process.send_signal(signal.SIGKILL)
    await child.kill()
    rig = Rig(tmp_path)
    await rig.open(works=False)
    (view,) = await rig.replays.newest(10)
    assert view.state == "running"
    assert 0 < view.done < total
    await rig.reopen()
    done = await ticking(rig, view, "completed")
    rows = await rig.log.rows("SELECT seq, count(*) FROM deliveries GROUP BY seq", purpose="a test")
    assert dict(rows) == dict.fromkeys(range(1, total + 1), 1)
    assert (done.total, done.sent) == (total, total)
    await rig.close()
