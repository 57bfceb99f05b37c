"""What is exported and imported is the same, but for its place: whatever is in it, wherever it stopped."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godtui import jsontext
from godtui.bloodbank import tables
from godtui.bloodbank.bus import Message
from godtui.bloodbank.judging import judge
from godtui.candystore import importing
from godtui.candystore.importing import Importer, read_line
from godtui.envelope import RESERVED, InvalidEventError, StoredEvent, new_id
from godtui.eventlog import EventLog, LogUnavailableError, Record
from godtui.eventlog.database import open_database
from godtui.holyfields import Contracts, Registry
from tests.clock import MORNING, ManualClock
from tests.eventlog.records import record, records

SCHEMAS = Path(__file__).parents[2] / "schemas"
PLACE = re.compile(rb',"seq":\d+,"stored_at":"[^"]+"(?=,"violations":)')


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return Contracts(Registry.load(SCHEMAS))


@pytest.fixture
def importer(log: EventLog, contracts: Contracts) -> Importer:
    return Importer(log, contracts)


def envelope(**fields: Any) -> dict[str, Any]:
    """An envelope as a stranger may write it."""
    return {
        "event_id": str(new_id()),
        "event_type": "test.event.created",
        "timestamp": "2026-02-12T14:02:11Z",
        "source": {"service": "tests"},
        "payload": {"message": "a"},
        **fields,
    }


def line(**fields: Any) -> bytes:
    return jsontext.dumps(envelope(**fields))


async def exported(log: EventLog) -> list[bytes]:
    return [event.to_json() for event in await log.after(0, 100_000)]


def unplaced(lines: list[bytes]) -> list[bytes]:
    """Lines without what a log makes its own."""
    return [PLACE.sub(b"", one) for one in lines]


# The round trip

_TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["\0", "\u2028", '"', "\\", "\\u0041", "\x7f", '","seq":1,"stored_at":"', *RESERVED]
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**30, max_value=10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(_TEXTS, _VALUES, max_size=4)
_STAMPS = st.sampled_from(
    ["2026-02-12T14:02:11Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-02-12T14:02:11+14:00",
     "2026-02-12t14:02:11.123456789z", "2026-02-12T14:02:11"]
)  # fmt: skip
_FOREIGN = st.dictionaries(st.sampled_from(["agent_context", "correlation_ids", "Z", *RESERVED]) | _TEXTS, _VALUES,
                           max_size=4)  # fmt: skip
_EVENTS = st.builds(
    lambda foreign, **fields: {**foreign, **envelope(**fields)},
    foreign=_FOREIGN,
    event_type=st.sampled_from(["test.event.created", "test.unknown.type", "Odd TYPE", "a", "webhook.plane.x"]),
    timestamp=_STAMPS,
    version=st.sampled_from(["v1", "v99", "1.0.0", None, 2]),
    source=_OBJECTS | st.just({"app": "other"}),
    correlation_id=st.none() | st.uuids().map(str) | st.just("no uuid"),
    payload=_OBJECTS,
)


@given(st.lists(_EVENTS, min_size=1, max_size=6))
def test_a_line_says_again_what_was_stored(contracts: Contracts, events: list[dict[str, Any]]) -> None:
    for seq, event in enumerate(events, 1):
        kept = judge(Message(jsontext.dumps(event), event["event_type"], "m"), contracts.current)
        told = StoredEvent(seq, MORNING, *kept).to_json()
        assert read_line(told, contracts.current) == kept._replace(body=read_line(told, contracts.current).body)
        again = StoredEvent(seq, MORNING, *read_line(told + b"\r\n", contracts.current))
        assert again.to_json() == told
        # What another program has read and written says the same in other bytes.
        spaced = jsontext.dumps(dict(reversed(jsontext.parse(told, max_depth=201).items())))
        other = StoredEvent(seq, MORNING, *read_line(spaced, contracts.current))
        assert jsontext.canonical(jsontext.parse(other.to_json())) == jsontext.canonical(jsontext.parse(told))


async def test_an_export_imported_is_exported_the_same(
    tmp_path: Path, log: EventLog, importer: Importer, contracts: Contracts, clock: ManualClock
) -> None:
    lines = [
        line(),
        line(payload={"message": 7, "big": 10**50, "nul": "\0", "half": 0.5, "one": 1.0, "": [[], {}]}),
        line(seq=1, violations="none", extra={"extra": 1}, agent_context={"seq": 2}),
        line(event_type="Odd", version="1.0.0", correlation_id="7", timestamp="2026-02-12T14:02:11"),
        line(event_type="a\0b"),
        b" " + line(payload={"deep": deep(197)}) + b" \r",
        line(extra=deep(199)),
    ]
    assert (await importer.take(lines)).stored == len(lines)
    first = await exported(log)
    other = await opened(tmp_path / "other", clock)
    clock.advance(1000)
    report = await Importer(other, contracts).take(first)
    assert (report.stored, report.already, report.refused) == (len(lines), 0, [])
    second = await exported(other)
    assert unplaced(second) == unplaced(first)
    assert second != first
    columns = "SELECT event_id, event_type, source, correlation_id, time, violations FROM stored_events"
    assert await other.rows(columns, purpose="test") == await log.rows(columns, purpose="test")
    await other.close()


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels - 1):
        value = [value]
    return value


async def opened(directory: Path, clock: ManualClock) -> EventLog:
    directory.mkdir()
    log = EventLog(directory, rooms=(tables.MIGRATIONS,), clock=clock)
    log.start()
    return log


# What is not taken


async def test_an_import_broken_in_line_5000(log: EventLog, importer: Importer) -> None:
    lines = [line() for _ in range(6000)]
    lines[4999] = lines[4999][:40]
    report = await importer.take(lines)
    assert (report.stored, report.already) == (5999, 0)
    assert [one.index for one in report.refused] == [4999]
    assert report.refused[0].faults[0].message.startswith("not JSON that can be kept: ")
    assert log.last_seq == 5999
    again = await importer.take(lines)
    assert (again.stored, again.already, len(again.refused)) == (0, 5999, 1)
    assert await log.rows("SELECT * FROM imported", purpose="test") == [(1, 5999)]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (b"", ""),
        (b"null", ""),
        (b"[]", ""),
        (b'"seq"', ""),
        (b"{}", "/event_id"),
        (b"\xff\xfe", ""),
        (b'{"event_id":NaN}', ""),
        (line() + line(), ""),
        (line(payload=[]), "/payload"),
        (line(event_id="7"), "/event_id"),
        (line(timestamp="yesterday"), "/timestamp"),
        (line(seq=1, stored_at=1, violations={}), "/violations"),
        (line(seq=1, stored_at=1, violations=[{"path": 1, "message": ""}]), "/violations"),
        (line(seq=1, stored_at=1, violations=[{"path": ""}]), "/violations"),
        (line(seq=1, stored_at=1, violations=[{"path": "", "message": "", "keyword": 1}]), "/violations"),
        (line(payload={"deep": deep(200)}), ""),
        (b"[" * 100_000, ""),
    ],
)
def test_what_is_no_event_is_refused(contracts: Contracts, text: bytes, path: str) -> None:
    with pytest.raises(InvalidEventError) as caught:
        read_line(text, contracts.current)
    assert path in [fault.path for fault in caught.value.faults]


async def test_other_content_under_a_known_id_is_refused(log: EventLog, importer: Importer) -> None:
    known = str(new_id())
    report = await importer.take(
        [line(event_id=known), line(), line(event_id=known, payload={"message": "b"}), line(event_id=known)]
    )
    assert (report.stored, report.already) == (2, 1)
    assert [(one.index, one.faults[0].keyword) for one in report.refused] == [(2, "conflict")]
    assert "seq 1" in report.refused[0].faults[0].message


async def test_what_was_cut_is_not_imported_again(log: EventLog, importer: Importer) -> None:
    await log.append(records(3))
    lines = await exported(log)
    await log.submit(lambda transaction: transaction.cut(3))
    report = await importer.take(lines)
    assert (report.stored, report.already) == (0, 3)


async def test_a_plain_envelope_is_judged_and_kept(contracts: Contracts) -> None:
    kept = read_line(line(payload={"message": 7}, version="v1"), contracts.current)
    faults = StoredEvent(1, 0, *kept).faults()
    assert [(fault.path, fault.keyword) for fault in faults] == [("/payload/message", "type")]
    sound = read_line(line(), contracts.current)
    assert sound.violations is None


async def test_violations_are_kept_as_they_were(contracts: Contracts) -> None:
    told = [{"path": "/x", "message": "by contracts of long ago", "keyword": "never", "more": 1}]
    kept = read_line(line(seq=1, stored_at="2026-02-12T14:02:11.000000Z", violations=told), contracts.current)
    assert jsontext.parse(kept.violations or b"") == told
    naive = line(seq=1, stored_at=None, violations=told, timestamp="2026-02-12T14:02:11")
    assert [one["path"] for one in jsontext.parse(read_line(naive, contracts.current).violations or b"")] == [
        "/x",
        "/timestamp",
    ]


async def test_what_sqlite_cannot_hold_keeps_out_nothing_else(
    log: EventLog, importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = importing.read_line

    def poisoned(text: bytes, registry: Registry) -> Record:
        found = original(text, registry)
        return found._replace(time=1 << 70) if b"poison" in text else found

    monkeypatch.setattr(importing, "read_line", poisoned)
    report = await importer.take([line(), line(payload={"message": "poison"}), line()])
    assert report.stored == 2
    assert [one.index for one in report.refused] == [1]
    assert log.last_seq == 2


async def test_absurd_times_are_kept_and_equal_ones_keep_their_order(log: EventLog, importer: Importer) -> None:
    stamps = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-12T14:02:11Z", "2026-02-12T14:02:11Z"]
    await importer.take([line(timestamp=stamp, payload={"message": str(n)}) for n, stamp in enumerate(stamps)])
    found = await log.after(0)
    assert [event.envelope().payload["message"] for event in found] == ["0", "1", "2", "3"]
    assert len({event.stored_at for event in found}) == 1


async def test_large_lines_go_in_commits_of_their_own(
    log: EventLog, importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "UNIT_BYTES", 1000)
    sizes: list[int] = []
    submit = log.submit

    async def counted(unit: Any) -> Any:
        sizes.append(len(unit.records))
        return await submit(unit)

    monkeypatch.setattr(log, "submit", counted)
    await importer.take([line(payload={"message": "x" * size}) for size in (10, 10, 5000, 10, 700, 10)])
    assert sizes == [2, 1, 1, 1, 1]
    assert log.last_seq == 6


async def test_a_disk_that_fills_in_mid_import(
    tmp_path: Path, clock: ManualClock, contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[sqlite3.Connection] = []

    def watched(*arguments: Any) -> sqlite3.Connection:
        connections.append(open_database(*arguments))
        return connections[-1]

    monkeypatch.setattr("godtui.eventlog.log.open_database", watched)
    log = await opened(tmp_path / "full", clock)
    importer = Importer(log, contracts)
    lines = [line(payload={"message": "x" * 400}) for _ in range(2000)]
    limit: Callable[[int], Awaitable[Any]] = lambda pages: log.submit(  # noqa: E731
        lambda transaction: transaction.execute(f"PRAGMA max_page_count = {pages}").fetchall()
    )
    await limit(200)
    with pytest.raises(LogUnavailableError):
        await importer.take(lines)
    kept = log.last_seq
    assert 0 < kept < 2000
    assert all(log.imported.holds(seq) for seq in range(1, kept + 1))
    await limit(1_000_000)
    report = await importer.take(lines)
    assert (report.stored, report.already, report.refused) == (2000 - kept, kept, [])
    assert await log.rows("SELECT * FROM imported", purpose="test") == [(1, 2000)]
    await log.close()


async def test_imports_beside_publishing_know_their_own(log: EventLog, importer: Importer) -> None:
    await log.append([record()])
    await importer.take([line(), line()])
    await log.append([record()])
    await importer.take([line()])
    assert [seq for seq in range(1, 6) if log.imported.holds(seq)] == [2, 3, 5]
