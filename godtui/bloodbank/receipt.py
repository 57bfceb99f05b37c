"""What a confirmed publish answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias
from uuid import UUID

from godtui.envelope import EventDraft


class Receipt(NamedTuple):
    """What a confirmed publish answers; `timestamp` is in microseconds since 1970."""

    event_id: UUID
    event_type: str
    version: str
    correlation_id: UUID
    timestamp: int


Publish: TypeAlias = Callable[[EventDraft], Awaitable[Receipt]]
"""Publishing as those see it who only publish: raises InvalidEventError and PublishError."""
