"""All that is said of a ticket: where it stands and why, every condition, every check with what it printed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from godtui.candybar.figures import SECOND, count, duration, moment
from godtui.candybar.folding import output, sentences
from godtui.candybar.looks import Look, Looks
from godtui.candybar.plaintext import clip, plain
from godtui.candybar.tickets import LOOKS, microseconds
from godtui.operations import Check, CheckOutcome, Condition, RunningCheck, SettingView, TicketView

Line: TypeAlias = list[Segment]

OUTCOMES: Final[dict[CheckOutcome, Look]] = {
    "passed": "ok",
    "failed": "down",
    "timeout": "down",
    "unrunnable": "down",
    "not_configured": "unknown",
    "no_component": "unknown",
    "disabled": "unknown",
}
MOST = 100
"""Conditions and checks beyond so many are counted only."""

MOST_VALUE = 400


class TicketText:
    """Lines for one width in one set of looks; `now` is wall time in µs since 1970."""

    def __init__(self, looks: Looks, width: int, now: int) -> None:
        self._looks = looks
        self._width = max(4, width)
        self._now = now

    def lines(self, ticket: TicketView, running: Sequence[RunningCheck]) -> list[Line]:
        """Everything, top to bottom; a check under way stands last, so that its end is the end."""
        return [
            *self._said(ticket.title, self._looks.strong),
            *self._standing(ticket),
            *self._facts(ticket),
            *self._conditions(ticket.conditions),
            *self._checks(ticket.checks),
            *self._origin(ticket),
            *(line for one in running for line in self._running(one)),
        ]

    def settings(self, settings: Sequence[SettingView]) -> list[Line]:
        """The settings in force, and where each was written; the names in a column where there is room for one."""
        looks, lines = self._looks, []
        longest = max((cell_len(one.name) for one in settings), default=0)
        column = longest + 2 if longest <= self._width // 2 else 0
        beside = TicketText(looks, self._width - column, self._now)
        for one in settings:
            origin = one.origin if one.origin == "default" else f"from {one.origin}"
            name = [] if column else [(one.name, looks.key)]
            for index, line in enumerate(beside._flow([*name, (one.value, looks.text), (origin, looks.quiet)])):
                before = self._plain(one.name) if index == 0 else ""
                lines.append([Segment(before.ljust(column) if column else "", looks.key), *line])
        return lines

    def _standing(self, ticket: TicketView) -> Iterator[Line]:
        looks = self._looks
        glyph, style = looks.status(LOOKS[ticket.state])
        changed = microseconds(ticket.changed_at)
        since = f"since {moment(changed, self._now)} {looks.glyphs.dot} {duration((self._now - changed) / SECOND)}"
        yield from self._flow([(f"{glyph} {ticket.state}", style), (since, looks.quiet)])
        yield from self._said(ticket.reason, looks.text, indent=2)
        if ticket.forced is not None:
            yield from self._said(f"dispatched past the gate: {ticket.forced}", looks.attention, indent=2)

    def _facts(self, ticket: TicketView) -> Iterator[Line]:
        looks = self._looks
        parts = [(f"episode {count(ticket.episode)}", looks.text)] if ticket.episode else []
        if ticket.attempts:
            parts.append((f"{count(ticket.attempts)} attempt{'s' if ticket.attempts != 1 else ''}", looks.text))
        if ticket.next_try_at is not None:
            parts.append((self._next_try(ticket.next_try_at), looks.strong))
        if ticket.run_id:
            parts.append((f"run {ticket.run_id}", looks.text))
        if ticket.components:
            parts.append((f"component{'s' if len(ticket.components) > 1 else ''} {self._names(ticket)}", looks.text))
        yield from self._flow(parts)
        if ticket.url:
            yield from self._said(ticket.url, looks.key)

    def _origin(self, ticket: TicketView) -> Iterator[Line]:
        """What leads to it in Plane, in the log and in the ledger."""
        yield self._rule("Origin")
        if ticket.plane_updated_at is not None:
            edited = moment(microseconds(ticket.plane_updated_at), self._now)
            yield from self._named("edited in Plane ", edited)
        yield from self._named("chain ", str(ticket.correlation_id or ""))
        yield from self._named("delivery ", str(ticket.delivery_id or ""))
        yield from self._named("id ", ticket.id)

    def _names(self, ticket: TicketView) -> str:
        more = f" and {len(ticket.components) - 8} more" if len(ticket.components) > 8 else ""
        return ", ".join(ticket.components[:8]) + more

    def _next_try(self, when: datetime) -> str:
        at = microseconds(when)
        left = (at - self._now) / SECOND
        return f"next try in {duration(left + 0.999)} ({moment(at, self._now)})" if left > 0 else "next try now"

    def _conditions(self, conditions: Sequence[Condition]) -> Iterator[Line]:
        if not conditions:
            return
        unmet = sum(not one.holds for one in conditions)
        yield self._rule("Conditions", f"{unmet} of {len(conditions)} not met" if unmet else "all met")
        for one in conditions[:MOST]:
            yield from self._condition(one)
        yield from self._more(len(conditions))

    def _condition(self, one: Condition) -> Iterator[Line]:
        looks = self._looks
        glyph, style = looks.status("ok" if one.holds else "down")
        parts = [(one.name, looks.strong if not one.holds else looks.text)]
        parts.append((f"observed {_value(one.observed)}", looks.text if not one.holds else looks.quiet))
        if one.wanted is not None:
            parts.append((f"wanted {_value(one.wanted)}", looks.quiet))
        yield from self._marked(glyph, style, parts)
        yield from self._said(one.why, looks.text if not one.holds else looks.quiet, indent=4)

    def _checks(self, checks: Sequence[Check]) -> Iterator[Line]:
        if not checks:
            return
        unsound = sum(OUTCOMES[one.outcome] == "down" for one in checks)
        yield self._rule("Checks", f"{unsound} of {len(checks)} not passed" if unsound else "")
        for one in checks[:MOST]:
            yield from self._check(one)
        yield from self._more(len(checks))

    def _check(self, one: Check) -> Iterator[Line]:
        looks = self._looks
        glyph, style = looks.status(OUTCOMES[one.outcome])
        parts = [(one.component or "no component", looks.strong), (one.outcome.replace("_", " "), style)]
        if one.exit_code is not None:
            parts.append((f"exit {one.exit_code}", looks.text))
        if one.duration_s is not None:
            parts.append((f"{one.duration_s:,.1f} s", looks.quiet))
        if one.finished_at is not None:
            parts.append((f"at {moment(microseconds(one.finished_at), self._now)}", looks.quiet))
        yield from self._marked(glyph, style, parts)
        yield from self._said(one.why, looks.text, indent=4)
        yield from self._command(one.command, one.cwd)
        yield from self._output(one.output_tail)

    def _running(self, one: RunningCheck) -> Iterator[Line]:
        looks = self._looks
        since = (self._now - microseconds(one.started_at)) / SECOND
        yield self._rule("Check under way", duration(since))
        glyph, style = looks.status("standing by")
        parts = [(one.component, looks.strong), ("running", looks.text)]
        if one.tickets:
            more = f" and {len(one.tickets) - 8} more" if len(one.tickets) > 8 else ""
            parts.append((f"{', '.join(one.tickets[:8])}{more} wait for it", looks.quiet))
        yield from self._marked(glyph, style, parts)
        yield from self._command(one.command, one.cwd)
        yield from self._output(one.output_tail)

    def _command(self, command: str | None, cwd: str | None) -> Iterator[Line]:
        if command:
            yield from self._said(f"$ {command}", self._looks.key, indent=4)
        if cwd:
            yield from self._said(f"in {cwd}", self._looks.quiet, indent=4)

    def _output(self, text: str) -> Iterator[Line]:
        looks = self._looks
        for line in output(text, self._width - 6, ascii_only=looks.ascii_only):
            yield [Segment(f"    {looks.glyphs.down} ", looks.rule), Segment(line, looks.value)]

    def _more(self, number: int) -> Iterator[Line]:
        if number > MOST:
            yield [Segment(f"  and {count(number - MOST)} more", self._looks.quiet)]

    def _named(self, name: str, text: str) -> Iterator[Line]:
        if text:
            shown = clip(self._plain(text[:MOST_VALUE]), self._width - len(name), self._looks.glyphs.ellipsis)
            yield [Segment(name, self._looks.quiet), Segment(shown, self._looks.quiet)]

    def _said(self, text: str, style: Style, *, indent: int = 0) -> Iterator[Line]:
        for line in sentences(text, self._width - indent, ascii_only=self._looks.ascii_only):
            yield [Segment(" " * indent), Segment(line, style)]

    def _marked(self, glyph: str, style: Style, parts: list[tuple[str, Style]]) -> Iterator[Line]:
        """The parts behind a glyph, on as many lines as that takes."""
        for index, line in enumerate(self._flow(parts, indent=2)):
            yield [Segment("    " if index else f"{glyph} ", style), *line]

    def _flow(self, parts: list[tuple[str, Style]], *, indent: int = 0) -> list[Line]:
        """The parts side by side, on as many lines as that takes; one that is wider than a line is folded."""
        lines: list[Line] = []
        width = self._width - 2 * indent
        room = 0
        for text, style in parts:
            folded = sentences(text, width, ascii_only=self._looks.ascii_only)
            for piece in folded:
                needed = cell_len(piece)
                if lines and len(folded) == 1 and needed + 3 <= room:
                    lines[-1] += [Segment("   "), Segment(piece, style)]
                    room -= needed + 3
                else:
                    lines.append([Segment(piece, style)])
                    room = width - needed
        return lines

    def _rule(self, name: str, beside: str = "") -> Line:
        looks = self._looks
        across = looks.glyphs.across
        said = f" {looks.glyphs.dot} {beside}" if beside else ""
        head = clip(f"{across * 2} {name}{said} ", self._width, looks.glyphs.ellipsis)
        return [Segment(head, looks.quiet), Segment(across * (self._width - cell_len(head)), looks.rule)]

    def _plain(self, text: str) -> str:
        return plain(text, ascii_only=self._looks.ascii_only)


def _value(value: Any) -> str:
    """An observed or wanted value as a reader says it."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        text = value or "nothing"
    elif isinstance(value, list) and all(isinstance(one, str) for one in value):
        text = ", ".join(value) or "nothing"
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_VALUE else text[:MOST_VALUE] + "…"
