"""What will never pass, and why."""

from __future__ import annotations

import json

import pytest

from godtui.dispatcher.answers import (
    Admitted,
    Refused,
    SessionKeyRefused,
)
from godtui.dispatcher.message import render
from godtui.dispatcher.openclaw import MAX_REASON_LENGTH, Hook
from godtui.dispatcher.ticket import Ticket
from tests.dispatcher.openclaw.sending import BODY, KEY, reason_of
from tests.openclaw import OpenClaw, Reply


@pytest.mark.parametrize("status", [400, 402, 406, 410, 413, 415, 418, 422, 499])
async def test_what_will_never_pass_is_refused_with_its_reason(openclaw: OpenClaw, hook: Hook, status: int) -> None:
    openclaw.moods += [Reply(status, body=b'{"ok":false,"error":"message is\\nno good"}')]
    answer = await hook.send(BODY, KEY)
    assert answer == Refused(f"OpenClaw at 127.0.0.1:{openclaw.port} answered {status}: message is no good")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"error":{"message":"within"}}', ": within"),
        (b'{"message":"beside"}', ": beside"),
        (b'{"code":7}', ': {"code":7}'),
        (b"plain text", ": plain text"),
        (b"<html><body>Bad Request</body></html>", ": (a page, not JSON)"),
        (b"", ""),
        (b'{"error":"\\u001b[31mred\\u202e\\u0000 end"}', ": red end"),
        (b"\xff\xfe", ": \ufffd\ufffd"),
    ],
)
async def test_the_reason_is_read_in_whatever_shape(openclaw: OpenClaw, hook: Hook, body: bytes, told: str) -> None:
    openclaw.moods += [Reply(422, body=body)]
    assert reason_of(await hook.send(BODY, KEY)).endswith(f"answered 422{told}")


async def test_a_long_reason_is_cut(openclaw: OpenClaw, hook: Hook) -> None:
    openclaw.moods += [Reply(400, body=b"word " * 10_000)]
    reason = reason_of(await hook.send(BODY, KEY))
    assert len(reason) <= MAX_REASON_LENGTH
    assert reason.endswith("…")


@pytest.mark.parametrize(
    "body",
    [b"not JSON", b"[]", b"{}", b'{"message":" "}', b'{"message":"a","wakeMode":"later"}', b'{"message":"a","x":1}'],
)
async def test_the_stand_in_refuses_bad_bodies(openclaw: OpenClaw, hook: Hook, body: bytes) -> None:
    answer = await hook.send(body, KEY)
    assert isinstance(answer, Refused)
    assert "answered 400" in answer.reason
    assert openclaw.runs == {}


async def test_the_stand_in_refuses_large_bodies(hook: Hook) -> None:
    answer = await hook.send(b'{"message":"' + b"a" * 262_144 + b'"}', KEY)
    assert isinstance(answer, Refused)
    assert "answered 413" in answer.reason


async def test_a_session_key_that_is_not_wanted_is_told_apart(openclaw: OpenClaw, hook: Hook) -> None:
    openclaw.refuses_session_keys = True
    ticket = Ticket(id="1", reference="GOD-1")
    options = {"prefix": "comp:", "deliver": False, "key": KEY}
    assert isinstance(await hook.send(render(ticket, [], [], **options), KEY), SessionKeyRefused)  # type: ignore[arg-type]
    without = render(ticket, [], [], with_session=False, **options)  # type: ignore[arg-type]
    assert await hook.send(without, KEY) == Admitted("run-1")


@pytest.mark.parametrize(
    "error",
    [
        "sessionKey is disabled for external /hooks/agent payloads; set hooks.allowRequestSessionKey=true to enable",
        "sessionKey is disabled for external requests",
        "Session key not allowed",
        "'session_key' isn't allowed here",
        "field sessionKey is not currently permitted",
    ],
)
async def test_the_wording_of_that_may_change(openclaw: OpenClaw, hook: Hook, error: str) -> None:
    openclaw.moods += [Reply(400, body=json.dumps({"error": error}).encode()), Reply(400, body=error.encode())]
    assert isinstance(await hook.send(BODY, KEY), SessionKeyRefused)
    assert isinstance(await hook.send(BODY, KEY), SessionKeyRefused)


@pytest.mark.parametrize(
    ("status", "error"), [(400, "sessionKey must be text"), (400, "model not allowed"), (422, "sessionKey is disabled")]
)
async def test_other_refusals_are_not_taken_for_it(openclaw: OpenClaw, hook: Hook, status: int, error: str) -> None:
    openclaw.moods += [Reply(status, body=json.dumps({"error": error}).encode())]
    assert isinstance(await hook.send(BODY, KEY), Refused)
