"""What the list shows while rows come and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from godtui.candybar.figures import DAY
from godtui.candybar.ring import Ring
from godtui.candybar.window import Line, Window
from tests.candybar.fakes import NOON, event

SAMPLE = event()


def window(rows: int = 0, capacity: int = 100) -> Window:
    made = Window(Ring(capacity))
    grow(made, rows)
    return made


def grow(made: Window, rows: int, time: int = NOON) -> None:
    made.ring.write([SAMPLE._replace(seq=made.ring.end + number + 1, time=time) for number in range(rows)])
    made.take()


def rows_of(made: Window, height: int = 5) -> list[int]:
    return [line.row for line in made.lines(height) if not line.is_rule]


def test_the_tail_is_followed():
    made = window(3)
    assert rows_of(made) == [0, 1, 2]
    grow(made, 7)
    assert rows_of(made) == [5, 6, 7, 8, 9]
    assert (made.cursor, made.waiting, made.following) == (9, 0, True)


def test_a_paused_window_does_not_move_and_counts_what_waits():
    made = window(10)
    made.pause(5)
    grow(made, 1204)
    assert rows_of(made) == [5, 6, 7, 8, 9]
    assert made.waiting == 1204
    made.resume()
    assert rows_of(made) == [1209, 1210, 1211, 1212, 1213]
    assert made.waiting == 0


def test_a_paused_reader_keeps_rows_that_the_ring_forgot():
    made = window(10, capacity=10)
    made.pause(5)
    grow(made, 1000)
    assert [made.event(row).seq for row in rows_of(made)] == [6, 7, 8, 9, 10]
    made.move(-9, 5)
    assert made.event(made.cursor).seq == 1


def test_rows_forgotten_before_they_were_shown_are_counted_once():
    made = window(10, capacity=10)
    made.pause(5)
    grow(made, 25)
    assert (made.lost, made.shown) == (0, 10)
    made.resume()
    assert (made.lost, made.shown) == (15, 20)


def test_a_pause_keeps_what_was_on_screen_not_what_came_since():
    made = window(10)
    made.ring.write([SAMPLE] * 7)
    made.pause(5)
    assert (rows_of(made), made.cursor, made.waiting) == ([5, 6, 7, 8, 9], 9, 7)


def test_a_pause_after_everything_shown_is_forgotten_keeps_what_is_there():
    made = window(10, capacity=10)
    made.ring.write([SAMPLE] * 25)
    made.pause(5)
    assert (rows_of(made), made.lost, made.shown) == ([30, 31, 32, 33, 34], 15, 20)


def test_moving_up_leaves_the_tail_without_moving_the_rows():
    made = window(10)
    made.move(-1, 5)
    assert (rows_of(made), made.cursor, made.following) == ([5, 6, 7, 8, 9], 8, False)
    grow(made, 3)
    assert (rows_of(made), made.cursor, made.waiting) == ([5, 6, 7, 8, 9], 8, 3)


def test_moving_down_goes_on_into_what_came_and_returns_to_the_tail():
    made = window(10)
    made.move(-1, 5)
    grow(made, 2)
    made.move(1, 5)
    made.move(1, 5)
    assert (made.cursor, rows_of(made), made.following) == (10, [6, 7, 8, 9, 10], False)
    made.move(1, 5)
    assert (made.cursor, made.following) == (11, True)


def test_a_paused_window_ends_where_it_was_paused():
    made = window(10)
    made.pause(5)
    grow(made, 5)
    made.move(50, 5)
    assert (made.cursor, made.paused) == (9, True)


def test_the_cursor_stays_in_sight_in_pages_and_jumps():
    made = window(50)
    made.move(-4, 5)
    assert rows_of(made) == [45, 46, 47, 48, 49]
    made.move(-4, 5)
    assert rows_of(made) == [41, 42, 43, 44, 45]
    made.go(0, 5)
    assert rows_of(made, 5)[0] == 0
    made.move(5, 5)
    assert made.cursor in rows_of(made)


def test_scrolling_takes_the_cursor_along_only_where_it_must():
    made = window(50)
    made.scroll(-3, 5)
    assert (rows_of(made), made.cursor) == ([42, 43, 44, 45, 46], 46)
    made.scroll(1, 5)
    assert (rows_of(made), made.cursor) == ([43, 44, 45, 46, 47], 46)
    made.scroll(30, 5)
    assert made.following


def test_a_change_of_date_is_a_rule_above_the_row():
    made = window(2)
    grow(made, 2, NOON + DAY)
    lines = [Line(0, True), Line(0, False), Line(1, False), Line(2, True), Line(2, False), Line(3, False)]
    assert made.lines(10) == lines
    assert made.lines(4) == lines[-4:]
    made.move(-1, 4)
    assert made.lines(4) == lines[-4:]


def test_an_empty_window_can_be_steered():
    made = window()
    for act in (lambda: made.move(-1, 5), lambda: made.go(3, 5), lambda: made.scroll(-3, 5), lambda: made.pause(5)):
        act()
        assert made.lines(5) == []
        assert made.event(made.cursor) is None
    grow(made, 2)
    made.resume()
    assert rows_of(made) == [0, 1]


def test_a_window_without_height_draws_nothing():
    made = window(5)
    assert made.lines(0) == []
    made.move(-1, 0)
    assert made.lines(0) == []


ACTS = st.sampled_from(["move", "grow", "go", "scroll", "pause", "resume"])


@given(st.lists(st.tuples(ACTS, st.integers(-40, 40)), max_size=40), st.integers(1, 12))
def test_whatever_the_reader_does(acts, height):
    made = window(0, capacity=30)
    for act, number in acts:
        if act == "grow":
            held = None if made.held is None else [made.event(row) for row in rows_of(made, height)]
            grow(made, abs(number), NOON + (number % 3) * DAY)
            assert held is None or held == [made.event(row) for row in rows_of(made, height)]
        elif act == "pause":
            made.pause(height)
        elif act == "resume":
            made.resume()
        else:
            getattr(made, act)(number, height)
        lines = made.lines(height)
        assert len(lines) <= height
        rows = [line.row for line in lines if not line.is_rule]
        assert rows == list(range(rows[0], rows[0] + len(rows))) if rows else made.rows.end == made.rows.first
        assert all(made.event(row) is not None for row in rows)
        assert not rows or made.cursor in rows
        assert made.shown + made.lost + made.waiting == made.ring.end
