"""`godtui registry check`: what is wrong in a services registry, found without an instance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from godtui.cli.ending import Piped
from godtui.cli.failures import FAILED, WrongUsageError
from godtui.cli.findings import Form, Severity, write_findings
from godtui.cli.options import Given

if TYPE_CHECKING:
    from godtui.estate.lint import Finding


@click.group(cls=Piped)
def registry() -> None:
    """See to the services registry, registry.yaml."""


@registry.command("check")
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option("--schemas", metavar="DIR", help="The folder of contracts (default ./schemas, else packaged).")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
@click.option("--format", "form", type=click.Choice(["text", "github"]), default="text", help="github: annotations.")
@click.pass_obj
def check(given: Given, file: Path | None, schemas: str | None, as_json: bool, form: Form) -> None:
    """Find services nobody knows, events nobody says or hears, and what stands twice."""
    from godtui.estate.lint import Types, lint
    from godtui.holyfields import Registry

    settings = given.take(None, {"schemas": schemas}).settings()
    path = file or settings.registry_file()
    if not path.is_file():
        raise WrongUsageError(f"{path} is not a file; name a services registry")
    contracts = Registry.load(settings.schemas_folder())
    served = [pattern for one in contracts.summary() for pattern in one["serves"]]
    findings = lint(path, Types(contracts.types(), served))
    write_findings(findings, "json" if as_json else form, severity=_severity)
    if any(not one.is_warning for one in findings):
        raise click.exceptions.Exit(FAILED)


def _severity(finding: Finding) -> Severity:
    return "warning" if finding.is_warning else "error"
