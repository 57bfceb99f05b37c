"""Publishing through a running godtui, which judges what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from godtui.bloodbank.errors import InstanceUnreachableError, NotConfirmedError
from godtui.bloodbank.http.connection import Connection
from godtui.bloodbank.http.publishing import publish, publish_batch
from godtui.bloodbank.receipt import Receipt
from godtui.bloodbank.report import BatchReport, Unconfirmed
from godtui.envelope import EventDraft, current_cause


class HttpOutlet:
    """An Outlet. `timeout` is how many seconds a publish may take."""

    def __init__(self, connection: Connection, timeout: float) -> None:
        self._connection = connection
        self._timeout = timeout

    async def open(self) -> None:
        """Connections are made when they are needed."""

    async def close(self) -> None:
        await self._connection.close()

    async def publish(self, draft: EventDraft) -> Receipt:
        try:
            async with asyncio.timeout(self._timeout):
                return await publish(self._connection, _caused(draft))
        except InstanceUnreachableError as error:
            raise NotConfirmedError(draft.event_id, str(error)) from None
        except TimeoutError:
            raise NotConfirmedError(draft.event_id, f"no confirmation within {self._timeout:g} s") from None

    async def publish_batch(self, drafts: Sequence[EventDraft]) -> BatchReport:
        try:
            return await publish_batch(self._connection, [_caused(draft) for draft in drafts])
        except InstanceUnreachableError:
            return BatchReport(unconfirmed=[Unconfirmed(index, each.event_id) for index, each in enumerate(drafts)])


def _caused(draft: EventDraft) -> EventDraft:
    """The draft with what it inherits; where it names a cause of its own, the instance knows that one's chain."""
    cause = current_cause()
    if cause is None or draft.causation_id is not None or "causation_id" in (draft.source or {}):
        return draft
    inherited: dict[str, Any] = {"causation_id": cause.event_id}
    if draft.correlation_id is None:
        inherited["correlation_id"] = cause.correlation_id
    return draft.model_copy(update=inherited)
