"""The dead letters that the log keeps."""

from __future__ import annotations

from typing import NamedTuple

from godtui.bloodbank import tables
from godtui.eventlog import EventLog


class DeadLetter(NamedTuple):
    """A message that left its queue undelivered. Times are microseconds since 1970; `headers` is a JSON object."""

    id: int
    queue: str
    reason: str
    message_id: str
    routing_key: str
    attempts: int
    first_at: int
    last_at: int
    headers: bytes | None
    body: bytes


async def dead_letters(log: EventLog, after: int = 0, limit: int = 100) -> list[DeadLetter]:
    """A page of dead letters beyond an id, oldest first. Raises LogUnavailableError."""
    return [DeadLetter._make(row) for row in await log.rows(tables.LETTERS, (after, limit), purpose="dead letters")]
