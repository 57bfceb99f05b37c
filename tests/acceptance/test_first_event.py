"""A stranger's first event: the brief's own command, and where the event can then be seen."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.processes import PATIENCE, headless, run

COMMAND = """
curl -X POST http://localhost:8000/publish \
  -H "Content-Type: application/json" \
  -d '{
    "event_type": "test.event.created",
    "payload": {"message": "test"}
  }'
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="the brief's command is curl, which is not installed here")
async def test_the_brief_s_command(home: Path) -> None:
    with headless(home) as process:
        process.started()
        port = process.url.rsplit(":", 1)[1]
        async with connect(f"ws://127.0.0.1:{port}/stream?filter=type:test.%23") as stream:
            assert json.loads(await stream.recv())["type"] == "welcome"
            command = COMMAND.replace("localhost:8000", f"localhost:{port}").replace("curl", "curl -s --noproxy '*'")
            ended = await asyncio.to_thread(
                subprocess.run, ["sh", "-c", command], capture_output=True, text=True, timeout=PATIENCE, check=True
            )
            receipt = json.loads(ended.stdout)
            frame = json.loads(await asyncio.wait_for(stream.recv(), PATIENCE))
        assert set(receipt) == {"event_id", "event_type", "version", "correlation_id", "timestamp"}
        assert frame["type"] == "event"
        event = frame["event"]
        assert event["payload"] == {"message": "test"}
        assert event["source"]["service"] == "http"
        for name, value in receipt.items():
            assert event[name] == value
        assert event["violations"] == []
        assert await asyncio.to_thread(_asked, process.url, receipt["event_id"]) == event
        told = run(home, "events", "type:test.#", "--data-dir", str(home / "data"))
        assert json.loads(told.stdout) == event
        process.until(lambda: _announced(process.url, receipt["event_id"]))
        assert process.stop() == 0
    later = run(home, "events", f"id:{receipt['event_id']}", "--data-dir", str(home / "data"))
    assert json.loads(later.stdout) == event, "it outlives the instance"


def _asked(url: str, event: str) -> Any:
    return httpx.get(f"{url}/events/{event}", trust_env=False).json()


def _announced(url: str, event: str) -> bool:
    """Whether the store has said that it holds the event."""
    parameters = {"type": "candystore.event.persisted"}
    page = httpx.get(f"{url}/events", params=parameters, trust_env=False).json()
    listed = [one for said in page["events"] for one in said["payload"]["events"]]
    assert not any(one["event_type"] == "candystore.event.persisted" for one in listed)
    return [one["event_id"] for one in listed].count(event) == 1
