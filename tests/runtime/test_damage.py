"""A log that turns out to be damaged while everything runs."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from godtui.cli.serving import HttpService
from godtui.eventlog import Ownership
from godtui.runtime.engine import Engine
from godtui.settings import Settings
from tests.eventlog.records import until

PAGE = 4096
EVENT = {"event_type": "test.event.created", "payload": {"message": "hello " * 60}}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a Unix socket in it."""
    with tempfile.TemporaryDirectory(prefix="g") as path:
        yield Path(path)


def engine_of(folder: Path) -> Engine:
    settings = Settings(data_dir=folder, port=0)
    return Engine(settings, Ownership.take(folder), services=(HttpService,))


def spoil(path: Path) -> None:
    """Break the page that holds the first event's id among the ids."""
    with contextlib.closing(sqlite3.connect(path)) as opened:
        page = opened.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events_by_id'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xff" * PAGE)


async def test_health_is_down_publishing_503_and_the_rest_goes_on(folder: Path) -> None:
    engine = engine_of(folder)
    await engine.start()
    async with httpx.AsyncClient(trust_env=False, base_url=engine.url or "") as client:
        for _ in range(20):
            assert (await client.post("/publish", json=EVENT)).status_code == 202
    await engine.stop()
    spoil(folder / "events.sqlite")
    engine = engine_of(folder)
    await engine.start()
    try:
        async with httpx.AsyncClient(trust_env=False, base_url=engine.url or "") as client:
            refused = await client.post("/publish", json=EVENT)
            assert refused.status_code == 503
            await until(lambda: engine.health().status == "down")
            answered = await client.get("/health")
            assert answered.status_code == 503
            said = answered.json()["components"]["store"]
            assert said["status"] == "down"
            assert "events.sqlite is damaged" in said["detail"]
            assert "index events_by_id" in said["detail"]
            assert "godtui salvage" in said["detail"]
            read = await client.get("/events", params={"limit": 5})
            assert (read.status_code, len(read.json()["events"])) == (200, 5)
            assert (await client.get("/schemas")).status_code == 200
    finally:
        await engine.stop()
