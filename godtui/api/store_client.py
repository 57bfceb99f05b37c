"""Chains and statistics of another instance, asked over HTTP."""

from __future__ import annotations

from uuid import UUID

from godtui.api import answers
from godtui.operations import Chain
from godtui.operations.distant import Connection


class HttpChains:
    """ChainOperations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def chain(self, correlation_id: UUID, *, after: int = 0) -> Chain | None:
        parameters = {"after": str(after)} if after else {}
        answer = await self._connection.request("GET", f"/chains/{correlation_id}", params=parameters)
        return answers.found(answer, Chain.from_document)
