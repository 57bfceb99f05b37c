"""Taking deliveries to be decided: from the durable queue, and from the log what the queue does not hold."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from godtui import jsontext
from godtui.backoff import Backoff
from godtui.bloodbank.bus import Bus, QueueSpec, Subscription, SubscriptionClosedError, UnknownQueueError
from godtui.clock import Clock
from godtui.dispatcher import tables
from godtui.dispatcher.delivery import Delivery
from godtui.dispatcher.ledger import Ledger
from godtui.envelope import InvalidEventError
from godtui.eventlog import EventLog, LogUnavailableError

BATCH: Final = 20
"""How many deliveries one commit decides: those who publish wait for that commit, too."""
GIVE_WAY: Final = 15.0
"""How many times as long as it decided it pauses while others publish: deciding can be made up for later."""
PAGE: Final = 200
PAGE_BYTES: Final = 16 * 1024 * 1024
STRETCH: Final = 10_000
"""Positions that one statement looks at: each must end well within a second."""
PAUSES: Final = Backoff(0.25, 5.0)
SURVEY_SECONDS: Final = 60.0
MAX_REASON: Final = 1000

logger = logging.getLogger(__name__)


class Intake:
    """Decides on every delivery once; `count` is how many since the start, `fault` why none is decided now, or None.

    `decided` is told which tickets a commit changed. `history_here` tells whether this log holds what is published.
    """

    def __init__(
        self,
        bus: Bus,
        log: EventLog,
        ledger: Ledger,
        queue: QueueSpec,
        clock: Clock,
        *,
        history_here: Callable[[], bool],
        decided: Callable[[frozenset[str]], None],
    ) -> None:
        self._bus = bus
        self._log = log
        self._ledger = ledger
        self._queue = queue
        self._clock = clock
        self._history_here = history_here
        self._decided = decided
        self._tries = 0
        self.fault: str | None = None
        self.count = 0

    @property
    def remark(self) -> str | None:
        """What an operator should know of where deliveries come from, or None."""
        return None if self._history_here() else "this instance has no history: deliveries come from its queue alone"

    async def consume(self) -> None:
        """Decide what the queue hands out, until cancelled. While the log cannot commit, the queue keeps everything."""
        while True:
            try:
                async with self._bus.subscribe(self._queue, ahead=BATCH) as consumer:
                    while True:
                        await self._step(consumer)
                        self._tries, self.fault = 0, None
            except LogUnavailableError as error:
                self._say(f"deliveries stay in {self._queue.name}: {error}")
            except (SubscriptionClosedError, UnknownQueueError) as error:
                self._say(str(error))
            self._tries += 1
            await self._clock.sleep(PAUSES.pause(self._tries))

    async def survey(self) -> None:
        """Catch up with the log again and again, so that what never reached the queue is decided all the same."""
        while True:
            try:
                await self.catch_up()
                await self._ledger.prune(self._clock.now())
            except LogUnavailableError as error:
                logger.debug("catching up waits for the log: %s", error)
            await self._clock.sleep(SURVEY_SECONDS)

    async def catch_up(self) -> None:
        """Decide every stored delivery beyond the watermark that is not decided yet. Raises LogUnavailableError."""
        if not self._history_here():
            return
        end = self._log.last_seq
        position: int = self._ledger.facts.get("watermark") or 0
        types = await self._log.rows(tables.PLANE_TYPES, purpose="the types of Plane's deliveries")
        listed = jsontext.dumps([row[0] for row in types]).decode()
        while position < end:
            upto = min(position + STRETCH, end)
            undecided = await self._log.rows(
                tables.UNDECIDED, (listed, position, upto), purpose="deliveries not decided yet"
            )
            taken = _page(undecided)
            position = upto if len(taken) == len(undecided) else taken[-1]
            rows = await self._log.rows(
                tables.DELIVERIES, (jsontext.dumps(taken).decode(),), purpose="what deliveries say"
            )
            await self._decide([Delivery.of_row(row) for row in rows], position)

    async def _step(self, consumer: Subscription) -> None:
        """Decide one batch; nothing is acked that is not durable. Raises LogUnavailableError."""
        batch = await consumer.batch(BATCH)
        taken, deliveries = [], []
        for handed in batch.deliveries:
            try:
                deliveries.append(Delivery.of_message(handed.message))
            except InvalidEventError as error:
                handed.dead_letter(f"invalid_envelope: {error}"[:MAX_REASON])
            else:
                taken.append(handed)
        began, before = self._clock.monotonic(), self._log.last_seq
        refused, said = await self._decide(deliveries, None)
        for index, handed in enumerate(taken):
            if index in refused:
                handed.dead_letter(refused[index])
            else:
                handed.ack()
        if self._log.last_seq - before > said:
            await self._clock.sleep(GIVE_WAY * (self._clock.monotonic() - began))

    async def _decide(self, deliveries: Sequence[Delivery], watermark: int | None) -> tuple[Mapping[int, str], int]:
        """Which are refused and why, and how many events were said of the others."""
        decided = await self._ledger.decide(deliveries, watermark)
        self.count += decided.number
        if decided.tickets:
            self._decided(decided.tickets)
        return decided.refused, decided.said

    def _say(self, fault: str) -> None:
        if fault != self.fault:
            logger.warning("%s", fault)
        self.fault = fault


def _page(undecided: Sequence[Sequence[int]]) -> list[int]:
    """The first positions, as many as one commit decides; one at least, where there is one."""
    page: list[int] = []
    size = 0
    for seq, length in undecided:
        size += length
        if page and (len(page) == PAGE or size > PAGE_BYTES):
            break
        page.append(seq)
    return page
