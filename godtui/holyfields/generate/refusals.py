"""What cannot be generated, and where that stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Refusal(NamedTuple):
    """One place that cannot be generated; the message says what to do instead.

    `file` is relative to the schema folder ("" for the folder itself), `pointer` a JSON pointer into it, `line` and
    `column` count from 1 and are None where the place in the text is not known.
    """

    file: str
    pointer: str
    line: int | None
    column: int | None
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        return f"{place} {self.message}" if place else self.message


class RefusedError(Exception):
    """Nothing is generated; `refusals` lists why, each once, ordered by file and position."""

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals = sorted(set(refusals), key=_order)
        super().__init__("\n".join(map(str, self.refusals)))


def _order(refusal: Refusal) -> tuple[str, int, int, str, str]:
    return (refusal.file, refusal.line or 0, refusal.column or 0, refusal.pointer, refusal.message)
