"""A file that is put in its place when it is whole, and not at all before."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from godtui.eventlog.errors import CopyError
from godtui.eventlog.notes import sync_directory

PARTIAL: Final = ".partial"
_MODE: Final = 0o600


@contextlib.contextmanager
def placed(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """An empty file beside `path`, its user's alone, which takes that name where the block ends well.

    Otherwise it is removed and what was at `path` stays. One that a killed process left behind is written over.
    Raises CopyError: without `replace` where something is there already.
    """
    require_place(path, replace=replace)
    partial = path.with_name(path.name + PARTIAL)
    descriptor = _lock(partial)
    try:
        yield partial
        require_place(path, replace=replace)
        _put(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def require_place(path: Path, *, replace: bool) -> None:
    """Raises CopyError where no file can, or may, be put at a path."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise CopyError(f"the directory {path.parent} is not there; make it, or name another file") from None
        return
    except OSError as error:
        raise _unwritable(path, error) from None
    if not stat.S_ISREG(mode):
        raise CopyError(f"{path} is not a file; name another")
    if not replace:
        raise CopyError(f"{path} is there already; name another file, or take its place with --force")


def require_room(directory: Path, needed: int) -> None:
    """Raises CopyError where a directory's disk has less free than so many bytes."""
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise CopyError(
            f"{directory} has {free:,} bytes free, and about {needed:,} are needed; free some or name another place"
        )


def _put(partial: Path, path: Path) -> None:
    try:
        partial.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from None


def _lock(partial: Path) -> int:
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, _MODE)
    except OSError as error:
        raise _unwritable(partial, error) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours, there = os.fstat(descriptor), partial.lstat()
        if (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino):
            raise BlockingIOError  # who wrote it has just put it in its place
        os.ftruncate(descriptor, 0)
        os.fchmod(descriptor, _MODE)
    except (BlockingIOError, FileNotFoundError):
        os.close(descriptor)
        raise CopyError(f"{partial} is being written by another godtui; wait for it, or name another file") from None
    except OSError as error:
        os.close(descriptor)
        raise _unwritable(partial, error) from None
    return descriptor


def _unwritable(path: Path, error: OSError) -> CopyError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CopyError(f"there is no room for {path.name} in {path.parent}; free some and repeat")
    return CopyError(f"{path} cannot be written ({error.strerror}); name another file")
