"""The ledger: every ticket, episode and decision, in the log's file; changed in one commit with what is said of it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

from godtui import jsontext
from godtui.bloodbank.bus import Message, Refused
from godtui.bloodbank.outbox import Outbox
from godtui.dispatcher import episodes, tables
from godtui.dispatcher.case import Case, Say
from godtui.dispatcher.delivery import Delivery
from godtui.dispatcher.gate import GateRules, judge
from godtui.dispatcher.learning import Learned
from godtui.dispatcher.names import Names
from godtui.dispatcher.plane import read_ticket, taught
from godtui.dispatcher.rows import case_of, load, save
from godtui.dispatcher.ticket import Unreadable
from godtui.envelope import EventDraft
from godtui.eventlog import UNSTORABLE, EventLog, Transaction
from godtui.jsontext import Json

SOURCE: Final = {"service": "infra-dispatcher"}
KEPT_MICROSECONDS: Final = 30 * 86_400 * 1_000_000
"""How long closed episodes and the ids of decided deliveries are kept."""
PRUNED_ROWS: Final = 1000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LedgerRules:
    """What decisions are made by; `rearm` in µs."""

    gate: GateRules
    rearm: int


class Change(Protocol):
    """Changes a case at a moment (µs since 1970) and returns what is to be said of it."""

    def __call__(self, case: Case, /, *, now: int) -> list[Say]: ...


class Decided(NamedTuple):
    """What a batch of deliveries led to: how many were decided now, of which tickets, and why others cannot be.

    `said` is how many events were published of it.
    """

    number: int
    said: int
    tickets: frozenset[str]
    refused: Mapping[int, str]


class Ledger:
    """Everything that must survive; `facts`, such as `paused` and `watermark`, are as last read or written."""

    def __init__(
        self, log: EventLog, outbox: Outbox, message: Callable[[EventDraft], Message], rules: LedgerRules, names: Names
    ) -> None:
        """`message` makes of a draft what is published."""
        self._log = log
        self._outbox = outbox
        self._message = message
        self.rules = rules
        self.learned = Learned()
        self.facts: dict[str, Json] = {}
        self.changed: Callable[[], None] = lambda: None
        """Called after whatever of this the state file tells has changed."""
        self._names = names
        self._deciding = asyncio.Lock()
        self._are_names_doubted = False

    async def open(self) -> bool:
        """Read names and facts; whether any ticket is known. Raises LogUnavailableError."""
        rows = await self._log.rows(tables.FACTS, purpose="the dispatcher's facts")
        self.facts = {name: jsontext.parse(value) for name, value in rows}
        await self._read_names()
        return bool((await self._log.rows(tables.ANY_TICKET, purpose="whether the ledger is empty"))[0][0])

    async def _read_names(self) -> None:
        learned = Learned()
        learned.read(await self._log.rows(tables.NAMES, purpose="names that deliveries taught"))
        self.learned = learned

    def names(self, learned: Learned | None = None) -> Names:
        """The names behind ids, by the registry and by what was learned."""
        learned = learned or self.learned
        return replace(self._names, learned_states=learned.states, learned_labels=learned.labels)

    async def decide(self, deliveries: Sequence[Delivery], watermark: int | None = None) -> Decided:
        """Decide on each delivery that was not decided yet, in order, and record how far that reaches.

        One that a replay sent is judged again, by the rules of today and like one that comes late: what its time was
        dispatched for stays dispatched.

        Raises LogUnavailableError, in which case nothing was decided.
        """
        unit = _Decide(self, deliveries, watermark)
        # What one batch teaches is known to the next, whoever brings it.
        async with self._deciding:
            if self._are_names_doubted:
                await self._read_names()
            self._are_names_doubted = True
            decided = await self._log.submit(unit)
            self.learned.take(unit.learned)
            self._are_names_doubted = bool(decided.refused)
        if watermark is not None:
            self.facts["watermark"] = watermark
        if decided.tickets:
            self.changed()
        return decided

    async def change(
        self, ticket_id: str, change: Change, *, episode: int | None = None, facts: Mapping[str, Json] | None = None
    ) -> Case | None:
        """Change one case, and record facts with it; None where there is no such ticket or it is in another episode.

        Raises LogUnavailableError, and what the change raises.
        """
        facts = facts or {}
        case: Case | None = await self._log.submit(_Change(self, ticket_id, change, episode, facts))
        self.facts.update(facts)
        self.changed()
        return case

    async def record(self, facts: Mapping[str, Json], *, all_due: bool = False) -> None:
        """Record facts; with `all_due` nothing that is open waits any longer. Raises LogUnavailableError."""

        def unit(transaction: Transaction) -> None:
            _keep_facts(transaction, facts)
            if all_due:
                transaction.execute(tables.ALL_DUE, (transaction.now,))

        await self._log.submit(unit)
        self.facts.update(facts)
        self.changed()

    async def publish(self, draft: EventDraft) -> None:
        """Say something that changes no case. Raises LogUnavailableError."""
        await self._log.submit(self._outbox.accept([self._message(draft)]))

    async def add(self, cases: Sequence[Case]) -> None:
        """Take in cases that are not known here; for those that are, what was dispatched for them elsewhere."""

        def unit(transaction: Transaction) -> None:
            for case in cases:
                known = load(transaction, case.id)
                if known is not None:
                    if case.timeline.covered is None:
                        continue
                    known.timeline = known.timeline.settle(case.timeline.covered)
                    case = known
                before = case.episode
                self.announce(transaction, episodes.review(case, self.rules.rearm, transaction.now))
                save(transaction, case, before)

        await self._log.submit(unit)

    async def case(self, name: str) -> Case | None:
        """The ticket of an id or a reference, without the bytes that are sent. Raises LogUnavailableError."""
        rows = await self._log.rows(tables.BY_REFERENCE, (name,), purpose="one ticket")
        return case_of(rows[0]) if rows else None

    async def of_state(self, state: str, limit: int) -> list[Case]:
        """Tickets of a state, those that changed last first. Raises LogUnavailableError."""
        rows = await self._log.rows(tables.OF_STATE, (state, limit), purpose="tickets of a state")
        return [case_of(row) for row in rows]

    async def page(self, after: str, limit: int) -> list[tuple[Any, ...]]:
        """Tickets beyond an id, as rows of TICKETS. Raises LogUnavailableError."""
        return await self._log.rows(tables.TICKETS, (after, limit), purpose="all tickets")

    async def counts(self) -> dict[str, int]:
        """How many tickets there are of each state. Raises LogUnavailableError."""
        return dict(await self._log.rows(tables.COUNTS, purpose="how many tickets there are"))

    async def due(self, now: int, limit: int) -> list[tuple[str, int]]:
        """Tickets and episodes in which something is to be done by now (µs). Raises LogUnavailableError."""
        return [
            (row[0], row[1])
            for row in await self._log.rows(tables.DUE, (now, limit), purpose="what is due to dispatch")
        ]

    async def next_due(self, now: int) -> int | None:
        """When something is to be done after now, in µs. Raises LogUnavailableError."""
        found = await self._log.rows(tables.NEXT_DUE, (now,), purpose="what is due next")
        return None if found[0][0] is None else int(found[0][0])

    async def prune(self, now: int) -> None:
        """Forget what ended long ago, in steps. Raises LogUnavailableError."""
        for statement in (tables.PRUNE_EPISODES, tables.PRUNE_DECIDED):
            removed = PRUNED_ROWS
            while removed == PRUNED_ROWS:
                removed = await self._log.submit(_Remove(statement, now - KEPT_MICROSECONDS))

    def announce(self, transaction: Transaction, said: Sequence[Say], cause: Delivery | None = None) -> None:
        """Put what is to be said into the outbox, within a commit; each of an episode is the cause of its next."""
        messages = []
        for say in said:
            draft = _draft(say, cause)
            if say.episode is not None:
                say.episode.cause_id = draft.event_id.bytes
            messages.append(self._message(draft))
        if not messages:
            return
        for outcome in self._outbox.accept(messages)(transaction):
            if isinstance(outcome, Refused):
                logger.error("what became of a ticket cannot be said: %s", outcome.reason)


def _draft(say: Say, cause: Delivery | None) -> EventDraft:
    episode = say.episode
    chain = None if episode is None else episode.correlation_id
    if chain is None:
        chain = say.correlation_id
    parent = say.delivery_id if episode is None else episode.cause_id
    if cause is not None:
        parent = cause.event_id
    return EventDraft(
        event_type=f"infra.ticket.{say.verdict}",
        payload=dict(say.payload),
        source=SOURCE if cause is None or cause.replay_id is None else {**SOURCE, "replay_id": str(cause.replay_id)},
        correlation_id=None if chain is None else UUID(bytes=chain),
        causation_id=None if parent is None else UUID(bytes=parent),
    )


class _Decide:
    """A unit of the log: deliveries that are decided, each whole or not at all."""

    def __init__(self, ledger: Ledger, deliveries: Sequence[Delivery], watermark: int | None) -> None:
        self.ledger = ledger
        self.deliveries = deliveries
        self.watermark = watermark
        self.learned = Learned()
        self.said = 0

    def __call__(self, transaction: Transaction) -> Decided:
        self.learned = self.ledger.learned.layer()
        number = self.said = 0
        changed: set[str] = set()
        refused: dict[int, str] = {}
        for index, delivery in enumerate(self.deliveries):
            if delivery.replay_id is None and transaction.execute(tables.IS_DECIDED, (delivery.event_id,)).fetchone():
                continue
            try:
                with transaction.unit():
                    ticket_id = self._one(transaction, delivery)
            except Exception as error:
                # One that cannot be decided must hold up no other, but a disk that fails, fails for all.
                if isinstance(error, sqlite3.Error) and not isinstance(error, UNSTORABLE):
                    raise
                logger.exception("a delivery cannot be decided")
                refused[index] = f"it cannot be decided ({type(error).__name__})"
                continue
            number += 1
            if ticket_id is not None:
                changed.add(ticket_id)
        if self.watermark is not None:
            _keep_facts(transaction, {"watermark": self.watermark})
        return Decided(number, self.said, frozenset(changed), refused)

    def _one(self, transaction: Transaction, delivery: Delivery) -> str | None:
        """Decide on one; the ticket that it is about, if it is about one."""
        transaction.execute(tables.DECIDED, (delivery.event_id, transaction.now))
        for row in self.learned.learn(taught(delivery.body)):
            transaction.execute(tables.LEARN, row)
        rules = self.ledger.rules
        ticket = read_ticket(delivery.body, self.ledger.names(self.learned))
        if isinstance(ticket, Unreadable):
            return None
        case = load(transaction, ticket.id)
        at = delivery.time if ticket.updated_at is None else ticket.updated_at
        if case is None:
            case = Case(ticket.id, ticket)
        elif ticket.is_deleted:
            # A deletion shows nothing but the id, and no time of its own.
            at = max(at, delivery.time, case.content_at or 0)
            ticket = case.ticket._replace(is_deleted=True)
        case.correlation_id, case.delivery_id = delivery.correlation_id, delivery.event_id
        before = case.episode
        said = episodes.observe(case, ticket, judge(ticket, rules.gate), at, rules.rearm, transaction.now)
        self.ledger.announce(transaction, said, delivery)
        self.said += len(said)
        save(transaction, case, before)
        return case.id


@dataclass(slots=True)
class _Change:
    """A unit of the log: one case changed."""

    ledger: Ledger
    ticket_id: str
    change: Change
    episode: int | None
    facts: Mapping[str, Json]

    def __call__(self, transaction: Transaction) -> Case | None:
        _keep_facts(transaction, self.facts)
        case = load(transaction, self.ticket_id)
        if case is None or (self.episode is not None and case.number != self.episode):
            return None
        before = case.episode
        said = self.change(case, now=transaction.now)
        self.ledger.announce(transaction, said)
        save(transaction, case, before)
        return case


@dataclass(frozen=True, slots=True)
class _Remove:
    statement: str
    before: int

    def __call__(self, transaction: Transaction) -> int:
        return transaction.execute(self.statement, (self.before, PRUNED_ROWS)).rowcount


def _keep_facts(transaction: Transaction, facts: Mapping[str, Any]) -> None:
    for name, value in facts.items():
        transaction.execute(tables.KEEP_FACT, (name, jsontext.dumps(value)))
