"""`godtui import`: stored events from a file, as history."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from godtui import jsontext
from godtui.cli.failures import ThingFailedError, UnreachableError, WrongUsageError, explained, faults_text, shown
from godtui.cli.lines import Line, read_lines
from godtui.cli.options import Given
from godtui.cli.reaching import reach
from godtui.envelope import Fault, InvalidEventError
from godtui.operations import MAX_BATCH_EVENTS, ImportReport, Operations

BATCH_BYTES: Final = 4 * 1024 * 1024
MAX_SAID: Final = 100
"""So many refused lines are named on stderr; all of them are in the file of --errors."""


@dataclass(frozen=True)
class Import:
    """What was asked to be imported: a file, or standard input for `-`, beyond a line."""

    file: str
    after_line: int = 0
    errors: Path | None = None
    as_json: bool = False


def run_import(given: Given, wanted: Import) -> None:
    """Import and say what became of it. Raises what `explained` knows."""
    with ExitStack() as stack:
        descriptor = _opened(wanted.file, stack)
        errors = None if wanted.errors is None else stack.enter_context(_created(wanted.errors))
        tally = _Tally(wanted.after_line, errors)
        try:
            asyncio.run(_import(given, descriptor, tally))
        except KeyboardInterrupt:
            click.echo(f"godtui: {tally.said_so_far}", err=True)
            raise
        except Exception as error:
            known = explained(error)
            if isinstance(known, UnreachableError) and tally.line:
                raise UnreachableError(f"{known.format_message()}; {tally.said_so_far}") from None
            raise
    tally.close(wanted.as_json or not sys.stdout.isatty())


class _Tally:
    """How it went so far; `line` is the last of which it is known what became of it."""

    def __init__(self, after_line: int, errors: BinaryIO | None) -> None:
        self.stored = self.already = self.refused = 0
        self.line = self.after_line = after_line
        self._errors = errors

    @property
    def said_so_far(self) -> str:
        """How far it came, and how to go on."""
        return (
            f"it came to line {self.line:,}: repeat the command, which passes over what is stored, or add "
            f"--after-line {self.line}"
        )

    def take(self, report: ImportReport, numbers: Sequence[int]) -> None:
        """Count a batch and name the lines that were refused."""
        self.stored += report.stored
        self.already += report.already
        for rejection in report.refused:
            self.refuse(numbers[rejection.index], rejection.faults)

    def refuse(self, line: int, faults: Sequence[Fault]) -> None:
        """A line that is not imported."""
        self.refused += 1
        if self.refused <= MAX_SAID:
            click.echo(f"line {line}: {shown(faults_text(InvalidEventError(list(faults))))}", err=True)
        elif self.refused == MAX_SAID + 1:
            advice = "" if self._errors else "; --errors FILE lists all"
            click.echo(f"further lines that are refused are only counted{advice}", err=True)
        if self._errors is not None:
            document = {"line": line, "errors": [fault.as_json() for fault in faults]}
            self._errors.write(jsontext.dumps(document) + b"\n")

    def close(self, as_json: bool) -> None:
        """Say the totals; raises where not everything is in the store."""
        if as_json:
            totals = {"stored": self.stored, "already": self.already, "refused": self.refused}
            click.echo(jsontext.dumps(totals))
        else:
            click.echo(f"imported {self.stored:,} events; {self.already:,} were there already")
        if self.refused:
            raise ThingFailedError(f"{self.refused:,} of the lines were not imported; the others are")


async def _import(given: Given, descriptor: int, tally: _Tally) -> None:
    arriving = _arriving(descriptor)
    # Whoever sends the lines may need the data directory first.
    lines: list[Line] | None = await anext(arriving, [])
    size = _size(descriptor)
    async with reach(given) as operations:
        hidden = not size or not sys.stderr.isatty()
        with click.progressbar(length=size or 1, label="importing", file=sys.stderr, hidden=hidden) as bar:
            while lines is not None:
                for batch in _batches(lines):
                    await _send(operations, batch, tally)
                    bar.update(sum(line.size for line in batch))
                lines = await anext(arriving, None)


async def _send(operations: Operations, batch: Sequence[Line], tally: _Tally) -> None:
    numbers: list[int] = []
    texts: list[bytes] = []
    for line in batch:
        if line.number <= tally.after_line:
            continue
        if line.text is None:
            said = f"{line.size:,} bytes are more than any event may have"
            tally.refuse(line.number, [Fault("", said)])
        elif line.text.strip():
            numbers.append(line.number)
            texts.append(line.text)
    if texts:
        tally.take(await operations.archive.import_lines(texts), numbers)
    tally.line = max(tally.line, batch[-1].number)


def _batches(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """The lines in order, in parts that one call takes."""
    start = size = 0
    for end, line in enumerate(lines):
        if end > start and (end - start == MAX_BATCH_EVENTS or size + line.size > BATCH_BYTES):
            yield lines[start:end]
            start, size = end, 0
        size += line.size
    if start < len(lines):
        yield lines[start:]


async def _arriving(descriptor: int) -> AsyncIterator[list[Line]]:
    try:
        async for lines in read_lines(descriptor):
            yield lines
    except OSError as error:
        raise WrongUsageError(f"what is to be imported cannot be read: {error.strerror}") from None


def _opened(file: str, stack: ExitStack) -> int:
    if file == "-":
        try:
            return sys.stdin.fileno()
        except (AttributeError, OSError, ValueError):
            raise WrongUsageError("standard input is closed; name a file") from None
    try:
        descriptor = os.open(file, os.O_RDONLY)
        stack.callback(os.close, descriptor)
        os.read(descriptor, 0)
    except OSError as error:
        raise WrongUsageError(f"{file} cannot be read: {error.strerror}") from None
    return descriptor


def _created(file: Path) -> Any:
    try:
        return file.open("wb")
    except OSError as error:
        raise WrongUsageError(f"{file} cannot be written: {error.strerror}") from None


def _size(descriptor: int) -> int | None:
    try:
        return os.fstat(descriptor).st_size or None
    except OSError:
        return None
