"""A data directory that fills up: 503 and the reason, then room again and recovery without a restart."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.processes import PATIENCE, Process, headless

MEBIBYTE = 1024 * 1024
FILLER = "x" * 200_000

FreeRoom = Callable[[Process], None]


@pytest.fixture(params=["a full file system", "a limit on files"])
def bounded(request: pytest.FixtureRequest, home: Path) -> Iterator[tuple[Process, FreeRoom]]:
    """An instance with little room, and how to give it more."""
    data = home / "data"
    data.mkdir()
    if request.param == "a limit on files":
        if not hasattr(resource, "prlimit"):
            pytest.skip("limits of another process can be set on Linux alone")
        with headless(home) as process:
            process.started()
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (10 * MEBIBYTE, hard))
            yield process, lambda one: resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (hard, hard)) and None
        return
    _mount(data)
    try:
        (data / "ballast").write_bytes(os.urandom(24 * MEBIBYTE))
        with headless(home) as process:
            process.started()
            yield process, lambda one: (data / "ballast").unlink()
    finally:
        subprocess.run(["umount", str(data)], check=True, capture_output=True)


def _mount(folder: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("a small file system is mounted on Linux alone; the limit on files stands in for it")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "godtui-test", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"not permitted to mount ({mounted.stderr.strip()}); the limit on files stands in for it")


def draft(**more: Any) -> dict[str, Any]:
    return {"event_id": str(uuid4()), "event_type": "test.event.created", "payload": {"message": FILLER}, **more}


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)
    return value


def test_it_says_so_and_recovers(bounded: tuple[Process, FreeRoom]) -> None:
    process, free_room = bounded
    with httpx.Client(base_url=process.url, trust_env=False, timeout=30) as http:
        confirmed, refused = _fill(http)
        health = until(lambda: (answer := http.get("/health")).status_code == 503 and answer.json())
        assert health["status"] == "down"
        assert health["components"]["store"]["status"] == "down"
        assert "cannot be written: " in health["components"]["store"]["detail"]
        assert http.get(f"/events/{confirmed[0]}").status_code == 200, "what is stored can be read"
        free_room(process)
        until(lambda: http.get("/health").status_code == 200)
        for one in [*refused, *refused]:
            assert http.post("/publish", json=one).status_code == 202
        assert http.post("/publish", json=draft()).status_code == 202
        ids = _stored(http)
        for event in [*confirmed, *(one["event_id"] for one in refused)]:
            assert ids.count(event) == 1
        assert process.stop() == 0


def _fill(http: httpx.Client) -> tuple[list[str], list[dict[str, Any]]]:
    """Publish until there is no room: what was confirmed, and what was not."""
    confirmed: list[str] = []
    refused: list[dict[str, Any]] = []
    for _ in range(400):
        one = draft()
        answer = http.post("/publish", json=one)
        if answer.status_code == 202:
            confirmed.append(one["event_id"])
            continue
        assert answer.status_code == 503, answer.text
        problem = answer.json()
        assert problem["event_id"] == one["event_id"]
        assert int(answer.headers["retry-after"]) > 0
        assert "cannot be written" in problem["detail"]
        refused.append(one)
        if len(refused) == 3:
            return confirmed, refused
    raise AssertionError("the disk never filled")


def _stored(http: httpx.Client) -> list[str]:
    """Ids page by page; the events are large."""
    found: list[str] = []
    parameters = {"type": "test.event.created", "limit": "50"}
    while True:
        page = http.get("/events", params=parameters).raise_for_status().json()
        found += [event["event_id"] for event in page["events"]]
        if page["next_cursor"] is None:
            return found
        parameters["cursor"] = page["next_cursor"]
