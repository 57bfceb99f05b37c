"""What the operator has to set right."""

from __future__ import annotations

import pytest

from godtui.dispatcher.answers import (
    Admitted,
    Misconfigured,
    TryAgain,
)
from godtui.dispatcher.openclaw import Hook
from tests.clock import ManualClock
from tests.dispatcher.openclaw.sending import BODY, KEY, TOKEN, hook_at, reason_of
from tests.openclaw import Mood, OpenClaw, Reply


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (401, "OPENCLAW_HOOK_TOKEN"),
        (403, "OPENCLAW_HOOK_TOKEN"),
        (404, "OPENCLAW_HOOK_URL"),
        (405, "OPENCLAW_HOOK_URL"),
    ],
)
async def test_an_operators_fault_says_what_to_set(openclaw: OpenClaw, hook: Hook, status: int, names: str) -> None:
    openclaw.moods += [Reply(status)]
    answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Misconfigured)
    assert f"set {names}" in answer.reason
    assert str(status) in answer.reason


async def test_a_wrong_token_and_path_are_told_by_the_stand_in(openclaw: OpenClaw, clock: ManualClock) -> None:
    async with hook_at(openclaw.url, clock, token="another") as hook:
        assert "OPENCLAW_HOOK_TOKEN" in reason_of(await hook.send(BODY, KEY))
    async with hook_at(openclaw.url + "s", clock) as hook:
        assert "OPENCLAW_HOOK_URL" in reason_of(await hook.send(BODY, KEY))


async def test_the_stand_in_locks_out_after_twenty_failures_within_a_minute(
    openclaw: OpenClaw, hook: Hook, clock: ManualClock
) -> None:
    async with hook_at(openclaw.url, clock, token="another") as wrong:
        for _ in range(20):
            assert isinstance(await wrong.send(BODY, KEY), Misconfigured)
            clock.advance(1)
    locked = await hook.send(BODY, KEY)
    assert isinstance(locked, TryAgain)
    assert locked.after == 40.0
    clock.advance(40)
    assert await hook.send(BODY, KEY) == Admitted("run-1")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
async def test_a_redirect_is_not_followed(openclaw: OpenClaw, hook: Hook, clock: ManualClock, status: int) -> None:
    async with OpenClaw(clock, token=TOKEN) as other:
        location = f"http://user:pass@127.0.0.1:{other.port}/hooks/agent?secret=1"
        openclaw.moods += [Reply(status, {"Location": location}, b"")]
        answer = await hook.send(BODY, KEY)
        assert isinstance(answer, Misconfigured)
        assert f"answered {status}" in answer.reason
        assert f"to http://127.0.0.1:{other.port}," in answer.reason
        assert "set OPENCLAW_HOOK_URL to where it lives" in answer.reason
        assert not any(secret in answer.reason for secret in ("pass", "secret", TOKEN))
        assert other.requests == []
    assert len(openclaw.requests) == 1


async def test_the_stand_in_redirects(openclaw: OpenClaw, hook: Hook) -> None:
    openclaw.moods += [Mood.REDIRECT]
    assert "to http://elsewhere.invalid:80," in reason_of(await hook.send(BODY, KEY))


@pytest.mark.parametrize(
    "location", ["", "http://[", "/login", "//", "http://a:999999999/", "javascript:alert(1)", "x" * 50_000, TOKEN]
)
async def test_a_redirect_to_anywhere_is_a_sentence(openclaw: OpenClaw, hook: Hook, location: str) -> None:
    openclaw.moods += [Reply(302, {"Location": location}, b"")]
    answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Misconfigured)
    assert len(answer.reason) < 500
    assert TOKEN not in answer.reason


@pytest.mark.parametrize(
    "url",
    [
        "", "localhost", "ftp://localhost/", "http://", "http:///hooks", "http://[::1", "http://a:0/", "http://a:65536/",
        "http://a:b/", "http://" + "a" * 64 + "/", "http://a..b/", "http://a\x00b/", "file:///etc/passwd", "\ud800",
        "http://user:pass@localhost/",
    ],
)  # fmt: skip
async def test_a_url_that_cannot_be_used_is_for_the_operator(clock: ManualClock, url: str) -> None:
    async with hook_at(url, clock) as hook:
        answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Misconfigured)
    assert "OPENCLAW_HOOK_URL" in answer.reason
    assert "pass@" not in answer.reason


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "tökén"])
async def test_a_token_that_no_header_carries_is_for_the_operator(
    openclaw: OpenClaw, clock: ManualClock, token: str
) -> None:
    async with hook_at(openclaw.url, clock, token=token) as hook:
        answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Misconfigured)
    assert "OPENCLAW_HOOK_TOKEN" in answer.reason
    assert not token or token not in answer.reason
    assert openclaw.requests == []
