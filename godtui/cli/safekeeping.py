"""The commands that keep the log safe: `backup`, `restore` and `salvage`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from godtui.cli.options import Given, settings_options

_FILE = click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, as in a pipe.")


@click.command()
@_FILE
@click.option("--force", is_flag=True, help="Take the place of a file that is there already.")
@_AS_JSON
@settings_options
@click.pass_obj
def backup(given: Given, /, file: Path, force: bool, as_json: bool, attach: str | None, **flags: Any) -> None:
    """Write everything the data directory holds into FILE, while a godtui runs there or not."""
    from godtui.cli.backing_up import run_backup

    run_backup(given.take(attach, flags), file, force, as_json)


@click.command()
@_FILE
@_AS_JSON
@settings_options
@click.pass_obj
def restore(given: Given, /, file: Path, as_json: bool, attach: str | None, **flags: Any) -> None:
    """Put what `backup` wrote into a data directory without a log. No godtui may run there."""
    from godtui.cli.backing_up import run_restore

    run_restore(given.take(attach, flags), file, as_json)


@click.command()
@click.option("--print", "printed", is_flag=True, help="Print the events that can be read, and change nothing.")
@click.option("--force", is_flag=True, help="Also where a check finds nothing wrong.")
@_AS_JSON
@settings_options
@click.pass_obj
def salvage(given: Given, /, printed: bool, force: bool, as_json: bool, attach: str | None, **flags: Any) -> None:
    """Replace a damaged log by what can be read of it; the damaged one is kept beside. No godtui may run there."""
    from godtui.cli.salvaging import run_print, run_salvage

    if printed:
        run_print(given.take(attach, flags))
    else:
        run_salvage(given.take(attach, flags), force, as_json)
