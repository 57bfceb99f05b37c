"""`godtui dlq`: dead letters listed, shown, put back and thrown away."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import click

from godtui import jsontext
from godtui.candybar.plaintext import plain
from godtui.cli.bodies import read_json
from godtui.cli.failures import FAILED, ThingFailedError, WrongUsageError, explained, shown
from godtui.cli.options import Given
from godtui.cli.reaching import reach_instance
from godtui.cli.tables import columns
from godtui.clock import SystemClock, rfc3339
from godtui.filters import Filter, parse
from godtui.operations import DeadLetter, Operations, Requeued

PAGE_LETTERS: Final = 1000
BODY_BYTES: Final = 134_217_728
"""The most that an event can be allowed to have."""
FLEXIBLE: Final = ("queue", "reason", "type")
"""Columns that share what room the others leave."""
COLUMNS: Final = ("id", "died", "queue", "reason", "attempts", "requeues", "type")


class Wanted(NamedTuple):
    """Which letters to list, how many, and how: as a table or as JSON, None for what suits the output."""

    filter: str
    queue: str | None
    reason: str | None
    limit: int
    form: str | None


def run_list(given: Given, wanted: Wanted) -> None:
    """Print letters, the newest first. Raises what `explained` knows."""
    if wanted.reason == "":
        raise WrongUsageError("--reason is empty; leave it out to list letters whatever they died of")
    parsed = parse(wanted.filter, now=SystemClock().now())
    letters = asyncio.run(_list(given, parsed, wanted))
    if (wanted.form or ("table" if sys.stdout.isatty() else "json")) == "json":
        for letter in letters:
            click.echo(jsontext.dumps(letter.listed()))
    elif letters:
        for line in table(letters, shutil.get_terminal_size().columns, _ascii_only()):
            click.echo(line)
    else:
        click.echo(
            "no dead letters"
            if not (parsed.terms or wanted.queue is not None or wanted.reason)
            else "no such dead letters"
        )


async def _list(given: Given, parsed: Filter, wanted: Wanted) -> list[DeadLetter]:
    found: list[DeadLetter] = []
    cursor: str | None = None
    async with reach_instance(given) as operations:
        while len(found) < wanted.limit:
            page = await operations.letters.page(
                parsed,
                queue=wanted.queue,
                reason=wanted.reason,
                limit=min(PAGE_LETTERS, wanted.limit - len(found)),
                cursor=cursor,
            )
            found += page.letters
            cursor = page.next_cursor
            if cursor is None:
                break
    return found


def table(letters: Sequence[DeadLetter], width: int, ascii_only: bool = False) -> Iterator[str]:
    """Letters as rows of columns that are as wide as they need to be, under a head."""
    rows = [[plain(cell, ascii_only=ascii_only) for cell in _cells(letter)] for letter in letters]
    return columns(COLUMNS, rows, width, flexible=FLEXIBLE)


def _cells(letter: DeadLetter) -> list[str]:
    return [
        str(letter.id),
        _moment(letter.last_at),
        letter.queue,
        letter.reason,
        str(letter.attempts),
        str(letter.requeues),
        letter.event_type or "-",
    ]


def run_show(given: Given, letter_id: int, as_json: bool) -> None:
    """Print one letter. Raises what `explained` knows."""
    letter = asyncio.run(_show(given, letter_id))
    if letter is None:
        raise ThingFailedError(f"there is no dead letter {letter_id}; godtui dlq list shows those there are")
    if as_json or not sys.stdout.isatty():
        click.echo(jsontext.dumps(letter.document()))
        return
    for line in described(letter):
        click.echo(plain(line, ascii_only=_ascii_only()))


async def _show(given: Given, letter_id: int) -> DeadLetter | None:
    async with reach_instance(given) as operations:
        return await operations.letters.letter(letter_id)


def described(letter: DeadLetter) -> Iterator[str]:
    """A letter as lines for a reader; what acts on a terminal is still in them."""
    document = letter.document()
    facts = {
        "letter": str(letter.id),
        "queue": letter.queue or "unknown",
        "reason": letter.reason,
        "type": letter.event_type or "none",
        "message id": letter.message_id or "none",
        "routing key": letter.routing_key or "none",
        "attempts": str(letter.attempts),
        "requeues": str(letter.requeues),
        "first": _moment(letter.first_at),
        "died": _moment(letter.last_at),
    }
    for name, value in facts.items():
        yield f"{name:<12} {value}"
    for name in ("headers", "deaths"):
        if document[name]:
            yield f"{name}:"
            yield from _indented(document[name])
    encoding = document["body_encoding"]
    yield f"body ({letter.body_bytes:,} bytes, {encoding}):"
    yield from _indented(document["body"]) if encoding == "json" else document["body"].split("\n")


def _indented(value: Any) -> list[str]:
    return json.dumps(value, indent=2, ensure_ascii=False).split("\n")


def run_requeue(given: Given, letter_ids: Sequence[int], body_file: str | None, as_json: bool) -> None:
    """Put letters back and say what became of each. Raises what `explained` knows."""
    if body_file is not None and len(set(letter_ids)) > 1:
        raise WrongUsageError("--body-file corrects one letter; name one ID")
    correction = None if body_file is None else _correction(body_file)
    as_json = as_json or not sys.stdout.isatty()

    async def requeue(operations: Operations, letter_id: int) -> None:
        _say(await operations.letters.requeue(letter_id, correction), as_json)

    asyncio.run(_each(given, letter_ids, requeue))


def _say(requeued: Requeued, as_json: bool) -> None:
    if as_json:
        click.echo(jsontext.dumps(requeued._asdict()))
    else:
        click.echo(plain(f"requeued {requeued.id} to {requeued.queue}"))
    if requeued.requeues > 1:
        click.echo(
            f"letter {requeued.id}: put back for the {requeued.requeues}. time, and it died each time before; "
            "see why before you do that again",
            err=True,
        )


def run_discard(given: Given, letter_ids: Sequence[int], yes: bool) -> None:
    """Throw letters away, once that is confirmed. Raises what `explained` knows."""
    if not yes:
        if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
            raise WrongUsageError("what is discarded is gone for good; add --yes")
        count = len(set(letter_ids))
        click.confirm(f"discard {'this letter' if count == 1 else f'these {count} letters'} for good?", abort=True)

    async def discard(operations: Operations, letter_id: int) -> None:
        await operations.letters.discard(letter_id)
        click.echo(f"discarded {letter_id}")

    asyncio.run(_each(given, letter_ids, discard))


async def _each(given: Given, letter_ids: Sequence[int], do: Callable[[Operations, int], Awaitable[None]]) -> None:
    """Do something with each letter; the first that fails ends it only where nobody answers any more."""
    ids = list(dict.fromkeys(letter_ids))
    failed = 0
    async with reach_instance(given) as operations:
        for letter_id in ids:
            try:
                await do(operations, letter_id)
            except Exception as error:
                known = explained(error)
                if known is None or known.exit_code != FAILED or len(ids) == 1:
                    raise
                click.echo(f"godtui: {shown(known.format_message())}", err=True)
                failed += 1
    if failed:
        raise ThingFailedError(f"{failed} of {len(ids)} letters: nothing was done with them")


def _correction(body_file: str) -> Any:
    """The corrected envelope. Raises WrongUsageError, ThingFailedError."""
    value = read_json(body_file, BODY_BYTES, "a corrected envelope")
    if not isinstance(value, dict):
        raise ThingFailedError("the corrected envelope is not a JSON object; an envelope has event_id, event_type, …")
    return value


def _moment(microseconds: int) -> str:
    return rfc3339(microseconds)[:19].replace("T", " ")


def _ascii_only() -> bool:
    return not (sys.stdout.encoding or "").lower().startswith("utf")
