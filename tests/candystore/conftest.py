"""A log that is filled by the test, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from godtui.bloodbank import tables
from godtui.eventlog import EventLog
from tests.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def log(tmp_path: Path, clock: ManualClock) -> AsyncIterator[EventLog]:
    log = EventLog(tmp_path, rooms=(tables.MIGRATIONS,), clock=clock)
    log.start()
    yield log
    await log.close()
