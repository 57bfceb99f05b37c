"""`holyfields generate` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from godtui.holyfields.generate import Collection, RefusedError, generate
from godtui.holyfields.generate.collecting import refusal
from godtui.holyfields.generate.output import MANIFEST
from tests.holyfields.conftest import Files

Write = Callable[[Files], Path]

GOOD = {"agent/task.done.json": {"type": "object", "properties": {"task": {"type": "string"}}}}


def _run(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GODTUI_")}
    return subprocess.run(
        [Path(sys.executable).with_name("holyfields"), "generate", *arguments],
        cwd=cwd,
        env={**environment, "HOME": str(cwd), "XDG_CONFIG_HOME": str(cwd)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _tree(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_both_languages_from_the_folder_at_hand(write: Write, tmp_path: Path) -> None:
    write(GOOD)
    done = _run(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    made = _tree(tmp_path / "generated")
    assert done.stdout == f"1 contract in generated: {len(made)} files written\n"
    project, package = made["python/pyproject.toml"].decode(), json.loads(made["typescript/package.json"])
    assert tomllib.loads(project)["project"]["version"] == package["version"]
    assert "python/holyfields_events/__init__.py" in made
    assert "typescript/index.ts" in made
    assert _run(tmp_path, "--check").stdout == "generated is up to date with 1 contract\n"
    again = _run(tmp_path, "--out", "again")
    assert again.returncode == 0
    assert _tree(tmp_path / "again") == made


@pytest.mark.parametrize("target", ["python", "typescript"])
def test_one_language(target: str, write: Write, tmp_path: Path) -> None:
    folder = write(GOOD)
    assert _run(tmp_path, target, "--schemas", str(folder), "--out", "out").returncode == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == [target]


def test_check_says_what_would_change_and_writes_nothing(write: Write, tmp_path: Path) -> None:
    write(GOOD)
    done = _run(tmp_path, "python", "--check")
    assert done.returncode == 1
    assert "generated/python/holyfields_events/__init__.py would be written" in done.stdout.splitlines()
    assert not (tmp_path / "generated").exists()


def test_a_contract_that_goes_takes_its_files_along(write: Write, tmp_path: Path) -> None:
    folder = write({**GOOD, "agent/task.lost.json": {}})
    assert _run(tmp_path).returncode == 0
    (folder / "agent" / "task.lost.json").unlink()
    assert _run(tmp_path).returncode == 0
    assert not [path for path in _tree(tmp_path / "generated") if "lost" in path]


def test_a_refused_contract_leaves_the_old_output_and_is_named_alone(write: Write, tmp_path: Path) -> None:
    folder = write(GOOD)
    assert _run(tmp_path).returncode == 0
    before = _tree(tmp_path / "generated")
    (folder / "agent" / "task.lost.json").write_text('{\n  "$ref": "missing.json"\n}')
    (folder / "agent" / "task.won.json").write_text("{}")
    done = _run(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("holyfields: agent/task.lost.json:2:3 $ref missing.json leads nowhere")
    assert "task.done" not in done.stderr
    assert "task.won" not in done.stderr
    assert _tree(tmp_path / "generated") == before


def test_several_refusals_are_listed(write: Write, tmp_path: Path) -> None:
    write({"a/b.json": "{", "a/c.json": {"type": 3}})
    done = _run(tmp_path)
    assert done.returncode == 1
    first, *others = done.stderr.splitlines()
    assert first == "holyfields: nothing is generated:"
    assert [one.split(":")[0] for one in others] == ["  a/b.json", "  a/c.json"]


@pytest.mark.parametrize("arguments", [["rust"], ["--schemas", "missing"], ["--out", "taken"]])
def test_wrong_usage(arguments: list[str], write: Write, tmp_path: Path) -> None:
    write(GOOD)
    (tmp_path / "taken").write_text("mine")
    done = _run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert arguments[-1] in done.stderr
    assert "Traceback" not in done.stderr


def test_an_output_among_the_contracts_is_refused(write: Write, tmp_path: Path) -> None:
    folder = write(GOOD)
    before = _tree(folder)
    done = _run(tmp_path, "--schemas", str(folder), "--out", str(folder / "made"))
    assert done.returncode == 2
    assert "would be read as contracts" in done.stderr
    assert _tree(folder) == before


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    done = _run(tmp_path)
    assert done.returncode == 1
    assert f"the schema folder {tmp_path / 'schemas'} holds no schema" in done.stderr


def test_a_full_disk_leaves_what_was_there(write: Write, tmp_path: Path) -> None:
    folder = write(GOOD)
    arguments = (sys.executable, "-c", "from godtui.cli.holyfields import main; main()", "generate", "python")
    assert _run(tmp_path, "python").returncode == 0
    before = _tree(tmp_path / "generated")
    (folder / "agent" / "task.won.json").write_text('{"description": "' + "long " * 20_000 + '"}')
    limited = ["sh", "-c", 'ulimit -f 40; exec "$@"', "sh", *arguments]
    done = subprocess.run(limited, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert (
        done.stderr
        == "holyfields: generated cannot be written (File too large); what was there before is still there\n"
    )
    assert _tree(tmp_path / "generated") == before


def test_all_targets_refuse_before_any_is_written(write: Write, tmp_path: Path) -> None:
    def refuses(collection: Collection) -> Mapping[str, str]:
        raise RefusedError([refusal(collection, "agent/task.done.json", "/properties/task", "cannot be")])

    emitters = {"one": lambda _: {"a.txt": "a"}, "two": refuses, "three": refuses}
    with pytest.raises(RefusedError) as caught:
        generate(write(GOOD), tmp_path / "out", ["one", "two", "three"], emitters=emitters)
    assert [str(one) for one in caught.value.refusals] == ["agent/task.done.json:4:5 cannot be"]
    assert not (tmp_path / "out").exists()


def test_an_outcome(write: Write, tmp_path: Path) -> None:
    emitters = {"one": lambda collection: {one.event_type: one.version for one in collection.payloads}}
    outcome = generate(write(GOOD), tmp_path / "out", ["one"], emitters=emitters)
    assert outcome.written == ("one/agent.task.done", f"one/{MANIFEST}")
    assert outcome.contracts == 1
    assert generate(tmp_path / "schemas", tmp_path / "out", ["one"], check=True, emitters=emitters).is_current
