"""An engine with a dispatcher, a stand-in OpenClaw and a clock of the test's; what outlives the engine stays."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from godtui import jsontext
from godtui.envelope import StoredEvent
from godtui.eventlog import Ownership
from godtui.filters import parse
from godtui.jsontext import Json
from godtui.operations import (
    Delivered,
    DispatcherOperations,
    DispatcherStatus,
    HistoryElsewhereError,
    TicketView,
)
from godtui.runtime.engine import Engine
from godtui.settings import Settings
from tests.clock import ManualClock
from tests.dispatcher.samples import PROJECT, TODO, issue
from tests.openclaw import OpenClaw

SECRET: Final = "plane-webhook-secret"
TOKEN: Final = "openclaw-hook-token"
PATIENCE: Final = 20.0
"""Seconds of real time after which a test has waited in vain."""

BEGIN: Final = datetime(2026, 2, 7, 13, 0, tzinfo=UTC)
STATES: Final = {
    "unstarted": {"id": TODO, "name": "Todo", "color": "#60646C", "group": "unstarted"},
    "completed": {
        "id": "5d9b2f5e-0f43-5b3b-bd6a-5f5ab9ed9f10",
        "name": "Done",
        "color": "#46A758",
        "group": "completed",
    },
}


def ticket_id(number: int) -> str:
    """A ticket's id in Plane."""
    return f"00000000-0000-4000-8000-{number:012d}"


def reference(number: int) -> str:
    """What the ticket is called without a registry."""
    return f"{PROJECT[:8]}-{number}"


def edited(number: int, at: float, *, group: str = "unstarted", labels: Json = None, **data: Json) -> dict[str, Any]:
    """A delivery of ticket `number`, edited at so many seconds of Plane's time; ready unless told otherwise."""
    named = ["Ready", "automation:go"] if labels is None else labels
    return issue(
        **{
            "id": ticket_id(number),
            "sequence_id": number,
            "name": f"Ticket {number}",
            "updated_at": (BEGIN + timedelta(seconds=at)).isoformat().replace("+00:00", "Z"),
            "state": STATES[group],
            "labels": named,
            **data,
        }
    )


class World:
    """What there is: a folder, a clock, OpenClaw, and the engine while it runs."""

    def __init__(self, folder: Path, claw: OpenClaw, clock: ManualClock) -> None:
        self.folder = folder
        self.claw = claw
        self.clock = clock
        self.engine: Engine | None = None
        self.settings: dict[str, Any] = {}

    @property
    def state_path(self) -> Path:
        return self.folder / "state.json"

    @property
    def desk(self) -> DispatcherOperations:
        return self.running.operations.dispatcher

    @property
    def running(self) -> Engine:
        assert self.engine is not None
        return self.engine

    def make(self, **settings: Any) -> Engine:
        """An engine of this world that is not started; a setting of None is left out."""
        told: dict[str, Any] = {
            "data_dir": self.folder / "data",
            "port": 0,
            "openclaw_hook_url": self.claw.url,
            "openclaw_hook_token": TOKEN,
            "plane_webhook_secret": SECRET,
            "infra_dispatch_state_path": self.state_path,
            "infra_components_root": self.folder,
            **self.settings,
            **settings,
        }
        made = Settings(**{name: value for name, value in told.items() if value is not None})
        return Engine(made, Ownership.take(made.data_dir), clock=self.clock)

    async def start(self, **settings: Any) -> None:
        """Start an engine, and wait until its dispatcher works or cannot; the next has the same settings."""
        self.settings |= settings
        self.engine = self.make()
        await self.engine.start()
        if "dispatcher" in self.engine.settings.workers:
            await self.until(lambda: self.works() or self.running.health().components["dispatcher"].status != "ok")

    def works(self) -> bool:
        """Whether the dispatcher has started."""
        return "decided" in self.running.health().components["dispatcher"].figures

    async def stop(self) -> None:
        """Stop it."""
        if self.engine is not None:
            engine, self.engine = self.engine, None
            await engine.stop()

    async def restart(self, **settings: Any) -> None:
        """Stop it and start another."""
        await self.stop()
        await self.start(**settings)

    async def post(self, body: Json) -> Delivered:
        """Plane delivers."""
        raw = jsontext.dumps(body)
        signature = hmac.digest(SECRET.encode(), raw, "sha256").hex()
        return await self.running.operations.webhooks.plane(raw, signature=signature, delivery=None)

    async def flood(self, bodies: Iterable[Json]) -> None:
        """Plane delivers all of them at once."""
        await asyncio.gather(*(self.post(body) for body in bodies))

    async def decided(self, body: Json) -> Delivered:
        """Plane delivers, and it is decided."""
        delivered = await self.post(body)
        await self.until(lambda: self.is_decided(delivered.event_id.bytes))
        return delivered

    async def is_decided(self, event_id: bytes) -> bool:
        statement = "SELECT count(*) FROM dispatch_decided WHERE event_id = ?"
        return bool((await self.rows(statement, event_id))[0][0])

    async def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of the log's file."""
        return await self.running._log.rows(statement, parameters, purpose="a test")

    async def until(self, condition: Callable[[], object | Awaitable[object]]) -> None:
        """Wait, in real time, until it holds; on a broker, also until it is settled who has the history."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(HistoryElsewhereError):
                    holds = condition()
                    if isinstance(holds, Awaitable):
                        holds = await holds
                    if holds:
                        return
                await asyncio.sleep(0.005)

    async def reaches(self, number: int, state: str) -> TicketView:
        """Wait until a ticket is in a state; the ticket then."""
        found: list[TicketView] = []

        async def is_so() -> bool:
            found[:] = [view for view in await self._view(number) if view.state == state]
            return bool(found)

        try:
            await self.until(is_so)
        except TimeoutError:
            raise AssertionError(f"ticket {number} is {await self._view(number)}, not {state}") from None
        return found[0]

    async def _view(self, number: int) -> list[TicketView]:
        with contextlib.suppress(LookupError):
            return [await self.desk.ticket(ticket_id(number))]
        return []

    async def counted(self, **counts: int) -> DispatcherStatus:
        """Wait until there are so many tickets in these states."""
        await self.until(lambda: self._counts(counts))
        return await self.desk.status()

    async def _counts(self, counts: dict[str, int]) -> bool:
        found = (await self.desk.status(limit=1)).document()["counts"]
        return all(found[state] == number for state, number in counts.items())

    async def events(self, expression: str = "type:infra.#") -> list[StoredEvent]:
        """Stored events that match, in order: all that were committed before this is asked."""
        (committed,) = (await self.rows("SELECT coalesce(max(seq), 0) FROM events"))[0]
        await self.until(lambda: self.running._log.last_seq >= committed)
        found: list[StoredEvent] = []
        cursor = None
        while True:
            wanted = parse(expression, now=self.clock.now())
            page = await self.running.operations.store.query(wanted, limit=1000, cursor=cursor, order="asc")
            found += page.events
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def said(self, number: int) -> list[str]:
        """The last words of the types of what was said of a ticket, in order."""
        envelopes = [event.envelope() for event in await self.events("type:infra.ticket.*")]
        return [
            envelope.event_type.rpartition(".")[2]
            for envelope in envelopes
            if envelope.payload["ticket_id"] == ticket_id(number)
        ]


@contextlib.asynccontextmanager
async def world(folder: Path, **settings: Any) -> AsyncIterator[World]:
    """A world whose engine is not started yet, with these settings for each that will be."""
    clock = ManualClock()
    async with OpenClaw(token=TOKEN) as claw:
        made = World(folder, claw, clock)
        made.settings = settings
        try:
            yield made
        finally:
            await made.stop()
