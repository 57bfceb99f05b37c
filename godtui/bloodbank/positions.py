"""How far those have come who follow something step by step, kept in the commit that takes the step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from godtui.bloodbank.bus import Message, PublishOutcome
from godtui.bloodbank.outbox import Outbox
from godtui.eventlog import EventLog, Transaction

KEEP: Final = (
    "INSERT INTO positions (name, position) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET position = max(position, excluded.position)"
)
"""A position is reached; it never goes back."""

KEPT: Final = "SELECT position FROM positions WHERE name = ?"
"""How far someone has come."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A unit of the log, meant to be called within another: someone has come this far."""

    name: str
    position: int

    def __call__(self, transaction: Transaction) -> None:
        transaction.execute(KEEP, (self.name, self.position))


@dataclass(frozen=True, slots=True)
class Steps:
    """A Sink for one who follows something and tells of it: into the outbox, in one commit with how far that reaches.

    `field` of the payload says how far. A message may then be in the outbox, on a broker or in the log: the position
    alone tells a later run that it was made.
    """

    outbox: Outbox
    name: str
    field: str

    async def publish(self, messages: Sequence[Message]) -> list[PublishOutcome]:
        furthest = max(orjson.loads(message.body)["payload"][self.field] for message in messages)
        return await self.outbox.publish(messages, along=Reached(self.name, furthest))


async def reached(log: EventLog, name: str) -> int | None:
    """How far someone has come, None where they have not begun. Raises LogUnavailableError."""
    rows = await log.rows(KEPT, (name,), purpose="how far someone has come")
    return int(rows[0][0]) if rows else None
