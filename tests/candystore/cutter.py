"""A process that stores and cuts for ever, to be killed: DIRECTORY."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from godtui.candystore.retention import Cut
from godtui.eventlog import EventLog
from tests.eventlog.records import records


async def _main() -> None:
    log = EventLog(Path(sys.argv[1]))
    log.start()
    while True:
        stored = records(60)
        await log.append(stored)
        sys.stdout.write("".join(f"{one.event_id.hex()}\n" for one in stored))
        sys.stdout.flush()
        await log.submit(Cut(log.last_seq - 20, max_events=37))


if __name__ == "__main__":
    asyncio.run(_main())
