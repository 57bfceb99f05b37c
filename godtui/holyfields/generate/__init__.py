"""From contracts to Pydantic models and Zod schemas that give the same verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from godtui.holyfields.generate import output
from godtui.holyfields.generate.collecting import collect, collect_joined
from godtui.holyfields.generate.collection import Collection
from godtui.holyfields.generate.output import OutputError, UnfitOutputError
from godtui.holyfields.generate.refusals import Refusal, RefusedError
from godtui.holyfields.references import Linked, Linker

__all__ = ["TARGETS", "Outcome", "OutputError", "Refusal", "RefusedError", "UnfitOutputError", "generate", "refused"]

Emit = Callable[[Collection], Mapping[str, str]]
"""Gives the text of each file by its path in the target's folder. Raises RefusedError."""


class Outcome(NamedTuple):
    """What a run changed, or would have to change; paths are relative to the output."""

    contracts: int
    written: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Whether there was nothing to change."""
        return not self.written and not self.removed


def generate(
    folder: Path, out: Path, targets: Sequence[str], *, check: bool = False, emitters: Mapping[str, Emit] | None = None
) -> Outcome:
    """Write the contracts of a folder as code of each target, each in a folder of its name; `check` writes nothing.

    Raises RefusedError and OutputError, after which `out` is as it was.
    """
    known = EMITTERS if emitters is None else emitters
    collection = collect(folder)
    trees: dict[str, Mapping[str, str]] = {}
    refusals: list[Refusal] = []
    for target in targets:
        try:
            trees[target] = known[target](collection)
        except RefusedError as error:
            refusals += error.refusals
    if refusals:
        raise RefusedError(refusals)
    planned = output.plan(out, trees)
    if not check:
        output.apply(planned)
    return Outcome(len(collection.payloads), planned.written, planned.removed)


def refused(linker: Linker, files: Mapping[str, Linked]) -> list[Refusal]:
    """What cannot be generated of sound files that the linker has joined, in either language; nothing is raised."""
    from godtui.holyfields.generate import python, typescript

    try:
        collection = collect_joined(linker, files)
    except RefusedError as error:
        return error.refusals
    found = list(python.too_deep(collection))
    try:
        typescript.emit(collection)
    except RefusedError as error:
        found += error.refusals
    return found


def _python(collection: Collection) -> Mapping[str, str]:
    from godtui.holyfields.generate.python import emit

    return emit(collection)


def _typescript(collection: Collection) -> Mapping[str, str]:
    from godtui.holyfields.generate.typescript import emit

    return emit(collection)


EMITTERS: Final[Mapping[str, Emit]] = {"python": _python, "typescript": _typescript}
TARGETS: Final = tuple(EMITTERS)
