"""Paths as settings: `~` is the home directory, and a relative one starts where it was written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationInfo


def as_path(value: object, info: ValidationInfo) -> Path:
    """A path; the context of the validation has the home directory under `~` and a folder for each setting."""
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        raise ValueError("not a path")
    bases: Mapping[str, Path] = info.context or {}
    return resolved(Path(value), bases.get(info.field_name or "", Path.cwd()), bases.get("~"))


def existing_folder(value: object, info: ValidationInfo) -> Path:
    """The path of a folder that exists."""
    found = as_path(value, info)
    if not found.is_dir():
        raise ValueError("no folder")
    return found


def existing_file(value: object, info: ValidationInfo) -> Path:
    """The path of a file that exists."""
    found = as_path(value, info)
    if not found.is_file():
        raise ValueError("no file")
    return found


def resolved(written: Path, base: Path, home: Path | None = None) -> Path:
    """A path as written in the folder `base`; without `home` the user's own is meant by `~`."""
    if written.parts[:1] == ("~",):
        written = (home or Path.home()).joinpath(*written.parts[1:])
    return base / written
