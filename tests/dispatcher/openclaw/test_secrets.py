"""Neither token nor key is told."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest

from godtui.dispatcher.openclaw import Hook
from tests.dispatcher.openclaw.sending import BODY, KEY, TOKEN
from tests.openclaw import Mood, OpenClaw, Reply

ECHOES: list[Callable[[int], Reply]] = [
    lambda status: Reply(status, body=json.dumps({"error": f"Bearer {TOKEN} for {KEY}"}).encode()),
    lambda status: Reply(status, body=f"{TOKEN.upper()} {KEY} {TOKEN}".encode()),
    lambda status: Reply(status, body=json.dumps({"runId": TOKEN, "error": {"message": TOKEN}}).encode()),
    lambda status: Reply(status, body=json.dumps({"error": TOKEN[:5] + "\u200b" + TOKEN[5:]}).encode()),
    lambda status: Reply(status, {"Location": f"http://{TOKEN}.example/{TOKEN}", "Retry-After": TOKEN}, TOKEN.encode()),
]


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 422, 429, 500])
async def test_an_echo_of_the_token_is_not_told(
    openclaw: OpenClaw, hook: Hook, caplog: pytest.LogCaptureFixture, status: int, echo: Callable[[int], Reply]
) -> None:
    caplog.set_level(logging.INFO)
    openclaw.moods += [echo(status)]
    told = repr(await hook.send(BODY, KEY)) + repr(hook) + caplog.text
    assert TOKEN.lower() not in told.lower()
    assert KEY not in told


async def test_not_even_the_libraries_underneath_log_the_token(
    hook: Hook, openclaw: OpenClaw, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    openclaw.moods += [Mood.CUT_BEFORE]
    for _ in range(2):
        await hook.send(BODY, KEY)
    assert TOKEN not in caplog.text
    assert KEY not in caplog.text
