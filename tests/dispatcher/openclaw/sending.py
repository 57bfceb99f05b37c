"""A hook, what is sent to it, and what it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from godtui.dispatcher.answers import (
    Admitted,
    Answer,
)
from godtui.dispatcher.openclaw import Hook
from tests.clock import ManualClock

TOKEN = "s3cr3t-Token.of~the(hook)"
KEY = "godtui:1:1:1"
BODY = b'{"message":"a ticket","name":"TeamInfraDispatch"}'
SOON = 0.3
"""Seconds; what stalls here would stall for ever."""


@asynccontextmanager
async def hook_at(url: str, clock: ManualClock, *, token: str = TOKEN, timeout: float = 30.0) -> AsyncIterator[Hook]:
    one = Hook(url, token, clock, timeout=timeout)
    try:
        yield one
    finally:
        await one.close()


def reason_of(answer: Answer) -> str:
    return answer.note if isinstance(answer, Admitted) else answer.reason
