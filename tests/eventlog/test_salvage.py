"""Salvage: all that is not on a broken page, and nothing invented."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from godtui.eventlog import CopyError, DamagedError, Lost, Migrations, Salvage, Saved, readable
from tests.eventlog.conftest import OpenLog
from tests.eventlog.records import record, records
from tests.eventlog.test_damage import PAGE, headless, overwrite, root, wal

COUNT = 2000
ROOM = Migrations(
    "room",
    (
        """
        CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, said TEXT) STRICT;
        CREATE TABLE keyed (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
        """,
    ),
)
Rows = list[tuple[object, ...]]


@pytest.fixture
async def closed(tmp_path: Path, open_log: OpenLog) -> Path:
    """A log of many pages."""
    (tmp_path / "data").mkdir()
    log = open_log(tmp_path / "data", rooms=[ROOM])
    await log.append(records(COUNT // 2, source="one"))
    await log.append(records(COUNT // 2, event_type="test.event.changed", source="two"))

    def fill(transaction: sqlite3.Connection) -> None:
        transaction.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
            " INSERT INTO things SELECT i, printf('thing %0100d', i) FROM n"
        )
        transaction.execute("INSERT INTO keyed SELECT printf('%05d', id), said FROM things")

    await log.submit(fill)  # type: ignore[arg-type]
    await log.close()
    return log.path


def salvaged(path: Path) -> tuple[Saved, Path]:
    target = path.with_name("saved")
    target.write_bytes(b"")
    return Salvage(path, [ROOM]).run(target), target


def rows(path: Path, query: str) -> Rows:
    with closing(sqlite3.connect(path)) as opened:
        found: Rows = opened.execute(query).fetchall()
        return found


def leaf_of(path: Path, body: bytes) -> int:
    """Where the page begins that holds some bytes."""
    return path.read_bytes().index(body) // PAGE * PAGE


def schema(path: Path) -> set[tuple[object, ...]]:
    return set(rows(path, "SELECT type, name, sql FROM sqlite_master"))


async def test_a_sound_log_is_saved_whole(closed: Path, open_log: OpenLog) -> None:
    saved, target = salvaged(closed)
    assert saved == Saved(COUNT, 0, (), {}, 0)
    assert saved.whole
    assert schema(target) == schema(closed)
    for name in ("events", "types", "sources", "things", "keyed", "schema_versions", "sqlite_sequence", "retention"):
        assert rows(target, f"SELECT * FROM {name} ORDER BY 1") == rows(closed, f"SELECT * FROM {name} ORDER BY 1")
    target.replace(closed)
    log = open_log(closed.parent, rooms=[ROOM])
    assert (await log.append([record()]))[0].seq == COUNT + 1


def test_only_what_is_on_the_broken_page_is_lost(closed: Path) -> None:
    before = rows(closed, "SELECT * FROM events")
    page = leaf_of(closed, b'"number": 500}')
    overwrite(closed, page, b"\xff" * PAGE)
    saved, target = salvaged(closed)
    assert len(saved.lost) == 1
    first, last = saved.lost[0]
    assert first <= 501 <= last
    assert saved.lost_events == last - first + 1 < 40
    assert saved.events == COUNT - saved.lost_events
    assert rows(target, "SELECT * FROM events") == [row for row in before if not first <= int(str(row[0])) <= last]
    assert rows(target, "PRAGMA integrity_check") == [("ok",)]


def test_two_broken_pages_with_sound_ones_between(closed: Path) -> None:
    for number in (500, 700):
        overwrite(closed, leaf_of(closed, b'"number": %d}' % number), bytes(PAGE))
    saved, _ = salvaged(closed)
    assert len(saved.lost) == 2
    assert saved.lost[0][1] < 600 < saved.lost[1][0]


def test_the_first_and_the_last_page(closed: Path) -> None:
    overwrite(closed, leaf_of(closed, b'"number": 0}'), b"\xff" * PAGE)
    saved, _ = salvaged(closed)
    assert saved.lost[0][0] == 1
    content = closed.read_bytes()
    overwrite(closed, content.rindex(b'"number": 999}') // PAGE * PAGE, b"\xff" * PAGE)
    saved, target = salvaged(closed)
    assert saved.lost[-1][1] == COUNT
    assert rows(target, "SELECT seq FROM sqlite_sequence WHERE name = 'events'") == [(COUNT,)], (
        "no position comes twice"
    )


@pytest.mark.parametrize("name", ["events_by_id", "events_by_correlation", "events_by_time"])
def test_a_broken_index_costs_nothing(closed: Path, name: str) -> None:
    overwrite(closed, root(closed, name), b"\xff" * PAGE)
    saved, target = salvaged(closed)
    assert saved.whole
    assert saved.events == COUNT
    assert rows(target, "PRAGMA integrity_check") == [("ok",)]


def test_names_that_are_lost_are_read_from_events(closed: Path) -> None:
    before = rows(closed, "SELECT seq, event_type, source FROM stored_events ORDER BY seq")
    for name in ("types", "sources"):
        overwrite(closed, root(closed, name), b"\xff" * PAGE)
    saved, target = salvaged(closed)
    assert saved.renamed == 4
    assert rows(target, "SELECT seq, event_type, source FROM stored_events ORDER BY seq") == before


def test_other_tables_lose_no_more_than_their_pages(closed: Path) -> None:
    overwrite(closed, leaf_of(closed, b"thing %0100d" % 450), b"\xff" * PAGE)
    saved, target = salvaged(closed)
    assert saved.events == COUNT
    assert set(saved.tables) == {"things"}
    kept = rows(target, "SELECT count(*) FROM things")[0][0]
    assert kept == 900 - (saved.tables["things"] or 0)
    assert int(str(kept)) > 800


def test_a_table_by_key_is_read_from_both_ends(closed: Path) -> None:
    content = closed.read_bytes()
    overwrite(closed, content.rindex(b"thing %0100d" % 450) // PAGE * PAGE, b"\xff" * PAGE)
    saved, target = salvaged(closed)
    assert saved.tables == {"keyed": None}
    assert rows(target, "SELECT min(key), max(key) FROM keyed") == [("00001", "00900")]
    assert int(str(rows(target, "SELECT count(*) FROM keyed")[0][0])) > 800


def test_without_a_floor_or_versions(closed: Path) -> None:
    for name in ("retention", "schema_versions"):
        overwrite(closed, root(closed, name), b"\xff" * PAGE)
    saved, target = salvaged(closed)
    assert saved.events == COUNT
    assert set(saved.tables) == {"retention", "schema_versions"}
    assert rows(target, "SELECT floor FROM retention") == [(1,)]
    assert dict(rows(target, "SELECT * FROM schema_versions"))["room"] == 1  # type: ignore[arg-type]


def test_a_broken_branch_is_given_up_in_time(closed: Path) -> None:
    overwrite(closed, root(closed, "events"), b"\xff" * PAGE)
    saved, _ = salvaged(closed)
    assert (saved.events, saved.lost) == (0, ((1, COUNT),))


def cut_short(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 3 // 4 + 100)


@pytest.mark.parametrize("spoil", [headless, cut_short])
def test_what_sqlite_would_not_even_open(closed: Path, spoil: Callable[[Path], None]) -> None:
    spoil(closed)
    before = closed.read_bytes()
    saved, target = salvaged(closed)
    assert saved.events == COUNT if spoil is headless else 0 < saved.events <= COUNT
    assert rows(target, "PRAGMA integrity_check") == [("ok",)]
    assert closed.read_bytes() == before
    assert not list(closed.parent.glob("*.mended*"))


async def test_without_its_header_what_is_in_the_write_ahead_log_counts(tmp_path: Path, open_log: OpenLog) -> None:
    (tmp_path / "running").mkdir()
    (tmp_path / "data").mkdir()
    log = open_log(tmp_path / "running")
    await log.append(records(50))
    path = tmp_path / "data" / "events.sqlite"
    path.write_bytes(log.path.read_bytes())
    wal(path).write_bytes(wal(log.path).read_bytes())
    headless(path)
    saved, _ = salvaged(path)
    assert saved == Saved(50, 0, (), {}, 0)


@pytest.mark.parametrize("content", [b"", b"words" * 5000, bytes(PAGE * 3)])
def test_what_was_never_a_log(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "events.sqlite").write_bytes(content)
    with pytest.raises((CopyError, DamagedError), match="restore a backup"):
        salvaged(tmp_path / "events.sqlite")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["events.sqlite", "saved"]


def test_it_can_be_stopped(closed: Path) -> None:
    salvage = Salvage(closed, [ROOM])
    salvage.stop()
    closed.with_name("saved").touch()
    with pytest.raises(CopyError, match="stopped"):
        salvage.run(closed.with_name("saved"))


def test_events_are_printed_without_changing_anything(closed: Path) -> None:
    expected = rows(closed, "SELECT seq, event_id, event_type, source, body FROM stored_events ORDER BY seq")
    overwrite(closed, root(closed, "types"), b"\xff" * PAGE)
    overwrite(closed, leaf_of(closed, b'"number": 500}'), b"\xff" * PAGE)
    before = closed.read_bytes()
    lost = Lost()
    found = [row for some in readable(closed, lost) for row in some]
    assert len(found) == COUNT - len(lost) < COUNT
    gone = {number for first, last in lost.stretches for number in range(first, last + 1)}
    assert [(row[0], row[2], row[3], row[4], row[9]) for row in found] == [
        row for row in expected if row[0] not in gone
    ]
    assert closed.read_bytes() == before
