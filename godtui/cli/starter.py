"""`godtui init`: files to begin with."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from godtui.cli.failures import WrongUsageError
from godtui.settings import packaged

SETTINGS_FILE: Final = """\
# Settings of godtui for this folder. A flag, an environment variable (GODTUI_PORT for port) or
# ~/.config/openclaw/infra-dispatch.env counts before what stands here.

# bus_url = "embedded:"
# host = "127.0.0.1"
# port = 8000
# message_ttl = "86400,candystore.events=0"
# unknown_types = "reject"
# health_interval = 30
"""


def write_starter(folder: Path) -> None:
    """Write what is missing and say of each part whether it was made or left as it is."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _make(folder / "schemas", lambda path: shutil.copytree(packaged("schemas"), path, ignore=_hidden))
        _make(folder / "registry.yaml", lambda path: shutil.copyfile(packaged("registry.yaml"), path))
        _make(folder / "godtui.toml", lambda path: path.write_text(SETTINGS_FILE, encoding="utf-8"))
    except OSError as error:
        raise WrongUsageError(f"{folder} cannot be written: {error.strerror or error}") from None


def _make(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside and rename, so that what is there is whole."""
    if path.exists() or path.is_symlink():
        click.echo(f"left as it is: {path}")
        return
    with tempfile.TemporaryDirectory(prefix=".godtui-", dir=path.parent) as beside:
        fresh = Path(beside) / path.name
        write(fresh)
        fresh.rename(path)
    click.echo(f"made: {path}")


def _hidden(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name.startswith(".")]
