"""The command `holyfields`: the contracts as files, without a running instance."""

from __future__ import annotations

import sys

import click

from godtui import __version__
from godtui.cli.cataloguing import list_contracts, show_contract
from godtui.cli.comparing import check
from godtui.cli.documenting import document_events
from godtui.cli.ending import Piped, run
from godtui.cli.generating import generate_code
from godtui.cli.linting import lint_command
from godtui.cli.scaffolding import new_contract


@click.group(cls=Piped, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", prog_name="holyfields", message="%(prog)s %(version)s")
def holyfields() -> None:
    """The contracts of 33GOD's events: generate types, lint, compare, list, show, document."""


holyfields.add_command(generate_code)
holyfields.add_command(list_contracts)
holyfields.add_command(show_contract)
holyfields.add_command(new_contract)
holyfields.add_command(document_events)
holyfields.add_command(check)
holyfields.add_command(lint_command)


def main() -> None:
    """The console script."""
    sys.exit(run(holyfields, "holyfields"))
