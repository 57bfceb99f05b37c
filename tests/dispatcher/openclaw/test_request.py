"""What goes out."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from godtui.dispatcher.answers import (
    Admitted,
)
from godtui.dispatcher.message import key_of, render
from godtui.dispatcher.openclaw import Hook
from godtui.dispatcher.ticket import Ticket
from tests.clock import ManualClock
from tests.dispatcher.openclaw.sending import BODY, KEY, TOKEN
from tests.openclaw import Mood, OpenClaw, Reply


async def test_exactly_these_bytes_go_out_under_the_token_and_the_key(openclaw: OpenClaw, hook: Hook) -> None:
    assert await hook.send(BODY, KEY) == Admitted("run-1")
    [request] = openclaw.requests
    assert (request.method, request.path, request.body) == ("POST", "/hooks/agent", BODY)
    assert request.header("Authorization") == f"Bearer {TOKEN}"
    assert request.header("Content-Type") == "application/json"
    assert request.header("Idempotency-Key") == KEY
    assert request.header("Content-Length") == str(len(BODY))
    assert openclaw.runs == {"run-1": BODY}


async def test_a_rendered_ticket_is_admitted(openclaw: OpenClaw, hook: Hook) -> None:
    key = key_of("1", 1, 1)
    body = render(Ticket(id="1", reference="GOD-1"), ["a"], [], prefix="comp:", deliver=True, key=key)
    assert await hook.send(body, key) == Admitted("run-1")
    assert json.loads(openclaw.runs["run-1"])["sessionKey"] == "hook:infra:1"


async def test_a_repeat_is_the_same_run_until_the_key_is_forgotten(openclaw: OpenClaw, hook: Hook) -> None:
    assert await hook.send(BODY, KEY) == await hook.send(BODY, KEY) == Admitted("run-1")
    openclaw.forget()
    assert await hook.send(BODY, KEY) == Admitted("run-2")
    assert await hook.send(BODY.replace(b"ticket", b"letter"), KEY) == Admitted("run-3")


async def test_the_stand_in_remembers_a_key_for_minutes(openclaw: OpenClaw, hook: Hook, clock: ManualClock) -> None:
    await hook.send(BODY, KEY)
    clock.advance(299)
    assert await hook.send(BODY, KEY) == Admitted("run-1")
    clock.advance(1)
    assert await hook.send(BODY, KEY) == Admitted("run-2")


async def test_no_cookie_and_no_proxy_of_the_environment_is_used(
    openclaw: OpenClaw, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    openclaw.moods += [Reply(500, {"Set-Cookie": "crumb=1; Path=/"})]
    await hook.send(BODY, KEY)
    await hook.send(BODY, KEY)
    assert openclaw.requests[1].header("Cookie") is None


@pytest.mark.parametrize("key", ["", "a b", "a\r\nX: y", "ä", "k" * 257])
async def test_a_key_that_no_header_carries_is_the_callers_mistake(hook: Hook, openclaw: OpenClaw, key: str) -> None:
    with pytest.raises(ValueError, match="visible ASCII"):
        await hook.send(BODY, key)
    assert openclaw.requests == []


async def test_several_go_at_a_time(openclaw: OpenClaw, hook: Hook) -> None:
    openclaw.moods += [Mood.SLOW, Mood.SLOW]
    async with asyncio.TaskGroup() as group:
        sending = [group.create_task(hook.send(BODY, f"key-{number}")) for number in range(2)]
        await openclaw.received(2)
        assert await hook.send(BODY, "key-2") == Admitted("run-1")
        openclaw.admit()
    assert {task.result() for task in sending} == {Admitted("run-2"), Admitted("run-3")}


async def test_a_hook_that_was_closed_can_be_used_again(hook: Hook) -> None:
    await hook.send(BODY, KEY)
    await hook.close()
    assert await hook.send(BODY, KEY) == Admitted("run-1")


async def test_the_network_can_be_replaced(clock: ManualClock) -> None:
    taken: list[bytes] = []

    def take(request: httpx.Request) -> httpx.Response:
        taken.append(request.content)
        return httpx.Response(200, json={"runId": "r"})

    hook = Hook("https://openclaw.example/hooks/agent", TOKEN, clock, transport=httpx.MockTransport(take))
    assert await hook.send(BODY, KEY) == Admitted("r")
    await hook.close()
    assert taken == [BODY]
