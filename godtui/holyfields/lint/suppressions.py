"""Findings that a schema says are meant: `"x-lint-ignore": {"code": "reason"}`, for its place and all within."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from godtui.holyfields.lint.findings import CODES, STYLE, Remark
from godtui.holyfields.lint.subjects import Subject
from godtui.holyfields.positions import Path

KEYWORD: Final = "x-lint-ignore"
_FIRM: Final = frozenset({"ignore-unused", "ignore-malformed"})


class Ignored(NamedTuple):
    """A code that is ignored at a place and within it."""

    file: str
    path: Path
    code: str

    def hides(self, remark: Remark) -> bool:
        """Whether the remark is one of those."""
        return remark.code == self.code and remark.file == self.file and remark.path[: len(self.path)] == self.path


def suppressed(subjects: Iterable[Subject], remarks: list[Remark]) -> Iterator[Remark]:
    """The remarks that stay, and what is wrong with what would hide some."""
    ignored: list[Ignored] = []
    for subject in subjects:
        for node in subject.nodes:
            if KEYWORD in node.schema:
                yield from _read(subject.file.path, node.path, node.schema[KEYWORD], ignored)
    by_file: dict[str, list[Ignored]] = {}
    for one in ignored:
        by_file.setdefault(one.file, []).append(one)
    used: set[Ignored] = set()
    for remark in remarks:
        hiding = [one for one in by_file.get(remark.file, ()) if one.hides(remark)]
        used.update(hiding)
        if not hiding:
            yield remark
    for one in ignored:
        if one not in used:
            message = f"{one.code} is ignored here, and nothing of it is found; remove it"
            yield Remark(one.file, (*one.path, KEYWORD, one.code), "ignore-unused", message)


def _read(file: str, path: Path, given: object, ignored: list[Ignored]) -> Iterator[Remark]:
    place = (*path, KEYWORD)
    if not isinstance(given, dict):
        message = 'x-lint-ignore is an object of codes and reasons, such as {"tense": "a state, not a happening"}'
        yield Remark(file, place, "ignore-malformed", message)
        return
    for code, reason in given.items():
        if code not in STYLE or code in _FIRM:
            why = "keeps the folder from loading, and cannot be ignored; correct it"
            message = f'"{code[:60]}" {why if code in CODES else "is no code of holyfields lint"}'
            yield Remark(file, (*place, code), "ignore-malformed", message)
        elif not isinstance(reason, str) or not reason.strip():
            yield Remark(file, (*place, code), "ignore-malformed", f"{code} is ignored without a reason; give one")
        else:
            ignored.append(Ignored(file, path, code))
