"""Workers are kept alive with growing pauses, and anyone can see how each is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from godtui.dispatcher.errors import DispatcherError
from godtui.runtime import supervisor as module
from godtui.runtime.supervisor import Supervisor
from tests.clock import ManualClock
from tests.eventlog.records import until


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def supervisor(clock: ManualClock) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(clock, jitter=lambda: 1.0)
    yield supervisor
    await supervisor.stop()


class Fragile:
    """A worker that fails whenever the test says so."""

    def __init__(self) -> None:
        self.runs = 0
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        self.runs += 1
        self.end = asyncio.get_running_loop().create_future()
        await self.end

    async def running(self, times: int) -> None:
        await until(lambda: self.runs == times and not self.end.done())

    async def fail(self, clock: ManualClock, message: str = "broken") -> None:
        self.end.set_exception(OSError(message))
        await clock.sleepers()


async def test_a_worker_that_runs(supervisor: Supervisor, clock: ManualClock) -> None:
    fragile = Fragile()
    worker = supervisor.start("one", fragile.run)
    assert worker.health(clock.monotonic()).status == "ok"
    await fragile.running(1)
    assert worker.state == "running"
    assert worker.health(clock.monotonic()).document() == {"status": "ok", "detail": "running", "state": "running"}


async def test_one_that_fails_is_started_again_after_growing_pauses(supervisor: Supervisor, clock: ManualClock) -> None:
    fragile = Fragile()
    worker = supervisor.start("one", fragile.run)
    pauses = [0.5, 1, 2, 4, 8, 16, 30, 30]
    for number, pause in enumerate(pauses, 1):
        await fragile.running(number)
        await fragile.fail(clock)
        assert worker.state == "retrying"
        health = worker.health(clock.monotonic())
        assert health.status == "degraded"
        assert health.detail == f"retrying in {pause:.0f} s: OSError: broken"
        clock.advance(pause - 0.01)
        assert clock.sleeping == 1, "not before its time"
        clock.advance(0.01)
    await fragile.running(len(pauses) + 1)
    assert worker.state == "running"


async def test_one_that_ran_long_enough_has_recovered(supervisor: Supervisor, clock: ManualClock) -> None:
    fragile = Fragile()
    worker = supervisor.start("one", fragile.run)
    for number in range(1, 4):
        await fragile.running(number)
        await fragile.fail(clock)
        clock.advance(30)
    await fragile.running(4)
    clock.advance(module.STEADY_SECONDS)
    await fragile.fail(clock)
    assert worker.failures == 1
    clock.advance(0.5)
    await fragile.running(5)


async def test_one_that_ends_by_itself_is_started_again(supervisor: Supervisor, clock: ManualClock) -> None:
    async def ends() -> None:
        return

    worker = supervisor.start("one", ends)
    await clock.sleepers()
    assert worker.detail == "it ended by itself"


async def test_pauses_differ_so_that_not_all_come_at_once(clock: ManualClock) -> None:
    supervisor = Supervisor(clock, jitter=lambda: 0.0)
    fragile = Fragile()
    supervisor.start("one", fragile.run)
    await fragile.running(1)
    await fragile.fail(clock)
    clock.advance(0.25)
    await fragile.running(2)
    await supervisor.stop()


async def test_one_that_fails_takes_no_other_with_it(supervisor: Supervisor, clock: ManualClock) -> None:
    broken, sound = Fragile(), Fragile()
    supervisor.start("broken", broken.run)
    other = supervisor.start("sound", sound.run)
    await broken.running(1)
    await sound.running(1)
    await broken.fail(clock)
    assert other.state == "running"
    assert sound.runs == 1


async def test_stopping_ends_all_and_twice_is_once(supervisor: Supervisor, clock: ManualClock) -> None:
    running, failing = Fragile(), Fragile()
    supervisor.start("running", running.run)
    supervisor.start("failing", failing.run)
    await running.running(1)
    await failing.running(1)
    await failing.fail(clock)
    await supervisor.stop()
    await supervisor.stop()
    assert [worker.state for worker in supervisor.workers] == ["stopped", "stopped"]
    assert clock.sleeping == 0


async def test_one_that_will_not_end_is_left_behind(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.01)
    released, started = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        started.set()
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        raise asyncio.CancelledError

    supervisor.start("stubborn", stubborn)
    await started.wait()
    (task,) = supervisor._tasks
    await supervisor.stop()
    assert "stubborn does not end" in caplog.text
    released.set()
    task.cancel()
    await asyncio.wait([task])


class Turns:
    """A turn that comes and goes as the test says."""

    fault: str | None = None

    def __init__(self) -> None:
        self.active: str | None = "another"
        self.ours, self.over = asyncio.Event(), asyncio.Event()

    @property
    def standing(self) -> str:
        return f"standing by: {self.active} is active"

    async def wait(self) -> None:
        await self.ours.wait()

    async def lost(self) -> None:
        await self.over.wait()

    def come(self) -> None:
        self.active = "this one"
        self.over.clear()
        self.ours.set()

    def go(self) -> None:
        self.active = "another"
        self.ours.clear()
        self.over.set()


async def test_one_runs_only_while_it_is_its_turn(supervisor: Supervisor, clock: ManualClock) -> None:
    fragile, turns = Fragile(), Turns()
    worker = supervisor.start("one", fragile.run, turn=turns)
    standing = {
        "status": "ok",
        "detail": "standing by: another is active",
        "state": "standing by",
        "active": "another",
    }
    for times in (1, 2):
        await until(lambda: worker.health(clock.monotonic()).document() == standing)
        assert fragile.runs == times - 1
        turns.come()
        await fragile.running(times)
        assert worker.health(clock.monotonic()).figures == {"state": "running", "active": "this one"}
        turns.go()
        await until(fragile.end.cancelled)
    assert worker.failures == 0, "to be told to stop is no failure"


async def test_one_that_fails_in_its_turn_is_started_again_in_it(supervisor: Supervisor, clock: ManualClock) -> None:
    fragile, turns = Fragile(), Turns()
    worker = supervisor.start("one", fragile.run, turn=turns)
    turns.come()
    await fragile.running(1)
    await fragile.fail(clock)
    assert worker.health(clock.monotonic()).detail == "retrying in 0 s: OSError: broken"
    turns.go()
    clock.advance(0.5)
    await until(lambda: worker.state == "standing by")
    turns.come()
    await fragile.running(2)


async def test_a_turn_that_cannot_come_degrades(supervisor: Supervisor, clock: ManualClock) -> None:
    fragile, turns = Fragile(), Turns()
    turns.fault = "no permission"
    worker = supervisor.start("one", fragile.run, turn=turns)
    await until(lambda: worker.state == "standing by")
    assert worker.health(clock.monotonic()).status == "degraded"


async def test_what_an_operator_has_to_mend_is_one_sentence_said_once(
    clock: ManualClock, supervisor: Supervisor, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        raise DispatcherError("the state file is in use by another; stop that one")

    worker = supervisor.start("dispatcher", run)
    for _ in range(3):
        await clock.sleepers()
        clock.advance(40)
    await clock.sleepers()
    assert worker.failures > 1
    assert worker.detail == "the state file is in use by another; stop that one"
    assert [record.exc_info for record in caplog.records] == [None]
