"""`holyfields list` and `holyfields show`: what contracts there are, and who speaks and hears by them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from godtui import jsontext
from godtui.cli.failures import ThingFailedError
from godtui.cli.options import Command, Given, encodable
from godtui.settings.values import shown_text

if TYPE_CHECKING:
    from godtui.holyfields import UnknownContractError
    from godtui.holyfields.catalogue import Catalogue

COLUMNS: Final = ("type", "versions", "producers", "consumers", "title")

_FOLDER: Final = click.option(
    "--schemas", metavar="DIR", help="The folder of contracts (default ./schemas, else packaged)."
)
_FILE: Final = click.option(
    "--registry", metavar="FILE", help="The services registry (default ./registry.yaml, else packaged)."
)
_AS_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, as in a pipe.")


def files_options(command: Command) -> Command:
    """Let a command take the folder of contracts and the services registry."""
    return _FOLDER(_FILE(command))


def open_catalogue(schemas: str | None, registry: str | None) -> Catalogue:
    """The catalogue of a folder and a registry file, as given or as set.

    Raises SettingsError, SchemaFolderError and EstateError.
    """
    from godtui.estate import Estate
    from godtui.holyfields import Registry
    from godtui.holyfields.catalogue import Catalogue

    settings = Given().take(None, {"schemas": schemas, "registry": registry}).settings()
    estate = Estate.load(settings.registry_file())
    return Catalogue(Registry.load(settings.schemas_folder()), estate.produced, estate.consumed)


@click.command("list")
@files_options
@_AS_JSON
def list_contracts(schemas: str | None, registry: str | None, as_json: bool) -> None:
    """List every event type with its versions, producers and consumers."""
    listed = open_catalogue(schemas, registry).summary()
    if as_json or not sys.stdout.isatty():
        click.echo(jsontext.dumps({"schemas": listed}))
        return
    for line in table(listed, shutil.get_terminal_size().columns):
        click.echo(line)


@click.command("show")
@click.argument("event_type", metavar="TYPE", callback=encodable)
@click.option("--version", metavar="vN", callback=encodable, help="Which version (default the lowest).")
@files_options
@_AS_JSON
def show_contract(
    event_type: str, version: str | None, schemas: str | None, registry: str | None, as_json: bool
) -> None:
    """Show one contract: what it is for, who speaks and hears by it, an example, and its schema."""
    from godtui.holyfields import UnknownContractError

    try:
        shown = open_catalogue(schemas, registry).describe(event_type, version)
    except UnknownContractError as error:
        raise ThingFailedError(_unknown(error)) from None
    if as_json or not sys.stdout.isatty():
        click.echo(jsontext.dumps(shown))
        return
    for line in _lines(shown):
        click.echo(line)


def _unknown(error: UnknownContractError) -> str:
    from godtui.holyfields import UnknownTypeError

    if isinstance(error, UnknownTypeError) and error.nearest is None:
        return f"{shown_text(error.event_type)} has no schema; holyfields list shows the types there are"
    return str(error)


def table(listed: Sequence[dict[str, Any]], width: int) -> Iterator[str]:
    """Event types as rows of columns under a head, no row wider than that many cells."""
    from rich.cells import cell_len

    from godtui.candybar.plaintext import clip, fit, plain

    rows = [[plain(cell) for cell in _cells(one)] for one in listed]
    cells = [max(map(cell_len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in (COLUMNS, *rows):
        yield clip("  ".join(fit(cell, cells[number]) for number, cell in enumerate(row)).rstrip(), width)


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    services = (_named(one["producers"]), _named(one["consumers"]))
    return one["event_type"], ", ".join(one["versions"]), *services, one["title"]


def _named(services: Sequence[str]) -> str:
    return ", ".join(services) or "-"


def _lines(shown: dict[str, Any]) -> Iterator[str]:
    from godtui.candybar.plaintext import plain

    heads = {
        "title": shown["title"],
        "description": shown["description"],
        "versions": f"{', '.join(shown['versions'])} (shown: {shown['version']})",
        "producers": _named(shown["producers"]),
        "consumers": _named(shown["consumers"]),
        "serves": ", ".join(shown["serves"]),
        "file": shown["file"],
        "digest": shown["digest"],
    }
    yield plain(f"{shown['event_type']} {shown['version']}")
    for name, text in heads.items():
        if text:
            yield plain(f"{name:<12} {text}")
    for name in ("example", "schema"):
        if shown[name] is not None:
            yield f"\n{name}"
            yield from (plain(line) for line in json.dumps(shown[name], ensure_ascii=False, indent=2).split("\n"))
