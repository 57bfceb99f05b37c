"""Saying how checks went, and knowing afterwards which event said it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from godtui.clock import Clock
from godtui.dispatcher.ledger import SOURCE, Ledger
from godtui.dispatcher.views import Check
from godtui.envelope import EventDraft, new_id
from godtui.eventlog import LogUnavailableError

EVENT_TYPE: Final = "infra.check.completed"
AGAIN_SECONDS: Final = 1.0
TOLD: Final = frozenset({"component", "command", "cwd", "outcome", "exit_code", "duration_s", "output_tail", "why"})


class _Said(NamedTuple):
    finished_at: datetime | None
    ticket: str
    event_id: UUID


class CheckNews:
    """Publishes each outcome once, in the chain of the ticket for whose sake the check was run."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._said: dict[str, _Said] = {}

    async def tell(self, check: Check, component: str, ticket_id: str) -> None:
        """A component's check came to its end; however long the log takes to come back."""
        case = await self._ledger.case(ticket_id)
        episode = None if case is None else case.episode
        chain = None if episode is None else episode.correlation_id
        cause = None if episode is None else episode.cause_id
        draft = EventDraft(
            event_type=EVENT_TYPE,
            payload=check.model_dump(mode="json", include=set(TOLD)),
            event_id=new_id(),
            source=SOURCE,
            correlation_id=None if chain is None else UUID(bytes=chain),
            causation_id=None if cause is None else UUID(bytes=cause),
        )
        while True:
            try:
                await self._ledger.publish(draft)
                break
            except LogUnavailableError:
                await self._clock.sleep(AGAIN_SECONDS)
        self._said[component] = _Said(check.finished_at, ticket_id, draft.event_id)

    def named(self, checks: Sequence[Check]) -> list[Check]:
        """The checks, each with the event that said how it went, where that is known."""
        return [
            check if said is None else check.model_copy(update={"event_id": said.event_id})
            for check, said in ((check, self._of(check)) for check in checks)
        ]

    def cause(self, checks: Sequence[Check], ticket_id: str) -> bytes | None:
        """The last of those that were run for this ticket's sake, which so is the cause of what comes next."""
        own = [said for said in map(self._of, checks) if said is not None and said.ticket == ticket_id]
        return own[-1].event_id.bytes if own else None

    def _of(self, check: Check) -> _Said | None:
        said = self._said.get(check.component or "")
        return said if said is not None and said.finished_at == check.finished_at else None
