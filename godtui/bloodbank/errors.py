"""Why a publish did not end in a receipt."""

from __future__ import annotations

from uuid import UUID


class PublishError(Exception):
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
