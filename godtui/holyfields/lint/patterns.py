"""The rule against regular expressions that mean something else elsewhere, or may take forever."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from godtui import jsontext
from godtui.holyfields.lint.findings import Remark
from godtui.holyfields.lint.subjects import Subject
from godtui.holyfields.positions import Path
from godtui.holyfields.regexes import UnportableError, portable


def regexes(subject: Subject) -> Iterator[Remark]:
    """Patterns that Python, JavaScript and the bus would not read alike, or not in bounded time."""
    refused = {fault.pointer for fault in subject.examined.faults if fault.file == subject.file.path}
    for node in subject.nodes:
        found: list[tuple[Path, str]] = []
        if isinstance(pattern := node.schema.get("pattern"), str):
            found.append(((*node.path, "pattern"), pattern))
        if isinstance(named := node.schema.get("patternProperties"), dict):
            found += (((*node.path, "patternProperties", pattern), pattern) for pattern in named)
        for path, pattern in found:
            if jsontext.pointer(path) not in refused and (reason := _reason(pattern)):
                yield Remark(subject.file.path, path, "regex", reason)


@lru_cache(1024)
def _reason(pattern: str) -> str | None:
    """Why a pattern cannot be kept, None where it can."""
    try:
        portable(pattern)
    except UnportableError as error:
        return str(error)
    return None
