"""The ring: what a reader in another thread may rely on."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from godtui.candybar.ring import Ring
from tests.candybar.fakes import event

SAMPLE = event()


def numbered(number: int, body: bytes = b"{}") -> object:
    return SAMPLE._replace(seq=number, body=body)


def fill(ring: Ring, *numbers: int) -> None:
    ring.write([numbered(number) for number in numbers])


def seqs(rows: object, first: int, end: int) -> list[int | None]:
    found = [rows.row(number) for number in range(first, end)]
    return [None if one is None else one.seq for one in found]


def test_rows_keep_their_numbers_while_older_ones_go():
    ring = Ring(capacity=3)
    fill(ring, 10, 11, 12, 13, 14)
    assert (ring.first, ring.end) == (2, 5)
    assert seqs(ring, 0, 6) == [None, None, 12, 13, 14, None]


def test_a_snapshot_outlives_what_the_ring_forgets():
    ring = Ring(capacity=3)
    fill(ring, 10, 11, 12, 13)
    kept = ring.snapshot()
    fill(ring, 14, 15, 16)
    assert (kept.first, kept.end) == (1, 4)
    assert seqs(kept, 0, 5) == [None, 11, 12, 13, None]


def test_a_snapshot_of_nothing_is_empty_and_begins_where_rows_will():
    kept = Ring(capacity=3).snapshot()
    assert (kept.first, kept.end, kept.row(0)) == (0, 0, None)


def test_large_bodies_push_older_rows_out_but_never_the_newest():
    ring = Ring(capacity=100, max_bytes=1000)
    ring.write([numbered(1, b"x" * 400), numbered(2, b"x" * 400), numbered(3, b"x" * 400)])
    assert seqs(ring, ring.first, ring.end) == [2, 3]
    ring.write([numbered(4, b"x" * 5000)])
    assert seqs(ring, ring.first, ring.end) == [4]


@given(st.integers(1, 8), st.lists(st.integers(0, 9), max_size=8))
def test_the_newest_rows_are_there_after_any_writes(capacity, batches):
    ring, written = Ring(capacity), 0
    for batch in batches:
        fill(ring, *range(written, written + batch))
        written += batch
        assert ring.end == written
        assert ring.first == max(0, written - capacity)
        assert seqs(ring, ring.first, ring.end) == list(range(ring.first, ring.end))
        assert seqs(ring.snapshot(), ring.first, ring.end) == list(range(ring.first, ring.end))


def test_a_reader_beside_a_writer_sees_the_row_it_asked_for_or_none():
    ring, total = Ring(capacity=64), 60_000
    writer = threading.Thread(target=lambda: [fill(ring, number) for number in range(total)])
    writer.start()
    checked = 0
    while writer.is_alive() or checked == 0:
        first, end = ring.first, ring.end
        for number in range(first, end):
            found = ring.row(number)
            assert found is None or found.seq == number
            checked += found is not None
        kept = ring.snapshot()
        assert seqs(kept, kept.first, kept.end) == list(range(kept.first, kept.end))
    writer.join()
    assert checked > 0
    assert seqs(ring, ring.first, ring.end) == list(range(total - 64, total))
