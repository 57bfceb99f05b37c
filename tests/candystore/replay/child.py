"""A process that replays into one queue until it is killed; says how many there are, then how far it is."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from godtui.candystore.replay import job
from godtui.clock import SystemClock
from tests.candystore.replay.rig import CREATED, SOME, Rig

EVENTS = 600


async def main(directory: Path) -> None:
    job.STEP = 7  # type: ignore[misc] # many steps, so that one of them is cut off
    rig = Rig(directory, time=SystemClock())
    await rig.open()
    await rig.publish(range(EVENTS))
    await rig.bus.declare(SOME)
    say(EVENTS)
    view = await rig.create(f"type:{CREATED}", speed="max", rate=3000, to="queue:some")
    while True:
        say((await rig.view(view.replay_id)).done)
        await asyncio.sleep(0)


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
