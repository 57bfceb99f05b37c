"""What is installed in an empty place works as it does here."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.processes import PATIENCE, environment

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built with what is installed: nothing is fetched."""
    if importlib.util.find_spec("hatchling") is None:
        if os.environ.get("CI"):
            pytest.fail("hatchling, which builds the wheel, is not installed; pip install hatchling")
        pytest.skip("hatchling, which builds the wheel, is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    arguments = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", *arguments, str(CHECKOUT)], check=True, timeout=PATIENCE)
    (built,) = folder.glob("godtui-*.whl")
    return built


def test_it_carries_what_the_program_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    schemas = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "schemas").rglob("*.json")}
    code = {
        path.relative_to(CHECKOUT).as_posix()
        for path in (CHECKOUT / "godtui").rglob("*")
        if path.suffix in (".py", ".tcss") and "__pycache__" not in path.parts
    }
    assert len(schemas) > 20
    assert {f"godtui/shipped/{name}" for name in (*schemas, "registry.yaml")} <= names
    assert code <= names
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)


def test_it_works_in_an_empty_folder(wheel: Path, home: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    arguments = ["install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *arguments], check=True, timeout=PATIENCE)
    env = environment(home, GODTUI_DATA_DIR=str(home / "data"), PYTHONPATH=str(target))

    def godtui(*command: str) -> str:
        start = "import godtui, sys; from godtui.cli import main; sys.stderr.write(godtui.__file__); main()"
        ended = subprocess.run(
            [sys.executable, "-c", start, *command],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
            cwd=home,
            env=env,
        )
        assert ended.stderr.startswith(str(target)), "this is the installed one"
        return ended.stdout

    receipt = json.loads(godtui("publish", "test.event.created", "--payload", '{"message": "x"}'))
    assert json.loads(godtui("events"))["event_id"] == receipt["event_id"]
    assert "made: schemas" in godtui("init")
    assert (target / "bin" / "godtui").exists()
