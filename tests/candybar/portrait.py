"""The README's picture: `python -m tests.candybar.portrait docs/console.svg`, the console over a real engine."""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from godtui.candybar.app import ConsoleApp
from godtui.envelope import EventDraft
from godtui.eventlog import Ownership
from godtui.runtime.engine import Engine
from godtui.runtime.hosting import Host
from godtui.settings import Settings
from tests.candybar.gallery import until

SIZE = (120, 32)
KEYS = ("k", "k", "k", "enter")

WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""A picture loads nothing."""

STORY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("worktree.created", "workspaces", {"worktree_id": "infra-42", "branch": "infra-42-certificates"}),
    ("session.started", "jelmore", {"session_id": "5f2c", "editor": "helix"}),
    ("agent.task.assigned", "theboard", {"task_id": "INFRA-42", "agent": "grolf"}),
    ("agent.task.started", "grolf", {"task_id": "INFRA-42", "agent": "grolf"}),
    ("meeting.started", "theboard", {"meeting_id": "release-31", "participants": ["ann", "grolf", "björn"]}),
    ("agent.task.completed", "grolf", {"task_id": "INFRA-42", "duration_seconds": 1.24}),
    ("invoices.batch.imported", "outside", {"rows": 1204, "file": "invoices 日本語.csv"}),
    ("agent.task.failed", "grolf", {"task_id": "INFRA-17", "error": "checks did not pass"}),
    ("meeting.converged", "theboard", {"meeting_id": "release-31", "decision": "ship it"}),
    ("test.event.created", "http", {"message": "test"}),
    ("session.ended", "jelmore", {"session_id": "5f2c"}),
    ("worktree.removed", "workspaces", {"worktree_id": "infra-42"}),
)


async def portrait() -> str:
    """The console with an event open, its stream an ordinary evening's."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data", unknown_types="allow")
        host = Host(lambda: named_engine(settings), "embedded")
        await asyncio.to_thread(host.start)
        try:
            app = ConsoleApp(host)
            async with app.run_test(size=SIZE) as pilot:
                await until(lambda: app.link.feed.ready and app.link.health is not None)
                for event_type, source, payload in STORY:
                    draft = EventDraft(event_type=event_type, payload=payload, source={"service": source})
                    await asyncio.wrap_future(host.submit(host.operations.bus.publish(draft)))
                    await pilot.pause(0.15)
                # The health on screen is asked for once a second.
                await pilot.pause(1.5)
                await pilot.press(*KEYS)
                await pilot.pause(0.5)
                return WEB_FONT.sub("", app.export_screenshot(title="godtui"))
        finally:
            await asyncio.to_thread(host.stop)


def named_engine(settings: Settings) -> Engine:
    """An engine that does not tell the name of the machine."""
    engine = Engine(settings, Ownership.take(settings.data_dir))
    engine.instance = "node-3-4711"
    return engine


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(asyncio.run(portrait()), encoding="utf-8")
