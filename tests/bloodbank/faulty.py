"""A log whose disk fails when a test says so."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from godtui.bloodbank import tables
from godtui.clock import Clock
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog, LogUnavailableError, Migrations, Transaction
from godtui.eventlog.log import PAGE_EVENTS

Result = TypeVar("Result")


class Fault(Enum):
    """What goes wrong with a commit: nothing of it is kept, or all of it is and nobody hears."""

    NOT_KEPT = "not kept"
    KEPT_UNHEARD = "kept, unheard"


class FaultyLog(EventLog):
    """Fails the units named in `faults`, once each; `broken` fails everything, reads included."""

    def __init__(self, directory: Path, clock: Clock, rooms: Sequence[Migrations] = (tables.MIGRATIONS,)) -> None:
        super().__init__(directory, rooms=rooms, clock=clock)
        self.faults: deque[tuple[str, Fault]] = deque()
        self.submitted: list[str] = []
        self.broken = False

    async def submit(self, unit: Callable[[Transaction], Result]) -> Result:
        name = type(unit).__name__
        self.submitted.append(name)
        if self.broken:
            raise LogUnavailableError("the disk is away")
        if self.faults and self.faults[0][0] == name:
            fault = self.faults.popleft()[1]
            if fault is Fault.KEPT_UNHEARD:
                await super().submit(unit)
            raise LogUnavailableError("the disk is full")
        return await super().submit(unit)

    async def rows(self, statement: str, parameters: Sequence[Any] = (), *, purpose: str) -> list[tuple[Any, ...]]:
        if self.broken:
            raise LogUnavailableError("the disk is away")
        return await super().rows(statement, parameters, purpose=purpose)

    async def after(self, seq: int, limit: int = PAGE_EVENTS) -> list[StoredEvent]:
        if self.broken:
            raise LogUnavailableError("the disk is away")
        return await super().after(seq, limit)
