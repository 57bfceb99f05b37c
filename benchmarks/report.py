"""Results as a Markdown table, as JSON, and in the README."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.rows import Result, Row, Rule

BEGIN = "<!-- bench:begin -->"
END = "<!-- bench:end -->"
HEAD = ("what", "godtui", "baseline", "result", "floor", "aim", "met", "again")


class NoPlaceError(Exception):
    """The file has no place for the table."""


def markdown(results: Sequence[Result], machine: Mapping[str, str], runs: int, *, quick: bool) -> str:
    """The table, and under it what it was measured on."""
    lines = [HEAD, ["---"] * len(HEAD), *map(_cells, results)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    kind = "A quick run, which measures nothing" if quick else "Medians"
    foot = (
        f"{kind}: {runs} run{'s' if runs != 1 else ''}, baseline and subject in turn, each in a process of its own; "
        "the result is the median of each run's own. "
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory']}, {machine['disk']}, {machine['kernel']}, "
        f"Python {machine['python']}, SQLite {machine['sqlite']}; load {machine['load']} when it began."
    )
    return f"{table}\n\n{foot}"


def document(results: Sequence[Result], machine: Mapping[str, str], runs: int, *, quick: bool) -> str:
    """Everything that was measured."""
    rows = [
        {
            "name": result.name,
            "what": result.row.what,
            "unit": result.row.unit,
            "rule": result.row.rule.value,
            "subject": result.subject,
            "baseline": result.baseline,
            "result": result.value,
            "floor": result.row.floor,
            "aim": result.row.aim,
            "met": result.met,
            "detail": result.detail,
            "command": command(result.name),
            "runs": [{"subject": run.subject, "baseline": run.baseline} for run in result.runs],
        }
        for result in results
    ]
    return json.dumps({"machine": machine, "runs": runs, "quick": quick, "rows": rows}, indent=1, ensure_ascii=False)


def write_between(file: Path, text: str) -> None:
    """Put the text between the file's two markers. Raises NoPlaceError."""
    before, after = require_place(file)
    file.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def require_place(file: Path) -> tuple[str, str]:
    """What stands before and after the file's two markers. Raises NoPlaceError."""
    before, begin, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoPlaceError(f"{file} has no place for the table; put the lines {BEGIN} and {END} where it shall stand")
    return before, after


def command(name: str) -> str:
    """How to measure one benchmark again."""
    return f".venv/bin/python -m benchmarks --only {name}"


def figure(value: float, unit: str) -> str:
    """A figure with its unit, to three places that mean something."""
    places = max(0, 3 - len(str(int(abs(value)))))
    text = f"{value:,.{places}f}"
    return f"{text}{unit}" if unit.startswith("/") else f"{text} {unit}"


def outcome(result: Result) -> str:
    """What is judged, with its unit."""
    plus = "+" if result.row.rule is Rule.SURPLUS and result.value >= 0 else ""
    return plus + figure(result.value, _unit(result.row))


def _unit(row: Row) -> str:
    return "×" if row.rule in (Rule.SHARE, Rule.MULTIPLE) else row.unit


def _cells(result: Result) -> Sequence[str]:
    row = result.row
    unit = _unit(row)
    sign = "≤" if row.rule.is_most else "≥"
    said = f"{row.what} ({result.detail})" if result.detail else row.what
    return (
        said,
        figure(result.subject, row.unit),
        f"{row.baseline}: {figure(result.baseline, row.unit)}" if result.baseline is not None else "",
        outcome(result),
        "" if row.floor is None else f"{sign} {row.floor:g} {unit}",
        f"{sign} {row.aim:g} {unit}",
        result.met,
        f"`{command(result.name)}`",
    )
