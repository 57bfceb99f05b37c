"""Waiting for a broker's answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

from aiormq.channel import Channel

from godtui.bloodbank.rabbitmq.explain import BROKER_ERRORS

ANSWER_SECONDS: Final = 2.5
"""How long a broker may take for an answer before it counts as gone."""
CLOSE_SECONDS: Final = 1.5
"""How long a broker may take for a farewell."""


@asynccontextmanager
async def answered(seconds: float = ANSWER_SECONDS) -> AsyncGenerator[None]:
    """A talk with the broker. Raises TimeoutError where it takes longer, ConnectionError where the connection ends.

    aiormq cancels whoever waits for an answer that will not come any more; nobody here was cancelled by that. And where
    we are cancelled while it closes something, it may forget about that; we do not.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        async with asyncio.timeout(seconds):
            yield
    except asyncio.CancelledError:
        if cancelled_by_us():
            raise
        raise ConnectionError("the connection to the broker was lost") from None
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError


def cancelled_by_us() -> bool:
    """Whether the current task is really to end, when a CancelledError reaches it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def ended(channel: Channel) -> None:
    """Until a channel is closed, for whatever reason."""
    await asyncio.wait((channel.closing,))


async def leave(channel: Channel) -> None:
    """Close a channel; bounded in time, whether or not the broker answers."""
    if not channel.is_closed:
        with suppress(*BROKER_ERRORS):
            async with answered(CLOSE_SECONDS):
                await channel.close()
