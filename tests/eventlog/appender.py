"""A process that appends for ever and prints what was confirmed, to be killed: DIRECTORY SEED."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from godtui.eventlog import EventLog, Migrations
from tests.eventlog.records import records

SLOW = Migrations(
    "slow",
    tuple(
        f"CREATE TABLE slow{number} (id INTEGER PRIMARY KEY, text TEXT) STRICT;\n"
        f"INSERT INTO slow{number} (text) WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n "
        f"WHERE i < 20000) SELECT hex(randomblob(40)) FROM n;\n"
        for number in range(20)
    ),
)


async def _publish(log: EventLog, chance: random.Random) -> None:
    while True:
        batch = records(chance.choice((1, 1, 1, 7, 100, 400)), filler="x" * chance.randrange(2000))
        outcomes = await log.append(batch)
        lines = [
            f"{one.event_id.hex()} {outcome.verdict.value} {outcome.seq}\n"
            for one, outcome in zip(batch, outcomes, strict=True)
        ]
        sys.stdout.write("".join(lines))
        sys.stdout.flush()


async def _main() -> None:
    chance = random.Random(int(sys.argv[2]))
    rooms = [SLOW] if "--slow" in sys.argv else []
    sys.stdout.write("starting\n")
    sys.stdout.flush()
    log = EventLog(Path(sys.argv[1]), rooms=rooms)
    log.start()
    sys.stdout.write("started\n")
    sys.stdout.flush()
    await asyncio.gather(*(_publish(log, chance) for _ in range(6)))


if __name__ == "__main__":
    asyncio.run(_main())
