"""The archive of another instance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from godtui.clock import to_microseconds
from godtui.envelope import Fault, read_timestamp
from godtui.operations import ImportReport, Rejection, distant
from godtui.operations.distant import Connection


class HttpArchive:
    """ArchiveOperations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def import_lines(self, lines: Sequence[bytes]) -> ImportReport:
        headers = {"content-type": "application/x-ndjson"}
        answer = await self._connection.request("POST", "/events/import", content=b"\n".join(lines), headers=headers)
        if answer.status in (200, 207):
            return answer.read(_report)
        if answer.status == 413 and len(lines) == 1:
            return ImportReport(refused=[Rejection(0, [Fault("", answer.problem()["detail"], "maxBytes")])])
        raise distant.error(answer)

    async def cut_at(self, event_id: UUID) -> int | None:
        answer = await self._connection.request("GET", f"/events/{event_id}")
        if answer.status == 200:
            return None
        if answer.status == 404 and answer.is_problem:
            return _cut_at(answer.problem())
        raise distant.error(answer)


def _cut_at(problem: dict[str, Any]) -> int | None:
    moment = problem.get("cut_at")
    return None if moment is None else to_microseconds(read_timestamp(moment)[0])


def _report(told: dict[str, Any]) -> ImportReport:
    refused = [Rejection(one["index"], distant.faults(one)) for one in told["refused"]]
    return ImportReport(told["stored"], told["already"], refused)
