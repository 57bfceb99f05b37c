"""`godtui salvage`: what can be read of a damaged log."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Final

import click

from godtui import jsontext
from godtui.cli.backing_up import Meter, own, require_here, watched
from godtui.cli.failures import LISTED, ThingFailedError
from godtui.cli.options import Given
from godtui.envelope import StoredEvent
from godtui.eventlog import FILE_NAME, Lost, readable

if TYPE_CHECKING:
    from godtui.candystore.wreckage import Salvaged

SHOWN: Final = 20
"""How many stretches a sentence names."""


def run_salvage(given: Given, force: bool, as_json: bool) -> None:
    """Put what can be read in the place of the damaged log, and say what is lost.

    Raises what `explained` knows, ThingFailedError where anything is lost.
    """
    from godtui.candystore.wreckage import Salvaging
    from godtui.runtime.rooms import ROOMS

    require_here(given, "salvage")
    directory = given.settings().data_dir
    ownership = own(directory)
    try:
        meter = Meter()
        done = asyncio.run(watched(Salvaging(directory, ROOMS, force=force, progress=meter), meter, "salvage"))
    finally:
        ownership.release()
    _tell(done, as_json or not sys.stdout.isatty())


def run_print(given: Given) -> None:
    """Print the events that can be read, oldest first, one JSON object a line; nothing is changed.

    Raises what `explained` knows, ThingFailedError where some cannot be read.
    """
    require_here(given, "salvage")
    path = given.settings().data_dir.resolve() / FILE_NAME
    if not path.is_file():
        raise ThingFailedError(f"{path} is not there; name its directory with --data-dir")
    lost = Lost()
    for rows in readable(path, lost):
        for row in rows:
            click.echo(StoredEvent._make(row).to_json())
    if lost:
        raise ThingFailedError(f"{len(lost):,} events cannot be read: {_stretches(tuple(lost.stretches))}")


def _tell(done: Salvaged, as_json: bool) -> None:
    saved = done.saved
    if as_json:
        document = {**saved._asdict(), "aside": os.fsencode(done.aside).decode(errors="replace")}
        click.echo(jsontext.dumps(document))
    else:
        click.echo(f"saved {saved.events:,} events; the damaged log is {done.aside}")
    if saved.whole:
        return
    said = [f"{saved.lost_events:,} events are lost: {_stretches(saved.lost)}"] if saved.lost else []
    for name, count in saved.tables.items():
        rows = "rows" if count is None else f"at most {count:,} rows"
        said.append(f"{rows} of the table {name} are lost")
    raise ThingFailedError(LISTED.join(["not everything could be read", *said]))


def _stretches(lost: tuple[tuple[int, int], ...]) -> str:
    said = [f"{first:,}" if first == last else f"{first:,} to {last:,}" for first, last in lost[:SHOWN]]
    more = len(lost) - SHOWN
    return ", ".join(said) + (f" and {more:,} more stretches" if more > 0 else "")
