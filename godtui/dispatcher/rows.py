"""Cases as rows of the ledger's tables, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from godtui import jsontext
from godtui.dispatcher import tables
from godtui.dispatcher.case import Case, Episode
from godtui.dispatcher.episodes import state_of
from godtui.dispatcher.gate import Decision
from godtui.dispatcher.ticket import Ticket
from godtui.dispatcher.timeline import Timeline
from godtui.dispatcher.views import Check
from godtui.eventlog import Transaction

TICKET_COLUMNS: Final = 10
_CHECKS: Final = tables.EPISODE_COLUMNS.index("checks")
_FLAGS: Final = tuple(tables.EPISODE_COLUMNS.index(name) for name in ("leaving", "by_operator"))


def case_of(row: Sequence[Any]) -> Case:
    """A case from a row of CASE, BY_REFERENCE, OF_STATE or TICKETS."""
    identity, number, said, content_at, changed_at, correlation, delivery, timeline, ticket, decision = row[
        :TICKET_COLUMNS
    ]
    rest = row[TICKET_COLUMNS:]
    return Case(
        identity,
        Ticket.from_document(jsontext.parse(ticket)),
        None if decision is None else Decision.from_document(jsontext.parse(decision)),
        content_at,
        Timeline.from_document(jsontext.parse(timeline)),
        said,
        number,
        None if rest[0] is None else _episode(rest),
        correlation,
        delivery,
        changed_at,
    )


def load(transaction: Transaction, ticket_id: str) -> Case | None:
    """The case of a ticket, within a commit."""
    row = transaction.execute(tables.CASE, (ticket_id,)).fetchone()
    return None if row is None else case_of(row)


def save(transaction: Transaction, case: Case, before: Episode | None) -> None:
    """The case as it is now, within a commit, and the episode that it was in before where that is another.

    Raises what SQLite says of values that it cannot hold.
    """
    case.changed_at = transaction.now
    transaction.execute(
        tables.KEEP_TICKET,
        (
            case.id, case.ticket.reference, state_of(case), case.number, case.said, case.content_at, case.changed_at,
            case.correlation_id, case.delivery_id, jsontext.dumps(case.timeline.document()),
            jsontext.dumps(case.ticket.document()),
            None if case.decision is None else jsontext.dumps(case.decision.document()),
        ),
    )  # fmt: skip
    if before is not None and before is not case.episode:
        _save_episode(transaction, case.id, before)
    if case.episode is not None:
        _save_episode(transaction, case.id, case.episode)


def _save_episode(transaction: Transaction, ticket_id: str, episode: Episode) -> None:
    """An episode as it is now, within a commit."""
    values = [getattr(episode, column) for column in tables.EPISODE_COLUMNS]
    values[_CHECKS] = jsontext.dumps([check.document() for check in episode.checks])
    for place in _FLAGS:
        values[place] = int(values[place])
    transaction.execute(tables.KEEP_EPISODE, (ticket_id, *values))


def _episode(row: Sequence[Any]) -> Episode:
    values = list(row)
    listed = jsontext.parse(values[_CHECKS]) if values[_CHECKS] else []
    values[_CHECKS] = tuple(Check.model_validate(one) for one in listed)
    for place in _FLAGS:
        values[place] = bool(values[place])
    return Episode(**dict(zip(tables.EPISODE_COLUMNS, values, strict=True)))
