"""The dispatcher as last heard of, and what the reader asked of it; all of it polled from the screen's tick."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeAlias

from godtui.candybar.actions import Actions, Outcome
from godtui.candybar.link import Link
from godtui.operations import (
    DispatcherError,
    DispatcherOperations,
    DispatcherStatus,
    RunningCheck,
    StoreUnavailableError,
    TicketState,
    TicketView,
    UnknownTicketError,
)

POLL_SECONDS: Final = 1.0
SILENT_SECONDS: Final = 3.0
MOST_TICKETS: Final = 200

Answer: TypeAlias = DispatcherStatus | TicketView
Work: TypeAlias = Coroutine[Any, Any, Answer]


class DispatcherWatch:
    """Asks once a second, while someone looks; `revision` grows with every answer that may show something new."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.status: DispatcherStatus | None = None
        self.fault: str | None = None
        """Why it cannot be read now, or None while it can."""
        self.revision = 0
        self.selected: str | None = None
        """The id of the ticket that the reader is on."""
        self._state: TicketState | None = None
        self._known: dict[str, TicketView] = {}
        self._whole: TicketView | None = None
        self._question: Future[DispatcherStatus] | None = None
        self._ticket_question: Future[TicketView] | None = None
        self._search: Future[TicketView] | None = None
        self._asked_at = -POLL_SECONDS
        self._ticket_asked_at = -POLL_SECONDS
        self._answered_at = link.clock.monotonic()
        self._actions: Actions[Answer] = Actions(DispatcherError, StoreUnavailableError)

    @property
    def tickets(self) -> list[TicketView]:
        """What is known of the tickets, the selected one among them whether or not the last answer had it."""
        return list(self._known.values())

    @property
    def ticket(self) -> TicketView | None:
        """The selected ticket, whole."""
        if self.selected is None:
            return None
        whole = self._whole
        return whole if whole is not None and whole.id == self.selected else self._known.get(self.selected)

    @property
    def running(self) -> list[RunningCheck]:
        """The checks under way that the selected ticket waits for."""
        ticket = self.ticket
        if self.status is None or ticket is None:
            return []
        return [
            one
            for one in self.status.checks
            if ticket.reference in one.tickets or (ticket.state == "checking" and one.component in ticket.components)
        ]

    @property
    def stale(self) -> float | None:
        """For how many seconds nothing was heard, where that is too long; None while all is fresh."""
        if self.status is None or (self._question is None and self.fault is None):
            return None
        age = self._link.clock.monotonic() - self._answered_at
        return age if self.fault is not None or age >= SILENT_SECONDS else None

    @property
    def truncated(self) -> bool:
        """Whether there are more tickets than were answered with."""
        return self.status is not None and len(self.status.tickets) < sum(self.status.counts.values())

    def look_for(self, state: TicketState | None) -> None:
        """Ask for the tickets of one state, or the most urgent of all."""
        if state != self._state:
            self._state = state
            self.refresh()

    def search(self, name: str) -> None:
        """Bring in a ticket by its name, where there is one."""
        self._drop(self._search)
        self._search = self._ask(lambda dispatcher: dispatcher.ticket(name))

    def select(self, ticket_id: str | None) -> None:
        """The reader is on this ticket now."""
        if ticket_id != self.selected:
            self.selected = ticket_id
            self._forget_unlisted()
            self._drop(self._ticket_question)
            self._ticket_question, self._ticket_asked_at = None, -POLL_SECONDS

    def refresh(self) -> None:
        """Ask anew at the next tick: an answer on its way may be older than what is known."""
        self._drop(self._question)
        self._drop(self._ticket_question)
        self._question = self._ticket_question = None
        self._asked_at = self._ticket_asked_at = -POLL_SECONDS

    def resume(self) -> None:
        """Someone looks again: what nobody asked for meanwhile is not owed."""
        self._answered_at = self._link.clock.monotonic()
        self.refresh()

    def poll(self) -> None:
        """Take in what was answered, and ask again when it is time."""
        self._take_status()
        self._take_ticket()
        self._take_search()
        now = self._link.clock.monotonic()
        if self._question is None and now - self._asked_at >= POLL_SECONDS:
            self._asked_at = now
            state = self._state
            self._question = self._ask(lambda dispatcher: dispatcher.status(state=state, limit=MOST_TICKETS))
        name = self.selected
        if name is not None and self._ticket_question is None and now - self._ticket_asked_at >= POLL_SECONDS:
            self._ticket_asked_at = now
            self._ticket_question = self._ask(lambda dispatcher: dispatcher.ticket(name))

    def act(self, command: str, work: Callable[[DispatcherOperations], Work]) -> bool:
        """Ask for something that changes the dispatcher; False where just that is being asked already."""
        if self._actions.waits_for(command):
            return False
        self._actions.begin(command, self._ask(work))
        return True

    def outcomes(self) -> list[Outcome[Answer]]:
        """What came of it, each once; a ticket's answer is what is known of it from now on."""
        outcomes = self._actions.outcomes()
        for outcome in outcomes:
            self._adopt(outcome.answer)
        return outcomes

    def close(self) -> None:
        """Nobody waits for answers any more; what was asked to be done is done."""
        for question in (self._question, self._ticket_question, self._search):
            self._drop(question)

    def _ask(self, work: Callable[[DispatcherOperations], Coroutine[Any, Any, Any]]) -> Future[Any] | None:
        if not self._link.hosted.started:
            return None
        return self._link.ask(work(self._link.hosted.operations.dispatcher))

    def _drop(self, question: Future[Any] | None) -> None:
        if question is not None:
            question.cancel()

    def _take_status(self) -> None:
        question = self._question
        if question is None or not question.done():
            return
        self._question = None
        self.revision += 1
        error = self._actions.error(question)
        if error is not None:
            self.fault = error
            return
        self.status, self.fault = question.result(), None
        self._answered_at = self._link.clock.monotonic()
        kept = self._known.get(self.selected) if self.selected is not None else None
        self._known = {ticket.id: ticket for ticket in self.status.tickets}
        if kept is not None:
            self._known.setdefault(kept.id, self._whole if self._whole and self._whole.id == kept.id else kept)

    def _take_ticket(self) -> None:
        question = self._ticket_question
        if question is None or not question.done():
            return
        self._ticket_question = None
        if question.cancelled():
            return
        error = question.exception()
        if error is None:
            self._adopt(question.result(), fresh=False)
        elif isinstance(error, UnknownTicketError) and self.selected is not None:
            self._known.pop(self.selected, None)
            self._whole = None
            self.revision += 1

    def _take_search(self) -> None:
        if self._search is None or not self._search.done():
            return
        question, self._search = self._search, None
        if not question.cancelled() and question.exception() is None:
            found = question.result()
            self.select(found.id)
            self._adopt(found, fresh=False)

    def _adopt(self, answer: Answer | None, *, fresh: bool = True) -> None:
        """Know what an answer says; a fresh one is newer than what is still on its way."""
        if isinstance(answer, DispatcherStatus) and self.status is not None:
            told = {"state": answer.state, "reason": answer.reason, "since": answer.since}
            self.status = self.status.model_copy(update=told)
        elif isinstance(answer, TicketView) and (answer.id in self._known or answer.id == self.selected):
            self._known[answer.id] = answer
            if answer.id == self.selected:
                self._whole = answer
        if answer is not None:
            self.revision += 1
            if fresh:
                self.refresh()

    def _forget_unlisted(self) -> None:
        """Only the selected ticket is kept beyond what the last answer had."""
        listed = {ticket.id for ticket in self.status.tickets} if self.status is not None else set()
        self._known = {name: ticket for name, ticket in self._known.items() if name in listed or name == self.selected}
        self.revision += 1
