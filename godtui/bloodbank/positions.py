"""How far those have come who follow something step by step, kept in the commit that takes the step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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


async def reached(log: EventLog, name: str) -> int | None:
    """How far someone has come, None where they have not begun. Raises LogUnavailableError."""
    rows = await log.rows(KEPT, (name,), purpose="how far someone has come")
    return int(rows[0][0]) if rows else None
