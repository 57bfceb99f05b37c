"""Ending answers that would otherwise go on, once the server is to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.types import Scope

from godtui.racing import first_of

STOPPING = "godtui.stopping"
"""The scope's key of an asyncio.Event that is set when the server begins to stop."""


async def while_serving(pieces: AsyncGenerator[str], scope: Scope) -> AsyncGenerator[str]:
    """Pieces until they end, or the server that asked for them is to stop."""
    stopping: asyncio.Event = scope.get(STOPPING) or asyncio.Event()
    async with aclosing(pieces):
        while not stopping.is_set():
            stepping = asyncio.ensure_future(_next(pieces))
            await first_of(stepping, stopping.wait())
            if stepping.cancelled() or (piece := stepping.result()) is None:
                return
            yield piece


async def _next(pieces: AsyncGenerator[str]) -> str | None:
    return await anext(pieces, None)
