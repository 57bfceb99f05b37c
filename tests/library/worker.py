"""A program of somebody else's: answers each event with one of its own, by URL TOKEN QUEUE (- for none)."""

from __future__ import annotations

import asyncio
import json
import sys

from godtui.bloodbank import EventEnvelope, Publisher, Subscriber

FOREIGN = ("textual", "fastapi", "starlette", "uvicorn")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(url: str, token: str, queue: str) -> None:
    credentials = {} if token == "-" else {"token": token}
    source = {"after": 0} if queue == "-" else {"queue": queue}
    async with (
        Publisher.connect(url, service="worker", **credentials) as publisher,
        Subscriber.connect(url, bindings=["test.*.created"], **credentials, **source) as subscriber,
    ):
        say("ready")

        async def answer(event: EventEnvelope) -> None:
            if event.source_name != "worker":
                receipt = await publisher.publish("test.event.created", {"message": "effect"})
                loaded = [name for name in FOREIGN if name in sys.modules]
                say(json.dumps({"effect": str(receipt.event_id), "loaded": loaded}))

        await subscriber.run(answer)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
