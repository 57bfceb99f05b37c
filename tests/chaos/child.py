"""A rig in a process of its own: URL DIRECTORY. A line on stdout for each event confirmed; ends when told on stdin."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.chaos.rig import Rig, say


async def main(url: str, directory: Path) -> None:
    rig = Rig(url, directory)
    await rig.start()
    said: set[str] = set()
    ending = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    while not ending.done():
        for identity in rig.confirmed - said:
            said.add(identity)
            say(identity)
        await asyncio.sleep(0.01)
    verdict = await rig.verdict()
    say(str(verdict))
    await rig.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
