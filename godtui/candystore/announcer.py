"""What is stored is said: `candystore.event.persisted`, at most once a second."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from godtui.bloodbank import announce
from godtui.bloodbank.bus import Sink
from godtui.bloodbank.outbox import Outbox
from godtui.bloodbank.positions import Steps, reached
from godtui.bloodbank.receipt import Publish
from godtui.clock import Clock
from godtui.envelope import EventDraft, StoredEvent
from godtui.eventlog import EventLog, LogUnavailableError

EVENT_TYPE: Final = "candystore.event.persisted"
INTERVAL_SECONDS: Final = 1.0
MAX_LISTED: Final = 1000
COUNTED_ROWS: Final = 20_000
"""How many one statement counts: each must end well within a second."""

POSITION: Final = "candystore.announcements"
"""The name of the position up to which everything is announced."""

_COUNT: Final = (
    "SELECT count(*), max(seq) FROM events"
    " WHERE seq > ? AND seq <= ? AND type_id IS NOT (SELECT id FROM types WHERE name = ?)"
)

Result = TypeVar("Result")


def announcements(outbox: Outbox) -> Sink:
    """Where an Announcer's publisher sends, so that a later run knows where this one ended."""
    return Steps(outbox, POSITION, "last_seq")


class Announcer:
    """Follows the log and announces what was committed since; announcements themselves are left out.

    `publish` sends to `announcements`.
    """

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
                await announce(draft, self._publish, self._clock)
                await self._clock.sleep(INTERVAL_SECONDS)

    async def _start(self) -> int:
        await self._log.tail.beginning()
        return await self._read(partial(reached, self._log, POSITION)) or 0

    async def _collect(self, position: int) -> tuple[EventDraft | None, int]:
        """What was committed beyond a position, as an announcement, and the position after it."""
        end = self._log.last_seq
        listed: list[StoredEvent] = []
        while position < end and len(listed) < MAX_LISTED:
            limit = min(MAX_LISTED - len(listed), end - position)
            page = await self._read(partial(self._log.after, position, limit))
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
            among = (position, upto, EVENT_TYPE)
            rows = await self._read(partial(self._log.rows, _COUNT, among, purpose="counting what is new"))
            more, highest = rows[0]
            count += more
            last = highest or last
            position = upto
        return count, last

    async def _read(self, work: Callable[[], Awaitable[Result]]) -> Result:
        while True:
            try:
                return await work()
            except LogUnavailableError:
                await self._clock.sleep(INTERVAL_SECONDS)


def _entries(events: Sequence[StoredEvent]) -> list[dict[str, Any]]:
    return [
        {"event_id": str(UUID(bytes=event.event_id)), "event_type": event.event_type, "seq": event.seq}
        for event in events
    ]
