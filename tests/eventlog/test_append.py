"""What append answers, and in which order events are kept."""

from __future__ import annotations

import asyncio
import threading
from itertools import pairwise
from typing import Any

import pytest

from godtui.eventlog import EventLog, LogUnavailableError, Outcome, PoisonError, Record, Verdict
from tests.eventlog.records import record, records, together, until

SURROGATE = "lone.\ud800"


async def stored(log: EventLog) -> list[tuple[int, bytes]]:
    return [
        (row[0], row[1])
        for row in await log.rows("SELECT seq, event_id FROM stored_events ORDER BY seq", purpose="test")
    ]


def verdicts(outcomes: list[Outcome]) -> list[Verdict]:
    return [outcome.verdict for outcome in outcomes]


async def test_positions_are_dense_and_follow_the_order_given(log: EventLog) -> None:
    batch = records(700)
    outcomes = await log.append(batch)
    assert outcomes == [Outcome(Verdict.STORED, seq) for seq in range(1, 701)]
    assert await stored(log) == [(seq, one.event_id) for seq, one in enumerate(batch, 1)]
    assert log.last_seq == 700


async def test_every_field_comes_back(log: EventLog) -> None:
    cause = record()
    one = Record(cause.event_id, "a.b", "s\x00é", bytes(16), -62135596800000000, b"[1]", b'{"x": 1}', cause.body + b" ")
    await log.append([one])
    kept = await log.event(one.event_id)
    assert kept is not None
    assert kept[2:] == tuple(one)
    assert (await log.after(0))[0] == kept


async def test_nothing_to_append_is_answered_at_once(log: EventLog) -> None:
    assert await log.append([]) == []


async def test_ten_thousand_in_one_append(log: EventLog) -> None:
    outcomes = await log.append(records(10_000))
    assert [outcome.seq for outcome in outcomes] == list(range(1, 10_001))
    assert len(await log.rows("SELECT seq FROM events", purpose="test")) == 10_000


async def test_a_repeat_is_stored_once(log: EventLog) -> None:
    one = record(1)
    assert await log.append([one]) == [Outcome(Verdict.STORED, 1)]
    spaced = one._replace(body=one.body.replace(b'"number": 1', b'"number":1.0'), time=5, source="elsewhere")
    assert await log.append([one, spaced]) == [Outcome(Verdict.ALREADY, 1)] * 2
    assert len(await stored(log)) == 1


async def test_an_id_with_other_content_is_a_conflict(log: EventLog) -> None:
    one = record(1)
    await log.append([one])
    other = record(2, event_id=one.event_id)
    assert await log.append([other, record()]) == [Outcome(Verdict.CONFLICT, 1), Outcome(Verdict.STORED, 2)]
    kept = await log.event(one.event_id)
    assert kept is not None
    assert kept.body == one.body


async def test_repeats_within_a_batch(log: EventLog) -> None:
    one, two = record(1), record(2)
    conflicting = record(3, event_id=one.event_id)
    assert await log.append([one, two, one, conflicting, two]) == [
        Outcome(Verdict.STORED, 1),
        Outcome(Verdict.STORED, 2),
        Outcome(Verdict.ALREADY, 1),
        Outcome(Verdict.CONFLICT, 1),
        Outcome(Verdict.ALREADY, 2),
    ]
    assert [event.event_id for event in await log.after(0)] == [one.event_id, two.event_id]


async def test_a_repeated_batch_with_new_events_between(log: EventLog) -> None:
    batch = records(300)
    await log.append(batch[::2])
    outcomes = await log.append(batch)
    assert verdicts(outcomes) == [Verdict.ALREADY, Verdict.STORED] * 150
    assert [outcome.seq for outcome in outcomes[1::2]] == list(range(151, 301))
    assert sorted(one for _, one in await stored(log)) == sorted(one.event_id for one in batch)


async def test_one_event_appended_by_many_at_once_is_stored_once(log: EventLog) -> None:
    one = record()
    outcomes = await asyncio.gather(*(log.append([one]) for _ in range(50)))
    assert sorted(outcome.verdict.value for [outcome] in outcomes) == ["already"] * 49 + ["stored"]
    assert {outcome.seq for [outcome] in outcomes} == {1}


async def test_content_that_is_no_envelope_is_compared_by_its_bytes(log: EventLog) -> None:
    one = record()._replace(body=b"\xff not json")
    assert verdicts(await log.append([one, one])) == [Verdict.STORED, Verdict.ALREADY]
    assert verdicts(await log.append([one._replace(body=b"[]")])) == [Verdict.CONFLICT]


def _poison(**fields: Any) -> Record:
    return record()._replace(**fields)


POISON = {
    "lone surrogate in the type": _poison(event_type=SURROGATE),
    "lone surrogate in the source": _poison(source=SURROGATE),
    "time beyond 64 bits": _poison(time=1 << 63),
    "time that is no integer": _poison(time="noon"),
    "body that is text": _poison(body="text"),
    "body that is missing": _poison(body=None),
    "body of a type SQLite does not know": _poison(body=object()),
    "id that is short": _poison(event_id=b"short"),
    "id that is text": _poison(event_id="0" * 16),
    "id that is missing": _poison(event_id=None),
    "id that cannot be looked up": _poison(event_id=[]),
    "correlation that is long": _poison(correlation_id=bytes(17)),
    "type that is missing": _poison(event_type=None),
    "not a record": "text",
    "a tuple that is short": (b"", "a.b"),
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
async def test_a_poison_record_fails_alone(log: EventLog, poison: Any) -> None:
    before, after = records(3), records(200)
    results = await together(log, before, [record(), poison, record()], after)
    assert isinstance(results[1], PoisonError)
    assert results[1].positions == (1,)
    assert [one for _, one in await stored(log)] == [one.event_id for one in before + after]
    assert [event.event_id for event in await log.after(0)] == [one.event_id for one in before + after]
    assert log.fault is None


async def test_every_poison_record_of_a_batch_is_named(log: EventLog) -> None:
    batch: list[Any] = [record(), *POISON.values(), record()]
    with pytest.raises(PoisonError) as caught:
        await log.append(batch)
    assert caught.value.positions == tuple(range(1, len(batch) - 1))
    assert await stored(log) == []
    assert verdicts(await log.append([batch[0], batch[-1]])) == [Verdict.STORED] * 2


async def test_a_repeat_beside_poison_is_not_called_poison(log: EventLog) -> None:
    one = record()
    await log.append([one])
    with pytest.raises(PoisonError) as caught:
        await log.append([one, POISON["time beyond 64 bits"], one])
    assert caught.value.positions == (1,)


async def test_a_name_met_in_a_failed_append_is_stored_with_the_next(log: EventLog) -> None:
    with pytest.raises(PoisonError):
        await log.append([record(event_type="new.type", source="new"), POISON["time beyond 64 bits"]])
    await log.append([record(event_type="new.type", source="new")])
    rows = await log.rows("SELECT event_type, source FROM stored_events", purpose="test")
    assert rows == [("new.type", "new")]


async def test_long_names_and_many_names(log: EventLog) -> None:
    batch = [record(event_type=f"{'long' * 5000}.n{number % 3}", source=f"s{number}") for number in range(300)]
    await log.append(batch)
    rows = await log.rows("SELECT event_type, source FROM stored_events ORDER BY seq", purpose="test")
    assert rows == [(one.event_type, one.source) for one in batch]
    assert await log.rows("SELECT count(*) FROM types", purpose="test") == [(3,)]


async def test_a_waiter_that_went_away_is_stored_all_the_same(log: EventLog) -> None:
    one = record()
    task = asyncio.ensure_future(log.append([one]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await log.append([record()])
    assert await log.event(one.event_id) is not None


async def test_a_loop_that_closed_before_its_answer(log: EventLog) -> None:
    release = threading.Event()
    holding = asyncio.ensure_future(log.submit(lambda _: release.wait(30)))
    one = record()

    def abandon() -> None:
        loop = asyncio.new_event_loop()
        following = loop.create_task(log.tail.beyond(1_000_000))
        appending = loop.create_task(log.append([one]))
        loop.run_until_complete(asyncio.sleep(0))
        for task in (following, appending):
            task.cancel()
        loop.run_until_complete(asyncio.gather(following, appending, return_exceptions=True))
        loop.close()

    await asyncio.to_thread(abandon)
    release.set()
    assert await holding
    await log.append([record()])
    assert await log.event(one.event_id) is not None
    assert log.tail.waiting_loops() == []


async def test_many_loops_and_threads_at_once(log: EventLog) -> None:
    taken: list[list[int]] = []

    async def publish() -> list[int]:
        return [(await log.append([record(number)]))[0].seq for number in range(60)]

    def own_loop() -> None:
        taken.append(asyncio.run(publish()))

    threads = [threading.Thread(target=own_loop) for _ in range(6)]
    for thread in threads:
        thread.start()
    taken.append(await publish())
    await until(lambda: not any(thread.is_alive() for thread in threads))
    assert sorted(seq for one in taken for seq in one) == list(range(1, 7 * 60 + 1))
    assert all(earlier < later for one in taken for earlier, later in pairwise(one))


async def test_order_of_handing_over_is_order_of_commit(log: EventLog) -> None:
    batches = [records(number % 5 + 1) for number in range(100)]
    outcomes = await asyncio.gather(*(log.append(batch) for batch in batches))
    assert [outcome.seq for batch in outcomes for outcome in batch] == list(range(1, sum(map(len, batches)) + 1))


async def test_a_closed_log_refuses(log: EventLog) -> None:
    waiting = asyncio.ensure_future(log.append([record()]))
    await asyncio.sleep(0)
    await log.close()
    assert verdicts(await waiting) == [Verdict.STORED]
    with pytest.raises(LogUnavailableError, match="closed"):
        await log.append([record()])
    with pytest.raises(LogUnavailableError, match="closed"):
        await log.rows("SELECT 1", purpose="test")
    await log.close()


async def test_a_log_that_was_not_started_refuses_and_closes(tmp_path: Any) -> None:
    log = EventLog(tmp_path)
    with pytest.raises(LogUnavailableError, match="closed"):
        await log.append([record()])
    await log.close()


async def test_what_comes_in_one_turn_of_the_loop_is_answered_in_order_however_large(log: EventLog) -> None:
    large = [one._replace(body=one.body + b" " * 5_000) for one in records(60)]
    outcomes = await asyncio.gather(*(log.append([one]) for one in large))
    assert [outcome.seq for (outcome,) in outcomes] == list(range(1, 61))
    assert [identity for _, identity in await stored(log)] == [one.event_id for one in large]
