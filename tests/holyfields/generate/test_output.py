"""What is written to disk: all or nothing, and nothing of others."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from godtui.holyfields.generate.output import MANIFEST, OutputError, UnfitOutputError, apply, plan

ROOT = Path(__file__).parents[3]
FIRST = {"python": {"a.py": "a\n", "inner/b.py": "b\n"}}
SECOND = {"python": {"a.py": "changed\n", "c.py": "c\n"}}


def _write(out: Path, trees: dict[str, dict[str, str]]) -> None:
    apply(plan(out, trees))


def _read(out: Path) -> dict[str, str]:
    return {
        str(path.relative_to(out)): path.read_text()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def test_writes_changes_and_removes_what_an_earlier_run_wrote(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    _write(out, FIRST)
    assert _read(out) == {"python/a.py": "a\n", "python/inner/b.py": "b\n"}
    planned = plan(out, SECOND)
    assert planned.written == ("python/a.py", "python/c.py", f"python/{MANIFEST}")
    assert planned.removed == ("python/inner/b.py",)
    apply(planned)
    assert _read(out) == {"python/a.py": "changed\n", "python/c.py": "c\n"}
    assert not (out / "python" / "inner").exists()
    assert [path.name for path in out.iterdir()] == ["python"]


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    _write(tmp_path, FIRST)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    planned = plan(tmp_path, FIRST)
    apply(planned)
    assert not planned.written
    assert not planned.removed
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    plan(tmp_path / "out", FIRST)
    assert not (tmp_path / "out").exists()


def test_one_folder_leaves_the_other_alone(tmp_path: Path) -> None:
    _write(tmp_path, FIRST)
    _write(tmp_path, {"typescript": {"index.ts": ""}})
    assert set(_read(tmp_path)) == {"python/a.py", "python/inner/b.py", "typescript/index.ts"}


def test_what_others_put_there_stays(tmp_path: Path) -> None:
    _write(tmp_path, FIRST)
    (tmp_path / "python" / "inner" / "own.txt").write_text("mine")
    (tmp_path / "notes").write_text("mine")
    _write(tmp_path, SECOND)
    assert _read(tmp_path)["python/inner/own.txt"] == "mine"
    assert _read(tmp_path)["notes"] == "mine"


def test_a_file_of_others_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "a.py").write_text("mine")
    with pytest.raises(UnfitOutputError, match=r"a\.py was not generated; move it away"):
        plan(tmp_path, FIRST)
    (tmp_path / "python" / "a.py").write_text("a\n")
    _write(tmp_path, FIRST)
    assert _read(tmp_path)["python/inner/b.py"] == "b\n"


@pytest.mark.parametrize("files", ['["../../outside"]', '["/etc/passwd"]', '[""]', "[1]", "{}", '["a\\u0000b"]'])
def test_a_manifest_that_leads_elsewhere_is_refused(files: str, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mine")
    out = tmp_path / "out"
    _write(out, FIRST)
    (out / "python" / MANIFEST).write_text(f'{{"files": {files}}}')
    with pytest.raises(UnfitOutputError, match="does not list what was generated"):
        plan(out, SECOND)
    assert (tmp_path / "outside").exists()


def test_a_manifest_that_is_no_json_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, FIRST)
    (tmp_path / "python" / MANIFEST).write_text("<<<<<<< HEAD")
    with pytest.raises(UnfitOutputError, match="does not list what was generated"):
        plan(tmp_path, SECOND)


@pytest.mark.parametrize("place", ["out", "out/python", "out/python/inner"])
def test_a_file_where_a_folder_should_be_is_refused(place: str, tmp_path: Path) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    with pytest.raises(UnfitOutputError, match="is not a folder"):
        plan(tmp_path / "out", FIRST)
    assert path.read_text() == "mine"


def test_a_folder_where_a_file_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "python" / "a.py").mkdir(parents=True)
    with pytest.raises(UnfitOutputError, match=r"a\.py is a folder"):
        plan(tmp_path, FIRST)


@pytest.mark.parametrize("place", ["out/python", "out/python/inner"])
def test_nothing_is_written_through_a_link(place: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = tmp_path / place
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    with pytest.raises(UnfitOutputError, match="is a symbolic link"):
        plan(tmp_path / "out", FIRST)
    assert not list(elsewhere.iterdir())


def test_out_may_be_a_link_to_a_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    _write(tmp_path / "out", FIRST)
    assert set(_read(tmp_path / "real")) == {"python/a.py", "python/inner/b.py"}


def test_a_link_in_place_of_a_file_is_of_others(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("mine")
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "a.py").symlink_to(tmp_path / "own.py")
    with pytest.raises(UnfitOutputError, match="was not generated"):
        plan(tmp_path, FIRST)


@pytest.mark.parametrize("at", range(6))
def test_a_failure_at_any_step_leaves_all_as_it_was(at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    _write(out, FIRST)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    steps = 0
    replace, unlink = Path.replace, Path.unlink

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == at + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def failing_replace(self: Path, target: Path) -> Path:
        step()
        return replace(self, target)

    def failing_unlink(self: Path, missing_ok: bool = False) -> None:
        step()
        unlink(self, missing_ok)

    planned = plan(out, SECOND)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", failing_replace)
        patch.setattr(Path, "unlink", failing_unlink)
        if at < 5:
            with pytest.raises(OutputError, match="No space left on device"):
                apply(planned)
        else:
            apply(planned)
    if at < 5:
        assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    _write(out, SECOND)
    assert _read(out) == {"python/a.py": "changed\n", "python/c.py": "c\n"}


def test_a_first_run_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(tmp_path / "out", FIRST)

    def fail(self: Path, target: Path) -> Path:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match="Read-only file system"):
        apply(planned)
    assert not list(tmp_path.iterdir())


KILLED = """
import os, sys
from pathlib import Path
from godtui.holyfields.generate.output import apply, plan
from tests.holyfields.generate.test_output import SECOND

for at, out in enumerate(map(Path, sys.argv[1:])):
    if os.fork() == 0:
        steps = 0

        def stepping(step):
            def take(*arguments, **options):
                global steps
                if steps == at:
                    os.kill(os.getpid(), 9)
                steps += 1
                return step(*arguments, **options)
            return take

        Path.replace, Path.unlink = stepping(Path.replace), stepping(Path.unlink)
        apply(plan(out, SECOND))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_a_run_that_is_killed_at_any_step_is_made_whole_by_the_next(tmp_path: Path) -> None:
    outs = [tmp_path / str(number) for number in range(6)]
    for out in outs:
        _write(out, FIRST)
        (out / "python" / "own.txt").write_text("mine")
    command = [sys.executable, "-c", KILLED, *map(str, outs)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["-9"] * 5 + ["0"]
    whole = {"python/a.py": "changed\n", "python/c.py": "c\n", "python/own.txt": "mine"}
    assert _read(outs.pop()) == whole
    for out in outs:
        assert len(list(out.glob(".holyfields-writing-*"))) == 1
        assert not plan(out, SECOND).texts.keys() - {"python/a.py", "python/c.py", f"python/{MANIFEST}"}
        _write(out, SECOND)
        assert _read(out) == whole
        assert [path.name for path in out.iterdir()] == ["python"]
