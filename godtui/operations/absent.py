"""What stands in the dispatcher's place where none works."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal, NoReturn, get_args
from uuid import UUID

from godtui.dispatcher.errors import DispatcherUnavailableError
from godtui.dispatcher.views import DispatcherState, DispatcherStatus, Explanation, TicketState, TicketView
from godtui.jsontext import Json

AbsentState = Literal["off", "standing by"]


class AbsentDispatcher:
    """DispatcherOperations of an instance without one: it tells why, and who dispatches where that is known."""

    def __init__(self, reason: str, *, state: AbsentState = "off", active: str | None = None) -> None:
        self._reason = reason
        self._state: DispatcherState = state
        self._active = active

    async def status(self, *, state: TicketState | None = None, limit: int = 100) -> DispatcherStatus:
        counts = dict.fromkeys(get_args(TicketState), 0)
        return DispatcherStatus(state=self._state, reason=self._reason, active=self._active, counts=counts)

    async def ticket(self, name: str) -> TicketView:
        self._refuse()

    async def pause(self, reason: str = "") -> DispatcherStatus:
        self._refuse()

    async def resume(self) -> DispatcherStatus:
        self._refuse()

    async def retry(self, name: str) -> TicketView:
        self._refuse()

    async def withdraw(self, name: str, reason: str = "") -> TicketView:
        self._refuse()

    async def dispatch(self, name: str, reason: str) -> TicketView:
        self._refuse()

    async def explain_body(self, body: Json) -> Explanation:
        self._refuse()

    async def explain_event(self, event_id: UUID) -> Explanation | None:
        self._refuse()

    async def explain_ticket(self, name: str) -> Explanation:
        self._refuse()

    async def watch(self, component: str) -> AsyncGenerator[str]:
        self._refuse()
        yield ""  # type: ignore[unreachable] # what makes this a generator

    def _refuse(self) -> NoReturn:
        raise DispatcherUnavailableError(self._reason)
