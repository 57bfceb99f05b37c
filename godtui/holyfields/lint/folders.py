"""Rules for the files of a folder together: links that lead out of it, and `$id`s that several have."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from godtui.holyfields.lint.findings import Remark
from godtui.holyfields.lint.subjects import Subject


def links(folder: Path, subjects: Iterable[Subject]) -> Iterator[Remark]:
    """Files whose place on the disk is outside of the folder."""
    root = os.path.realpath(folder)
    for subject in subjects:
        real = os.path.realpath(folder / subject.file.path)
        if os.path.commonpath([root, real]) != root:
            message = "a symbolic link leads to it out of the folder, where others will not have it; copy the file"
            yield Remark(subject.file.path, (), "link-escapes", message)


def identities(subjects: Iterable[Subject]) -> Iterator[Remark]:
    """Files that have the `$id` of another."""
    first: dict[str, str] = {}
    for subject in subjects:
        identity = subject.file.document.get("$id")
        if not isinstance(identity, str) or not (address := identity.partition("#")[0]):
            continue
        other = first.setdefault(address, subject.file.path)
        if other != subject.file.path:
            message = f"{other} has the same $id; give each file its own"
            yield Remark(subject.file.path, ("$id",), "id-clash", message)
