"""Pictures of the real console: `python -m tests.candybar.gallery OUT_DIR [NAME]` draws scenes at three sizes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from godtui.candybar.app import ConsoleApp
from godtui.clock import SystemClock, to_datetime
from godtui.envelope import Fault, StoredEvent
from godtui.operations import ComponentHealth, ReplayView, TicketState, TicketView
from tests.candybar.dispatchers import RUNNING, SETTINGS, ago, night
from tests.candybar.fakes import NOON, Engine, elsewhere, event
from tests.candybar.healths import GAP, broker, relay, standing_by

SIZES = ((80, 24), (120, 40), (200, 50))


PLAYING = ReplayView(
    replay_id=UUID("018f2c7e-51d4-7a10-8c2a-5b1f6e0a9d9d"),
    filter="type:agent.task.*",
    to="queue:agent.inbox",
    speed=10,
    state="running",
    total=1430,
    done=812,
    sent=812,
    eta_s=41,
    created_at=to_datetime(NOON),
)
PAUSED = PLAYING.model_copy(update={"replay_id": UUID(int=7), "to": "bus", "state": "paused", "done": 3, "total": 64})


class FrozenClock(SystemClock):
    """The wall stands still, so that a picture is the same every time."""

    def now(self) -> int:
        return NOON + 700_000


@dataclass(frozen=True)
class Scene:
    """What is stored, which keys were pressed, and how the engine is."""

    events: Sequence[StoredEvent] = ()
    keys: Sequence[str] = ()
    bus: ComponentHealth | None = None
    workers: Mapping[str, ComponentHealth] = field(default_factory=dict)
    told: Sequence[StoredEvent] = ()
    """What arrives on an instance that stands by."""
    tickets: Sequence[TicketView] = ()
    more: Mapping[TicketState, int] = field(default_factory=dict)
    """Tickets that are only counted."""
    dispatcher: Mapping[str, Any] = field(default_factory=dict)
    """What the dispatcher says of itself."""
    replays: Sequence[ReplayView] = ()
    matching: int = 10
    """How many events a replay's plan finds."""


async def picture(scene: Scene, size: tuple[int, int], title: str = "godtui") -> str:
    """An SVG of the console in this scene."""
    with Engine(scene.events) as engine:
        monitor = engine.operations.monitor
        monitor.bus, monitor.workers = scene.bus or monitor.bus, dict(scene.workers)
        engine.operations.dispatcher.show(*scene.tickets, **scene.dispatcher)
        engine.operations.dispatcher.more.update(scene.more)
        engine.operations.replays.all = {one.replay_id: one for one in scene.replays}
        engine.operations.replays.total = scene.matching
        if scene.told:
            engine.turn(elsewhere())
        app = ConsoleApp(engine, FrozenClock())
        async with app.run_test(size=size) as pilot:
            await until(lambda: app.link.feed.ready and app.link.health is not None)
            engine.tell(*scene.told)
            await pilot.pause(0.3)
            for key in scene.keys:
                await pilot.press(key)
                if key in ("2", "3"):
                    await pilot.pause(0.4)
            await pilot.pause(0.8)
            return app.export_screenshot(title=title)


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for a condition, at most so long."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


def evening() -> list[StoredEvent]:
    """A quarter of an hour of an ordinary night."""
    chain = UUID("018f2c7e-51d4-7a10-8c2a-5b1f6e0aa012")
    bad = Fault("/payload/task", '7 is not of type "string"', "type")
    jelmore = {"service": "jelmore", "host": "node-3"}
    plane = {"service": "plane-webhook"}
    step = 731_000
    story = [
        ("webhook.plane.issue.updated", {"action": "updated", "issue": {"id": "INFRA-42", "state": "ready"}}, plane),
        ("infra.ticket.qualified", {"ticket": "INFRA-42", "title": "Rotate the broker's certificates"}, {}),
        ("infra.check.completed", {"component": "bloodbank", "outcome": "ok", "exit_code": 0, "duration_s": 3.2}, {}),
        ("infra.ticket.dispatched", {"ticket": "INFRA-42", "episode": 1}, {}),
        ("agent.task.started", {"task": "INFRA-42", "agent": "grolf"}, jelmore),
        ("worktree.created", {"path": "/srv/trees/infra-42", "branch": "infra-42-certificates"}, jelmore),
        ("session.started", {"session": "5f2c", "labels": ["ready", "automation:go"]}, jelmore),
        ("agent.task.completed", {"task": "INFRA-42", "duration_ms": 1240, "outcome": "ok"}, jelmore),
        ("agent.task.completed", {"task": 7, "outcome": "ok"}, {"app": "outside", "host": "node-7"}),
        ("agent.task.failed", {"task": "INFRA-17", "error": "checks did not pass"}, {"service": "grolf"}),
        (
            "meeting.converged",
            {"meeting": "release", "participants": 4, "note": "ship 日本語 it"},
            {"service": "board"},
        ),
        ("candystore.event.persisted", {"count": 12, "first_seq": 1204540, "last_seq": 1204551}, {}),
        ("bloodbank.health.status", {"status": "ok", "components": {"bus": "ok", "store": "ok"}}, {}),
        ("test.event.created", {"message": "escape \x1b[31m and [bold red]markup[/] stay text\n"}, {"service": "http"}),
    ]
    events = []
    for index in range(90):
        kind, payload, source = story[index % len(story)]
        faults = [bad] if payload.get("task") == 7 else []
        source = source or {"service": "godtui", "instance": "node-1"}
        time = NOON - (90 - index) * step * (1200 if index < 50 else 1)
        events.append(event(kind, payload, source=source, time=time, faults=faults, correlation_id=chain))
    return events


def workflow() -> list[StoredEvent]:
    """One ticket from its webhook to its end, with everything that can be odd about a chain."""
    chain = UUID("018f2c7e-51d4-7a10-8c2a-5b1f6e0aa012")
    events: list[StoredEvent] = []

    def happened(kind: str, service: str, seconds: float, cause: int | UUID | None, **payload: Any) -> None:
        source = {"service": service}
        if cause is not None:
            named = cause if isinstance(cause, UUID) else UUID(bytes=events[cause].event_id)
            source["causation_id"] = str(named)
        faults = [Fault("/payload/task", '7 is not of type "string"', "type")] if payload.get("task") == 7 else []
        time = NOON - 9_000_000_000 + round(seconds * 1_000_000)
        events.append(event(kind, payload, source=source, time=time, faults=faults, correlation_id=chain))

    happened("webhook.plane.issue.updated", "plane-webhook", 0, None, action="updated", issue={"id": "INFRA-42"})
    happened("infra.check.completed", "godtui", 3.2, 0, component="bloodbank", outcome="ok", exit_code=0)
    happened("infra.ticket.qualified", "godtui", 3.3, 0, ticket="INFRA-42", title="Rotate the certificates")
    happened("infra.ticket.dispatched", "godtui", 3.4, 2, ticket="INFRA-42", episode=1)
    happened("agent.task.started", "grolf", 64.1, 3, task="INFRA-42", agent="grolf")
    happened("worktree.created", "jelmore", 64.9, 4, path="/srv/trees/infra-42", branch="infra-42-certificates")
    happened("session.started", "jelmore", 66.0, 5, session="5f2c")
    happened("agent.task.completed", "outside", 70.4, 4, task=7, outcome="ok")
    happened("session.ended", "jelmore", 8120.0, 6, session="5f2c")
    happened("worktree.removed", "jelmore", 8121.7, 5, path="/srv/trees/infra-42")
    happened("agent.task.failed", "forge", 8123.0, UUID(int=0xDEAD), task="INFRA-17", error="checks did not pass")
    happened("meeting.started", "board", 8125.0, 0, meeting="release")
    happened("meeting.converged", "board", 8129.0, len(events) - 1, meeting="release", note="ship 日本語 it")
    events[-2:] = events[:-3:-1]
    return events


SCENES = {
    "stream": Scene(evening()),
    "empty": Scene(),
    "paused": Scene(evening(), ("k", "k", "p")),
    "detail": Scene(evening(), (*"kkkkkkkkkkkk", "enter")),
    "filter": Scene(evening(), ("slash", *"type:agent.#", "enter")),
    "help": Scene(evening(), ("question_mark",)),
    "violations": Scene(evening(), (*"kkkkkkkkkkk", "enter")),
    "refused": Scene(evening(), ("slash", *"type:agent.# type:a..b", "enter")),
    "broker": Scene(evening(), bus=broker(since=NOON - 4_000_000_000)),
    "waiting": Scene(evening(), bus=broker("waiting", next_try=3.4), workers={"relay": relay(14)}),
    "blocked": Scene(evening(), bus=broker("blocked", since=NOON - 41_000_000)),
    "down": Scene(evening(), bus=broker("closed", since=NOON - 86_400_000_000), workers={"relay": relay(1204)}),
    "gap": Scene(evening(), bus=broker(gaps=[GAP])),
    "standing-by": Scene(bus=broker(), workers={"persister": standing_by()}, told=evening()),
    "standing-by-empty": Scene(
        bus=broker(), workers={"persister": standing_by()}, told=evening()[:1], keys=("slash", *"type:none.#", "enter")
    ),
    "standing-by-detail": Scene(
        bus=broker(), workers={"persister": standing_by()}, told=evening(), keys=(*"kkkk", "enter")
    ),
    "store": Scene(evening(), ("3",)),
    "store-marked": Scene(evening(), ("3", "j", "space", "space", "j", "j", "space")),
    "store-detail": Scene(evening(), ("3", *"jjjj", "enter")),
    "store-filter": Scene(evening(), ("3", "slash", *"type:agent.#", "enter")),
    "store-jump": Scene(evening(), ("3", "t", *"half past two", "enter")),
    "store-empty": Scene((), ("3",)),
    "store-nothing": Scene(evening(), ("3", "slash", *"source:nobody", "enter")),
    "store-help": Scene(evening(), ("3", "question_mark")),
    "chain": Scene(workflow(), ("3", *"jjj", "o")),
    "chain-detail": Scene(workflow(), ("3", *"jjj", "o", "enter")),
    "chain-marked": Scene(workflow(), ("3", *"jjj", "o", "g", "j", "space", "space")),
    "chain-replay": Scene(workflow(), ("3", "o", "r", "shift+tab", "up")),
    "chain-flat": Scene(evening(), ("3", "o")),
    "chain-one": Scene(workflow()[:1], ("o",)),
    "chain-help": Scene(workflow(), ("3", "o", "question_mark")),
    "replay-question": Scene(evening(), ("3", "j", "r", "tab", "down")),
    "replay-many": Scene(evening(), ("r", "shift+tab", "down"), matching=1430),
    "replay-playing": Scene(evening(), ("3",), replays=[PLAYING]),
    "replay-in-hand": Scene(evening(), ("3", "P"), replays=[PLAYING, PAUSED]),
    "replay-cancel": Scene(evening(), ("P", "escape"), replays=[PLAYING]),
    "tickets": Scene(evening(), ("2",), tickets=night()),
    "tickets-blocked": Scene(evening(), ("2", "j"), tickets=night()),
    "tickets-detail": Scene(evening(), ("2", "j", "enter"), tickets=night()),
    "tickets-running": Scene(evening(), ("2", *"jjjj", "enter"), tickets=night(), dispatcher={"checks": [RUNNING]}),
    "tickets-rejected": Scene(evening(), ("2", *"jjjjjjjj", "enter"), tickets=night()),
    "tickets-paused": Scene(
        evening(),
        ("2",),
        tickets=night(),
        dispatcher={"state": "paused", "reason": "the mirror is being moved", "since": ago(7200)},
    ),
    "tickets-many": Scene(evening(), ("2",), tickets=night(), more={"dispatched": 9_000, "rejected": 782}),
    "tickets-filter": Scene(evening(), ("2", "slash", *"blocked", "enter"), tickets=night()),
    "tickets-withdraw": Scene(evening(), ("2", "j", "x"), tickets=night()),
    "tickets-dispatch": Scene(evening(), ("2", "j", "d", *"the disk is fine"), tickets=night()),
    "tickets-help": Scene(evening(), ("2", "question_mark"), tickets=night()),
    "tickets-empty": Scene(evening(), ("2",), dispatcher={"settings": SETTINGS}),
    "tickets-held": Scene(
        evening(),
        ("2",),
        dispatcher={"state": "held", "reason": "OPENCLAW_HOOK_TOKEN is not set", "settings": SETTINGS},
    ),
    "tickets-off": Scene(evening(), ("2",), dispatcher={"state": "off", "reason": "no dispatcher works here"}),
    "tickets-standing-by": Scene(evening(), ("2",), dispatcher={"state": "standing by", "active": "node-2-815"}),
}


async def main(folder: Path, wanted: str = "") -> None:
    """Draw every scene, or those with this in their name, into the folder."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    for name, scene in SCENES.items():
        if wanted not in name:
            continue
        for width, height in SIZES:
            svg = await picture(scene, (width, height))
            await asyncio.to_thread((folder / f"{name}-{width}x{height}.svg").write_text, svg)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:3]))
