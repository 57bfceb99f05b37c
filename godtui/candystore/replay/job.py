"""One replay while it runs: what comes next is read, waited for and sent, and how far that is is kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from godtui import filters
from godtui.bloodbank.bus import UnknownQueueError
from godtui.bloodbank.replayed import Marks
from godtui.candystore.replay.carriers import Carried, Carrier, NotNowError
from godtui.candystore.replay.errors import ReplayStateError
from godtui.candystore.replay.feed import ReplayFeed
from godtui.candystore.replay.news import News, What
from godtui.candystore.replay.pacing import LONGEST_SECONDS, Pace, least_wait, wait_between
from godtui.candystore.replay.reading import Stored
from godtui.candystore.replay.records import Advance, Announce, Change, Replay, find
from godtui.candystore.replay.views import BUS, QUEUE, ReplayState, ReplayView
from godtui.clock import Clock
from godtui.envelope import StoredEvent
from godtui.eventlog import EventLog, LogUnavailableError

STEP: Final = 500
"""The most events that are sent at once."""
STEP_BYTES: Final = 8 * 1024 * 1024
TOGETHER_SECONDS: Final = 0.001
"""What is due so soon goes with what is due now: a commit takes longer."""
RETRY_SECONDS: Final = 0.5
LONGEST_SLEEP_SECONDS: Final = 3600.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What replays are played with."""

    log: EventLog
    stored: Stored
    carrier: Carrier
    feed: ReplayFeed
    news: News
    clock: Clock


class Job:
    """An open replay. Whoever changes it holds its `turn`, so that no step is under way meanwhile.

    `waits` says what it waits for, `refusal` what the bus refused; both are empty while all is well.
    """

    def __init__(self, replay: Replay, tools: Tools, on_end: Callable[[Job], None]) -> None:
        self.replay = replay
        self.turn = asyncio.Lock()
        self.waits = self.refusal = ""
        self.share = 1.0
        """Of the wait for the next event: how much is still to come. 0 where it goes at once."""
        self.wanted = filters.parse(replay.filter, now=replay.created_at)
        self._tools = tools
        self._on_end = on_end
        self._marks = Marks(replay.replay_id, replay.target)
        self._queue = queue_of(replay.target)
        self._playing: asyncio.Task[None] | None = None
        self._began_at = tools.clock.monotonic()
        self._began_done = replay.done

    def play(self) -> None:
        """Go on from where it stands, in a task of its own."""
        if (self._playing is None or self._playing.done()) and self.replay.state == "running":
            self._playing = asyncio.create_task(self._play(), name=f"replay {self.replay.replay_id}")

    async def halt(self) -> None:
        """End that task; with the turn held, nothing is cut off in the middle."""
        playing, self._playing = self._playing, None
        if playing is not None:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)

    async def send_now(self, events: Sequence[StoredEvent]) -> None:
        """Send these, in steps. Raises as `send` does."""
        while events and await self.send(events[:STEP]):
            events = events[STEP:]

    async def send(self, events: Sequence[StoredEvent]) -> bool:
        """Send these now, with the turn held; False where the replay stands elsewhere by now.

        Raises NotNowError, UnknownQueueError, LogUnavailableError.
        """
        before = self.replay

        def advancing(through: int, refused: int) -> Advance:
            last = events[through - 1]
            return Advance(before, last.seq, last.time, through - refused, refused)

        try:
            carried = await self._tools.carrier.carry(events, self._marks, self._queue, advancing)
        except (NotNowError, UnknownQueueError, LogUnavailableError):
            await self.reload()
            raise
        if carried is None:
            await self.reload()
            return False
        self.replay = advancing(carried.through, carried.refused).after
        self._note(events, carried)
        return True

    async def reload(self) -> None:
        """Learn from the log how it stands. Raises LogUnavailableError."""
        self.replay = await find(self._tools.log, self.replay.replay_id) or self.replay

    async def end(self, state: ReplayState, what: What, reason: str = "") -> Replay:
        """It is over, in one commit with the news of that. Raises LogUnavailableError, ReplayStateError."""
        tools, now = self._tools, self._tools.clock.now()

        def ended(replay: Replay) -> Replay:
            return replay._replace(state=state, reason=reason, ended_at=now)

        def announce(replay: Replay) -> Announce:
            return tools.news.of(what, replay)

        self.replay = await tools.log.submit(Change(self.replay.replay_id, ended, announce))
        return self.replay

    def view(self) -> ReplayView:
        """As operators see it now."""
        return self.replay.view(waits=self.waits or self.refusal, eta=self._eta())

    def _eta(self) -> float | None:
        """Seconds to its end, None where it does not move or nothing tells."""
        replay, at, last_at = self.replay, self.replay.at, self.replay.last_at
        rest = max(0, replay.total - replay.done)
        if replay.state != "running":
            return None
        if replay.speed is None and replay.rate is not None:
            return rest / replay.rate
        if replay.speed is not None and replay.max_gap is None and at is not None and last_at is not None:
            paced = wait_between(at, last_at, replay.speed, None, rest * least_wait(replay.rate))
            return paced if 0 < paced < LONGEST_SECONDS else None
        done = replay.done - self._began_done
        return rest * (self._tools.clock.monotonic() - self._began_at) / done if done > 0 else None

    async def _play(self) -> None:
        while self.replay.state == "running":
            try:
                await self._play_on()
                continue
            except UnknownQueueError as error:
                if await self._fails(str(error)):
                    return
            except (NotNowError, LogUnavailableError) as error:
                self._wait_for(str(error))
            except Exception as error:
                logger.exception("replay %s is tried again", self.replay.replay_id)
                self._wait_for(f"{type(error).__name__}: {error}")
            await self._tools.clock.sleep(RETRY_SECONDS)
        if not self.replay.is_open:
            self._on_end(self)

    async def _play_on(self) -> None:
        """From where it stands to its end, or until it stands elsewhere."""
        clock, replay = self._tools.clock, self.replay
        self._began_at, self._began_done = clock.monotonic(), replay.done
        pace = Pace(
            clock, speed=replay.speed, rate=replay.rate, max_gap=replay.max_gap, last=replay.at, share=self.share
        )
        async with aclosing(self._tools.stored.pages(self.wanted, replay.position, replay.until_seq + 1)) as steps:
            async for step in steps:
                if not await self._play_page(step.events, pace):
                    return
        await self._over("completed", "completed", self.refusal)

    async def _play_page(self, events: Sequence[StoredEvent], pace: Pace) -> bool:
        """Send these when they are due; False where the replay stands elsewhere by now."""
        start = 0
        while start < len(events):
            await self._until_due(events[start], pace)
            end = start + _due_together(events[start:], pace, self._tools.clock)
            async with self.turn:
                if not await self.send(events[start:end]):
                    return False
            self.waits = ""
            self.share = 1.0
            start = end
        return True

    async def _until_due(self, event: StoredEvent, pace: Pace) -> None:
        clock = self._tools.clock
        try:
            while (ahead := pace.due(event.time) - clock.monotonic()) > 0:
                await clock.sleep(min(ahead, LONGEST_SLEEP_SECONDS))
        except asyncio.CancelledError:
            self.share = pace.left(event.time)
            raise
        # Until it is sent it is due, whatever comes between.
        self.share = 0.0

    async def _fails(self, reason: str) -> bool:
        """It cannot go on; whether that is kept."""
        try:
            await self._over("failed", "failed", reason)
        except LogUnavailableError as error:
            self._wait_for(str(error))
            return False
        return True

    async def _over(self, state: ReplayState, what: What, reason: str = "") -> None:
        async with self.turn:
            try:
                await self.end(state, what, reason)
            except ReplayStateError:
                # A commit of which nobody heard was kept.
                await self.reload()
        self._on_end(self)

    def _note(self, events: Sequence[StoredEvent], carried: Carried) -> None:
        if carried.refused:
            self.refusal = f"{self.replay.skipped:,} left out, as the bus refuses them; the last: {carried.reason}"
            logger.warning("replay %s: %s", self.replay.replay_id, self.refusal)
        if self._queue is None:
            self._tools.feed.offer(self.replay.replay_id, events[: carried.through])

    def _wait_for(self, reason: str) -> None:
        if reason != self.waits:
            logger.warning("replay %s waits: %s", self.replay.replay_id, reason)
        self.waits = reason


def queue_of(target: str) -> str | None:
    """The one queue that a target names, None for the bus."""
    return None if target == BUS else target.removeprefix(QUEUE)


def _due_together(events: Sequence[StoredEvent], pace: Pace, clock: Clock) -> int:
    """How many of the first go now, one at least."""
    horizon = clock.monotonic() + TOGETHER_SECONDS
    number = size = 0
    for event in events[:STEP]:
        if number and (size >= STEP_BYTES or pace.due(event.time) > horizon):
            break
        pace.gone(event.time)
        size += len(event.body)
        number += 1
    return number
