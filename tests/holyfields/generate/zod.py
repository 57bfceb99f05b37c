"""A generated TypeScript package, written out, compiled and asked for its verdicts by one run of node."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.holyfields.tools import node_modules

HERE = Path(__file__).parent


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Writes a package's files into a folder, which then finds Zod and TypeScript."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    if not any((above / "node_modules").exists() for above in (folder, *folder.parents)):
        (folder / "node_modules").symlink_to(node_modules())
    return folder


def faults_of_types(folder: Path) -> str:
    """What TypeScript says against a package, "" for nothing."""
    compiler = node_modules() / "typescript" / "bin" / "tsc"
    command = ["node", str(compiler), "--noEmit", "-p", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False).stdout


class Question(NamedTuple):
    """What to ask a package, by its folder's `name` ("" for the folder itself): does a type take a document?

    `data` may be JSON text, as bytes.
    """

    name: str
    type: str
    data: Any


def verdicts(folder: Path, questions: Iterable[Question]) -> list[bool]:
    """The answers, in order."""
    _node("typescript_compile.mjs", folder, "")
    lines = [json.dumps({"name": one.name, "type": one.type, "text": _text(one.data)}) for one in questions]
    told = _node("typescript_verdicts.mjs", folder, "\n".join(lines) + "\n")
    answers = [json.loads(line) for line in told.splitlines()]
    assert len(answers) == len(lines)
    return answers


def _text(data: Any) -> str:
    return data.decode() if isinstance(data, bytes) else json.dumps(data)


def _node(script: str, argument: Path, given: str) -> str:
    run = subprocess.run(
        ["node", "--stack-size=4000", str(HERE / script), str(argument)],
        input=given,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout
