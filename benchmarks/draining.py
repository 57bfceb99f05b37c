"""A queue full of deliveries, decided and dispatched by an engine as users run it, to a hook that answers at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

from pydantic import SecretStr

from benchmarks.deliveries import delivered
from benchmarks.measure import Figures, Place
from benchmarks.programs import running, script
from godtui.envelope import EventDraft
from godtui.eventlog import Ownership
from godtui.runtime.engine import Engine
from godtui.runtime.interpreter import tune
from godtui.settings import CheckSetting, Settings

TICKETS: Final = 500
EDITS: Final = 10
"""Deliveries a ticket: the ticket is ready in all of them, so that they are one episode."""
BATCH: Final = 500
LOOK_SECONDS: Final = 0.025
LONGEST_SECONDS: Final = 300.0


def drained(place: Place) -> Figures:
    """Deliveries a second, from the start of the engine until the ticket of every one of them is dispatched."""
    with running(script("instant_hook"), place.folder) as hook:
        if hook.stdout is None:
            raise RuntimeError("no stdout")
        return asyncio.run(_drained(place, hook.stdout.readline().decode().strip()))


async def _drained(place: Place, url: str) -> Figures:
    tickets, edits = place.choose((TICKETS, EDITS), (5, 2))
    settings = _settings(place, url)
    async with _engine(settings.model_copy(update={"workers": ("persister",)})) as engine:
        drafts = list(_drafts(tickets, edits))
        for start in range(0, len(drafts), BATCH):
            await engine.operations.bus.publish_batch(drafts[start : start + BATCH])
    tune()
    processor, started = time.process_time(), time.perf_counter()
    async with _engine(settings) as engine:
        async with asyncio.timeout(LONGEST_SECONDS):
            while (await engine.operations.dispatcher.status(limit=0)).counts.get("dispatched") != tickets:
                await asyncio.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - started
        share = (time.process_time() - processor) / seconds
        shown = await engine.operations.dispatcher.status(limit=tickets)
        if any((ticket.episode, ticket.attempts) != (1, 1) for ticket in shown.tickets):
            raise RuntimeError("a ticket was dispatched more than once")
    return {"rate": tickets * edits / seconds, "seconds": seconds, "processor": 100 * share}


def _settings(place: Place, url: str) -> Settings:
    """As they come, but for one check, which passes at once."""
    return Settings(
        data_dir=place.folder / "data",
        openclaw_hook_url=url,
        openclaw_hook_token=SecretStr("token-of-a-benchmark"),
        infra_component_checks_json={"bloodbank": CheckSetting(command="true", cwd=place.folder)},
        infra_dispatch_state_path=place.folder / "infra-dispatch-state.json",
    )


def _drafts(tickets: int, edits: int) -> Iterator[EventDraft]:
    """Deliveries as the ingress publishes them: every ticket edited once, then again."""
    for edit in range(edits):
        for ticket in range(tickets):
            payload = {"provider": "plane", "event": "issue", "action": "updated", "body": delivered(ticket, edit)}
            yield EventDraft(event_type="webhook.plane.issue.updated", payload=payload)


@asynccontextmanager
async def _engine(settings: Settings) -> AsyncIterator[Engine]:
    engine = Engine(settings, Ownership.take(settings.data_dir))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()
