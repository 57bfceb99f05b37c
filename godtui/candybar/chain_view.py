"""A reader's view on the rows of a chain."""

from __future__ import annotations

from godtui.candybar.chain_steps import Outline
from godtui.candybar.rowview import RowView


class ChainView(RowView):
    """The rows of one picture; a rule stands where nothing had happened for long."""

    def __init__(self, outline: Outline) -> None:
        super().__init__(outline)
        self.outline = outline

    def has_rule(self, row: int) -> bool:
        return 0 <= row < self.outline.end and self.outline.gap(row) > 0

    def go(self, row: int, height: int) -> None:
        super().go(row, height)
        self._fill(height)

    def centre(self, height: int) -> None:
        super().centre(height)
        self._fill(height)

    def keep(self, row: int, above: int, height: int) -> None:
        """Put the cursor on a row that has so many lines above it; more where there is room for all of them."""
        self._go(row)
        self._top = self._lines_up_from(self._cursor, above + 1)[0]
        self._fill(height)

    def _fill(self, height: int) -> None:
        """Leave no room below the last row while rows above are out of sight."""
        lowest = self._lines_up_from(self.outline.end - 1, height)
        if lowest and lowest[0].place < self._top.place:
            self._top = lowest[0]
