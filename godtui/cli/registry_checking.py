"""`godtui registry check`: what is wrong in a services registry, found without an instance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from godtui.cli.ending import Piped
from godtui.cli.failures import FAILED, WrongUsageError, shown
from godtui.cli.options import Given

if TYPE_CHECKING:
    from godtui.estate.lint import Finding

_ESCAPES: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY_ESCAPES: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


@click.group(cls=Piped)
def registry() -> None:
    """See to the services registry, registry.yaml."""


@registry.command("check")
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option("--schemas", metavar="DIR", help="The folder of contracts (default ./schemas, else packaged).")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.option("--format", "form", type=click.Choice(["text", "github"]), default="text", help="github: annotations.")
@click.pass_obj
def check(given: Given, file: Path | None, schemas: str | None, as_json: bool, form: str) -> None:
    """Find services nobody knows, events nobody says or hears, and what stands twice."""
    from godtui import jsontext
    from godtui.estate.lint import Types, lint
    from godtui.holyfields import Registry

    settings = given.take(None, {"schemas": schemas}).settings()
    path = file or settings.registry_file()
    if not path.is_file():
        raise WrongUsageError(f"{path} is not a file; name a services registry")
    contracts = Registry.load(settings.schemas_folder())
    served = [pattern for one in contracts.summary() for pattern in one["serves"]]
    findings = lint(path, Types(contracts.types(), served))
    if as_json:
        click.echo(jsontext.dumps({"findings": [_document(one) for one in findings]}))
    else:
        for line in _annotations(findings) if form == "github" else map(_text, findings):
            click.echo(line)
    if any(not one.is_warning for one in findings):
        raise click.exceptions.Exit(FAILED)


def _document(finding: Finding) -> dict[str, Any]:
    return {
        "file": _encodable(finding.file),
        "line": finding.line,
        "column": finding.column,
        "rule": finding.code,
        "severity": "warning" if finding.is_warning else "error",
        "pointer": finding.pointer,
        "message": finding.message,
    }


def _text(finding: Finding) -> str:
    return shown(str(finding)) + (" (a warning)" if finding.is_warning else "")


def _annotations(findings: Iterable[Finding]) -> Iterator[str]:
    """Workflow commands of GitHub Actions, which show each finding at its line."""
    for one in findings:
        kind = "warning" if one.is_warning else "error"
        file = shown(one.file).translate(_PROPERTY_ESCAPES)
        message = shown(one.message).translate(_ESCAPES)
        yield f"::{kind} file={file},line={one.line},col={one.column},title={one.code}::{message}"


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
