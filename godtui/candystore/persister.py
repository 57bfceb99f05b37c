"""What is stored is said: `candystore.event.persisted`, at most once a second."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from godtui import jsontext
from godtui.bloodbank.errors import PublishError
from godtui.bloodbank.publisher import Publish
from godtui.clock import Clock
from godtui.envelope import EventDraft, InvalidEventError, StoredEvent
from godtui.eventlog import EventLog, LogUnavailableError

EVENT_TYPE: Final = "candystore.event.persisted"
INTERVAL_SECONDS: Final = 1.0
MAX_LISTED: Final = 1000

_LAST_ANNOUNCEMENT: Final = (
    "SELECT body FROM events WHERE type_id = (SELECT id FROM types WHERE name = ?) ORDER BY seq DESC LIMIT 1"
)
"""Where the announcements of an earlier run ended."""

logger = logging.getLogger(__name__)


class Announcer:
    """Follows the log and announces what was committed since; announcements themselves are left out."""

    def __init__(self, log: EventLog, publish: Publish, clock: Clock) -> None:
        self._log = log
        self._publish = publish
        self._clock = clock

    async def run(self) -> None:
        """Announce until cancelled, beginning where the last run ended."""
        position = await self._start()
        while True:
            await self._log.tail.beyond(position)
            draft, position = await self._collect(position)
            if draft is not None:
                await self._announce(draft)
                await self._clock.sleep(INTERVAL_SECONDS)

    async def _start(self) -> int:
        while True:
            try:
                rows = await self._log.rows(_LAST_ANNOUNCEMENT, (EVENT_TYPE,), purpose="last announcement")
                return int(jsontext.parse(rows[0][0])["payload"]["last_seq"]) if rows else 0
            except LogUnavailableError:
                await self._clock.sleep(INTERVAL_SECONDS)
            except (KeyError, TypeError, ValueError):
                # Anyone may publish under this name; what cannot be read says nothing.
                return self._log.last_seq

    async def _collect(self, position: int) -> tuple[EventDraft | None, int]:
        """What was committed beyond a position, as an announcement, and the position after it."""
        listed: list[StoredEvent] = []
        count = first = last = 0
        end = self._log.last_seq
        while position < end:
            try:
                page = await self._log.after(position)
            except LogUnavailableError:
                await self._clock.sleep(INTERVAL_SECONDS)
                continue
            for event in page:
                position = event.seq
                if event.event_type != EVENT_TYPE:
                    count += 1
                    first, last = first or event.seq, event.seq
                    if len(listed) < MAX_LISTED:
                        listed.append(event)
        if not count:
            return None, position
        payload = {"count": count, "first_seq": first, "last_seq": last, "events": _entries(listed)}
        return EventDraft(event_type=EVENT_TYPE, payload=payload, source={"service": "candystore"}), position

    async def _announce(self, draft: EventDraft) -> None:
        """Publish under one id until it is confirmed, so that it is stored once."""
        while True:
            try:
                await self._publish(draft)
            except PublishError as error:
                logger.warning("an announcement is tried again: %s", error)
                await self._clock.sleep(INTERVAL_SECONDS)
            except InvalidEventError as error:
                logger.warning("announcements are refused by the contracts in force: %s", error)
                return
            else:
                return


def _entries(events: Sequence[StoredEvent]) -> list[dict[str, Any]]:
    return [
        {"event_id": str(UUID(bytes=event.event_id)), "event_type": event.event_type, "seq": event.seq}
        for event in events
    ]
