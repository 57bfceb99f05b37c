"""Publishes over HTTP from several connections until the instance is gone: URL RECORD SEED.

RECORD holds `sent ID` before a publish and `held ID` after its 202. What an earlier run left unanswered is repeated
first, under its id. Each line on stdout is a hundred events answered.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path
from uuid import UUID

import httpx

CONNECTIONS = 8
MOST_IN_A_BATCH = 30


class Loader:
    """What was sent, and what was answered."""

    def __init__(self, url: str, record: Path, seed: int) -> None:
        self._chance = random.Random(seed)
        self._unanswered = sorted(unanswered(record))
        self._record = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        limits = httpx.Limits(max_connections=CONNECTIONS)
        self._http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=30, limits=limits)
        self._answered = 0

    async def run(self) -> None:
        """Publish until nobody answers any more."""
        async with self._http:
            while self._unanswered:
                await self._batch([self._unanswered.pop() for _ in self._unanswered[:MOST_IN_A_BATCH]])
            await asyncio.gather(*(self._publish_on() for _ in range(CONNECTIONS)))

    async def _publish_on(self) -> None:
        try:
            while True:
                if self._chance.random() < 0.2:
                    await self._batch([self._id() for _ in range(self._chance.randrange(1, MOST_IN_A_BATCH))])
                else:
                    await self._one(self._id())
        except httpx.TransportError:
            return

    async def _one(self, event: str) -> None:
        self._write("sent", [event])
        response = await self._http.post("/publish", content=json.dumps(document(event)))
        if response.status_code == 202:
            self._held([event])
        elif response.status_code != 503:
            raise RuntimeError(f"{response.status_code}: {response.text}")

    async def _batch(self, events: list[str]) -> None:
        self._write("sent", events)
        response = await self._http.post("/publish/batch", content=json.dumps([document(one) for one in events]))
        report = response.json()
        waiting = {one["index"] for one in report["unconfirmed"]}
        if report["rejected"]:
            raise RuntimeError(f"{response.status_code}: {response.text}")
        self._held([event for index, event in enumerate(events) if index not in waiting])

    def _id(self) -> str:
        return str(UUID(int=self._chance.getrandbits(128), version=4))

    def _held(self, events: list[str]) -> None:
        self._write("held", events)
        before = self._answered // 100
        self._answered += len(events)
        if self._answered // 100 > before:
            sys.stdout.write(f"{self._answered}\n")
            sys.stdout.flush()

    def _write(self, word: str, events: list[str]) -> None:
        os.write(self._record, "".join(f"{word} {event}\n" for event in events).encode())


def document(event: str) -> dict[str, object]:
    """The same event for the same id, every time."""
    payload = {"message": event * (int(event[0], 16) + 1)}
    return {"event_id": event, "event_type": "test.event.created", "payload": payload}


def recorded(record: Path, word: str) -> set[str]:
    """The ids of which a word was written."""
    lines = record.read_text().splitlines() if record.exists() else []
    return {line.split()[1] for line in lines if line.startswith(word)}


def unanswered(record: Path) -> set[str]:
    """The ids that were sent and of which nothing is known."""
    return recorded(record, "sent") - recorded(record, "held")


async def _main() -> None:
    try:
        await Loader(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])).run()
    except httpx.TransportError:
        return


if __name__ == "__main__":
    asyncio.run(_main())
