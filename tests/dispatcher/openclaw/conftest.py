"""A stand-in for OpenClaw, and a hook that sends to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from godtui.dispatcher.openclaw import Hook
from tests.clock import ManualClock
from tests.dispatcher.openclaw.sending import TOKEN, hook_at
from tests.openclaw import OpenClaw


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def openclaw(clock: ManualClock) -> AsyncIterator[OpenClaw]:
    async with OpenClaw(clock, token=TOKEN) as standin:
        yield standin


@pytest.fixture
async def hook(openclaw: OpenClaw, clock: ManualClock) -> AsyncIterator[Hook]:
    async with hook_at(openclaw.url, clock) as one:
        yield one
