"""A publisher or consumer in a process of its own, there to be killed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from itertools import count

from godtui.bloodbank.bus import Bus, Confirmed, QueueSpec
from tests.contract.messages import event
from tests.contract.transports import OPENED


def say(*words: object) -> None:
    """One line to whoever watches, at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def publish(bus: Bus, size: str) -> None:
    """Publish batches without end from three tasks at once; say every id that was confirmed."""

    async def one(name: int) -> None:
        for batch in count():
            messages = [event(f"child.p{name}.sent", number=batch * int(size) + n) for n in range(int(size))]
            for message, outcome in zip(messages, await bus.publish(messages), strict=True):
                if isinstance(outcome, Confirmed):
                    say(message.message_id)

    await asyncio.gather(*(one(name) for name in range(3)))


async def consume(bus: Bus, queue: str, binding: str, most: str) -> None:
    """Take a batch, say what is in it, and hold it for ever."""
    async with bus.subscribe(QueueSpec(queue, (binding,))) as consumer:
        batch = await consumer.batch(int(most))
        for delivery in batch.deliveries:
            say(delivery.message.message_id, delivery.attempt)
        await asyncio.Event().wait()


async def acknowledge(bus: Bus, queue: str, binding: str, most: str) -> None:
    """Hold one batch for ever, ack the next, and say what was acked once that is durable."""
    async with bus.subscribe(QueueSpec(queue, (binding,))) as consumer:
        await consumer.batch(int(most))
        done = await consumer.batch(int(most))
        await done.settle()
        for delivery in done.deliveries:
            say(delivery.message.message_id)
        await asyncio.Event().wait()


ROLES: Mapping[str, Callable[..., Awaitable[None]]] = {
    "publish": publish,
    "consume": consume,
    "acknowledge": acknowledge,
}


async def main(transport: str, address: str, role: str, *arguments: str) -> None:
    harness = OPENED[transport](address)
    await harness.start()
    await ROLES[role](harness.bus, *arguments)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
