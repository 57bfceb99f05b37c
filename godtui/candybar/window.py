"""Which rows of a feed the list shows: the tail as it moves, or rows held still for a reader."""

from __future__ import annotations

from typing import NamedTuple

from godtui.candybar.figures import DAY
from godtui.candybar.ring import Ring, Snapshot
from godtui.envelope import StoredEvent


class Line(NamedTuple):
    """One line of the list: a row, or the date rule above it."""

    row: int
    is_rule: bool

    @property
    def place(self) -> tuple[int, bool]:
        """Sorts lines as they are drawn."""
        return (self.row, not self.is_rule)


class Window:
    """A view on a ring. Rows are addressed by number, so what a reader looks at stays where it is.

    The window follows the tail until the reader pauses it or moves up; then it holds a snapshot, and rows that the
    ring forgets stay readable.
    """

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self.held: Snapshot | None = None
        self.paused = False
        self.lost = 0
        """Rows that the ring forgot before the window had shown them."""
        self._taken = 0
        self._cursor = 0
        self._top = Line(0, is_rule=True)

    @property
    def following(self) -> bool:
        """Whether the newest row is shown as it comes."""
        return self.held is None

    @property
    def rows(self) -> Ring | Snapshot:
        """Where the rows come from."""
        return self.held or self.ring

    @property
    def cursor(self) -> int:
        """The row the reader is on; the newest while following."""
        return self._cursor if self.held else max(0, self._taken - 1)

    @property
    def waiting(self) -> int:
        """How many rows came since the window was held."""
        return self.ring.end - self.held.end if self.held else 0

    @property
    def shown(self) -> int:
        """How many rows the window has taken up so far."""
        return self._taken - self.lost

    def take(self) -> bool:
        """Take up what came, while following; whether there was anything."""
        if self.held is not None or self.ring.end == self._taken:
            return False
        self._take_all()
        return True

    def event(self, row: int) -> StoredEvent | None:
        """The event of a row."""
        return self.rows.row(row)

    def hold(self, height: int) -> None:
        """Stop following; what is on screen stays there."""
        if self.held is None:
            lines = self._tail_lines(height)
            self._hold_now()
            self._top = lines[0] if lines else Line(0, is_rule=True)

    def pause(self, height: int) -> None:
        """Hold until resumed, whatever the reader does."""
        self.hold(height)
        self.paused = True

    def resume(self) -> None:
        """Jump to the tail and follow it."""
        self.held = None
        self.paused = False
        self.take()

    def move(self, by: int, height: int) -> None:
        """Move the cursor; up leaves the tail, down to the newest row returns to it."""
        if self.held is None:
            if by >= 0:
                return
            self.hold(height)
        self._go(self._cursor + by)

    def go(self, row: int, height: int) -> None:
        """Put the cursor on a row."""
        self.hold(height)
        self._go(row)

    def scroll(self, by: int, height: int) -> None:
        """Move what is seen, and the cursor only as far as it must to stay in sight."""
        if self.held is None and by >= 0:
            return
        self.hold(height)
        held = self._holding()
        top = max(held.first, min(self._top.row + by, held.end - 1))
        self._top = Line(top, self._starts_day(top))
        lines = self._held_lines(height)
        if by > 0 and lines and lines[-1].row == held.end - 1:
            self._go(held.end)
            return
        inside = [line.row for line in lines if not line.is_rule]
        if inside:
            self._cursor = max(inside[0], min(self._cursor, inside[-1]))

    def lines(self, height: int) -> list[Line]:
        """What to draw, top to bottom, at most that many."""
        if self.held is None:
            return self._tail_lines(height)
        self._keep_cursor_in_sight(height)
        return self._held_lines(height)

    def _take_all(self) -> None:
        end = self.ring.end
        self.lost += max(0, self.ring.first - self._taken)
        self._taken = end

    def _hold_now(self) -> None:
        if self.ring.first >= self._taken:
            self._take_all()  # nothing of what was shown is left
        self.held = self.ring.snapshot(self._taken)
        self._cursor = max(self.held.first, self.held.end - 1)

    def _holding(self) -> Snapshot:
        return self.held or self.ring.snapshot(self._taken)

    def _go(self, row: int) -> None:
        if not self.paused and row >= self._holding().end:
            self._take_all()
            self._hold_now()
        held = self._holding()
        forward = row > self._cursor
        self._cursor = max(held.first, min(row, held.end - 1))
        if forward and not self.paused and self._cursor >= self.ring.end - 1:
            self.resume()

    def _starts_day(self, row: int) -> bool:
        event, before = self.rows.row(row), self.rows.row(row - 1)
        return event is not None and (before is None or before.time // DAY != event.time // DAY)

    def _tail_lines(self, height: int) -> list[Line]:
        return self._lines_up_from(self._taken - 1, height)

    def _lines_up_from(self, row: int, height: int) -> list[Line]:
        lines: list[Line] = []
        first = self.rows.first
        while row >= first and len(lines) < height:
            lines.append(Line(row, is_rule=False))
            if self._starts_day(row):
                lines.append(Line(row, is_rule=True))
            row -= 1
        return lines[:height][::-1]

    def _held_lines(self, height: int) -> list[Line]:
        if self._holding().first == self._holding().end:
            return []
        lines = [self._top] if self._top.is_rule else []
        for row in range(self._top.row, min(self._holding().end, self._top.row + height)):
            if row > self._top.row and self._starts_day(row):
                lines.append(Line(row, is_rule=True))
            lines.append(Line(row, is_rule=False))
        return lines[:height]

    def _keep_cursor_in_sight(self, height: int) -> None:
        held = self._holding()
        if not held.first <= self._top.row < max(held.end, held.first + 1):
            self._top = Line(held.first, self._starts_day(held.first))
        if self._cursor < self._top.row:
            self._top = Line(self._cursor, self._starts_day(self._cursor))
        highest = self._lines_up_from(self._cursor, height)
        if highest and highest[0].place > self._top.place:
            self._top = highest[0]
