"""A schema folder as it was in git's history."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SECONDS: Final = 60
MAX_BYTES: Final = 256 * 1024 * 1024
"""Of all schemas together: more is, most likely, another folder than was meant."""


class RevisionError(ValueError):
    """The folder as it was cannot be had; the message says why and what to do."""


@contextmanager
def earlier_folder(folder: Path, revision: str) -> Iterator[Path]:
    """A copy of a schema folder as it was in a revision of its git repository, gone afterwards.

    Nothing of `revision` is taken for an option. Raises RevisionError.
    """
    git = shutil.which("git")
    if git is None:
        raise RevisionError("git is not installed; install it, or compare --against a folder")
    if not folder.is_dir():
        raise RevisionError(f"the schema folder {folder} is not there; name it with --schemas DIR")
    # Standing in the folder's real place, as a link to it may lie in another repository.
    here = folder.resolve()
    top = _ask(git, here, "rev-parse", "--show-prefix")
    if top is None:
        raise RevisionError(f"{folder} lies in no git repository; compare --against a folder")
    commit = _ask(git, here, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        raise RevisionError(
            f'"{revision}" is neither a folder nor a revision of the git repository that holds {folder}; '
            "git log lists the revisions there are"
        )
    with tempfile.TemporaryDirectory(prefix="holyfields-") as kept:
        target = Path(kept)
        _unpack(git, here, commit, target)
        if not any(target.rglob("*.json")):
            raise RevisionError(f'{folder} held no schema in revision "{revision}"; name a later one')
        yield target


def _ask(git: str, folder: Path, *arguments: str) -> str | None:
    """What git answers, None where it refuses."""
    try:
        done = subprocess.run(  # noqa: S603 - git itself, and nothing that could be an option
            [git, *arguments], cwd=folder, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise RevisionError(f"git cannot be asked: {error}; compare --against a folder") from None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def _unpack(git: str, folder: Path, commit: str, target: Path) -> None:
    """Write the folder as it was in a commit below `target`."""
    # Beside the target: what comes is read as schemas.
    with tempfile.TemporaryFile() as archive:
        done = subprocess.run(  # noqa: S603 - the commit is a hash that git gave
            [git, "archive", "--format=tar", commit, "."], cwd=folder, env=_environment(),
            stdin=subprocess.DEVNULL, stdout=archive, stderr=subprocess.DEVNULL, timeout=SECONDS, check=False,
        )  # fmt: skip
        if done.returncode != 0 or archive.tell() == 0 or os.fstat(archive.fileno()).st_size > MAX_BYTES:
            raise RevisionError(f"{folder} cannot be read as it was in {commit[:12]}; name a revision that holds it")
        archive.seek(0)
        try:
            with tarfile.open(fileobj=archive) as entries:
                entries.extractall(target, filter="data")
        except (tarfile.TarError, OSError) as error:
            raise RevisionError(f"what git gave of {commit[:12]} cannot be unpacked: {error}") from None


def _environment() -> dict[str, str]:
    """The environment without what would make git look at another repository than the folder's."""
    misleading = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
    return {name: value for name, value in os.environ.items() if name not in misleading}
