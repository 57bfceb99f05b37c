"""What a publisher publishes through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from godtui.bloodbank.receipt import Receipt
from godtui.bloodbank.report import BatchReport
from godtui.envelope import EventDraft


class Outlet(Protocol):
    """A way to the bus. Publishing inherits correlation and cause from the event that is being handled."""

    async def open(self) -> None:
        """Begin to connect, and wait a moment for it; where nothing answers, that is for `publish` to say."""

    async def close(self) -> None: ...

    async def publish(self, draft: EventDraft) -> Receipt:
        """Raises InvalidEventError, TooLargeError, ConflictError, NotConfirmedError."""

    async def publish_batch(self, drafts: Sequence[EventDraft]) -> BatchReport:
        """What became of each event, in order."""
