"""A log, the bus over it and its replays, by a clock that tests move."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import orjson

from godtui.bloodbank import tables
from godtui.bloodbank.bus import Message, QueueSpec
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.bloodbank.handed import Handed
from godtui.bloodbank.outbox import Append, Outbox
from godtui.bloodbank.publisher import Publisher
from godtui.bloodbank.receipt import Receipt
from godtui.candystore.replay.carriers import Carrier, EmbeddedCarrier
from godtui.candystore.replay.feed import ReplayFeed
from godtui.candystore.replay.job import Tools
from godtui.candystore.replay.news import News
from godtui.candystore.replay.plan import Planner
from godtui.candystore.replay.reading import Stored
from godtui.candystore.replay.replays import Replays
from godtui.candystore.replay.tables import MIGRATIONS
from godtui.candystore.replay.views import ReplayRequest, ReplayView
from godtui.clock import Clock, to_datetime
from godtui.envelope import EventDraft, new_id
from godtui.estate import Estate
from godtui.eventlog import EventLog
from godtui.holyfields import Contracts, Registry
from godtui.settings import packaged
from tests.clock import MICROSECONDS, MORNING, ManualClock

Result = TypeVar("Result")

PATIENCE = 20.0
CREATED = "test.event.created"
ALL = QueueSpec("all", ("test.#",))
SOME = QueueSpec("some", ("test.event.*",))
CONTRACTS = Contracts(Registry.load(packaged("schemas")))


class Rig:
    """One data directory. `open` and `close` as often as a test likes. Another process has a `time` of its own."""

    def __init__(
        self, directory: Path, make_log: Callable[..., EventLog] = EventLog, time: Clock | None = None
    ) -> None:
        self.directory = directory
        self.clock = ManualClock()
        self._time: Clock = time or self.clock
        self.estate = Estate()
        self.standing = ""
        self.make_carrier: Callable[[EventLog], Carrier] | None = None
        self._make_log = make_log
        self._worker: asyncio.Task[None] | None = None

    async def open(self, *, works: bool = True) -> None:
        self.log = self._make_log(self.directory, rooms=(tables.MIGRATIONS, MIGRATIONS), clock=self._time)
        self.log.start()
        self.bus = EmbeddedBus(self.log, self._time)
        await self.bus.start()
        self.publisher = Publisher(self.bus, CONTRACTS, clock=self._time)
        loop = asyncio.get_running_loop()
        self.feed = ReplayFeed(lambda: self.log.tail.wake(loop))
        carrier = self.make_carrier(self.log) if self.make_carrier else EmbeddedCarrier(self.bus, self.log)
        news = News(self.publisher.message, Outbox(self.log, Append))
        planner = Planner(Stored(self.log), carrier, self._time, CONTRACTS, lambda: self.estate)
        tools = Tools(self.log, Stored(self.log), carrier, self.feed, news, self._time)
        self.replays = Replays(tools, planner, lambda: self.standing)
        if works:
            self._worker = asyncio.create_task(self.replays.run())

    async def close(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
            self._worker = None
        await self.bus.close()
        await self.log.close()

    async def reopen(self) -> None:
        await self.close()
        await self.open()

    async def publish(self, times: Sequence[float], event_type: str = CREATED) -> list[UUID]:
        """Events whose own times lie so many seconds after the morning."""
        drafts = [
            EventDraft(
                event_id=new_id(),
                event_type=event_type,
                payload={"message": f"at {time}"},
                timestamp=to_datetime(MORNING + round(time * MICROSECONDS)),
            )
            for time in times
        ]
        assert all(isinstance(each, Receipt) for each in await self.publisher.publish_batch(drafts))
        return [draft.event_id for draft in drafts]

    async def create(self, filter: str = f"type:{CREATED}", **asked: Any) -> ReplayView:  # noqa: A002 - as it is asked
        return await self.replays.create(ReplayRequest(filter=filter, **asked))

    async def view(self, replay_id: UUID) -> ReplayView:
        found = await self.replays.find(replay_id)
        assert found is not None
        return found

    async def reaches(self, replay_id: UUID, **wanted: object) -> ReplayView:
        """Wait until the replay is so."""

        async def is_so() -> ReplayView | None:
            view = await self.view(replay_id)
            return view if all(getattr(view, name) == value for name, value in wanted.items()) else None

        try:
            found = await self.until(is_so)
        except TimeoutError:
            raise AssertionError(f"it is {await self.view(replay_id)}") from None
        # Readers of the file see a commit a moment before the log's end is known to have moved.
        (end,) = (await self.log.rows("SELECT coalesce(max(seq), 0) FROM events", purpose="a test"))[0]
        await self.log.tail.beyond(end - 1)
        return found

    async def waits(self) -> None:
        """Wait until a replay waits for its next event, and the bus for its next sweep."""
        await self.clock.sleepers(2)

    async def until(self, look: Callable[[], Awaitable[Result | None]]) -> Result:
        """Wait, in real time, until there is an answer."""
        async with asyncio.timeout(PATIENCE):
            while not (found := await look()):
                await asyncio.sleep(0.002)
        return found

    async def waiting(self, queue: str) -> list[Message]:
        """All that waits behind a queue's cursor, in the order in which it will be handed out."""
        statement = f"{tables.WAITING} WHERE d.queue = (SELECT id FROM queues WHERE name = ?) ORDER BY behind_seq, d.id"
        return [Handed.from_row(row).message for row in await self.log.rows(statement, (queue,), purpose="a test")]

    async def ids(self, queue: str) -> list[UUID]:
        return [UUID(message.message_id) for message in await self.waiting(queue)]

    async def said(self) -> list[dict[str, Any]]:
        """What was announced of replays: type and payload."""
        rows = await self.log.rows(
            "SELECT event_type, body FROM stored_events WHERE event_type LIKE 'candystore.replay.%' ORDER BY seq",
            purpose="a test",
        )
        return [{"type": row[0].rpartition(".")[2], **orjson.loads(row[1])["payload"]} for row in rows]
