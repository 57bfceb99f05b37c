"""A log in a directory of its own, and records to put into it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from godtui.eventlog import EventLog

OpenLog = Callable[..., EventLog]


@pytest.fixture
async def open_log(tmp_path: Path) -> AsyncIterator[OpenLog]:
    """Opens logs that are closed with the test."""
    async with AsyncExitStack() as stack:

        def open_one(directory: Path = tmp_path, **options: Any) -> EventLog:
            log = EventLog(directory, **options)
            stack.push_async_callback(log.close)
            log.start()
            return log

        yield open_one


@pytest.fixture
async def log(open_log: OpenLog) -> EventLog:
    """An empty log."""
    return open_log()
