"""Generated files on disk: written all or none, and only what was written here is ever overwritten or removed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import orjson

from godtui import jsontext
from godtui.jsontext import JsonError

MANIFEST: Final = ".holyfields.json"
"""In each folder that is written, the paths in it that are generated."""

_BESIDE: Final = ".holyfields-writing-"
"""What the folder is called in which files are made ready."""

Trees = Mapping[str, Mapping[str, str]]
"""By the name of a folder in OUT, the text of each file by its path in that folder, `/` between parts."""


class OutputError(Exception):
    """The output cannot be written; the message says why."""


class UnfitOutputError(OutputError):
    """OUT is not where generated files can go; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to change below `out` so that it holds what was generated; paths are relative to it, in order."""

    out: Path
    texts: Mapping[str, bytes]
    removed: tuple[str, ...]
    manifests: Mapping[str, bytes]
    """What the manifests say while files change: a run that is killed leaves nothing that the next one disowns."""

    @property
    def written(self) -> tuple[str, ...]:
        """The files that are new or change."""
        return tuple(self.texts)


def plan(out: Path, trees: Trees) -> Plan:
    """Compare what is there with what was generated. Raises OutputError; nothing is written."""
    texts: dict[str, bytes] = {}
    removed: list[str] = []
    manifests: dict[str, bytes] = {}
    try:
        for folder, tree in sorted(trees.items()):
            _refuse_unfit(out, [folder])
            before = _manifest(out / folder / MANIFEST)
            _refuse_unfit(out, (f"{folder}/{path}" for path in {*before, *tree}))
            for path, text in sorted(tree.items()):
                wanted, there = text.encode(), _bytes(out / folder / path)
                if there is not None and there != wanted and path not in before:
                    raise UnfitOutputError(
                        f"{out / folder / path} was not generated; move it away, or name another folder with --out"
                    )
                if there != wanted:
                    texts[f"{folder}/{path}"] = wanted
            removed += (f"{folder}/{path}" for path in sorted(before - tree.keys()) if _is_there(out / folder / path))
            _plan_manifest(f"{folder}/{MANIFEST}", before, set(tree), out, texts, manifests)
    except OSError as error:
        raise _unwritten(out, error) from None
    return Plan(out, texts, tuple(removed), manifests)


def apply(planned: Plan) -> None:
    """Make the changes, all of them or none. Raises OutputError.

    A process that is killed while it moves files leaves some old and some new, which the next run makes whole: folders
    hold files of others too, so they cannot be exchanged in one step.
    """
    if not planned.texts and not planned.removed:
        return
    place = _existing(planned.out)
    try:
        with _alone(place), tempfile.TemporaryDirectory(prefix=_BESIDE, dir=place) as beside:
            _Change(planned, Path(beside)).make()
    except OSError as error:
        raise _unwritten(planned.out, error) from None


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One run at a time changes a folder; what a killed one left beside is then no one's, and removed."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        with suppress(OSError):  # not every file system locks folders
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            for left in place.glob(f"{_BESIDE}????????"):
                shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


class _Change:
    """Files made ready in a folder beside, then moved to where they belong; moved back if one cannot be."""

    def __init__(self, planned: Plan, beside: Path) -> None:
        self._plan = planned
        self._new = beside / "new"
        self._old = beside / "old"
        self._made: list[Path] = []
        self._moved: dict[str, None] = {}

    def make(self) -> None:
        """Raises OSError; what was there before is there again then."""
        while_changing = self._new / "manifests"
        for path, content in self._plan.texts.items():
            _write(self._new / "texts" / path, content)
        for path, content in self._plan.manifests.items():
            _write(while_changing / path, content)
        for path in {*self._plan.texts, *self._plan.removed, *self._plan.manifests}:
            if _is_there(self._plan.out / path):
                (self._old / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self._plan.out / path, self._old / path, follow_symlinks=False)
        try:
            for path in self._plan.manifests:
                self._move(while_changing / path, path)
            final = [path for path in self._plan.texts if path.endswith(f"/{MANIFEST}")]
            for path in self._plan.texts:
                if path not in final:
                    self._move(self._new / "texts" / path, path)
            for path in self._plan.removed:
                self._moved[path] = None
                (self._plan.out / path).unlink(missing_ok=True)
            # Last, as a killed run would not know of what it has still to remove.
            for path in final:
                self._move(self._new / "texts" / path, path)
        except BaseException:
            self._undo()
            raise
        _remove_empty(self._plan.out, self._plan.removed)

    def _move(self, source: Path, path: str) -> None:
        target = self._plan.out / path
        for folder in reversed([one for one in target.parents if not one.exists()]):
            folder.mkdir()
            self._made.append(folder)
        self._moved[path] = None
        source.replace(target)

    def _undo(self) -> None:
        for path in reversed(self._moved):
            with suppress(OSError):
                if _is_there(self._old / path):
                    (self._old / path).replace(self._plan.out / path)
                else:
                    (self._plan.out / path).unlink(missing_ok=True)
        for folder in reversed(self._made):
            with suppress(OSError):
                folder.rmdir()


def _plan_manifest(
    path: str, before: set[str], after: set[str], out: Path, texts: dict[str, bytes], manifests: dict[str, bytes]
) -> None:
    wanted = _manifest_text(after)
    if _bytes(out / path) != wanted:
        texts[path] = wanted
    if not before >= after:
        manifests[path] = _manifest_text(before | after)


def _manifest_text(files: Iterable[str]) -> bytes:
    said = {"written_by": "holyfields generate", "files": sorted(files)}
    return orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _manifest(path: Path) -> set[str]:
    """The paths that an earlier run has written."""
    text = _bytes(path)
    if text is None:
        return set()
    try:
        said = jsontext.parse(text)
    except JsonError:
        said = None
    files = said.get("files") if isinstance(said, dict) else None
    if not isinstance(files, list) or not all(isinstance(one, str) and _is_inside(one) for one in files):
        raise UnfitOutputError(f"{path} does not list what was generated; remove the folder it is in to begin anew")
    return set(files)


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path)
    return bool(path) and "\0" not in path and not parts.is_absolute() and ".." not in parts.parts


def _refuse_unfit(out: Path, paths: Iterable[str]) -> None:
    """Refuse files where folders should be, folders where files should be, and links that lead elsewhere."""
    existing = _existing(out)
    if not existing.is_dir():
        raise UnfitOutputError(f"{existing} is not a folder; name another with --out")
    for folder in sorted({above for path in paths for above in _folders(path)}):
        place = out / folder
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            what = "a symbolic link" if place.is_symlink() else "not a folder"
            raise UnfitOutputError(f"{place} is {what}; move it away, or name another folder with --out")


def _folders(path: str) -> Iterable[str]:
    """The folders that a path has, and itself where it is one of OUT's own."""
    above = [str(one) for one in PurePosixPath(path).parents if one.name]
    return above or [path]


def _existing(path: Path) -> Path:
    """The path, or the nearest above it that is there."""
    absolute = path.absolute()
    return next((one for one in (absolute, *absolute.parents) if _is_there(one)), absolute)


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)


def _bytes(path: Path) -> bytes | None:
    """What a file holds; None where there is none."""
    try:
        if path.is_dir() and not path.is_symlink():
            raise UnfitOutputError(f"{path} is a folder; move it away, or name another with --out")
        return os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    except FileNotFoundError:
        return None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _remove_empty(out: Path, removed: Iterable[str]) -> None:
    """Remove the folders that removed files leave empty."""
    for folder in sorted({above for path in removed for above in _folders(path)}, reverse=True):
        with suppress(OSError):
            (out / folder).rmdir()


def _unwritten(out: Path, error: OSError) -> OutputError:
    return OutputError(f"{out} cannot be written ({error.strerror or error}); what was there before is still there")
