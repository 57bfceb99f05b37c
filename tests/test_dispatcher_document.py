"""docs/dispatcher.md says what the program does: its commands, settings and tables."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import get_args

import pytest

from godtui.cli.program import main
from godtui.dispatcher.check_plan import BUILT_IN
from godtui.dispatcher.gate import holds
from godtui.dispatcher.views import Check, CheckOutcome
from godtui.settings import VARIABLES

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "dispatcher.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"^ *(?:\$ )?(godtui (?:dispatcher|events) .*?)(?: +# .*)?$", TEXT, re.MULTILINE)))
FOREIGN = {"COMPOSE_FILE"}


def table(heading: str) -> list[list[str]]:
    """The rows of the table whose first column has a heading."""
    _, _, rest = TEXT.partition(f"| {heading} |")
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_control_is_shown() -> None:
    shown = {command.split()[2] for command in COMMANDS if command.startswith("godtui dispatcher")}
    assert shown == {"status", "show", "explain", "pause", "resume", "retry", "withdraw", "dispatch", "output"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_it_is_one(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = shlex.split(command)[1:]
    assert main([*arguments, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: godtui {arguments[0]} ")
    assert main([*arguments, "--no-such-option", "--help"]) == 2, "what is wrong is found before the help is shown"


def test_the_checks_are_the_built_in_ones() -> None:
    assert {name: command.strip("`") for name, command in table("component")} == dict(BUILT_IN)


def test_the_outcomes_hold_what_the_table_says() -> None:
    rows = table("outcome")
    assert [row[0].strip("`") for row in rows] == list(get_args(CheckOutcome))
    for outcome, (_, _, said) in zip(get_args(CheckOutcome), rows, strict=True):
        holding = holds([Check(component="bloodbank", outcome=outcome)], "block") is not None
        assert said.startswith("yes" if holding else "no")


def test_its_settings_are_settings() -> None:
    named = set(re.findall(r"\b(?:GODTUI|INFRA|OPENCLAW|PLANE|COMPOSE)(?:_[A-Z]+)+\b", TEXT))
    assert named - FOREIGN <= set(VARIABLES.values())
    assert {"INFRA_REARM_SECONDS", "INFRA_DISPATCH_STATE_PATH"} < named


def test_files_that_it_names_are_there() -> None:
    for name in re.findall(r"\bdeploy/[\w.]+[a-z]\b", TEXT):
        assert (ROOT / name).is_file(), name
