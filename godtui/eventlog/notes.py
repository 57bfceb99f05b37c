"""Small JSON files beside the log: whole or not there, readable by their user alone, and no reason to fail."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path


def write_note(path: Path, note: Mapping[str, object], *, lasting: bool = False) -> bool:
    """Put a note in place of the one before; whether that could be done.

    A lasting one is on disk when this returns, so that it outlives a power cut.
    """
    return replace_file(path, json.dumps(note).encode(), lasting=lasting)


def replace_file(path: Path, content: bytes, *, lasting: bool = False) -> bool:
    """The same with any content."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if lasting:
                file.flush()
                os.fsync(descriptor)
        fresh.replace(path)
        if lasting:
            sync_directory(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        return False
    return True


def sync_directory(directory: Path) -> None:
    """Make what was named, or renamed, in a directory outlive a power cut. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
