"""What counts as admitted."""

from __future__ import annotations

import gzip
import json

import pytest

from godtui.dispatcher.answers import (
    Admitted,
)
from godtui.dispatcher.openclaw import MAX_REASON_LENGTH, Hook
from tests.clock import ManualClock
from tests.dispatcher.openclaw.sending import BODY, KEY, SOON, TOKEN, hook_at, reason_of
from tests.openclaw import Ending, Mood, OpenClaw, Reply


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_admitted(openclaw: OpenClaw, hook: Hook, status: int) -> None:
    openclaw.moods += [Reply(status, body=b"" if status == 204 else b'{"ok":true,"runId":"r-9"}')]
    answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Admitted)
    assert answer.run_id == (None if status == 204 else "r-9")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"junk",
        b"\xff\xfe",
        b"[" * 60_000,
        b'"text"',
        b'["runId"]',
        b"{}",
        b'{"runId":7}',
        b'{"runId":null}',
        b'{"runId":""}',
        b'{"runId":"a\\nb"}',
        b'{"runId":"a\\u202eb"}',
        b'{"runId":"' + b"r" * 256 + b'"}',
        b'{"runId":"r","runId":"s"}',
        b'{"runId":"' + TOKEN.encode() + b'"}',
    ],
)
async def test_an_answer_without_a_good_run_id_is_admitted_and_says_so(
    openclaw: OpenClaw, hook: Hook, body: bytes
) -> None:
    openclaw.moods += [Reply(200, body=body)]
    answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Admitted)
    assert answer.run_id is None
    assert "runId" in answer.note
    assert TOKEN not in answer.note


async def test_the_longest_run_id_is_kept(openclaw: OpenClaw, hook: Hook) -> None:
    openclaw.moods += [Reply(200, body=json.dumps({"runId": "ü" * 255}).encode())]
    assert await hook.send(BODY, KEY) == Admitted("ü" * 255)


@pytest.mark.parametrize("mood", [Mood.HTML, Mood.CUT_WITHIN, Mood.STALL_WITHIN, Mood.ENDLESS])
async def test_what_follows_a_2xx_does_not_undo_it(openclaw: OpenClaw, clock: ManualClock, mood: Mood) -> None:
    openclaw.moods += [mood]
    async with hook_at(openclaw.url, clock, timeout=SOON if mood is Mood.STALL_WITHIN else 30.0) as hook:
        answer = await hook.send(BODY, KEY)
        assert isinstance(answer, Admitted)
        assert answer.run_id is None
        assert "runId" in answer.note
        assert len(openclaw.runs) == 1
        assert await hook.send(BODY, KEY) == Admitted("run-1")


@pytest.mark.parametrize("status", [200, 500, 400])
async def test_of_an_endless_answer_little_is_read(openclaw: OpenClaw, hook: Hook, status: int) -> None:
    openclaw.moods += [Reply(status, ending=Ending.ENDLESS)]
    answer = await hook.send(BODY, KEY)
    assert len(reason_of(answer)) <= MAX_REASON_LENGTH
    assert await hook.send(BODY, KEY) == Admitted("run-1")
    assert openclaw.sent < 2**24  # What the sockets between the two hold is sent but never read.


async def test_a_compressed_answer_is_not_unpacked(openclaw: OpenClaw, hook: Hook) -> None:
    openclaw.moods += [Reply(200, {"Content-Encoding": "gzip"}, gzip.compress(b'{"runId":"r"}' + b" " * 10_000_000))]
    assert openclaw.requests == []
    answer = await hook.send(BODY, KEY)
    assert isinstance(answer, Admitted)
    assert answer.run_id is None
    assert openclaw.requests[0].header("Accept-Encoding") == "identity"
