"""Which rows of a feed the list shows: the tail as it moves, or rows held still for a reader."""

from __future__ import annotations

from godtui.candybar.ring import Ring, Snapshot
from godtui.candybar.rowview import Line, RowView

__all__ = ["Line", "Window"]


class Window(RowView):
    """A view on a ring. Rows are addressed by number, so what a reader looks at stays where it is.

    The window follows the tail until the reader pauses it or moves up; then it holds a snapshot, and rows that the
    ring forgets stay readable.
    """

    def __init__(self, ring: Ring) -> None:
        super().__init__(ring)
        self.ring = ring
        self.held: Snapshot | None = None
        self.paused = False
        self.lost = 0
        """Rows that the ring forgot before the window had shown them."""
        self._taken = 0
        self._replays = 0

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
        """How many rows the window has taken up so far, without what replays sent again."""
        return max(0, self._taken - self._replays - self.lost)

    def take(self) -> bool:
        """Take up what came, while following; whether there was anything."""
        if self.held is not None or self.ring.end == self._taken:
            return False
        self._take_all()
        return True

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
        if self.held is not None or by < 0:
            super().move(by, height)

    def scroll(self, by: int, height: int) -> None:
        if self.held is not None or by < 0:
            super().scroll(by, height)

    def lines(self, height: int) -> list[Line]:
        return self._tail_lines(height) if self.held is None else super().lines(height)

    def _take_all(self) -> None:
        self._replays, end = self.ring.replayed, self.ring.end
        self.lost += max(0, self.ring.first - self._taken)
        self._taken = end

    def _hold_now(self) -> None:
        if self.ring.first >= self._taken:
            self._take_all()  # nothing of what was shown is left
        self.held = self.ring.snapshot(self._taken)
        self._cursor = max(self.held.first, self.held.end - 1)

    def _held_rows(self) -> Snapshot:
        return self.held or self.ring.snapshot(self._taken)

    def _go(self, row: int) -> None:
        if not self.paused and row >= self._held_rows().end:
            self._take_all()
            self._hold_now()
        forward = row > self._cursor
        super()._go(row)
        if forward and not self.paused and self._cursor >= self.ring.end - 1:
            self.resume()

    def _tail_lines(self, height: int) -> list[Line]:
        return self._lines_up_from(self._taken - 1, height)
