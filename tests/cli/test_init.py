"""`godtui init`: something to begin with, and nothing overwritten."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Command

PARTS = ("schemas", "registry.yaml", "godtui.toml")


def test_everything_is_made_once(command: Command, home: Path) -> None:
    ended = command("init", "place/within")
    assert ended.code == 0
    place = home / "place" / "within"
    assert sorted(path.name for path in place.iterdir()) == sorted(PARTS)
    assert (place / "schemas" / "test" / "event.created.json").is_file()
    assert ended.stdout.splitlines() == [f"made: place/within/{part}" for part in PARTS]
    again = command("init", "place/within")
    assert again.stdout.splitlines() == [f"left as it is: place/within/{part}" for part in PARTS]


def test_what_was_made_works(command: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command("init").code == 0
    ended = command("publish", "test.event.created", "--payload", '{"message": "x"}')
    assert (ended.code, ended.stderr) == (0, "")
    shutil.rmtree(home / "schemas" / "test")
    assert command("publish", "test.event.created", "--payload", '{"message": "x"}').code == 1


@pytest.mark.parametrize("kind", ["file", "folder", "link to nowhere"])
@pytest.mark.parametrize("part", PARTS)
def test_what_is_there_stays(command: Command, home: Path, part: str, kind: str) -> None:
    path = home / part
    if kind == "file":
        path.write_text("mine")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    ended = command("init")
    assert ended.code == 0
    assert f"left as it is: {part}" in ended.stdout
    assert sorted(path.name for path in home.iterdir() if path.name != "stdin") == sorted(PARTS)
    assert path.is_symlink() == (kind == "link to nowhere")
    assert kind != "file" or path.read_text() == "mine"
    assert kind != "folder" or list(path.iterdir()) == []


def test_a_copy_that_fails_leaves_no_half(command: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = shutil.copy2
    copied = []

    def full(source: str, target: str, **options: object) -> object:
        copied.append(target)
        if len(copied) > 5:
            raise OSError(28, "No space left on device", target)
        return copy(source, target)

    defaults = shutil.copytree.__defaults__
    assert defaults is not None
    monkeypatch.setattr(shutil.copytree, "__defaults__", tuple(full if one is copy else one for one in defaults))
    ended = command("init")
    assert ended.code == 2
    assert "cannot be written" in ended.sentence
    assert [path.name for path in home.iterdir() if path.name != "stdin"] == []


def test_a_file_is_no_place(command: Command, home: Path) -> None:
    (home / "file").write_text("")
    for place in ("file", "file/within"):
        ended = command("init", place)
        assert ended.code == 2
        assert "file" in ended.sentence
