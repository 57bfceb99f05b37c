"""One owner per data directory: a lock that dies with its process, and a note saying who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path

from godtui.eventlog.errors import DataDirectoryError, OwnedError

NOTE = "owner.json"


class Ownership:
    """The exclusive right to a data directory, held until `release` or the end of the process.

    The lock is on the directory itself, so that it holds on a full or read-only disk as well; the note beside it is
    best effort.
    """

    def __init__(self, directory: Path, descriptor: int) -> None:
        self._directory = directory
        self._descriptor = descriptor

    @classmethod
    def take(cls, directory: Path) -> Ownership:
        """Make the directory where it is missing and lock it. Raises OwnedError, DataDirectoryError."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise DataDirectoryError(
                f"the data directory {directory} cannot be used ({error.strerror}); name another with --data-dir"
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            owner = read_note(directory)
            raise OwnedError(f"{directory} belongs to {_described(owner)}", owner) from None
        return cls(directory, descriptor)

    def announce(self, note: Mapping[str, object]) -> None:
        """Say who holds the directory, for those who come second."""
        with contextlib.suppress(OSError):
            path = self._directory / NOTE
            fresh = path.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_text(json.dumps({"pid": os.getpid(), **note}), encoding="utf-8")
            fresh.replace(path)

    def release(self) -> None:
        """Give the directory up."""
        with contextlib.suppress(OSError):
            (self._directory / NOTE).unlink(missing_ok=True)
        os.close(self._descriptor)


def read_note(directory: Path) -> dict[str, object]:
    """What the owner of a directory said of itself; empty where it could not."""
    try:
        note = json.loads((directory / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _described(owner: Mapping[str, object]) -> str:
    if not owner:
        return "another running godtui"
    where = f" at {owner['url']}" if owner.get("url") else ""
    return f"a running godtui (process {owner.get('pid', 'unknown')}{where})"
