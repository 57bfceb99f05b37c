"""Pictures of the real console: `python -m tests.candybar.gallery OUT_DIR` draws each scene at three sizes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from godtui.candybar.app import ConsoleApp
from godtui.clock import SystemClock
from godtui.envelope import Fault, StoredEvent
from tests.candybar.fakes import NOON, Engine, event

SIZES = ((80, 24), (120, 40), (200, 50))


class FrozenClock(SystemClock):
    """The wall stands still, so that a picture is the same every time."""

    def now(self) -> int:
        return NOON + 700_000


async def picture(
    events: Sequence[StoredEvent], size: tuple[int, int], keys: Sequence[str] = (), title: str = "godtui"
) -> str:
    """An SVG of the console with these events stored, after these keys."""
    with Engine(events) as engine:
        app = ConsoleApp(engine, FrozenClock())
        async with app.run_test(size=size) as pilot:
            await until(lambda: app.link.feed.ready and app.link.health is not None)
            await pilot.pause(0.3)
            for key in keys:
                await pilot.press(key)
            await pilot.pause(0.4)
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


SCENES: dict[str, tuple[list[StoredEvent], tuple[str, ...]]] = {
    "stream": (evening(), ()),
    "empty": ([], ()),
    "paused": (evening(), ("k", "k", "p")),
    "detail": (evening(), (*"kkkkkkkkkkkk", "enter")),
    "filter": (evening(), ("slash", *"type:agent.#", "enter")),
    "help": (evening(), ("question_mark",)),
    "violations": (evening(), (*"kkkkkkkkkkk", "enter")),
    "refused": (evening(), ("slash", *"type:agent.# type:a..b", "enter")),
}


async def main(folder: Path) -> None:
    """Draw everything into the folder."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    for name, (events, keys) in SCENES.items():
        for width, height in SIZES:
            svg = await picture(events, (width, height), keys)
            await asyncio.to_thread((folder / f"{name}-{width}x{height}.svg").write_text, svg)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
