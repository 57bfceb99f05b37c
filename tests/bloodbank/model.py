"""Queues as they should be, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from godtui.bloodbank.bus import Delivery, QueueSpec
from godtui.bloodbank.embedded_subscription import EmbeddedSubscription
from tests.clock import MICROSECONDS


@dataclass(eq=False)
class Entry:
    """A message in a queue of the model."""

    message_id: str
    entered_at: int
    put_there: bool
    attempts: int = 0
    due_at: int = 0
    delivery: Delivery | None = None

    @property
    def fresh(self) -> bool:
        """Never handed out, and in the queue because a binding says so."""
        return self.attempts == 0 and not self.put_there


@dataclass
class Queue:
    """A queue of the model, in the order in which messages came."""

    spec: QueueSpec
    entries: list[Entry] = field(default_factory=list)
    consumer: EmbeddedSubscription | None = None

    def held(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.delivery is not None]

    def waiting(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.delivery is None]

    def available(self, now: int) -> list[Entry]:
        return [entry for entry in self.waiting() if entry.due_at <= now]

    def overdue(self, now: int) -> list[Entry]:
        ttl = self.spec.message_ttl
        return [] if not ttl else [each for each in self.waiting() if each.entered_at + ttl * MICROSECONDS <= now]

    def give_back(self) -> None:
        for entry in self.held():
            entry.delivery, entry.due_at = None, 0
