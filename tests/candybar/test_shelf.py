"""A stretch of stored events that grows at both ends and stays bounded."""

from __future__ import annotations

from godtui.candybar.shelf import Shelf
from tests.candybar.fakes import event


def events(*numbers: int, size: int = 0) -> list:
    return [event(payload={"text": "x" * size})._replace(seq=number) for number in numbers]


def seqs(shelf: Shelf) -> list:
    return [shelf.row(number).seq for number in range(shelf.first, shelf.end)]


def test_rows_keep_their_numbers_when_either_end_grows():
    shelf = Shelf()
    assert not shelf.add_older(events(9, 8, 7))
    assert shelf.row(1).seq == 8
    assert not shelf.add_newer(events(12, 11, 10))
    assert not shelf.add_older(events(6))
    assert shelf.row(1).seq == 8
    assert seqs(shelf) == [12, 11, 10, 9, 8, 7, 6]
    assert (shelf.newest.seq, shelf.oldest.seq) == (12, 6)
    assert shelf.row(shelf.first - 1) is shelf.row(shelf.end) is None


def test_too_many_rows_make_room_at_the_other_end():
    shelf = Shelf(most_rows=4)
    shelf.add_older(events(9, 8, 7))
    assert shelf.add_older(events(6, 5))
    assert seqs(shelf) == [8, 7, 6, 5]
    assert shelf.row(2).seq == 7
    assert shelf.add_newer(events(10, 9))
    assert seqs(shelf) == [10, 9, 8, 7]
    assert shelf.overflowed


def test_bytes_are_bounded_but_what_was_just_read_stays():
    shelf = Shelf(max_bytes=5_000)
    shelf.add_older(events(9, 8, 7, size=1_000))
    assert shelf.add_older(events(6, 5, size=1_000))
    assert seqs(shelf)[-2:] == [6, 5]
    assert sum(len(shelf.row(number).body) for number in range(shelf.first, shelf.end)) <= 5_000
    shelf.add_newer(events(20, 19, size=9_000))
    assert seqs(shelf) == [20, 19]


def test_nothing_has_no_ends():
    shelf = Shelf()
    assert (shelf.newest, shelf.oldest, shelf.row(0), len(shelf), shelf.mean_bytes) == (None, None, None, 0, 0)
