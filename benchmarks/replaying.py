"""Replays by an engine as users run it: how quick one is that waits for nothing, and how exact one at the old pace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from statistics import median
from typing import Final

from benchmarks.bare_log import BareLog
from benchmarks.loads import percentile
from benchmarks.measure import Figures, Place
from godtui import filters
from godtui.clock import SystemClock, to_datetime
from godtui.envelope import EventDraft
from godtui.eventlog import Ownership
from godtui.operations import Replayed, ReplayRequest, ReplayView
from godtui.runtime.engine import Engine
from godtui.runtime.interpreter import tune
from godtui.settings import Settings

EVENT_TYPE: Final = "test.event.created"
FILTER: Final = f"type:{EVENT_TYPE}"
QUEUE: Final = "infra-dispatcher.plane"
BATCH: Final = 500
MEAN_GAP: Final = 0.01
LOOK_SECONDS: Final = 0.01
LONGEST_SECONDS: Final = 300.0


def replayed(place: Place) -> Figures:
    """Events a second that a replay puts into a queue, from when it is made until it is completed."""
    return asyncio.run(_replayed(place))


def published(place: Place) -> Figures:
    """Events a second that are published into the same engine, in batches, one after the other."""
    return asyncio.run(_published(place))


def paced(place: Place) -> Figures:
    """How far from its moment each event of a replay at the old pace is sent, in milliseconds."""
    return asyncio.run(_paced(place))


async def _published(place: Place) -> Figures:
    drafts = _drafts(place.choose(50_000, 1_000))
    async with _engine(place) as engine:
        return {"rate": await _publish(engine, drafts)}


async def _replayed(place: Place) -> Figures:
    drafts = _drafts(place.choose(50_000, 1_000))
    async with _engine(place) as engine:
        await _publish(engine, drafts)
        started = time.perf_counter()
        made = await _begin(engine, to=f"queue:{QUEUE}", speed="max")
        ended = await _completed(engine, made)
        return {"rate": ended.sent / (time.perf_counter() - started), "sent": ended.sent}


async def _paced(place: Place) -> Figures:
    random, at = Random(1), 0.0
    begins = to_datetime(SystemClock().now()) - timedelta(hours=1)
    moments = []
    for _ in range(place.choose(1_500, 50)):
        at += random.expovariate(1 / MEAN_GAP)
        moments.append(at)
    drafts = [
        draft.model_copy(update={"timestamp": begins + timedelta(seconds=at)})
        for draft, at in zip(_drafts(len(moments)), moments, strict=True)
    ]
    async with _engine(place) as engine:
        await _publish(engine, drafts)
        seen = asyncio.create_task(_seen(engine, len(moments)))
        await asyncio.sleep(0.2)
        await _begin(engine, to="bus", speed=1.0)
        async with asyncio.timeout(LONGEST_SECONDS):
            arrivals = await seen
    offsets = [arrived - at for arrived, at in zip(arrivals, moments, strict=True)]
    # Which moment was the beginning all of them tell together: the first alone may be late by itself.
    began = median(offsets)
    errors = [1000 * abs(offset - began) for offset in offsets]
    bare = await _bare_commits(place, moments)
    return {"p50": percentile(errors, 50), "p99": percentile(errors, 99), "commit": percentile(bare, 99)}


async def _bare_commits(place: Place, moments: Sequence[float]) -> list[float]:
    """How many milliseconds a commit of nearly nothing takes at each of these moments: what the disk alone does."""
    log = BareLog(place.folder / "bare.sqlite")
    taken = []
    began = time.perf_counter()
    for at in moments:
        await asyncio.sleep(max(0.0, began + at - time.perf_counter()))
        started = time.perf_counter()
        await log.append([b"{}"])
        taken.append(1000 * (time.perf_counter() - started))
    log.close()
    return taken


async def _seen(engine: Engine, count: int) -> list[float]:
    """When each replayed event came out of the stream."""
    arrivals: list[float] = []
    async for frame in engine.operations.store.stream(filters.parse(FILTER, now=0)):
        if isinstance(frame, Replayed):
            arrivals.append(time.perf_counter())
            if len(arrivals) == count:
                break
    return arrivals


async def _begin(engine: Engine, *, to: str, speed: float | str) -> ReplayView:
    asked = {"filter": FILTER, "to": to, "speed": speed, "confirm": True}
    return await engine.operations.replays.create(ReplayRequest.model_validate(asked))


async def _completed(engine: Engine, made: ReplayView) -> ReplayView:
    async with asyncio.timeout(LONGEST_SECONDS):
        while True:
            view = await engine.operations.replays.replay(made.replay_id)
            if view is not None and view.state == "completed":
                return view
            await asyncio.sleep(LOOK_SECONDS)


async def _publish(engine: Engine, drafts: Sequence[EventDraft]) -> float:
    """Events a second."""
    started = time.perf_counter()
    for start in range(0, len(drafts), BATCH):
        report = await engine.operations.bus.publish_batch(drafts[start : start + BATCH])
        if report.rejected or report.unconfirmed:
            raise RuntimeError("an event was not published")
    return len(drafts) / (time.perf_counter() - started)


def _drafts(count: int) -> list[EventDraft]:
    return [
        EventDraft(event_type=EVENT_TYPE, payload={"message": f"event {number}"}, source={"service": "benchmark"})
        for number in range(count)
    ]


@asynccontextmanager
async def _engine(place: Place) -> AsyncIterator[Engine]:
    """One without a dispatcher, whose queue only holds what comes."""
    settings = Settings(data_dir=place.folder / "data", workers=("persister",))
    engine = Engine(settings, Ownership.take(settings.data_dir))
    await engine.start()
    tune()
    try:
        yield engine
    finally:
        await engine.stop()
