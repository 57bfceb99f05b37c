"""`godtui trace`: a chain as a tree in the terminal."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from typing import Final
from uuid import UUID

import click

from godtui.candybar.chain_text import Line, Role, chain_lines
from godtui.cli.failures import ThingFailedError
from godtui.cli.options import Given
from godtui.cli.reaching import reach_instance
from godtui.operations import Chain

STYLES: Final[dict[Role, dict[str, bool | str]]] = {
    "time": {"dim": True},
    "guide": {"dim": True},
    "type": {"fg": "cyan"},
    "mark": {"fg": "yellow"},
    "fold": {"dim": True},
    "head": {"bold": True},
}


def run_trace(given: Given, correlation_id: UUID, after: int, whole: bool, form: str | None) -> None:
    """Print a chain. Raises what `explained` knows."""
    chain = asyncio.run(_read(given, correlation_id, after))
    if chain is None:
        raise ThingFailedError(
            f"no event of chain {correlation_id} is stored; godtui events --format json shows which chain each is of"
        )
    if (form or ("tree" if sys.stdout.isatty() else "json")) == "json":
        click.echo(chain.to_json())
        return
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    coloured = sys.stdout.isatty() and wants_colour(os.environ)
    for line in chain_lines(chain, shutil.get_terminal_size().columns, ascii_only=ascii_only, whole=whole):
        click.echo(_styled(line) if coloured else line.text.rstrip())


def wants_colour(environment: Mapping[str, str]) -> bool:
    """Whether a terminal is to be coloured, by its name and by https://no-color.org."""
    return not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


async def _read(given: Given, correlation_id: UUID, after: int) -> Chain | None:
    async with reach_instance(given) as operations:
        return await operations.chains.chain(correlation_id, after=after)


def _styled(line: Line) -> str:
    return "".join(
        click.style(text, **STYLES[role]) if role in STYLES else text  # type: ignore[arg-type]
        for text, role in line.spans
    )
