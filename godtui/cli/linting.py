"""The command that lints a schema folder: findings as lines, as JSON, or as annotations of a GitHub workflow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from godtui import jsontext
from godtui.cli.failures import FAILED, WrongUsageError, shown
from godtui.cli.options import Given

if TYPE_CHECKING:
    from godtui.holyfields.lint import Finding

Form = Literal["text", "json", "github"]


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
    _write(folder, findings, "json" if as_json else form or "text")
    context.exit(FAILED if findings else 0)


def _write(folder: Path, findings: list[Finding], form: Form) -> None:
    if form == "json":
        listed = [_as_json(finding) for finding in findings]
        click.echo(jsontext.dumps({"findings": listed}).decode())
        return
    near = _near(folder)
    for finding in findings:
        click.echo(_annotation(near, finding) if form == "github" else _line(near, finding))


def _as_json(finding: Finding) -> dict[str, Any]:
    return {
        "file": finding.file,
        "rule": finding.code,
        "pointer": finding.pointer,
        "message": finding.message,
        "line": finding.line,
        "column": finding.column,
    }


def _near(folder: Path) -> Path:
    """The folder as seen from the working directory where it is below that: editors and GitHub find files so."""
    try:
        return folder.relative_to(Path.cwd())
    except (ValueError, OSError):
        return folder


def _line(near: Path, finding: Finding) -> str:
    file = os.path.normpath(near / finding.file)
    return shown(f"{file}:{finding.line}:{finding.column} {finding.code} {finding.message}")


def _annotation(near: Path, finding: Finding) -> str:
    """A workflow command; what it carries is escaped, so that no name or text can begin another."""
    file = _escaped(os.path.normpath(near / finding.file), ":,")
    title = _escaped(f"holyfields {finding.code}", ":,")
    place = f"file={file},line={finding.line},col={finding.column},title={title}"
    return f"::error {place}::{_escaped(finding.message)}"


def _escaped(text: str, more: str = "") -> str:
    for char in f"%\r\n{more}":
        text = text.replace(char, f"%{ord(char):02X}")
    return text
