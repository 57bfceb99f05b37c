"""A second process that imports neither Textual nor FastAPI publishes and consumes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from tests.library.test_ways import TYPE, taken
from tests.library.ways import BrokerWay
from tests.processes import Process, headless


def effect(worker: Process) -> str:
    """The id of what it has published, once it has; it has loaded no skin by then."""
    said: dict[str, Any] = json.loads(worker.until(lambda: worker.stdout[1:])[0])
    assert said["loaded"] == []
    return str(said["effect"])


def test_over_http(tmp_path: Path) -> None:
    with headless(tmp_path) as godtui:
        godtui.started()
        with (
            Process(tmp_path, godtui.url, "-", "-", module="tests.library.worker") as worker,
            httpx.Client(base_url=godtui.url, trust_env=False) as client,
        ):
            cause = client.post("/publish", json={"event_type": TYPE, "payload": {"message": "cause"}}).json()
            found = client.get(f"/events/{effect(worker)}").json()
        assert godtui.stop() == 0
    assert found["correlation_id"] == cause["correlation_id"] == cause["event_id"]
    assert found["source"] | {"instance": ""} == {
        "service": "worker",
        "causation_id": cause["event_id"],
        "instance": "",
    }


async def test_over_amqp(rabbit: BrokerWay, tmp_path: Path) -> None:
    async with rabbit.subscriber("library.witness") as witness, rabbit.subscriber("library.worker") as first:
        await first.close()
        with Process(tmp_path, rabbit.url, "-", "library.worker", module="tests.library.worker") as worker:
            async with rabbit.publisher() as publisher:
                cause = await publisher.publish(TYPE, {"message": "cause"})
            published = await asyncio.to_thread(effect, worker)
        one, other = await taken(witness, 2)
    assert (str(one.event_id), str(other.event_id)) == (str(cause.event_id), published)
    assert other.correlation_id == cause.correlation_id == cause.event_id
    assert other.source == {"service": "worker", "causation_id": str(cause.event_id)}
