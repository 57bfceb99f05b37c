"""The rule for what loads and judges, and no code can be generated for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from godtui.holyfields.lint.findings import Remark
from godtui.holyfields.lint.subjects import Subject
from godtui.holyfields.loading import Examined
from godtui.holyfields.positions import Path as JsonPath
from godtui.jsontext import Json


def refusals(examined: Examined, subjects: Iterable[Subject], told: Iterable[Remark]) -> Iterator[Remark]:
    """What `holyfields generate` refuses of a folder that has no fault, where nothing is `told` of a pattern."""
    from godtui.holyfields.generate import refused

    by_path = {subject.file.path: subject for subject in subjects}
    patterns = {(remark.file, remark.path) for remark in told if remark.code == "regex"}
    for refusal in refused(examined.linker, examined.linked):
        if refusal.file not in by_path:
            continue
        path = _steps(by_path[refusal.file], refusal.pointer)
        if (refusal.file, path) not in patterns:
            yield Remark(refusal.file, path, "not-generated", refusal.message)


def _steps(subject: Subject, pointer: str) -> JsonPath:
    """The keys and indexes of a pointer, as far as the file has them."""
    value: Json = subject.file.document
    path: list[str | int] = []
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        step: str | int = int(name) if isinstance(value, list) and name.isdecimal() else name
        try:
            value = value[step]
        except (LookupError, TypeError):
            break
        path.append(step)
    return tuple(path)
