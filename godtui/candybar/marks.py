"""Events that the reader marked, wherever they were seen."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from godtui.envelope import StoredEvent
from godtui.filters import MAX_CHARACTERS, Filter, IdTerm

MAX_MARKS: Final = (MAX_CHARACTERS - len("id:")) // (len(str(UUID(int=0))) + 1)
"""So many ids make one filter."""


class Marks:
    """Ids in the order in which they were marked; `revision` grows with every change."""

    def __init__(self) -> None:
        self._ids: dict[bytes, None] = {}
        self.revision = 0

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, event: StoredEvent) -> bool:
        return event.event_id in self._ids

    def turn(self, event: StoredEvent) -> bool:
        """Mark an event, or take its mark back; False where no more can be marked."""
        if event in self:
            del self._ids[event.event_id]
        elif len(self) < MAX_MARKS:
            self._ids[event.event_id] = None
        else:
            return False
        self.revision += 1
        return True

    def clear(self) -> None:
        """Take all marks back."""
        self._ids.clear()
        self.revision += 1

    @property
    def wanted(self) -> Filter:
        """The filter that finds what is marked, where anything is."""
        return Filter((IdTerm(tuple(UUID(bytes=one) for one in self._ids)),))
