"""Events as an estate has them: many types and sources, chains, prose, and now and then a word that is rare."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random
from typing import Final
from uuid import UUID

from godtui import jsontext
from godtui.clock import rfc3339
from godtui.envelope import new_id
from godtui.eventlog import Record

TYPES: Final = tuple(
    f"{domain}.{entity}.{action}"
    for domain in ("agent", "session", "meeting", "worktree", "build", "infra")
    for entity in ("task", "thread", "run")
    for action in ("started", "completed", "failed")
)
SOURCES: Final = tuple(f"service-{number}" for number in range(20))
RARE: Final = "needle{number}"
RARE_EVERY: Final = 50_000
SPACING: Final = 10_000
"""Microseconds between events."""

_WORDS: Final = 20_000
_CHAINED: Final = 0.8


class Events:
    """Records without end, the same for the same seed but for their ids; times end about now.

    Each has a text of `prose` letters in its payload, where that is not 0.
    """

    def __init__(self, count: int, seed: int = 1, prose: int = 0) -> None:
        self._random = Random(seed)
        self._prose = " ".join(f"w{self._random.randrange(_WORDS):x}" for _ in range(prose // 4))[:prose]
        self._chain: UUID | None = None
        self._at = time.time_ns() // 1000 - count * SPACING
        self._number = 0

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        random = self._random
        identity = new_id()
        if self._chain is None or random.random() > _CHAINED:
            self._chain = identity
        event_type, source = random.choice(TYPES), random.choice(SOURCES)
        body = jsontext.dumps(
            {
                "event_id": str(identity),
                "event_type": event_type,
                "timestamp": rfc3339(self._at),
                "version": "v1",
                "source": {"service": source, "instance": "node-7"},
                "correlation_id": str(self._chain),
                "payload": self._payload(),
            }
        )
        made = Record(identity.bytes, event_type, source, self._chain.bytes, self._at, None, None, body)
        self._at += SPACING
        self._number += 1
        return made

    def batch(self, size: int) -> list[Record]:
        """The next so many."""
        return [next(self) for _ in range(size)]

    def _payload(self) -> dict[str, object]:
        random = self._random
        words = [f"w{min(int(random.paretovariate(0.7)), _WORDS):x}" for _ in range(8)]
        if self._number % RARE_EVERY == 0:
            words.append(RARE.format(number=self._number // RARE_EVERY))
        payload = {
            "task": f"INFRA-{random.randrange(100_000)}",
            "title": " ".join(words),
            "agent": random.choice(("grolf", "jelmore", "lenoon")),
            "duration_ms": random.randrange(100_000),
            "outcome": random.choice(("ok", "failed")),
        }
        if self._prose:
            cut = random.randrange(len(self._prose))
            payload["prose"] = self._prose[cut:] + self._prose[:cut]
        return payload
