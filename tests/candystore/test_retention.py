"""Retention: what is too old or too much goes, little by little, never what is needed, and never twice told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from godtui.bloodbank import tables
from godtui.bloodbank.bus import Already, Message, QueueSpec
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.bloodbank.frames import Events, Gap, Welcome
from godtui.bloodbank.outbox import Append, Outbox
from godtui.bloodbank.publisher import Publisher
from godtui.candystore import live
from godtui.candystore.retention import EVENT_TYPE, Cut, Keeper, RetentionWorker, Trim, aging, retention_told
from godtui.candystore.retention.cutting import MAX_EVENTS
from godtui.candystore.retention.worker import CHECK_SECONDS, HELD_SECONDS, TELL_SECONDS
from godtui.envelope import read_envelope
from godtui.eventlog import CutEvent, EventLog, LogUnavailableError, Transaction, Verdict
from godtui.filters import Filter
from godtui.holyfields import Contracts, Registry
from godtui.settings import Retention
from tests.bloodbank.faulty import Fault, FaultyLog
from tests.clock import MORNING, ManualClock
from tests.eventlog.records import PATIENCE, record, records

SCHEMAS = Path(__file__).parents[2] / "schemas"
DAY = 86_400.0
QUEUES = Keeper("queue", tables.LOWEST_NEEDED)


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return Contracts(Registry.load(SCHEMAS))


class Watched:
    """The test's clock as a worker sees it: it is known for how long the worker sleeps, and since when."""

    def __init__(self, clock: ManualClock) -> None:
        self.now = clock.now
        self.monotonic = clock.monotonic
        self.sleeping = asyncio.Event()
        self.due = 0.0
        self._clock = clock

    async def sleep(self, seconds: float) -> None:
        self.due = self.monotonic() + seconds
        self.sleeping.set()
        try:
            await self._clock.sleep(seconds)
        finally:
            self.sleeping.clear()


class Store:
    """A log whose retention works when a test lets it."""

    def __init__(self, log: EventLog, clock: ManualClock, contracts: Contracts) -> None:
        self.log = log
        self.clock = clock
        self.contracts = contracts
        self.watched = Watched(clock)

    def worker(self, keep: str, trims: Sequence[Trim] = ()) -> RetentionWorker:
        publisher = Publisher(retention_told(Outbox(self.log, Append)), self.contracts, clock=self.clock)
        return RetentionWorker(
            self.log, Retention.read(keep), publisher.publish, self.watched, keepers=(QUEUES,), trims=trims
        )

    async def round(self, worker: RetentionWorker) -> None:
        """Let a worker look once, and cut all that it will."""
        async with self.working(worker):
            await self.looked()

    async def looked(self) -> None:
        """Until the worker has nothing to do before it looks again; its pauses pass at once."""
        async with asyncio.timeout(PATIENCE):
            while True:
                await asyncio.sleep(0)
                await self.watched.sleeping.wait()
                pause = self.watched.due - self.clock.monotonic()
                if pause > CHECK_SECONDS / 2:
                    return
                self.clock.advance(pause)

    @asynccontextmanager
    async def working(self, worker: RetentionWorker) -> AsyncIterator[None]:
        task = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def seqs(self) -> list[int]:
        rows = await self.log.rows("SELECT seq FROM events ORDER BY seq", purpose="test")
        return [row[0] for row in rows]

    async def said(self) -> list[dict[str, Any]]:
        """The payloads of all that was told of cuts."""
        found = await self.log.rows("SELECT body FROM stored_events WHERE event_type = ?", (EVENT_TYPE,), purpose="t")
        return [read_envelope(row[0])[0].payload for row in found]


@pytest.fixture
def store(log: EventLog, clock: ManualClock, contracts: Contracts) -> Store:
    return Store(log, clock, contracts)


async def test_what_is_too_old_goes_and_is_told(store: Store) -> None:
    old = records(600)
    await store.log.append(old)
    store.clock.advance(2 * DAY)
    await store.log.append(records(3))
    store.clock.advance(3600)
    worker = store.worker("1d")
    await store.round(worker)
    assert worker.cut == 600
    assert await store.seqs() == [601, 602, 603, 604]
    assert await store.said() == [{"count": 600, "first_seq": 1, "last_seq": 600, "reason": "1d"}]
    assert worker.look().status == "ok"
    assert [outcome.verdict for outcome in await store.log.append(old[:3])] == [Verdict.ALREADY] * 3
    assert (await store.log.cut_at(old[0].event_id) or 0) > MORNING


@pytest.mark.parametrize("keep", ["1d", "1MB", "1d,1MB", "all"])
async def test_an_empty_log_has_nothing_to_cut(store: Store, keep: str) -> None:
    worker = store.worker(keep)
    await store.round(worker)
    assert (worker.cut, await store.said(), await store.seqs()) == (0, [], [])


async def test_everything_may_be_too_old(store: Store) -> None:
    await store.log.append(records(5))
    store.clock.advance(3 * DAY)
    worker = store.worker("1d")
    await store.round(worker)
    assert await store.seqs() == [6], "what is told of it"
    async with aclosing(live.stream(store.log, Filter(), after=2)) as frames:
        assert await anext(frames) == Welcome(6)
        assert await anext(frames) == Gap(3, 5)
        found = await anext(frames)
        assert isinstance(found, Events)
        assert [event.seq for event in found.events] == [6]


async def test_a_size_is_kept_to_while_events_come(store: Store) -> None:
    worker = store.worker("1MB")
    largest = 0
    for _ in range(8):
        await store.log.append(records(500, filler="x" * 500))
        await store.round(worker)
        used = (await store.log.rows("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
                                     purpose="test"))[0][0]  # fmt: skip
        largest = max(largest, used)
    assert worker.cut >= 2000
    assert largest < 2_000_000, "freed pages are used again"
    assert (await store.seqs())[-1] == store.log.last_seq


async def test_a_size_below_one_event_keeps_none_and_ends(store: Store) -> None:
    await store.log.append([record(filler="x" * 3_000_000), record()])
    worker = store.worker("1MB")
    await store.round(worker)
    assert worker.cut == 1 or await store.seqs() == [3]
    assert len(await store.said()) == 1


async def test_what_a_queue_has_yet_to_hand_out_stays(store: Store) -> None:
    bus = EmbeddedBus(store.log, store.clock)
    await bus.start()
    await store.log.append(records(10))
    await bus.declare(QueueSpec("slow", ("#",)))
    await store.log.append(records(10))
    store.clock.advance(2 * DAY)
    worker = store.worker("1d")
    async with store.working(worker):
        await store.looked()
        assert (await store.seqs())[:2] == [11, 12]
        assert worker.look().status == "ok"
        assert worker.look().figures["held_by"] == "queue slow"
        store.clock.advance(HELD_SECONDS)
        await store.looked()
        seen = worker.look()
        assert seen.status == "degraded"
        assert seen.detail.startswith("queue slow has needed the events from 11 on for over a day")
        async with bus.subscribe(QueueSpec("slow", ("#",))) as consumer:
            batch = await consumer.batch(20)
            for each in batch.deliveries[1:]:
                each.ack()
            await consumer.flush()
            store.clock.advance(CHECK_SECONDS)
            await store.looked()
            assert (await store.seqs())[0] == 11, "it is handed out, and not settled"
            batch.deliveries[0].ack()
            await consumer.flush()
            store.clock.advance(CHECK_SECONDS)
            await store.looked()
        assert (await store.seqs())[0] > 20
        assert worker.look().status == "ok"
    await bus.close()


async def test_one_commit_cuts_little(store: Store) -> None:
    await store.log.append(records(2 * MAX_EVENTS))
    step = await store.log.submit(Cut(10**9))
    assert step.number == MAX_EVENTS
    await store.log.append([record(filler="x" * 900_000) for _ in range(6)])
    await store.log.submit(Cut(10**9))
    step = await store.log.submit(Cut(10**9))
    assert step.number == 3
    assert await store.log.submit(Cut(3)) == (0, None)


async def test_what_is_made_of_events_hears_of_each_that_goes(store: Store) -> None:
    gone: list[CutEvent] = []

    def trim(transaction: Transaction, events: Sequence[CutEvent]) -> None:
        assert transaction.execute("SELECT min(seq) FROM events").fetchone()[0] > max(events).seq
        gone.extend(events)

    await store.log.append([record(event_type="a.b"), record(event_type="c.d", source="me"), *records(300)])
    ids = dict(await store.log.rows("SELECT name, id FROM types", purpose="test"))
    store.clock.advance(2 * DAY)
    await store.log.append(records(1))
    await store.round(store.worker("1d", [trim]))
    assert [event.seq for event in sorted(gone)] == list(range(1, 303))
    assert [event.type_id for event in sorted(gone)[:2]] == [ids["a.b"], ids["c.d"]]
    assert {event.stored_at for event in gone} == {MORNING}


async def test_a_trim_that_fails_keeps_everything(store: Store) -> None:
    def fail(transaction: Transaction, events: Sequence[CutEvent]) -> None:
        raise RuntimeError("not now")

    await store.log.append(records(3))
    with pytest.raises(RuntimeError, match="not now"):
        await store.log.submit(Cut(3, trims=(fail,)))
    assert await store.seqs() == [1, 2, 3]
    assert await store.log.rows("SELECT floor, untold_count FROM retention", purpose="test") == [(0, 0)]


async def test_it_is_told_once_an_hour(store: Store) -> None:
    worker = store.worker("1d")
    async with store.working(worker):
        for _ in range(6):
            await store.log.append(records(4))
            store.clock.advance(TELL_SECONDS / 4)
            await store.looked()
        store.clock.advance(DAY)
        await store.looked()
        first = await store.said()
        for _ in range(5):
            store.clock.advance(TELL_SECONDS / 5)
            await store.looked()
        told = await store.said()
    assert sum(one["count"] for one in told) == worker.cut
    assert len(told) - len(first) <= 2
    assert [one["first_seq"] for one in told[1:]] == [one["last_seq"] + 1 for one in told[:-1]]


async def test_cut_ids_are_forgotten_after_30_days(store: Store) -> None:
    old = records(3)
    await store.log.append(old)
    store.clock.advance(2 * DAY)
    worker = store.worker("1d")
    async with store.working(worker):
        await store.looked()
        for _ in range(29):
            store.clock.advance(DAY)
            await store.looked()
        assert {outcome.verdict for outcome in await store.log.append(old)} == {Verdict.ALREADY}
        store.clock.advance(2 * DAY)
        await store.looked()
        assert {outcome.verdict for outcome in await store.log.append(old)} == {Verdict.STORED}


async def test_a_bus_does_not_deliver_again_what_was_cut(store: Store) -> None:
    bus = EmbeddedBus(store.log, store.clock)
    await bus.start()
    message = Message(record().body, "test.event.created", "m")
    await bus.publish([message])
    await store.log.submit(Cut(2))
    await bus.declare(QueueSpec("q", ("#",)))
    assert await bus.publish([message]) == [Already(None)]
    assert (await bus.statistics("q")).ready == 0
    await bus.close()


# The clock


async def test_a_clock_that_jumps_ahead_costs_nothing_for_an_hour(store: Store) -> None:
    await store.log.append(records(5))
    worker = store.worker("30d")
    async with store.working(worker):
        await store.looked()
        store.clock.set_wall(10 * 365 * DAY)
        await store.log.append(records(2))
        store.clock.advance(CHECK_SECONDS)
        await store.looked()
        seen = worker.look()
        assert seen.status == "degraded"
        assert "ahead of what was expected" in seen.detail
    again = store.worker("30d")
    async with store.working(again):
        await store.looked()
        assert again.look().status == "degraded", "a restart is no reason to believe it"
        store.clock.set_wall(-10 * 365 * DAY)
        for _ in range(10):
            store.clock.advance(TELL_SECONDS / 5)
            await store.looked()
        assert again.look().status == "ok"
    assert await store.seqs() == list(range(1, 8))


async def test_a_clock_that_stays_ahead_is_believed_after_an_hour(store: Store) -> None:
    await store.log.append(records(5))
    worker = store.worker("30d")
    async with store.working(worker):
        await store.looked()
        store.clock.set_wall(90 * DAY)
        store.clock.advance(CHECK_SECONDS)
        await store.looked()
        store.clock.advance(TELL_SECONDS)
        await store.looked()
        assert worker.cut == 5


async def test_what_was_dated_ahead_goes_with_what_came_after_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aging, "PAGE_ROWS", 4)
    await store.log.append(records(3))
    store.clock.set_wall(10 * 365 * DAY)
    await store.log.append(records(30))
    store.clock.set_wall(-10 * 365 * DAY)
    await store.log.append(records(3))
    store.clock.advance(2 * DAY)
    await store.log.append(records(3))
    worker = store.worker("1d")
    async with store.working(worker):
        await store.looked()
    assert (await store.seqs())[:3] == [37, 38, 39]


async def test_what_was_dated_long_ago_costs_nothing_that_came_before_it(store: Store) -> None:
    await store.log.append(records(3))
    store.clock.set_wall(-10 * 365 * DAY)
    await store.log.append(records(3))
    store.clock.set_wall(10 * 365 * DAY)
    await store.log.append(records(3))
    await store.round(store.worker("1d"))
    assert await store.seqs() == list(range(1, 10))


# The disk


@pytest.mark.parametrize("fault", Fault)
async def test_a_disk_that_fails_loses_no_count(
    tmp_path: Path, clock: ManualClock, contracts: Contracts, fault: Fault
) -> None:
    log = FaultyLog(tmp_path / "faulty", clock)
    (tmp_path / "faulty").mkdir()
    log.start()
    store = Store(log, clock, contracts)
    await log.append(records(3 * MAX_EVENTS))
    clock.advance(2 * DAY)
    worker = store.worker("1d")
    log.faults.append(("Cut", fault))
    task = asyncio.create_task(worker.run())
    with pytest.raises(LogUnavailableError):
        await asyncio.wait_for(task, PATIENCE)
    await store.round(worker)
    assert await store.said() == [{"count": 3 * MAX_EVENTS, "first_seq": 1, "last_seq": 3 * MAX_EVENTS, "reason": "1d"}]
    await log.close()


async def test_what_is_cut_and_not_told_is_told_after_a_restart(store: Store) -> None:
    await store.log.append(records(4))
    await store.log.submit(Cut(3))
    await store.round(store.worker("all"))
    assert await store.said() == [{"count": 2, "first_seq": 1, "last_seq": 2, "reason": "all"}]
