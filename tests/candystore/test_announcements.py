"""What is stored is announced: once, at most once a second, and never because of an announcement."""

from __future__ import annotations

import asyncio
import errno
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from godtui.bloodbank import tables
from godtui.bloodbank.errors import NotConfirmedError, TooLargeError
from godtui.bloodbank.outbox import Append, Outbox
from godtui.bloodbank.publisher import Publisher
from godtui.bloodbank.receipt import Receipt
from godtui.candystore import announcer
from godtui.candystore.announcer import EVENT_TYPE, MAX_LISTED, Announcer
from godtui.envelope import EventDraft, new_id
from godtui.eventlog import EventLog, LogUnavailableError, Record
from godtui.eventlog.database import open_database
from godtui.holyfields import Contracts, Registry
from tests.bloodbank.faulty import Fault, FaultyLog
from tests.clock import ManualClock
from tests.eventlog.records import record, records, until

SCHEMAS = Path(__file__).parents[2] / "schemas"

Publish = Callable[[EventDraft], Awaitable[Receipt]]


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return Contracts(Registry.load(SCHEMAS))


@pytest.fixture
def publish(log: EventLog, clock: ManualClock, contracts: Contracts) -> Publish:
    """Publishing as the engine does it, through the announcements' own contract."""
    return through(Outbox(log, Append), contracts, clock)


def through(outbox: Outbox, contracts: Contracts, clock: ManualClock) -> Publish:
    return Publisher(announcer.announcements(outbox), contracts, clock=clock).publish


@asynccontextmanager
async def announcing(log: EventLog, publish: Publish, clock: ManualClock) -> AsyncIterator[None]:
    """An announcer that runs within the block."""
    task = asyncio.create_task(Announcer(log, publish, clock).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def announcements(log: EventLog) -> list[dict[str, Any]]:
    """The payloads of all stored announcements."""
    found = [event for event in await log.after(0, 100_000) if event.event_type == EVENT_TYPE]
    return [event.envelope().payload for event in found]


async def pause(clock: ManualClock) -> None:
    """Let the announcer finish what it does until it waits for time, and let that time pass."""
    await clock.sleepers()
    clock.advance(1)


async def settled(log: EventLog) -> None:
    """Wait until the announcer waits for the log to grow."""
    await until(lambda: asyncio.get_running_loop() in log.tail.waiting_loops())


async def test_a_burst_is_one_announcement_and_then_there_is_silence(
    log: EventLog, publish: Publish, clock: ManualClock
) -> None:
    burst = records(7)
    await log.append(burst)
    async with announcing(log, publish, clock):
        await pause(clock)
        await settled(log)
        for _ in range(5):
            clock.advance(1)
            await asyncio.sleep(0)
        assert log.last_seq == 8, "seven events and one announcement"
    (said,) = await announcements(log)
    assert (said["count"], said["first_seq"], said["last_seq"]) == (7, 1, 7)
    assert [one["seq"] for one in said["events"]] == list(range(1, 8))
    assert {one["event_type"] for one in said["events"]} == {"test.event.created"}


async def test_an_announcement_begins_a_chain_of_its_own(log: EventLog, publish: Publish, clock: ManualClock) -> None:
    await log.append([record(correlation_id=new_id().bytes)])
    async with announcing(log, publish, clock):
        await clock.sleepers()
    last = (await log.after(1))[0]
    assert last.correlation_id == last.event_id
    assert last.source == "candystore"


async def test_at_most_one_a_second(log: EventLog, publish: Publish, clock: ManualClock) -> None:
    async with announcing(log, publish, clock):
        await settled(log)
        await log.append(records(3))
        await clock.sleepers()
        for _ in range(4):
            await log.append(records(2))
        clock.advance(0.9)
        assert clock.sleeping == 1, "the second is not over"
        assert len(await announcements(log)) == 1
        clock.advance(0.1)
        await clock.sleepers()
    assert [said["count"] for said in await announcements(log)] == [3, 8]


async def test_the_count_is_exact_where_not_all_are_listed(
    log: EventLog, publish: Publish, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer, "COUNTED_ROWS", 700)
    await log.append(records(1500))
    await publish(EventDraft(event_type=EVENT_TYPE, payload=_foreign(9)))
    await log.append(records(1900))
    async with announcing(log, publish, clock):
        await clock.sleepers()
    said = (await announcements(log))[-1]
    assert (said["count"], said["first_seq"], said["last_seq"]) == (1491 + 1900, 10, 3401)
    assert [one["seq"] for one in said["events"]] == list(range(10, 10 + MAX_LISTED))


def _foreign(last_seq: Any) -> dict[str, Any]:
    return {"count": 1, "first_seq": 1, "last_seq": last_seq, "events": []}


async def test_a_later_run_goes_on_where_the_last_one_ended(
    log: EventLog, publish: Publish, clock: ManualClock
) -> None:
    await log.append(records(3))
    async with announcing(log, publish, clock):
        await clock.sleepers()
    await log.append(records(2))
    async with announcing(log, publish, clock):
        await clock.sleepers()
    async with announcing(log, publish, clock):
        await settled(log)
    assert [(said["first_seq"], said["last_seq"]) for said in await announcements(log)] == [(1, 3), (5, 6)]


async def test_an_end_between_storing_and_being_told_repeats_nothing(
    log: EventLog, publish: Publish, clock: ManualClock
) -> None:
    told = asyncio.Event()

    async def dies_on_the_answer(draft: EventDraft) -> Receipt:
        await publish(draft)
        told.set()
        return await asyncio.Future[Receipt]()

    await log.append(records(3))
    async with announcing(log, dies_on_the_answer, clock):
        await asyncio.wait_for(told.wait(), 30)
    await log.append(records(1))
    async with announcing(log, publish, clock):
        await clock.sleepers()
    assert [said["count"] for said in await announcements(log)] == [3, 1]


@pytest.mark.parametrize("last_seq", [10**15, -5, "x", None, 2.5, [], {}], ids=repr)
async def test_what_strangers_announce_stops_nothing(
    log: EventLog, publish: Publish, clock: ManualClock, last_seq: Any
) -> None:
    body = json.dumps({"payload": {"last_seq": last_seq}}).encode()
    await log.append([record()._replace(event_type=EVENT_TYPE, body=body)])
    async with announcing(log, publish, clock):
        await settled(log)
        await log.append(records(1))
        await clock.sleepers()
        assert log.last_seq == 3


@pytest.mark.parametrize("last_seq", [10**15, 6, "x"], ids=repr)
async def test_what_strangers_announce_hides_no_event(
    log: EventLog, publish: Publish, clock: ManualClock, last_seq: Any
) -> None:
    await log.append(records(2))
    async with announcing(log, publish, clock):
        await clock.sleepers()
    await log.append(records(2))
    body = json.dumps({"payload": {"last_seq": last_seq}}).encode()
    await log.append([record()._replace(event_type=EVENT_TYPE, body=body)])
    async with announcing(log, publish, clock):
        await clock.sleepers()
    found = [event.envelope().payload for event in await log.after(6)]
    assert [(said["count"], said["first_seq"], said["last_seq"]) for said in found] == [(2, 4, 5)]


async def test_a_log_that_was_never_opened_is_waited_for(
    log: EventLog, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await log.append(records(2))
    await log.close()
    shut = True

    def open_or_not(*arguments: Any) -> sqlite3.Connection:
        if shut:
            raise OSError(errno.ENOSPC, "No space left on device", "events.sqlite-shm")
        return open_database(*arguments)

    monkeypatch.setattr("godtui.eventlog.log.open_database", open_or_not)
    later = EventLog(tmp_path, rooms=(tables.MIGRATIONS,), clock=clock)
    later.start()
    drafts: list[EventDraft] = []

    async def keep(draft: EventDraft) -> Receipt:
        drafts.append(draft)
        raise TooLargeError(draft.event_id, 2, 1)

    async with announcing(later, keep, clock):
        await settled(later)
        shut = False
        await clock.sleepers()
    await later.close()
    assert [draft.payload["count"] for draft in drafts] == [2]


async def relay(log: EventLog) -> list[Record]:
    """Take everything out of the outbox, as a relay does, and keep it from the log, as a broker may."""
    statement = "DELETE FROM outbox RETURNING event_id, body"
    rows = await log.submit(lambda transaction: transaction.execute(statement).fetchall())
    return [record(event_id=row[0], event_type=EVENT_TYPE)._replace(body=row[1]) for row in rows]


async def test_what_waits_in_the_outbox_or_on_a_broker_is_not_announced_again(
    log: EventLog, contracts: Contracts, clock: ManualClock
) -> None:
    outbox = Outbox(log)
    publish = through(outbox, contracts, clock)
    await log.append(records(3))
    async with announcing(log, publish, clock):
        await clock.sleepers()
    async with announcing(log, publish, clock):
        await settled(log)
    assert (await outbox.waiting()).number == 1
    on_the_broker = await relay(log)
    await log.append(records(2))
    async with announcing(log, publish, clock):
        await clock.sleepers()
    assert (await outbox.waiting()).number == 1
    await log.append(on_the_broker + await relay(log))
    async with announcing(log, publish, clock):
        await settled(log)
    assert [(said["first_seq"], said["last_seq"]) for said in await announcements(log)] == [(1, 3), (4, 5)]


async def test_an_announcement_that_was_not_kept_is_made_again(
    contracts: Contracts, clock: ManualClock, tmp_path: Path
) -> None:
    log = FaultyLog(tmp_path, clock)
    log.start()
    publish = through(Outbox(log), contracts, clock)
    await log.append(records(3))
    for fault in Fault:
        log.faults.append(("_Together", fault))
        async with announcing(log, publish, clock):
            await clock.sleepers()
    async with announcing(log, publish, clock):
        await settled(log)
    await log.append(await relay(log))
    assert [said["last_seq"] for said in await announcements(log)] == [3]
    assert not log.faults
    await log.close()


async def test_a_failing_publish_is_repeated_under_one_id(log: EventLog, publish: Publish, clock: ManualClock) -> None:
    ids = []

    async def failing(draft: EventDraft) -> Receipt:
        ids.append(draft.event_id)
        receipt = await publish(draft)
        if len(ids) < 4:
            raise NotConfirmedError(draft.event_id, "the answer was lost")
        return receipt

    await log.append(records(2))
    async with announcing(log, failing, clock):
        for _ in range(4):
            await pause(clock)
        await settled(log)
    assert len(ids) == 4
    assert len(set(ids)) == 1
    assert len(await announcements(log)) == 1


async def test_a_refused_announcement_is_not_repeated(log: EventLog, clock: ManualClock) -> None:
    drafts = []

    async def refusing(draft: EventDraft) -> Receipt:
        drafts.append(draft)
        raise TooLargeError(draft.event_id, 2, 1)

    await log.append(records(2))
    async with announcing(log, refusing, clock):
        await pause(clock)
        await settled(log)
        await log.append(records(1))
        await clock.sleepers()
    assert [draft.payload["count"] for draft in drafts] == [2, 1]


async def test_the_longest_list_is_under_the_size_limit(log: EventLog, publish: Publish, clock: ManualClock) -> None:
    await log.append(records(MAX_LISTED, event_type="a." + "b" * 253))
    async with announcing(log, publish, clock):
        await clock.sleepers()
    assert len((await announcements(log))[0]["events"]) == MAX_LISTED


async def test_a_log_that_cannot_be_read_is_waited_for(
    log: EventLog, publish: Publish, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.append(records(2))
    readable = EventLog.rows
    failures = iter([True, False])

    async def rows(self: EventLog, *arguments: Any, **options: Any) -> Any:
        if next(failures, False):
            raise LogUnavailableError("not now")
        return await readable(self, *arguments, **options)

    monkeypatch.setattr(EventLog, "rows", rows)
    async with announcing(log, publish, clock):
        await pause(clock)
        await clock.sleepers()
    assert len(await announcements(log)) == 1
