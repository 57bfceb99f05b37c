"""Tickets as a list shows them: grouped by state, the most urgent first, and narrowed to what the reader wants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from godtui.candybar.looks import Look
from godtui.clock import to_microseconds
from godtui.operations import OPEN_STATES, TicketState, TicketView

URGENCY: Final[tuple[TicketState, ...]] = (
    "failed",
    "blocked",
    "retrying",
    "held",
    "checking",
    "sending",
    "ready",
    "withdrawn",
    "dispatched",
    "rejected",
)
LOOKS: Final[Mapping[TicketState, Look]] = {
    "failed": "down",
    "blocked": "degraded",
    "retrying": "retrying",
    "held": "degraded",
    "checking": "standing by",
    "sending": "standing by",
    "ready": "standing by",
    "withdrawn": "unknown",
    "rejected": "unknown",
    "dispatched": "ok",
}
TROUBLED: Final[tuple[TicketState, ...]] = ("failed", "blocked", "retrying", "held")
"""Those that want someone's eye."""

WITHDRAWABLE: Final = OPEN_STATES
RETRYABLE: Final[tuple[TicketState, ...]] = ("blocked", "retrying", "failed")

_NUMBERS = re.compile(r"(\d{1,18})", re.ASCII)


class Entry(NamedTuple):
    """One line of the list: a ticket, or the heading of a state with how many of its tickets are shown."""

    state: TicketState
    ticket: TicketView | None = None
    shown: int = 0
    total: int = 0


class TicketFilter:
    """Words that must all be somewhere in a ticket; those that name states say which states are wanted."""

    def __init__(self, text: str = "") -> None:
        self.text = text.strip()
        words = [word.removeprefix("state:") for word in self.text.casefold().split()]
        self.states: tuple[TicketState, ...] = tuple(state for state in URGENCY if state in words)
        self.words = tuple(word for word in words if word not in URGENCY)

    @property
    def only_state(self) -> TicketState | None:
        """The one state that is wanted, for the engine to look for among all tickets."""
        return self.states[0] if len(self.states) == 1 else None

    @property
    def name(self) -> str | None:
        """What may be the name of a ticket that is not loaded."""
        words = self.text.split()
        return words[0] if len(words) == 1 and self.words else None

    def admits(self, ticket: TicketView) -> bool:
        """Whether the reader wants to see it."""
        if self.states and ticket.state not in self.states:
            return False
        return not self.words or all(word in text for text in [_searched(ticket)] for word in self.words)


def arrange(
    tickets: Iterable[TicketView], counts: Mapping[TicketState, int], wanted: TicketFilter, pinned: str | None = None
) -> list[Entry]:
    """The lines of the list. The pinned ticket, named by its id, is there whatever is wanted.

    Open tickets stand by reference, so that nothing moves but what changed; ended ones the newest first.
    """
    groups: dict[TicketState, list[TicketView]] = {state: [] for state in URGENCY}
    for ticket in tickets:
        if ticket.id == pinned or wanted.admits(ticket):
            groups[ticket.state].append(ticket)
    entries: list[Entry] = []
    for state, members in groups.items():
        total = max(counts.get(state, 0), len(members))
        if members or (total and not wanted.text):
            entries.append(Entry(state, shown=len(members), total=total))
            entries += [Entry(state, ticket) for ticket in _sorted(state, members)]
    return entries


def _sorted(state: TicketState, tickets: Sequence[TicketView]) -> list[TicketView]:
    if state in OPEN_STATES:
        return sorted(tickets, key=lambda ticket: (natural(ticket.reference), ticket.id))
    return sorted(tickets, key=lambda ticket: (-microseconds(ticket.changed_at), natural(ticket.reference), ticket.id))


@lru_cache(maxsize=16_384)
def natural(reference: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts INFRA-9 before INFRA-10."""
    parts = _NUMBERS.split(reference[:100].casefold())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970; a time without a zone is UTC."""
    return to_microseconds(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def _searched(ticket: TicketView) -> str:
    """What words are looked for in; the state is among it, for words that are not yet written out."""
    named = (ticket.state, ticket.reference, ticket.id, ticket.run_id or "", *ticket.components)
    parts = (*named, ticket.title, ticket.reason)
    return "\n".join(part[:1_000] for part in parts).casefold()
