"""Findings of a check, written as lines, as JSON, or as annotations of a GitHub workflow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

import click

from godtui.cli.failures import shown

Form: TypeAlias = Literal["text", "json", "github"]
Severity: TypeAlias = Literal["error", "warning"]


class Finding(Protocol):
    """A place in a file, the code of what is wrong there, and a sentence; `line` and `column` count from 1."""

    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def code(self) -> str: ...
    @property
    def pointer(self) -> str: ...
    @property
    def message(self) -> str: ...


Found = TypeVar("Found", bound=Finding)


def write_findings(
    findings: Sequence[Found],
    form: Form,
    *,
    severity: Callable[[Found], Severity] | None = None,
    seen: Callable[[str], str] = str,
    title: str = "",
) -> None:
    """Write findings to standard output: one a line, or one document `{"findings": […]}`.

    Without `severity` all are errors, and JSON says nothing of it. `seen` makes of a finding's file how it is seen from
    the working directory, for people and GitHub; `title` comes before the code in an annotation.
    """
    if form == "json":
        from godtui import jsontext

        listed = [_document(finding, severity and severity(finding)) for finding in findings]
        click.echo(jsontext.dumps({"findings": listed}))
        return
    for finding in findings:
        kind = severity(finding) if severity else "error"
        file = seen(finding.file)
        click.echo(_annotation(finding, kind, file, title) if form == "github" else _line(finding, kind, file))


def _document(finding: Finding, severity: Severity | None) -> dict[str, Any]:
    return {
        "file": finding.file.encode("utf-8", "backslashreplace").decode(),
        "line": finding.line,
        "column": finding.column,
        "rule": finding.code,
        **({} if severity is None else {"severity": severity}),
        "pointer": finding.pointer,
        "message": finding.message,
    }


def _line(finding: Finding, severity: Severity, file: str) -> str:
    text = shown(f"{file}:{finding.line}:{finding.column} {finding.code} {finding.message}")
    return f"{text} (a warning)" if severity == "warning" else text


def _annotation(finding: Finding, severity: Severity, file: str, title: str) -> str:
    """A workflow command; what it carries is escaped, so that no name or text can begin another."""
    properties = {
        "file": shown(file),
        "line": str(finding.line),
        "col": str(finding.column),
        "title": f"{title} {finding.code}".lstrip(),
    }
    told = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    # Lines stay lines; whatever else would act on a terminal is shown.
    message = "\n".join(map(shown, finding.message.split("\n")))
    return f"::{severity} {told}::{_escaped(message)}"


def _escaped(text: str, more: str = "") -> str:
    for char in f"%\r\n{more}":
        text = text.replace(char, f"%{ord(char):02X}")
    return text
