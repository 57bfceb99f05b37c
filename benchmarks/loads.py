"""Load from within the process: so many workers in a closed loop, or arrivals that wait for nobody."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from statistics import quantiles
from typing import TypeAlias

Work: TypeAlias = Callable[[], Awaitable[object]]


async def closed_loop(work: Work, workers: int, *, warm_up: float, seconds: float) -> float:
    """How often a second the work was done, each worker beginning anew as soon as it has finished."""
    done = 0

    async def keep_working() -> None:
        nonlocal done
        while True:
            await work()
            done += 1

    tasks = [asyncio.create_task(keep_working()) for _ in range(workers)]
    await _watch(tasks, warm_up)
    before, started = done, time.perf_counter()
    await _watch(tasks, seconds)
    rate = (done - before) / (time.perf_counter() - started)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return rate


async def open_loop(work: Work, rate: float, *, warm_up: float, seconds: float) -> list[float]:
    """How long each piece of work took, in seconds from when it was due; they come at random, `rate` a second."""
    delays: list[float] = []
    running: set[asyncio.Task[None]] = set()
    chance = random.Random(1)
    due = time.perf_counter()
    counted, end = due + warm_up, due + warm_up + seconds

    async def work_from(due: float) -> None:
        await work()
        if due >= counted:
            delays.append(time.perf_counter() - due)

    while due < end:
        now = time.perf_counter()
        while due <= now:
            task = asyncio.create_task(work_from(due))
            running.add(task)
            task.add_done_callback(running.discard)
            due += chance.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    await asyncio.gather(*running)
    return delays


def percentile(values: list[float], percent: int) -> float:
    """The value that so many of a hundred do not exceed."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


async def _watch(tasks: list[asyncio.Task[None]], seconds: float) -> None:
    """Wait, unless a worker fails."""
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()
