"""Dead letters are said: `bloodbank.message.dlq` and the domain's own `*.dlq`, of many letters in few notices."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from godtui.bloodbank import tables
from godtui.bloodbank.bus import Sink
from godtui.bloodbank.deadletters import WHOLE, DeadLetter
from godtui.bloodbank.deaths import DEAD_LETTERS
from godtui.bloodbank.errors import NotConfirmedError, PublishError
from godtui.bloodbank.outbox import Outbox
from godtui.bloodbank.positions import Steps, reached
from godtui.bloodbank.receipt import Receipt
from godtui.clock import Clock, rfc3339
from godtui.envelope import EventDraft, EventEnvelope, InvalidEventError, event_type_fault, read_envelope
from godtui.eventlog import EventLog, LogUnavailableError

EVENT_TYPE: Final = "bloodbank.message.dlq"
INTERVAL_SECONDS: Final = 1.0
MAX_LISTED: Final = 100
MAX_LETTERS: Final = 5_000
"""Letters that one round looks at."""
MAX_NOTICES: Final = 50
"""Notices of one round; letters of so many domains that it takes more wait for the next."""
MAX_BODIES: Final = 4 * 1024 * 1024
"""Bytes of bodies that one round reads, to find out of what chain a letter is."""

POSITION: Final = "notices"
"""Under this name the log keeps which letter the notices reach."""

PublishBatch: TypeAlias = Callable[
    [Sequence[EventDraft]], Awaitable[Sequence[Receipt | InvalidEventError | PublishError]]
]

logger = logging.getLogger(__name__)


class Dead(NamedTuple):
    """What a notice says of a letter."""

    id: int
    queue: str
    reason: str
    event_type: str | None
    routing_key: str
    attempts: int
    first_at: int
    last_at: int
    body_bytes: int

    def types(self) -> list[str]:
        """The notices that tell of it: none of one that is a notice itself."""
        name = self.event_type or ""
        if "dlq" in (name.rpartition(".")[2], self.routing_key.rpartition(".")[2]):
            return []
        domain = domain_of(name)
        return [EVENT_TYPE] if domain in (None, EVENT_TYPE) else [EVENT_TYPE, str(domain)]

    def entry(self, event: EventEnvelope | None) -> dict[str, Any]:
        """The letter in a notice's list."""
        told: dict[str, Any] = {"id": self.id, "queue": self.queue, "reason": self.reason}
        if event is not None:
            told["event_id"] = str(event.event_id)
        if self.event_type and len(self.event_type) <= 255:
            told["event_type"] = self.event_type
        return {
            **told,
            "attempts": self.attempts,
            "first_at": rfc3339(self.first_at),
            "last_at": rfc3339(self.last_at),
        }


def notices_out(outbox: Outbox) -> Sink:
    """Where a publisher of Notices sends, so that a later run knows where this one ended."""
    return Steps(outbox, POSITION, "last_id")


class Notices:
    """Follows the dead letters of a log and publishes notices of them, each type at most once a second.

    `publish` sends to `notices_out`.
    """

    def __init__(self, log: EventLog, publish: PublishBatch, clock: Clock) -> None:
        self._log = log
        self._publish = publish
        self._clock = clock
        self._position: int | None = None

    async def run(self) -> None:
        """Publish until cancelled, beginning where the last run ended."""
        await self._log.tail.beginning()
        while True:
            try:
                changes = self._log.tail.changes(DEAD_LETTERS)
                if not await self.step():
                    await self._log.tail.changed(DEAD_LETTERS, changes)
            except LogUnavailableError as error:
                logger.debug("notices of dead letters wait for the log: %s", error)
            await self._clock.sleep(INTERVAL_SECONDS)

    async def step(self) -> bool:
        """Tell of the next letters; False where there are none. Raises LogUnavailableError."""
        if self._position is None:
            self._position = await reached(self._log, POSITION) or 0
        letters = _of_one_round(await self._letters(self._position))
        if not letters:
            return False
        by_type: dict[str, list[Dead]] = defaultdict(list)
        for letter in letters:
            for name in letter.types():
                by_type[name].append(letter)
        events = await self._events([one for told in by_type.values() for one in told[:MAX_LISTED]])
        await self._publish_all([_draft(name, told, events) for name, told in by_type.items()])
        self._position = letters[-1].id
        return True

    async def _publish_all(self, drafts: Sequence[EventDraft]) -> None:
        """Publish under the same ids until each is accepted or refused."""
        failing = False
        while drafts:
            again: list[EventDraft] = []
            for draft, outcome in zip(drafts, await self._publish(drafts), strict=True):
                if isinstance(outcome, NotConfirmedError):
                    again.append(draft)
                    if not failing:
                        logger.warning("notices of dead letters are tried again and again: %s", outcome)
                    failing = True
                elif isinstance(outcome, Exception):
                    logger.warning("a notice of dead letters is refused: %s", outcome)
            drafts = again
            if drafts:
                await self._clock.sleep(INTERVAL_SECONDS)

    async def _letters(self, position: int) -> list[Dead]:
        parameters = (position, MAX_LETTERS)
        rows = await self._log.rows(tables.LETTER_CAUSES, parameters, purpose="notices of dead letters")
        return [Dead._make(row) for row in rows]

    async def _events(self, letters: Sequence[Dead]) -> dict[int, EventEnvelope]:
        """The events in letters, by the letters' ids, as far as they can be read in one round."""
        wanted: set[int] = set()
        room = MAX_BODIES
        for letter in letters:
            if letter.id not in wanted and (not wanted or letter.body_bytes <= room):
                wanted.add(letter.id)
                room -= letter.body_bytes
        rows = await self._log.rows(
            tables.LETTERS, (WHOLE, tables.listed(sorted(wanted))), purpose="notices of dead letters"
        )
        found: dict[int, EventEnvelope] = {}
        for dead in map(DeadLetter.from_row, rows):
            with suppress(InvalidEventError):
                found[dead.id] = read_envelope(dead.body)[0]
        return found


def domain_of(event_type: str) -> str | None:
    """The type of the domain's own notice: its first two words, or the first of two, and `dlq`; None where it is none.

    >>> domain_of("agent.task.failed"), domain_of("worktree.created")
    ('agent.task.dlq', 'worktree.dlq')
    """
    words = event_type.split(".")
    name = ".".join([*(words[:2] if len(words) > 2 else words[:1]), "dlq"])
    return None if event_type_fault(name) else name


def _of_one_round(letters: Sequence[Dead]) -> Sequence[Dead]:
    """The first letters, as long as they make no more notices than one round may."""
    types: set[str] = set()
    for number, letter in enumerate(letters):
        types.update(letter.types())
        if len(types) > MAX_NOTICES and number:
            return letters[:number]
    return letters


def _draft(name: str, letters: Sequence[Dead], events: dict[int, EventEnvelope]) -> EventDraft:
    listed = letters[:MAX_LISTED]
    payload = {
        "count": len(letters),
        "first_id": letters[0].id,
        "last_id": letters[-1].id,
        "letters": [letter.entry(events.get(letter.id)) for letter in listed],
    }
    chain, cause = _origin(letters, events)
    return EventDraft(
        event_type=name,
        payload=payload,
        source={"service": "bloodbank"},
        correlation_id=chain,
        causation_id=cause,
    )


def _origin(letters: Sequence[Dead], events: dict[int, EventEnvelope]) -> tuple[UUID | None, UUID | None]:
    """The chain and the cause that all letters of a notice share; where they do not, it begins a chain of its own."""
    dead = [events[letter.id] for letter in letters if letter.id in events]
    if len(dead) < len(letters):
        return None, None
    causes = {event.event_id for event in dead}
    chains = {event.correlation_id for event in dead}
    return chains.pop() if len(chains) == 1 else None, causes.pop() if len(causes) == 1 else None
