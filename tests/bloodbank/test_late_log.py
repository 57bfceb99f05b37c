"""A bus over a log that cannot be opened when it starts."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from godtui.bloodbank import tables
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.eventlog import EventLog
from godtui.eventlog.database import open_database
from tests.eventlog.records import record, records


async def test_a_tap_follows_from_where_the_log_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = EventLog(tmp_path, rooms=(tables.MIGRATIONS,))
    first.start()
    await first.append(records(3))
    await first.close()
    shut = True

    def open_or_not(*arguments: Any) -> sqlite3.Connection:
        if shut:
            raise OSError(errno.ENOSPC, "No space left on device", "events.sqlite-shm")
        return open_database(*arguments)

    monkeypatch.setattr("godtui.eventlog.log.open_database", open_or_not)
    log = EventLog(tmp_path, rooms=(tables.MIGRATIONS,))
    log.start()
    bus = EmbeddedBus(log)
    await bus.start()
    async with bus.tap(("#",)) as tap:
        shut = False
        new = record()
        await log.append([new])
        message = await asyncio.wait_for(anext(aiter(tap)), 30)
        assert message.message_id.replace("-", "") == new.event_id.hex()
        assert tap.missed == 0
    await bus.close()
    await log.close()
