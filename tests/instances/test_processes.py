"""Instances as users start them, on one broker: one stores, the others say who and take over when it is gone."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.processes import PATIENCE, Process, headless, run

QUICK = {"GODTUI_HEALTH_INTERVAL": "3600"}


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder whose path is short enough for the sockets of several instances in it."""
    with tempfile.TemporaryDirectory(prefix="g") as path:
        yield Path(path)


class Instance:
    """One of several, with a data directory of its own."""

    def __init__(self, process: Process) -> None:
        self.process = process.started()
        self.url = process.url
        eventually(lambda: httpx.get(f"{self.url}/health").status_code == 200)
        self.name: str = self.get("/health")["instance"]

    def get(self, path: str) -> Any:
        answer = httpx.get(self.url + path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str) -> Any:
        answer = httpx.get(self.url + path)
        assert answer.status_code == 503, answer.text
        assert answer.headers["Retry-After"]
        return answer.json()

    def worker(self, name: str = "persister") -> dict[str, Any]:
        found: dict[str, Any] = self.get("/health")["components"][name]
        return found

    def store(self) -> dict[str, Any]:
        return self.worker("store")

    def stores(self) -> bool:
        return bool(self.worker()["state"] == "running")

    def publish(self, message: str, **more: str) -> dict[str, str]:
        draft = {"event_type": "test.event.created", "payload": {"message": message}, **more}
        answer = httpx.post(f"{self.url}/publish", json=draft)
        assert answer.status_code == 202, answer.text
        receipt: dict[str, str] = answer.json()
        return receipt

    def messages(self) -> list[str]:
        """What is stored of what tests published, the oldest first."""
        page = self.get(f"/events?order=asc&filter={quote('type:test.event.created')}")
        return [event["payload"]["message"] for event in page["events"]]

    @contextmanager
    def stream(self, parameters: str = "") -> Iterator[ClientConnection]:
        with connect(
            f"{self.url.replace('http', 'ws')}/stream?filter=type:test.%23&{parameters}", proxy=None
        ) as socket:
            yield socket


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.05)


def frame(socket: ClientConnection) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(socket.recv(PATIENCE))
    return told


def test_one_stores_and_another_takes_over(home: Path, vhost: str) -> None:
    def launch(name: str, **env: str) -> Process:
        (home / name).mkdir(exist_ok=True)
        return stack.enter_context(headless(home / name, GODTUI_BUS_URL=vhost, **QUICK, **env))

    with ExitStack() as stack:
        first = Instance(launch("a"))
        eventually(first.stores)
        second, watching = map(Instance, (launch("b"), launch("c", GODTUI_WORKERS="none")))
        says_who(first, second, watching)
        takes_over(first, second, watching)
        comes_back(home, Instance(launch("a")), second)


def says_who(first: Instance, second: Instance, watching: Instance) -> None:
    """While one stores, the others show what passes and name it for everything else."""
    persister = second.worker()
    assert (persister["status"], persister["state"], persister["active"]) == ("ok", "standing by", first.name)
    assert persister["detail"].startswith(f"standing by: {first.name} is active since 2")
    assert first.worker()["active"] == first.name
    assert "persister" not in watching.get("/health")["components"]
    assert watching.store()["held_by"] == first.name
    assert first.store()["holds_since"] is None
    for other in (second, watching):
        for path in ("/events", f"/events/{'0' * 8}-0000-7000-8000-000000000000", "/dead-letters"):
            problem = other.refused(path)
            assert problem["history"] == {"instance": first.name, "url": first.url}
            assert problem["detail"] == f"the history is not here, but with {first.name} at {first.url}; ask there"
    with second.stream() as socket, watching.stream() as other_socket:
        assert frame(socket) == frame(other_socket) == {"type": "welcome", "seq": None}
        ids = [each.publish(name)["event_id"] for each, name in ((first, "one"), (second, "two"), (watching, "three"))]
        for listening in (socket, other_socket):
            told = [frame(listening)["event"] for _ in ids]
            assert [event["event_id"] for event in told] == ids
            assert all(event["seq"] is event["stored_at"] is None for event in told)
    eventually(lambda: first.messages() == ["one", "two", "three"])
    assert first.publish("effect", causation_id=ids[0])["correlation_id"] == ids[0]
    begun = second.publish("effect", causation_id=ids[0])
    assert begun["correlation_id"] == begun["event_id"], "it cannot look up whose chain that is"
    eventually(lambda: first.messages()[3:] == ["effect", "effect"])


def takes_over(first: Instance, second: Instance, watching: Instance) -> None:
    """Streams of who takes over end, so that clients come back to the log."""
    with second.stream() as socket:
        assert frame(socket)["seq"] is None
        first.process.kill()
        assert ending(socket) == (1013, "this instance holds the history from now on; connect again")
    eventually(second.stores)
    eventually(lambda: watching.store()["held_by"] == second.name)
    assert second.worker()["active"] == second.name
    assert second.store()["holds_since"] is not None
    assert f"nothing is missing since {second.store()['holds_since']}" in second.store()["detail"]
    event_id = watching.publish("four")["event_id"]
    # What the first had stored and not yet acked when it was killed may come before it.
    eventually(lambda: second.messages()[-1:] == ["four"])
    seq = second.get(f"/events/{event_id}")["seq"]
    with second.stream(f"after={seq - 1}") as socket:
        assert frame(socket)["seq"] >= seq
        assert frame(socket)["event"]["event_id"] == event_id


def comes_back(home: Path, first: Instance, second: Instance) -> None:
    """Who comes back stands by, and its commands say whom to ask."""
    persister = first.worker()
    assert (persister["state"], persister["active"]) == ("standing by", second.name)
    asked = run(home, "events", "--attach", first.url)
    assert (asked.returncode, asked.stdout) == (3, "")
    assert f"but with {second.name} at {second.url}; ask there" in asked.stderr
    first.publish("five")
    eventually(lambda: second.messages()[-2:] == ["four", "five"])


def ending(socket: ClientConnection) -> tuple[int | None, str | None]:
    """How a stream ends on which nothing comes any more."""
    with pytest.raises(ConnectionClosed):
        frame(socket)
    return socket.close_code, socket.close_reason
