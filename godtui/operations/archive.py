"""What is brought into the store from elsewhere, and what is gone from it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from godtui.bloodbank.asking import asking
from godtui.candystore.importing import Importer, ImportReport
from godtui.eventlog import EventLog
from godtui.holyfields import Contracts
from godtui.operations.protocols import ArchiveOperations
from godtui.operations.shared import History, require


class EngineArchive:
    """The archive of the engine's log."""

    def __init__(self, log: EventLog, contracts: Contracts) -> None:
        self._log = log
        self._importer = Importer(log, contracts)

    async def import_lines(self, lines: Sequence[bytes]) -> ImportReport:
        with asking():
            return await self._importer.take(lines)

    async def cut_at(self, event_id: UUID) -> int | None:
        with asking():
            return await self._log.cut_at(event_id.bytes)


class SharedArchive:
    """The archive, which is where the history is."""

    def __init__(self, archive: ArchiveOperations, history: History) -> None:
        self._archive = archive
        self._history = history

    async def import_lines(self, lines: Sequence[bytes]) -> ImportReport:
        await require(self._history)
        return await self._archive.import_lines(lines)

    async def cut_at(self, event_id: UUID) -> int | None:
        await require(self._history)
        return await self._archive.cut_at(event_id)
