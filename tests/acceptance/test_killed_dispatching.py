"""kill -9 in the middle of dispatching to an OpenClaw that takes its time: every ticket is dispatched, none twice."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import httpx

from godtui.dispatcher.handover import MOST_SENDS
from tests.dispatcher import samples
from tests.openclaw import Mood, OpenClaw
from tests.processes import PATIENCE, Process, headless

SECRET = "the-webhook's"
TICKETS = [str(UUID(int=number)) for number in range(1, 51)]


@asynccontextmanager
async def running(home: Path, claw: OpenClaw) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    """An instance, killed at the end."""
    process = await asyncio.to_thread(
        headless,
        home,
        OPENCLAW_HOOK_URL=claw.url,
        OPENCLAW_HOOK_TOKEN=claw.token,
        PLANE_WEBHOOK_SECRET=SECRET,
        INFRA_RUN_CHECKS="false",
    )
    with process:
        url = await asyncio.to_thread(lambda: process.started().url)
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE) as http:
            yield process, http
        await asyncio.to_thread(process.kill)


async def deliver(http: httpx.AsyncClient, ticket_id: str) -> None:
    """Plane tells that a ticket is ready."""
    body = json.dumps(samples.issue(id=ticket_id)).encode()
    signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
    answer = await http.post("/webhooks/plane", content=body, headers={"X-Plane-Signature": signature})
    assert answer.status_code == 200, answer.text


async def said(http: httpx.AsyncClient, verdict: str) -> list[str]:
    """The tickets of which that was said, in order."""
    parameters = {"type": f"infra.ticket.{verdict}", "order": "asc", "limit": "1000"}
    answer = (await http.get("/events", params=parameters)).raise_for_status().json()
    return [event["payload"]["ticket_id"] for event in answer["events"]]


async def test_each_ticket_is_dispatched_once_however_often_it_is_killed(home: Path) -> None:
    async with OpenClaw() as claw, asyncio.timeout(2 * PATIENCE):
        claw.moods.extend([Mood.SLOW] * 1000)
        async with running(home, claw) as (_, http):
            await asyncio.gather(*(deliver(http, ticket_id) for ticket_id in TICKETS))
            await claw.received(1)
            for requests in (1 + MOST_SENDS, 1 + 2 * MOST_SENDS):
                claw.admit()
                await claw.received(requests)
            claw.admit()  # Some of these answers come in time to be written down, some do not.
        before = len(claw.requests)
        async with running(home, claw):
            await claw.received(before + 1)
            claw.admit()
            await claw.received(before + 1 + MOST_SENDS)
        assert 1 < len(claw.runs) < len(TICKETS), "it was not killed in the middle"
        claw.moods.clear()
        claw.admit()
        async with running(home, claw) as (_, http):
            while len(dispatched := await said(http, "dispatched")) < len(TICKETS):
                await asyncio.sleep(0.05)
            assert sorted(dispatched) == sorted(await said(http, "qualified")) == TICKETS
            counts = (await http.get("/dispatcher")).raise_for_status().json()["counts"]
            assert {state: count for state, count in counts.items() if count} == {"dispatched": len(TICKETS)}
    told = [json.loads(body)["sessionKey"].removeprefix("hook:infra:") for body in claw.runs.values()]
    assert sorted(told) == TICKETS
    assert len(claw.requests) > len(TICKETS), "nothing had to be sent again"
