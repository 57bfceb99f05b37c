"""A reader's view on rows: a cursor, and which lines are in sight. Rows are addressed by number, so they stay put."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from godtui.candybar.figures import DAY
from godtui.envelope import StoredEvent


class Line(NamedTuple):
    """One line of the list: a row, or the rule above it."""

    row: int
    is_rule: bool

    @property
    def place(self) -> tuple[int, bool]:
        """Sorts lines as they are drawn."""
        return (self.row, not self.is_rule)


class Rows(Protocol):
    """Events under consecutive numbers, from `first` to before `end`."""

    @property
    def first(self) -> int:
        """The first row there is."""

    @property
    def end(self) -> int:
        """The number behind the last row."""

    def row(self, number: int) -> StoredEvent | None:
        """The event of a row, or None where there is none of that number."""

    def is_again(self, number: int) -> bool:
        """Whether a replay sent this row."""


class RowView:
    """A view on rows that stay where they are until the reader moves."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._cursor = 0
        self._top = Line(0, is_rule=True)

    @property
    def rows(self) -> Rows:
        """Where the rows come from."""
        return self._rows

    @property
    def cursor(self) -> int:
        """The row the reader is on."""
        return self._cursor

    def event(self, row: int) -> StoredEvent | None:
        """The event of a row."""
        return self.rows.row(row)

    def hold(self, height: int) -> None:
        """What is on screen stays there."""

    def move(self, by: int, height: int) -> None:
        """Move the cursor."""
        self.go(self.cursor + by, height)

    def go(self, row: int, height: int) -> None:
        """Put the cursor on a row."""
        self.hold(height)
        self._go(row)

    def scroll(self, by: int, height: int) -> None:
        """Move what is seen, and the cursor only as far as it must to stay in sight."""
        self.hold(height)
        held = self._held_rows()
        top = max(held.first, min(self._top.row + by, held.end - 1))
        self._top = Line(top, self.has_rule(top))
        lines = self._held_lines(height)
        if by > 0 and lines and lines[-1].row == held.end - 1:
            self._go(held.end)
            return
        inside = [line.row for line in lines if not line.is_rule]
        if inside:
            self._cursor = max(inside[0], min(self._cursor, inside[-1]))

    def centre(self, height: int) -> None:
        """Put the cursor's row in the middle, with what stands before and behind it around."""
        top = max(self.rows.first, self._cursor - height // 2)
        self._top = Line(top, self.has_rule(top))

    def lines(self, height: int) -> list[Line]:
        """What to draw, top to bottom, at most that many."""
        self._keep_cursor_in_sight(height)
        return self._held_lines(height)

    def has_rule(self, row: int) -> bool:
        """Whether a line of its own stands above a row: a date, where the day changes."""
        event, before = self.rows.row(row), self.rows.row(row - 1)
        return event is not None and (before is None or before.time // DAY != event.time // DAY)

    def _held_rows(self) -> Rows:
        """The rows, as far as they stay."""
        return self.rows

    def _go(self, row: int) -> None:
        held = self._held_rows()
        self._cursor = max(held.first, min(row, held.end - 1))

    def _lines_up_from(self, row: int, height: int) -> list[Line]:
        lines: list[Line] = []
        first = self.rows.first
        while row >= first and len(lines) < height:
            lines.append(Line(row, is_rule=False))
            if self.has_rule(row):
                lines.append(Line(row, is_rule=True))
            row -= 1
        return lines[:height][::-1]

    def _held_lines(self, height: int) -> list[Line]:
        held = self._held_rows()
        if held.first == held.end:
            return []
        lines = [self._top] if self._top.is_rule else []
        for row in range(self._top.row, min(held.end, self._top.row + height)):
            if row > self._top.row and self.has_rule(row):
                lines.append(Line(row, is_rule=True))
            lines.append(Line(row, is_rule=False))
        return lines[:height]

    def _keep_cursor_in_sight(self, height: int) -> None:
        held = self._held_rows()
        if not held.first <= self._top.row < max(held.end, held.first + 1):
            self._top = Line(held.first, self.has_rule(held.first))
        if self._cursor < self._top.row:
            self._top = Line(self._cursor, self.has_rule(self._cursor))
        highest = self._lines_up_from(self._cursor, height)
        if highest and highest[0].place > self._top.place:
            self._top = highest[0]
