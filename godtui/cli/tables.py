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

    Those that are `flexible` share what room the others leave; those of `numbers` are flush right. What is in the
    cells is harmless already.
    """
    cells = [max(cell_len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    taken = sum(cells[place] + 2 for place, name in enumerate(head) if name not in flexible)
    share = max(LEAST_CELLS, (width - taken - 2 * (len(flexible) - 1)) // max(1, len(flexible)))
    for place, name in enumerate(head):
        if name in flexible:
            cells[place] = min(cells[place], share)
    for row in (head, *rows):
        *filled, last = (cell.rjust(cells[place]) if head[place] in numbers else cell for place, cell in enumerate(row))
        yield clip("  ".join([*map(fit, filled, cells), last]), max(width, NARROWEST)).rstrip()
