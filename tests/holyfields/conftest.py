"""A schema folder from a table of paths and documents."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from godtui.holyfields import Registry, SchemaFault, SchemaFolderError

Files = Mapping[str, Any]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Files], Path]:
    """Write files below a fresh folder: text and bytes as they are, everything else as JSON."""

    def write_files(files: Files) -> Path:
        folder = tmp_path / "schemas"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
        return folder

    return write_files


@pytest.fixture
def load(write: Callable[[Files], Path]) -> Callable[[Files], Registry]:
    """A registry of files."""
    return lambda files: Registry.load(write(files))


@pytest.fixture
def faults(write: Callable[[Files], Path]) -> Callable[[Files], list[SchemaFault]]:
    """What is wrong with files; an error where nothing is."""

    def faults_of(files: Files) -> list[SchemaFault]:
        with pytest.raises(SchemaFolderError) as caught:
            Registry.load(write(files))
        return caught.value.faults

    return faults_of
