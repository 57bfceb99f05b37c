"""The dispatcher and its tickets as lines for a reader, with nothing in them that would act on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple, get_args

from rich.cells import cell_len

from godtui import jsontext
from godtui.candybar.plaintext import clip, fit, plain
from godtui.operations import (
    Check,
    Condition,
    DispatcherStatus,
    Explanation,
    RunningCheck,
    SettingView,
    TicketState,
    TicketView,
)

COLUMNS: Final = ("reference", "state", "episode", "title", "why", "next try")
FLEXIBLE: Final = ("title", "why")
"""Columns that share what room the others leave."""
EXPENDABLE: Final = ("episode", "next try", "title")
"""Columns that go, in this order, where a terminal is too narrow for all."""
LEAST_CELLS: Final = 14
"""What a flexible column needs to be worth its place."""
MOST_REFERENCE_CELLS: Final = 24
NARROWEST: Final = 20


class Look(NamedTuple):
    """What the lines are written for: a width in cells, whether only ASCII can be shown, and the time now (UTC)."""

    width: int
    ascii_only: bool
    now: datetime

    @property
    def ellipsis(self) -> str:
        return "~" if self.ascii_only else "…"

    def mark(self, holds: bool) -> str:
        """The sign of what holds, or does not."""
        return ("+" if holds else "-") if self.ascii_only else ("✓" if holds else "✗")

    def clean(self, text: str) -> str:
        """Others' words, harmless and on one line."""
        return plain(text, ascii_only=self.ascii_only)

    def moment(self, moment: datetime | None) -> str:
        """A time of today, or a day with its time; nothing where there is none."""
        if moment is None:
            return ""
        return f"{moment:%H:%M:%S}" if moment.date() == self.now.date() else f"{moment:%Y-%m-%d %H:%M}"


def state_line(status: DispatcherStatus, look: Look) -> str:
    """How the dispatcher is, why and since when."""
    since = f" since {look.moment(status.since)}" if status.since is not None else ""
    reason = f": {status.reason}" if status.reason else ""
    active = f" ({status.active} dispatches)" if status.active and status.active not in status.reason else ""
    return look.clean(f"{status.state}{since}{reason}{active}")


def ticket_line(ticket: TicketView, look: Look) -> str:
    """Where a ticket stands, and why."""
    return look.clean(f"{ticket.reference} is {ticket.state}" + (f": {ticket.reason}" if ticket.reason else ""))


def status_lines(status: DispatcherStatus, look: Look) -> Iterator[str]:
    """The dispatcher, its tickets as a table, and the checks that run."""
    yield state_line(status, look)
    counts = ((state, status.counts.get(state, 0)) for state in get_args(TicketState))
    yield ", ".join(f"{count:,} {state}" for state, count in counts if count) or "no tickets"
    if status.next_try_at is not None:
        yield f"next try {look.moment(status.next_try_at)}"
    yield from (look.clean(note) for note in status.notes)
    if status.tickets:
        yield ""
        yield from table(status.tickets, look)
    if 0 < len(status.tickets) < sum(status.counts.values()):
        yield f"these are {len(status.tickets):,} of {sum(status.counts.values()):,} tickets; see --limit and --state"
    if status.checks:
        yield ""
        yield from (look.clean(_running(check, look)) for check in status.checks)
    if status.settings:
        yield ""
        yield from settings_lines(status.settings, look)


def settings_lines(settings: Sequence[SettingView], look: Look) -> Iterator[str]:
    """Settings that were written somewhere, each with its place; those at their defaults are only counted."""
    written = [one for one in settings if one.origin != "default"]
    width = max((len(one.name) for one in written), default=0)
    for one in written:
        told = look.clean(f"{one.name:<{width}}  {one.value}  ({one.origin})")
        yield clip(told, max(look.width, NARROWEST), look.ellipsis)
    yield f"{len(settings) - len(written)} of {len(settings)} settings are at their defaults; --json has them all"


def table(tickets: Sequence[TicketView], look: Look) -> Iterator[str]:
    """Tickets as rows of columns that are as wide as they need to be, under a head."""
    columns = list(COLUMNS)
    rows = [dict(zip(COLUMNS, _cells(ticket, look), strict=True)) for ticket in tickets]
    if not any(row["next try"] for row in rows):
        columns.remove("next try")
    widths = {
        name: max(cell_len(row[name]) for row in [dict(zip(COLUMNS, COLUMNS, strict=True)), *rows]) for name in columns
    }
    widths["reference"] = min(widths["reference"], MOST_REFERENCE_CELLS)
    for name in EXPENDABLE:
        if _room(widths, look.width) < sum(min(LEAST_CELLS, widths[one]) for one in FLEXIBLE if one in widths):
            widths.pop(name, None)
    _share(widths, _room(widths, look.width))
    for row in [dict(zip(COLUMNS, COLUMNS, strict=True)), *rows]:
        line = "  ".join(fit(row[name], cells, look.ellipsis) for name, cells in widths.items())
        yield clip(line.rstrip(), max(look.width, NARROWEST), look.ellipsis)


def _cells(ticket: TicketView, look: Look) -> tuple[str, ...]:
    told = (ticket.reference, ticket.state, str(ticket.episode), ticket.title, ticket.reason)
    return (*map(look.clean, told), look.moment(ticket.next_try_at))


def _room(widths: dict[str, int], width: int) -> int:
    """What the flexible columns may have between them."""
    return width - sum(cells for name, cells in widths.items() if name not in FLEXIBLE) - 2 * (len(widths) - 1)


def _share(widths: dict[str, int], room: int) -> None:
    """Give the flexible columns what they need, the last one what the first leaves over."""
    flexible = [name for name in FLEXIBLE if name in widths]
    for place, name in enumerate(flexible):
        others = flexible[place + 1 :]
        fair = max(room - sum(widths[other] for other in others), room // (len(others) + 1))
        widths[name] = max(1, min(widths[name], fair))
        room -= widths[name]


def _running(check: RunningCheck, look: Look) -> str:
    waiting = f", for {', '.join(check.tickets)}" if check.tickets else ""
    return f"check of {check.component} since {look.moment(check.started_at)}{waiting}: {check.command}"


def ticket_lines(ticket: TicketView, look: Look) -> Iterator[str]:
    """A ticket with all that was decided about it."""
    facts = {
        "ticket": ticket.reference,
        "title": ticket.title,
        "state": ticket.state + (f": {ticket.reason}" if ticket.reason else ""),
        "link": ticket.url,
        "episode": str(ticket.episode),
        "attempts": str(ticket.attempts),
        "next try": look.moment(ticket.next_try_at),
        "run": ticket.run_id,
        "forced": ticket.forced,
        "edited": look.moment(ticket.plane_updated_at),
        "changed": look.moment(ticket.changed_at),
        "correlation": None if ticket.correlation_id is None else str(ticket.correlation_id),
        "delivery": None if ticket.delivery_id is None else str(ticket.delivery_id),
        "id": ticket.id,
    }
    for name, value in facts.items():
        if value:
            yield look.clean(f"{name:<12} {value}")
    yield from _decided(ticket.conditions, ticket.components, look)
    for check in ticket.checks:
        yield from _check(check, look)


def explanation_lines(explanation: Explanation, look: Look) -> Iterator[str]:
    """Every condition, the verdict, and what else decides."""
    if explanation.ticket is not None:
        yield look.clean(f"{explanation.ticket.reference}  {explanation.ticket.title}")
    yield from _decided(explanation.conditions, explanation.components, look)
    yield f"verdict: {explanation.verdict}"
    yield from (look.clean(sentence) for sentence in explanation.standing)


def _decided(conditions: Iterable[Condition], components: Sequence[str], look: Look) -> Iterator[str]:
    for condition in conditions:
        yield look.clean(f"{look.mark(condition.holds)} {condition.name}: {condition.why or _compared(condition)}")
    if components:
        yield look.clean(f"components: {', '.join(components)}")


def _compared(condition: Condition) -> str:
    observed, wanted = (jsontext.dumps(value).decode() for value in (condition.observed, condition.wanted))
    return f"it is {observed}, and wanted is {wanted}"


def _check(check: Check, look: Look) -> Iterator[str]:
    about = ", ".join(
        filter(
            None,
            (
                None if check.exit_code is None else f"exit code {check.exit_code}",
                None if check.duration_s is None else f"{check.duration_s:,.1f} s",
                look.moment(check.finished_at),
            ),
        )
    )
    outcome = check.outcome.replace("_", " ")
    named = "check" if check.component is None else f"check of {check.component}"
    yield look.clean(f"{named}: {outcome}{f' ({about})' if about else ''}{f': {check.why}' if check.why else ''}")
    if check.command is not None:
        yield look.clean(f"  $ {check.command}" + (f"   in {check.cwd}" if check.cwd else ""))
    for line in check.output_tail.splitlines():
        yield look.clean(f"  | {line.expandtabs()}")
