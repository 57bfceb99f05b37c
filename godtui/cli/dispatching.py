"""`godtui dispatcher`: what it does and why, and what an operator can have it do."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Final, TypeVar
from uuid import UUID

import click

from godtui import jsontext
from godtui.candybar.plaintext import plain
from godtui.cli.bodies import read_json
from godtui.cli.failures import ThingFailedError, WrongUsageError
from godtui.cli.options import Given
from godtui.cli.reaching import reach_instance
from godtui.cli.ticket_lines import Look, explanation_lines, state_line, status_lines, ticket_line, ticket_lines
from godtui.clock import SystemClock, to_datetime
from godtui.operations import (
    MAX_REASON_CHARACTERS,
    DispatcherOperations,
    DispatcherStatus,
    Explanation,
    TicketState,
    TicketView,
)

DELIVERY_BYTES: Final = 16 * 1024 * 1024
"""The most that a delivery of Plane's can have."""

Answer = TypeVar("Answer", DispatcherStatus, TicketView, Explanation)
Call = Callable[[DispatcherOperations], Awaitable[Answer]]


def run_status(given: Given, state: TicketState | None, limit: int, as_json: bool) -> None:
    """Print how it is. Raises what `explained` knows, as all of these do."""
    _show(_asked(given, lambda dispatcher: dispatcher.status(state=state, limit=limit)), status_lines, as_json)


def run_show(given: Given, name: str, as_json: bool) -> None:
    """Print one ticket."""
    _show(_asked(given, lambda dispatcher: dispatcher.ticket(name)), ticket_lines, as_json)


def run_pause(given: Given, reason: str, as_json: bool) -> None:
    """Pause, and say how it is then."""
    _require_short(reason)
    _show(_asked(given, lambda dispatcher: dispatcher.pause(reason)), _controlled, as_json)


def run_resume(given: Given, as_json: bool) -> None:
    """Resume, and say how it is then."""
    _show(_asked(given, lambda dispatcher: dispatcher.resume()), _controlled, as_json)


def run_retry(given: Given, name: str, as_json: bool) -> None:
    """Check or send a ticket again, and say where it stands then."""
    _show(_asked(given, lambda dispatcher: dispatcher.retry(name)), _acted, as_json)


def run_withdraw(given: Given, name: str, reason: str, as_json: bool) -> None:
    """Withdraw a ticket, and say where it stands then."""
    _require_short(reason)
    _show(_asked(given, lambda dispatcher: dispatcher.withdraw(name, reason)), _acted, as_json)


def run_dispatch(given: Given, name: str, reason: str, yes: bool, as_json: bool) -> None:
    """Dispatch a ticket past its gate, once that is confirmed, and say where it stands then."""
    _require_short(reason)
    if not reason.strip():
        raise WrongUsageError("--reason is empty; say why it goes past the gate, that is recorded")
    if not yes:
        if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
            raise WrongUsageError("this goes past the gate and its checks; add --yes")
        click.confirm(f"dispatch {plain(name)} past the gate and its checks?", abort=True)
    _show(_asked(given, lambda dispatcher: dispatcher.dispatch(name, reason)), _acted, as_json)


def run_explain(given: Given, file: str | None, ticket: str | None, event_id: UUID | None, as_json: bool) -> None:
    """Print every condition of the gate and its verdict, of one of three things."""
    if sum(one is not None for one in (file, ticket, event_id)) != 1:
        raise WrongUsageError("name one of three: FILE (or - for standard input), --ticket, or --event")
    if file is not None:
        body = read_json(file, DELIVERY_BYTES, "a delivery")
        explanation = _asked(given, lambda dispatcher: dispatcher.explain_body(body))
    elif ticket is not None:
        explanation = _asked(given, lambda dispatcher: dispatcher.explain_ticket(ticket))
    elif event_id is not None:
        explanation = _asked(given, lambda dispatcher: _explained_event(dispatcher, event_id))
    _show(explanation, explanation_lines, as_json)


async def _explained_event(dispatcher: DispatcherOperations, event_id: UUID) -> Explanation:
    explanation = await dispatcher.explain_event(event_id)
    if explanation is None:
        raise ThingFailedError(f"no event {event_id} is stored; godtui events type:webhook.plane.# shows what is")
    return explanation


def run_output(given: Given, component: str) -> None:
    """Print what a running check prints, until it ends."""
    if not asyncio.run(_print_output(given, component)) and sys.stdout.isatty():
        click.echo(f"godtui: no check of {plain(component)} runs now, or it printed nothing", err=True)


async def _print_output(given: Given, component: str) -> bool:
    """Whether there was any; on a terminal it cannot act."""
    printed = False
    is_terminal, ascii_only = sys.stdout.isatty(), _ascii_only()
    async with reach_instance(given) as operations, aclosing(operations.dispatcher.watch(component)) as pieces:
        async for piece in pieces:
            printed = printed or bool(piece)
            sys.stdout.write(harmless(piece, ascii_only) if is_terminal else piece)
            sys.stdout.flush()
    return printed


def harmless(piece: str, ascii_only: bool = False) -> str:
    """A piece of a program's output of which only the line ends and tabs still act."""
    lines = piece.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(plain(part, ascii_only=ascii_only) for part in line.split("\t")) for line in lines)


def _asked(given: Given, call: Call[Answer]) -> Answer:
    async def ask() -> Answer:
        async with reach_instance(given) as operations:
            return await call(operations.dispatcher)

    return asyncio.run(ask())


def _show(answer: Answer, lines: Callable[[Answer, Look], Iterable[str]], as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        click.echo(jsontext.dumps(answer.document()))
        return
    look = Look(shutil.get_terminal_size().columns, _ascii_only(), to_datetime(SystemClock().now()))
    for line in lines(answer, look):
        click.echo(line)


def _controlled(status: DispatcherStatus, look: Look) -> list[str]:
    return [f"the dispatcher is {state_line(status, look)}"]


def _acted(ticket: TicketView, look: Look) -> list[str]:
    return [ticket_line(ticket, look)]


def _require_short(reason: str) -> None:
    if len(reason) > MAX_REASON_CHARACTERS:
        raise WrongUsageError(f"--reason has {len(reason):,} characters; it may have {MAX_REASON_CHARACTERS}")


def _ascii_only() -> bool:
    return not (sys.stdout.encoding or "").lower().startswith("utf")
