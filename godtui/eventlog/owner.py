"""One owner per data directory: a lock that dies with its process, and a note saying who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path

from godtui.eventlog.errors import DataDirectoryError, OwnedError
from godtui.eventlog.notes import write_note

NOTE = "owner.json"


class Ownership:
    """The exclusive right to a data directory, held until `release` or the end of the process.

    The lock is on the directory itself, so that it holds on a full or read-only disk as well; the note beside it is
    best effort.
    """

    def __init__(self, directory: Path, descriptor: int) -> None:
        self._directory = directory
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, directory: Path) -> Ownership:
        """Make the directory where it is missing and lock it. Raises OwnedError, DataDirectoryError."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise _unusable(directory, error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            owner = read_note(directory)
            raise OwnedError(f"{directory} belongs to {_described(owner)}", owner) from None
        except OSError as error:
            os.close(descriptor)
            raise _unusable(directory, error) from None
        # An owner that was killed left its note behind: it must not be named in our place.
        _remove_note(directory)
        return cls(directory, descriptor)

    def announce(self, note: Mapping[str, object]) -> bool:
        """Say who holds the directory, for those who come second; whether that could be written.

        Once the directory was given up nothing is written.
        """
        if self._descriptor is None:
            return False
        return write_note(self._directory / NOTE, {"pid": os.getpid(), **note})

    def release(self) -> None:
        """Give the directory up; a second time it does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            _remove_note(self._directory)
            os.close(descriptor)


def read_note(directory: Path) -> dict[str, object]:
    """What the owner of a directory said of itself; empty where it could not."""
    try:
        note = json.loads((directory / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def _remove_note(directory: Path) -> None:
    with contextlib.suppress(OSError):
        (directory / NOTE).unlink(missing_ok=True)


def _unusable(directory: Path, error: OSError) -> DataDirectoryError:
    return DataDirectoryError(
        f"the data directory {directory} cannot be used ({error.strerror}); name another with --data-dir"
    )


def _described(owner: Mapping[str, object]) -> str:
    if not owner:
        return "another running godtui"
    where = f" at {owner['url']}" if owner.get("url") else ""
    return f"a running godtui (process {owner.get('pid', 'unknown')}{where})"
