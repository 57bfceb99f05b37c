"""The command that lints a schema folder."""

from __future__ import annotations

import os
from pathlib import Path

import click

from godtui.cli.failures import FAILED, WrongUsageError
from godtui.cli.findings import Form, write_findings
from godtui.cli.options import Given


@click.command("lint")
@click.option("--schemas", metavar="DIR", help="The folder of contracts (default ./schemas, else packaged).")
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), help="Default: text.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_context
def lint_command(context: click.Context, /, schemas: str | None, form: Form | None, as_json: bool) -> None:
    """Say what is wrong with the contracts, and what would be better otherwise; exit code 1 where there is any."""
    from godtui.holyfields.lint import lint

    if as_json and form not in (None, "json"):
        raise WrongUsageError(f"--json and --format {form} are two forms; give one of them")
    folder = Given().take(None, {"schemas": schemas}).settings().schemas_folder()
    findings = lint(folder)
    near = _near(folder)
    write_findings(
        findings,
        "json" if as_json else form or "text",
        seen=lambda file: os.path.normpath(near / file),
        title="holyfields",
    )
    context.exit(FAILED if findings else 0)


def _near(folder: Path) -> Path:
    """The folder as seen from the working directory where it is below that: editors and GitHub find files so."""
    try:
        return folder.relative_to(Path.cwd())
    except (ValueError, OSError):
        return folder
