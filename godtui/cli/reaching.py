"""Finding the engine a command means: the one that was named, the one that lives here, or one of its own."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from godtui.cli.failures import UnreachableError, WrongUsageError
from godtui.cli.options import Given
from godtui.cli.serving import SOCKET
from godtui.eventlog import OwnedError, Ownership
from godtui.operations import Operations
from godtui.runtime import Engine
from godtui.settings import Settings

WAIT_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.05


@asynccontextmanager
async def reach(given: Given) -> AsyncIterator[Operations]:
    """Operations for one command, closed when it is done."""
    if given.url is not None:
        async with _client(given.url) as operations:
            yield operations
        return
    settings = given.settings()
    found = await _own_or_socket(settings)
    if isinstance(found, Path):
        async with _client(found) as operations:
            yield operations
        return
    engine = Engine(settings, found, workers=False)
    await engine.start()
    try:
        yield engine.operations
    finally:
        await engine.stop()


async def _own_or_socket(settings: Settings) -> Ownership | Path:
    """The data directory for ourselves, or the socket of whoever has it; another command's turn is waited for."""
    socket = settings.data_dir / SOCKET
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return Ownership.take(settings.data_dir)
        except OwnedError as error:
            if socket.exists() and error.owner.get("url"):
                return socket
            if time.monotonic() > deadline:
                raise UnreachableError(f"{error}, which answers no commands; wait for it or end it") from None
        await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def _client(address: str | Path) -> AsyncIterator[Operations]:
    from godtui.api.client import HttpOperations

    token = os.environ.get("GODTUI_API_TOKEN") or None
    try:
        operations = HttpOperations(address, token=token)
    except ValueError as error:
        raise WrongUsageError(str(error)) from None
    async with operations:
        yield operations
