"""What is stored is said: `candystore.event.persisted`, at most once a second."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from godtui import jsontext
from godtui.bloodbank.errors import NotConfirmedError, PublishError
from godtui.bloodbank.receipt import Publish
from godtui.clock import Clock
from godtui.envelope import EventDraft, InvalidEventError, StoredEvent
from godtui.eventlog import EventLog, LogUnavailableError

EVENT_TYPE: Final = "candystore.event.persisted"
INTERVAL_SECONDS: Final = 1.0
MAX_LISTED: Final = 1000
COUNTED_ROWS: Final = 20_000
"""How many one statement counts: each must end well within a second."""

_LAST_ANNOUNCEMENT: Final = (
    "SELECT seq, body FROM events"
    " WHERE type_id = (SELECT id FROM types WHERE name = ?) AND seq < ? ORDER BY seq DESC LIMIT 1"
)
"""Where the announcements of an earlier run ended."""
_COUNT: Final = (
    "SELECT count(*), max(seq) FROM events"
    " WHERE seq > ? AND seq <= ? AND type_id IS NOT (SELECT id FROM types WHERE name = ?)"
)

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
        """Behind what the newest announcement announced; anyone may publish under this name, so not all are ours."""
        await self._log.tail.beginning()
        before = self._log.last_seq + 1
        while rows := await self._rows(_LAST_ANNOUNCEMENT, (EVENT_TYPE, before), "the last announcement"):
            before, body = rows[0]
            announced = _announced(body)
            # What is announced was stored before its announcement.
            if announced is not None and announced < before:
                return max(announced, 0)
        return 0

    async def _collect(self, position: int) -> tuple[EventDraft | None, int]:
        """What was committed beyond a position, as an announcement, and the position after it."""
        end = self._log.last_seq
        listed: list[StoredEvent] = []
        while position < end and len(listed) < MAX_LISTED:
            page = await self._after(position, min(MAX_LISTED - len(listed), end - position))
            listed += [event for event in page if event.event_type != EVENT_TYPE]
            position = page[-1].seq if page else end
        if not listed:
            return None, end
        count, last = await self._count(position, end)
        payload = {
            "count": len(listed) + count,
            "first_seq": listed[0].seq,
            "last_seq": last or listed[-1].seq,
            "events": _entries(listed),
        }
        return EventDraft(event_type=EVENT_TYPE, payload=payload, source={"service": "candystore"}), end

    async def _count(self, position: int, end: int) -> tuple[int, int]:
        """How many more there are up to the end, and the last of them; 0 for none."""
        count = last = 0
        while position < end:
            upto = min(position + COUNTED_ROWS, end)
            more, highest = (await self._rows(_COUNT, (position, upto, EVENT_TYPE), "counting what is new"))[0]
            count += more
            last = highest or last
            position = upto
        return count, last

    async def _after(self, position: int, limit: int) -> list[StoredEvent]:
        while True:
            try:
                return await self._log.after(position, limit)
            except LogUnavailableError:
                await self._clock.sleep(INTERVAL_SECONDS)

    async def _rows(self, statement: str, parameters: Sequence[Any], purpose: str) -> list[tuple[Any, ...]]:
        while True:
            try:
                return await self._log.rows(statement, parameters, purpose=purpose)
            except LogUnavailableError:
                await self._clock.sleep(INTERVAL_SECONDS)

    async def _announce(self, draft: EventDraft) -> None:
        """Publish under one id until it is confirmed, so that it is stored once."""
        failing = False
        while True:
            try:
                await self._publish(draft)
            except NotConfirmedError as error:
                if not failing:
                    logger.warning("an announcement is tried again and again: %s", error)
                failing = True
                await self._clock.sleep(INTERVAL_SECONDS)
            except (PublishError, InvalidEventError) as error:
                logger.warning("an announcement is refused: %s", error)
                return
            else:
                return


def _announced(body: bytes) -> int | None:
    """The last position that an announcement names; None where it is not written as ours are."""
    try:
        announced = jsontext.parse(body)["payload"]["last_seq"]
    except (KeyError, TypeError, ValueError):
        return None
    return announced if type(announced) is int else None


def _entries(events: Sequence[StoredEvent]) -> list[dict[str, Any]]:
    return [
        {"event_id": str(UUID(bytes=event.event_id)), "event_type": event.event_type, "seq": event.seq}
        for event in events
    ]
