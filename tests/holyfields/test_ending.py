"""How the commands end on a folder that is broken: 1 where the folder is what was asked about, else 2."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from godtui.cli.ending import run
from godtui.cli.holyfields import holyfields

Write = Callable[[dict[str, Any]], Path]

DONE = "agent/task.completed.json"
BROKEN = {
    "not JSON": ('{"default":\n NaN}', 2),
    "not a schema": ('{"type":\n 1}', 1),
    "a pattern": ('{"description": "It was done.",\n "pattern": "(a"}', 2),
}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["lint"], 1),
        (["generate", "--out", "made"], 1),
        (["generate", "--out", "made", "--check"], 1),
        (["list"], 2),
        (["show", "agent.task.completed"], 2),
        (["docs"], 2),
        (["check", "--against", "."], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
@pytest.mark.parametrize(("text", "line"), BROKEN.values(), ids=BROKEN)
def test_a_broken_folder_ends_each_command_with_its_place(
    write: Write,
    text: str,
    line: int,
    command: list[str],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(write({DONE: text}))
    monkeypatch.chdir("..")
    before = sorted(Path().rglob("*"))
    assert run(holyfields, "holyfields", [*command, "--schemas", "schemas"]) == code
    said = capsys.readouterr()
    assert f"{DONE}:{line}:2 " in (said.out + said.err).replace(": ", " ")
    assert "Traceback" not in said.err
    assert sorted(Path().rglob("*")) == before
