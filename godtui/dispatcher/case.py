"""A ticket's case: what is known of it, and the episode of its readiness that it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from godtui.dispatcher.gate import Decision
from godtui.dispatcher.ticket import Ticket
from godtui.dispatcher.timeline import Timeline
from godtui.dispatcher.views import Check

Phase: TypeAlias = Literal["ready", "blocked", "sending", "retrying", "dispatched", "failed", "withdrawn"]
"""Where an episode stands in the ledger; `checking` and `held` are of the moment and not written down."""

Verdict: TypeAlias = Literal["qualified", "rejected", "blocked", "dispatched", "failed", "withdrawn"]
"""What was said of a ticket, as the last word of `infra.ticket.*`."""

OPEN: Final[frozenset[Phase]] = frozenset({"ready", "blocked", "sending", "retrying"})
"""Something is still to be done."""


@dataclass(slots=True)
class Episode:
    """One time that a ticket became ready, or was said to be. Times are µs since 1970.

    `since` and `ready_at`, the newest at which the ticket is known to have been ready in it, are Plane's times, the
    others ours. `body`, under `key`, is what is sent, frozen before the first try; `settles` is the time that its
    dispatch covers. `leaving`: the ticket stopped being ready while an answer was awaited. `by_operator`: it was
    withdrawn by hand and stays so. What is said of it belongs to the chain `correlation_id`, each caused by the one
    before, `cause_id`.
    """

    number: int
    phase: Phase = "ready"
    since: int = 0
    ready_at: int = 0
    reason: str = ""
    forced: str | None = None
    due_at: int | None = 0
    attempts: int = 0
    body: bytes | None = None
    key: str | None = None
    variant: int = 0
    settles: int | None = None
    leaving: bool = False
    by_operator: bool = False
    run_id: str | None = None
    checks: tuple[Check, ...] = ()
    correlation_id: bytes | None = None
    cause_id: bytes | None = None
    opened_at: int = 0
    changed_at: int = 0
    closed_at: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self.phase in OPEN

    @property
    def is_frozen(self) -> bool:
        """Whether it may have been sent, so that nothing but the same bytes may be sent again."""
        return self.body is not None and self.phase in ("sending", "retrying")

    def turn(self, phase: Phase, reason: str, now: int) -> None:
        """Come to another phase."""
        self.changed_at = self.changed_at if phase == self.phase else now
        self.phase, self.reason = phase, reason
        self.closed_at = None if self.is_open else now
        self.due_at = self.due_at if self.is_open else None


@dataclass(slots=True)
class Case:
    """A ticket in the ledger. `ticket`, `decision` and `content_at` are of its newest delivery by Plane's time."""

    id: str
    ticket: Ticket
    decision: Decision | None = None
    content_at: int | None = None
    timeline: Timeline = field(default_factory=Timeline)
    said: Verdict | None = None
    number: int = 0
    episode: Episode | None = None
    correlation_id: bytes | None = None
    delivery_id: bytes | None = None
    changed_at: int = 0

    @property
    def open_episode(self) -> Episode | None:
        """The episode, while something is still to be done in it."""
        return self.episode if self.episode is not None and self.episode.is_open else None


@dataclass(frozen=True, slots=True)
class Say:
    """Something to be published of a case, and of which episode of it; None is of the ticket alone.

    `correlation_id` and `delivery_id` are of the delivery that told of the ticket last.
    """

    verdict: Verdict
    payload: Mapping[str, Any]
    episode: Episode | None
    correlation_id: bytes | None
    delivery_id: bytes | None
