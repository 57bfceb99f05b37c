"""Coming from the first dispatcher: its settings and its state, in the places where it left them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.dispatcher import samples
from tests.openclaw import OpenClaw
from tests.processes import Process, headless

SECRET = "the-webhook's"
NEW, UNHEARD = str(UUID(int=1)), str(UUID(int=2))
ENV_FILE = """\
# infra-dispatch.env, as systemd's EnvironmentFile reads it
OPENCLAW_HOOK_TOKEN="{claw.token}"
OPENCLAW_HOOK_URL={claw.url}
INFRA_READY_STATES=unstarted
INFRA_READY_LABELS='ready,automation:go'
INFRA_COMPONENT_LABEL_PREFIX=comp:
INFRA_RUN_CHECKS=false
RABBITMQ_URL=amqp://guest:guest@localhost:5672/
PLANE_WEBHOOK_SECRET={secret}
"""
FINGERPRINT = "update:2026-02-07T13:00:00.731904Z:unstarted:automation:go,comp:bloodbank,ready"
"""What the first dispatcher wrote of the sample's delivery."""


@pytest.fixture
async def claw() -> AsyncIterator[OpenClaw]:
    async with OpenClaw() as listening:
        yield listening


@pytest.fixture
def folder(home: Path, claw: OpenClaw) -> Path:
    """`~/.config/openclaw` as the first dispatcher left it: two tickets that it had sent."""
    folder = home / ".config" / "openclaw"
    folder.mkdir(parents=True)
    (folder / "infra-dispatch.env").write_text(ENV_FILE.format(claw=claw, secret=SECRET))
    left = {samples.ISSUE: FINGERPRINT, UNHEARD: FINGERPRINT}
    (folder / "infra-dispatch-state.json").write_text(json.dumps(left))
    return folder


class Instance:
    """A godtui that runs, and what is asked of it."""

    def __init__(self, process: Process, http: httpx.AsyncClient) -> None:
        self.process = process
        self.http = http

    async def deliver(self, **data: Any) -> None:
        """Post what Plane would, signed, of a ticket that is ready unless `data` says otherwise."""
        body = json.dumps(samples.issue(**data)).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        answer = await self.http.post("/webhooks/plane", content=body, headers={"X-Plane-Signature": signature})
        assert answer.status_code == 200, answer.text

    async def found(self, filters: str) -> list[Any]:
        """Stored events, the oldest first."""
        answer = await self.http.get("/events", params={"filter": filters, "order": "asc"})
        events: list[Any] = answer.raise_for_status().json()["events"]
        return events


@asynccontextmanager
async def running(home: Path) -> AsyncIterator[Instance]:
    """`godtui --headless` with what stands in the home, drained at the end."""
    process = await asyncio.to_thread(headless, home)
    with process:
        url = await asyncio.to_thread(lambda: process.started().url)
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
            yield Instance(process, http)
        assert await asyncio.to_thread(process.stop) == 0, process.stderr


def handed_over(claw: OpenClaw) -> list[str]:
    """The ids of the tickets that OpenClaw was told of, in order."""
    return [json.loads(body)["sessionKey"].removeprefix("hook:infra:") for body in claw.runs.values()]


async def test_what_the_first_dispatcher_sent_is_not_sent_again(home: Path, folder: Path, claw: OpenClaw) -> None:
    async with running(home) as instance:
        await instance.deliver()
        await instance.deliver(name="edited, and ready as before", updated_at="2026-02-07T14:00:00Z")
        await instance.deliver(id=NEW, sequence_id=43)
        await claw.received(1)
        assert handed_over(claw) == [NEW]
        said = [line["message"] for line in instance.process.logs]
        assert f"2 tickets were taken over from {folder / 'infra-dispatch-state.json'}" in said
    async with running(home) as instance:
        await instance.deliver(updated_at="2026-02-07T15:00:00Z", state={"name": "Doing", "group": "started"})
        await instance.deliver(updated_at="2026-02-07T16:00:00Z")
        await claw.received(2)
    assert handed_over(claw) == [NEW, samples.ISSUE], "once it has left ready and come back, it is"


async def test_its_state_is_kept_on_in_its_file(home: Path, folder: Path, claw: OpenClaw) -> None:
    file = folder / "infra-dispatch-state.json"
    async with running(home) as instance:
        await instance.deliver(id=NEW, sequence_id=43)
        await claw.received(1)
    kept = json.loads(file.read_text())["tickets"]
    assert set(kept) == {samples.ISSUE, UNHEARD, NEW}
    assert kept[UNHEARD]["dispatched_until"] == "2026-02-07T13:00:00.731904Z"
    shutil.rmtree(home / "data")
    async with running(home) as instance:
        for ticket_id in (NEW, UNHEARD):
            await instance.deliver(id=ticket_id, name="on another data directory", updated_at="2026-02-07T17:00:00Z")
        await instance.deliver(id=str(UUID(int=3)))
        await claw.received(2)
    assert handed_over(claw) == [NEW, str(UUID(int=3))]


async def test_what_is_said_of_it_follows_the_contracts(home: Path, folder: Path, claw: OpenClaw) -> None:
    (folder / "infra-dispatch.env").write_text(
        ENV_FILE.format(claw=claw, secret=SECRET).replace("CHECKS=false", "CHECKS=true")
        + 'INFRA_COMPONENT_CHECKS_JSON={"bloodbank": {"command": "echo well", "cwd": "/"}}\n'
    )
    async with running(home) as instance:
        await instance.deliver(id=NEW, sequence_id=43)
        await instance.deliver(id=samples.ISSUE, labels=[], updated_at="2026-02-07T18:00:00Z")
        await claw.received(1)
    async with running(home) as instance:
        chain = (await instance.found("type:webhook.plane.#"))[0]["event_id"]
        told = await instance.found(f"correlation:{chain}")
        assert [event["event_type"] for event in told] == [
            "webhook.plane.issue.updated",
            "infra.ticket.qualified",
            "infra.check.completed",
            "infra.ticket.dispatched",
        ]
        causes = [event["source"].get("causation_id") for event in told]
        assert causes == [None, *(event["event_id"] for event in told[:-1])]
        rejected = await instance.found("type:infra.ticket.rejected")
        assert [event["payload"]["ticket_id"] for event in rejected] == [samples.ISSUE]
        assert await instance.found("is:invalid") == []
        assert claw.token not in "".join(instance.process.stderr)
