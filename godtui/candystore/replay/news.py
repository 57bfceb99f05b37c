"""What is said of replays, each in one commit with the change that it tells of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from godtui.bloodbank.bus import Message
from godtui.bloodbank.outbox import Outbox
from godtui.candystore.replay.records import Announce, Replay
from godtui.envelope import EventDraft

What: TypeAlias = Literal["started", "completed", "cancelled", "failed"]
EVENT_TYPE: Final = "candystore.replay"


class News:
    """Makes announcements. `message` makes of a draft what is published; all of one replay's are one chain."""

    def __init__(self, message: Callable[[EventDraft], Message], outbox: Outbox) -> None:
        self._message = message
        self._outbox = outbox

    def of(self, what: What, replay: Replay) -> Announce:
        """A unit of the log, meant to be called within another."""
        payload = replay.payload()
        if what != "started":
            payload["sent"] = replay.sent
        if what == "failed":
            payload["reason"] = replay.reason
        draft = EventDraft(
            event_type=f"{EVENT_TYPE}.{what}",
            payload=payload,
            source={"service": "candystore"},
            correlation_id=replay.replay_id,
        )
        return self._outbox.accept([self._message(draft)])
