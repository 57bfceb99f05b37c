"""How much memory an instance takes beyond what it has at rest, for what goes through a large store."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final

from benchmarks.events import Events
from benchmarks.idling import resident
from benchmarks.measure import Figures, Place
from benchmarks.programs import address_of, godtui, running
from benchmarks.storing import PROSE
from godtui import filters
from godtui.api.client import HttpOperations
from godtui.operations import Events as Found
from godtui.operations import Operations, Position, ReplayRequest, ReplayStateError

LINES: Final = 1_000
LARGE_LINES: Final = 4
FOUND_LITTLE: Final = "payload.duration_ms>=99990"
"""No index leads there: every event is looked into, and one of ten thousand is found."""
QUERY_SECONDS: Final = 15.0
LONGEST_SECONDS: Final = 600.0
REST_SECONDS: Final = 3.0
LOOK_SECONDS: Final = 0.05
_RESET_PEAK: Final = "5"


Work = Callable[[Operations, Place], Awaitable[None]]


def remembered(place: Place) -> Figures:
    """MiB at the highest of each, beyond what it had once it had caught up with the prepared store."""
    return _measured(place, {"query": _query, "export": _export, "replay": _replay, "import": _import})


def remembered_large(place: Place) -> Figures:
    """The same in a store whose events have 900 kB each, and of a page of as many as there may be."""
    works = {"query": _query, "page": _page, "export": _export, "replay": _replay, "import": _import_large}
    return _measured(place, works)


def _measured(place: Place, works: Mapping[str, Work]) -> Figures:
    with running(godtui(place.prepared, "--headless"), place.folder) as process:
        return asyncio.run(_remembered(place, works, address_of(place.prepared, process), process.pid))


async def _remembered(place: Place, works: Mapping[str, Work], url: str, pid: int) -> Figures:
    async with HttpOperations(url) as operations, asyncio.timeout(LONGEST_SECONDS):
        await _caught_up(operations)
        await asyncio.sleep(place.choose(REST_SECONDS, 0.0))
        figures: Figures = {"idle": resident(pid)}
        for name, work in works.items():
            Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK, encoding="ascii")
            await work(operations, place)
            figures[name] = resident(pid, "VmHWM") - figures["idle"]
        return figures


async def _caught_up(operations: Operations) -> None:
    """Until search and tallies know all that is stored."""
    while True:
        components = (await operations.monitor.health()).components
        behind = (components["search"].figures.get("lag_events"), components["tallies"].figures.get("behind"))
        if behind == (0, 0):
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _query(operations: Operations, place: Place) -> None:
    """Page after page that finds nothing, for some seconds or to the end."""
    wanted = filters.parse(FOUND_LITTLE, now=0)
    until = time.monotonic() + place.choose(QUERY_SECONDS, 0.1)
    page = await operations.store.query(wanted)
    while page.next_cursor is not None and time.monotonic() < until:
        page = await operations.store.query(wanted, cursor=page.next_cursor)


async def _page(operations: Operations, _place: Place) -> None:
    await operations.store.query(filters.parse("", now=0), limit=1_000)


async def _export(operations: Operations, place: Place) -> None:
    rest = place.choose(200_000, 1_000)
    newest = (await operations.store.query(filters.parse("", now=0), limit=1)).events
    end = newest[0].seq if newest else 0
    frames = operations.store.stream(filters.parse("", now=0), after=0, positions=True)
    async with aclosing(frames):
        async for frame in frames:
            if isinstance(frame, Found):
                rest -= len(frame.events)
            elif isinstance(frame, Position) and (rest <= 0 or frame.seq >= end):
                return


async def _replay(operations: Operations, place: Place) -> None:
    """What goes over the bus once more, as fast as it can, until enough of it was sent."""
    asked = {"filter": "", "to": "bus", "speed": "max", "confirm": True}
    made = await operations.replays.create(ReplayRequest.model_validate(asked))
    enough = place.choose(100_000, 1_000)
    while True:
        view = await operations.replays.replay(made.replay_id)
        if view is None or view.state == "completed":
            return
        if view.sent >= enough:
            with suppress(ReplayStateError):  # it may have come to its end meanwhile
                await operations.replays.cancel(made.replay_id)
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _import(operations: Operations, place: Place) -> None:
    """Plain envelopes, which are judged."""
    count = place.choose(100_000, 1_000)
    await _imported(operations, Events(count, seed=5), count, LINES)


async def _import_large(operations: Operations, place: Place) -> None:
    count = place.choose(160, 4)
    await _imported(operations, Events(count, seed=5, prose=PROSE), count, LARGE_LINES)


async def _imported(operations: Operations, events: Events, count: int, at_once: int) -> None:
    for _ in range(count // at_once):
        lines = [record.body for record in itertools.islice(events, at_once)]
        if (await operations.archive.import_lines(lines)).stored != at_once:
            raise RuntimeError("an event was not imported")
