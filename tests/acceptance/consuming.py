"""A headless instance with a consumer of a durable queue in it, to be killed: DIRECTORY HANDLED.

It is the engine that `godtui --headless` runs. The consumer writes the id of every event to HANDLED before it acks.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from uuid import UUID

from godtui.bloodbank.bus import QueueSpec
from godtui.cli.logs import log_to_stderr
from godtui.cli.running import serve
from godtui.cli.serving import HttpService
from godtui.eventlog import Ownership
from godtui.runtime.engine import Engine
from godtui.settings import Settings

QUEUE = QueueSpec("acceptance", ("test.#",), from_seq=1)


class Consumer:
    """Takes every event from its queue, as a worker would."""

    url = None

    def __init__(self, engine: Engine, handled: Path) -> None:
        self._bus = engine._transport.bus
        self._file = os.open(handled, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._consume())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        os.close(self._file)

    async def _consume(self) -> None:
        async with self._bus.subscribe(QUEUE) as subscription:
            while True:
                batch = await subscription.batch(100, 0.01)
                ids = [UUID(each.message.message_id) for each in batch.deliveries]
                os.write(self._file, "".join(f"{one}\n" for one in ids).encode())
                await batch.settle()


def _main() -> None:
    log_to_stderr()
    data, handled = Path(sys.argv[1]), Path(sys.argv[2])
    settings = Settings(data_dir=data, port=0)
    services = (lambda engine: Consumer(engine, handled), HttpService)
    asyncio.run(serve(Engine(settings, Ownership.take(data), services=services)))


if __name__ == "__main__":
    _main()
