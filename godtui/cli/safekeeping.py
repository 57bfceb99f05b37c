"""The commands that keep the log safe: `backup` and `restore`."""

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
