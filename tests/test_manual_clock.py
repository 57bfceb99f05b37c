"""The clock that tests move."""

import asyncio
import threading

import pytest

from godtui.clock import Clock
from tests.clock import ManualClock


async def test_stands_still_until_moved() -> None:
    clock: Clock = (manual := ManualClock())
    wall, monotonic = clock.now(), clock.monotonic()
    await clock.sleep(0)
    assert (clock.now(), clock.monotonic()) == (wall, monotonic)
    manual.advance(1.5)
    assert (clock.now(), clock.monotonic()) == (wall + 1_500_000, monotonic + 1.5)


async def test_wakes_who_is_due_in_order_and_nobody_else() -> None:
    clock = ManualClock()
    woken: list[float] = []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleep(seconds)) for seconds in (3, 1, 2, 4)]
    await clock.sleepers(4)
    clock.advance(3)
    await asyncio.gather(*tasks[:3])
    assert woken == [1, 2, 3]
    assert clock.sleeping == 1
    clock.advance(1)
    await tasks[3]


async def test_forgets_a_sleeper_that_is_cancelled() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(5))
    await clock.sleepers(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert clock.sleeping == 0
    clock.advance(10)


async def test_setting_the_wall_wakes_nobody() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(5))
    await clock.sleepers(1)
    wall = clock.now()
    clock.set_wall(-3600)
    assert clock.now() == wall - 3_600_000_000
    assert clock.sleeping == 1
    clock.advance(5)
    await task


async def test_may_be_moved_from_another_thread() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(5))
    await clock.sleepers(1)
    mover = threading.Thread(target=clock.advance, args=(5,))
    mover.start()
    await task
    mover.join()
