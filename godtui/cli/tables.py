"""Rows of columns for a reader."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from rich.cells import cell_len

from godtui.candybar.plaintext import clip, fit

LEAST_CELLS: Final = 8
NARROWEST: Final = 40


def columns(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    flexible: Collection[str],
    numbers: Collection[str] = (),
) -> Iterator[str]:
    """Rows under a head, each column as wide as it needs to be.

    Those that are `flexible` share what room the others leave, and who needs less than its share leaves the rest to
    the others; those of `numbers` are flush right. What is in the cells is harmless already.
    """
    cells = [max(cell_len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    sharing = sorted((place for place, name in enumerate(head) if name in flexible), key=cells.__getitem__)
    room = width - 2 * (len(head) - 1) - sum(wide for place, wide in enumerate(cells) if place not in sharing)
    for left, place in zip(range(len(sharing), 0, -1), sharing, strict=True):
        cells[place] = min(cells[place], max(LEAST_CELLS, room // left))
        room -= cells[place]
    for row in (head, *rows):
        *filled, last = (cell.rjust(cells[place]) if head[place] in numbers else cell for place, cell in enumerate(row))
        yield clip("  ".join([*map(fit, filled, cells), last]), max(width, NARROWEST)).rstrip()
