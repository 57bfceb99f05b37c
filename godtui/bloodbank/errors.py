"""What publishing and consuming raise, beside InvalidEventError; EventError is the root of all.

EventError
├── InvalidEventError         the event breaks its contract or the envelope's grammar (a ValueError)
├── PublishError
│   ├── TooLargeError         over the size limit
│   ├── ConflictError         the id is taken by other content
│   └── NotConfirmedError     it may or may not arrive; repeated under its id it is stored once
├── StoreUnavailableError     the store cannot answer now
│   └── HistoryElsewhereError another instance holds what was asked for
├── LetterError
│   ├── UnknownLetterError    there is no such dead letter, or no longer
│   ├── RequeueRefusedError   its queue does not take it
│   └── NotRequeuedError      it may or may not be back in its queue; the letter stays
├── InstanceUnreachableError  nothing that can be asked answers there
├── UnknownPositionError      the position was never given out (a ValueError)
├── QueueError                the broker refuses the queue that was asked for
└── GiveUpError               for handlers to raise: trying the event again will not help
"""

from __future__ import annotations

from uuid import UUID

from godtui.bloodbank.holder import Holder
from godtui.envelope import EventError


class PublishError(EventError):
    """A publish that was not confirmed; `event_id` is its id, `keyword` what refused it where something did."""

    keyword: str | None = None

    def __init__(self, event_id: UUID, message: str) -> None:
        super().__init__(message)
        self.event_id = event_id


class ConflictError(PublishError):
    """The id is already stored with other content."""

    keyword = "conflict"

    def __init__(self, event_id: UUID) -> None:
        super().__init__(event_id, f"event {event_id} is already stored with other content; publish it under a new id")


class NotConfirmedError(PublishError):
    """The bus did not confirm in time: the event may still arrive; repeated under its id it is stored once."""

    def __init__(self, event_id: UUID, reason: str) -> None:
        super().__init__(event_id, f"not confirmed: {reason}; repeat with this event_id, it will be stored once")
        self.reason = reason


class TooLargeError(PublishError):
    """The event as JSON is over the size limit."""

    keyword = "maxBytes"

    def __init__(self, event_id: UUID, size: int, limit: int) -> None:
        super().__init__(event_id, f"the event is {size:,} bytes; at most {limit:,} are accepted")


class StoreUnavailableError(EventError):
    """The store cannot answer now; the message says why."""


class HistoryElsewhereError(StoreUnavailableError):
    """What was asked for is not here: `holder` has it, None where nobody is known to."""

    def __init__(self, holder: Holder | None) -> None:
        where = "and no instance that holds it is known" if holder is None else f"but with {holder.where}; ask there"
        super().__init__(f"the history is not here, {where}")
        self.holder = holder


class UnknownPositionError(EventError, ValueError):
    """The log has not yet given out the position that a stream was to begin after."""


class InstanceUnreachableError(EventError):
    """The instance cannot be asked; the message says why and what to do. `sent` says that the request may be done."""

    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class LetterError(EventError):
    """Nothing was done with a dead letter; the message says why."""


class UnknownLetterError(LetterError):
    """There is no dead letter with that id, or no longer."""

    def __init__(self, letter_id: int) -> None:
        super().__init__(f"there is no dead letter {letter_id}; it may have been requeued or discarded")


class RequeueRefusedError(LetterError):
    """The letter's queue does not take it; the message says what to do."""


class NotRequeuedError(LetterError):
    """No confirmation came: the message may or may not be in its queue, and the letter stays."""


class QueueError(EventError):
    """The broker refuses the queue that was asked for; the message says why and what to do."""


class GiveUpError(EventError):
    """For handlers to raise: trying this event again will not help; the message is the reason."""
