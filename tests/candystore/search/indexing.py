"""A search that is brought up to its log by the test."""

from __future__ import annotations

import asyncio

from godtui.candystore.search import Search
from godtui.eventlog import EventLog
from tests.clock import ManualClock
from tests.eventlog.records import PATIENCE


async def indexed(search: Search, log: EventLog, clock: ManualClock) -> None:
    """Let the indexer work until nothing is left for it."""
    working = asyncio.ensure_future(search.run())
    try:
        async with asyncio.timeout(PATIENCE):
            while search.look().figures["indexed"] < log.last_seq or search.is_building:
                clock.advance(1)
                await asyncio.sleep(0.001)
                if working.done():
                    working.result()
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
