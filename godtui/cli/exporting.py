"""`godtui events --all`: everything stored that matches, the oldest first."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Sequence
from contextlib import aclosing, suppress
from typing import Final

import click

from godtui.cli.asking import Show, show_as
from godtui.cli.failures import ThingFailedError, UnreachableError, explained, shown
from godtui.cli.options import Given
from godtui.cli.reaching import reach
from godtui.clock import SystemClock
from godtui.envelope import StoredEvent
from godtui.filters import Filter, parse
from godtui.operations import Events, Gap, Operations, Position, Welcome

GO_ON: Final = "go on with --after"


def run_export(given: Given, text: str, after: int | None, form: str | None) -> None:
    """Print all that is stored now and matches, beyond a position. Raises what `explained` knows.

    Where it ends early it says beyond which position to go on, and a file then ends with that event.
    """
    wanted = parse(text, now=SystemClock().now())
    output = _Output(after or 0, show_as(form))
    try:
        asyncio.run(_export(given, wanted, after, output))
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        output.say_where()
        raise
    except OSError as error:
        if error.filename is not None:
            raise
        output.cut_back()
        reason = f"the output cannot be written ({error.strerror})"
        raise ThingFailedError(f"{reason}; once it can, {GO_ON} {output.reached}") from None
    except Exception as error:
        known = explained(error)
        if isinstance(known, UnreachableError) and output.reached:
            raise UnreachableError(f"{known.format_message()}; {GO_ON} {output.reached}") from None
        raise


async def _export(given: Given, wanted: Filter, after: int | None, output: _Output) -> None:
    async with reach(given) as operations:
        await _write_all(operations, wanted, after, output)


async def _write_all(operations: Operations, wanted: Filter, after: int | None, output: _Output) -> None:
    position = after or 0
    frames = operations.store.stream(wanted, after=position, positions=True)
    hidden = not sys.stderr.isatty() or sys.stdout.isatty()
    async with aclosing(frames):
        welcome = await anext(frames)
        end = (welcome.seq if isinstance(welcome, Welcome) else None) or 0
        length = max(end - position, 0)
        with click.progressbar(length=length or 1, label="exporting", file=sys.stderr, hidden=hidden) as bar:
            while position < end:
                match await anext(frames):
                    case Events(events):
                        await asyncio.to_thread(output.write, [event for event in events if event.seq <= end])
                    case Position(seq):
                        bar.update(min(seq, end) - position)
                        position = output.reached = max(min(seq, end), position)
                    case Gap(first, last) if after is not None:
                        click.echo(f"godtui: events {first:,} to {last:,} are no longer stored", err=True)


class _Output:
    """Standard output, and the position up to which all that matches was written to it."""

    def __init__(self, reached: int, show: Show) -> None:
        self.reached = reached
        self._show = show
        self._whole = _place()

    def write(self, events: Sequence[StoredEvent]) -> None:
        """Write events; blocks. Raises OSError."""
        lines = [self._show(event, None) for event in events]
        text = b"".join([line if isinstance(line, bytes) else line.encode() for line in _with_newlines(lines)])
        rest = memoryview(text)
        while rest:  # an output without a buffer (PYTHONUNBUFFERED) may take less than it is given, and not say why
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()
        if events:
            self.reached = events[-1].seq
        self._whole = _place()

    def cut_back(self) -> None:
        """Leave no part of a line at the end of a file."""
        if self._whole is not None:
            with suppress(OSError):
                os.ftruncate(sys.stdout.fileno(), self._whole)

    def say_where(self) -> None:
        """Say how to go on."""
        click.echo(f"godtui: {shown(f'interrupted; {GO_ON} {self.reached}')}", err=True)


def _with_newlines(lines: Sequence[str | bytes]) -> list[str | bytes]:
    return [line + b"\n" if isinstance(line, bytes) else line + "\n" for line in lines]


def _place() -> int | None:
    """Where in a file standard output is; None where it is none."""
    try:
        descriptor = sys.stdout.fileno()
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return os.lseek(descriptor, 0, os.SEEK_CUR)
    except (AttributeError, OSError, ValueError):
        pass
    return None
