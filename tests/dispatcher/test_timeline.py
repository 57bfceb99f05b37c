"""Episodes: what the points of a ticket say, in whatever order they arrive."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from godtui import jsontext
from godtui.dispatcher.timeline import MAX_POINTS, MAX_RETURNS, Standing, Timeline

SECOND = 1_000_000
REARM = 5 * SECOND
rearms = st.integers(0, 12)
points = st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=30)


class Settled(NamedTuple):
    """A dispatch of the episode whose newest ready point is the one of that rank, counted from the newest."""

    rank: int


def timeline(*seen: tuple[int, bool]) -> Timeline:
    made = Timeline()
    for at, ready in seen:
        made = made.seen(at, ready)
    return made


def expected(told: dict[int, bool], covered: int | None, rearm: int) -> Standing:
    """What must come out, from all points in order of time."""
    later = sorted((at, ready) for at, ready in told.items() if covered is None or at > covered)
    walk = later if covered is None else [(covered, True), *later]
    since, absent, fresh = covered, None, covered is None
    for at, ready in walk:
        if not ready:
            absent = at if absent is None and since is not None else absent
            continue
        if since is None or (absent is not None and at - absent >= rearm):
            since, fresh = at, covered is None or since is not None
        absent = None
    ready = bool(walk) and walk[-1][1]
    return Standing(ready, ready and fresh, since if ready else None, walk[-1][0] if walk else None)


def test_nothing_is_known_of_a_ticket_never_seen() -> None:
    assert Timeline().standing(REARM) == Standing(False, False, None, None)


def test_the_first_ready_point_begins_an_episode_and_more_of_them_only_prolong_it() -> None:
    seen = timeline((1, False), (3, True), (9, True))
    assert seen.standing(REARM) == Standing(True, True, 3, 9)
    assert seen.seen(20, False).standing(REARM) == Standing(False, False, None, 20)


def test_a_dispatched_episode_is_not_fresh_again_until_the_ticket_was_away_for_long_enough() -> None:
    seen = timeline((10 * SECOND, True)).settle(10 * SECOND)
    assert seen.standing(REARM) == Standing(True, False, 10 * SECOND, 10 * SECOND)
    away = seen.seen(20 * SECOND, False)
    assert away.seen(25 * SECOND - 1, True).standing(REARM).fresh is False
    assert away.seen(25 * SECOND, True).standing(REARM) == Standing(True, True, 25 * SECOND, 25 * SECOND)


def test_an_absence_counts_from_its_first_point_to_the_next_ready_one() -> None:
    seen = timeline((10, True)).settle(10).seen(20, False).seen(30, False).seen(40, True)
    assert seen.standing(20).fresh
    assert not seen.standing(21).fresh


def test_with_no_rearm_time_any_absence_ends_an_episode() -> None:
    assert timeline((1, True)).settle(1).seen(2, False).seen(3, True).standing(0).fresh
    assert not timeline((1, True)).settle(1).seen(3, True).standing(0).fresh


def test_what_arrives_late_of_a_covered_time_changes_nothing() -> None:
    seen = timeline((10 * SECOND, True)).settle(10 * SECOND)
    assert seen.seen(3 * SECOND, False).seen(10 * SECOND, False) == seen


def test_a_late_absence_between_two_ready_points_parts_their_episodes() -> None:
    seen = timeline((10, True)).settle(10).seen(50, True)
    assert not seen.standing(20).fresh
    assert seen.seen(30, False).standing(20) == Standing(True, True, 50, 50)
    assert not seen.seen(31, False).standing(20).fresh


def test_the_later_word_on_a_time_wins() -> None:
    assert timeline((5, True), (5, False)) == timeline((5, False))
    assert timeline((5, False), (5, True)).standing(0) == Standing(True, True, 5, 5)


def test_what_was_seen_while_a_dispatch_was_under_way_counts_after_it() -> None:
    seen = timeline((10, True), (20, False), (90, True)).settle(10)
    assert seen.standing(50) == Standing(True, True, 90, 90)
    assert seen.settle(90).standing(50) == Standing(True, False, 90, 90)


def test_an_earlier_dispatch_uncovers_nothing() -> None:
    seen = timeline((10, True), (90, True)).settle(90)
    assert seen.settle(10) == seen


@given(st.permutations(range(40)), st.lists(st.booleans(), min_size=40, max_size=40), rearms)
def test_the_order_of_arrival_changes_nothing(order: list[int], ready: list[bool], rearm: int) -> None:
    arrived = timeline(*((at, ready[at]) for at in order))
    assert arrived == timeline(*enumerate(ready))
    assert arrived.standing(rearm) == expected(dict(enumerate(ready)), None, rearm)


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()) | st.builds(Settled, st.integers(0, 3))), rearms)
@example([(5, True), (9, False), Settled(0), (11, True)], 2)
def test_arrivals_and_dispatches_in_any_order_agree_with_the_model(
    steps: list[tuple[int, bool] | Settled], rearm: int
) -> None:
    seen, told, covered = Timeline(), dict[int, bool](), None
    for step in steps:
        if isinstance(step, Settled):
            ready = sorted((at for at, is_ready in told.items() if is_ready), reverse=True)[step.rank :]
            if ready:
                seen, covered = seen.settle(ready[0]), max(ready[0], covered or 0)
        else:
            at, is_ready = step
            seen = seen.seen(at, is_ready)
            if covered is None or at > covered:
                told[at] = is_ready
        assert seen.standing(rearm) == expected(told, covered, rearm)
        assert all(earlier[0] < later[0] for earlier, later in pairwise(seen.points))


arrivals = st.lists(st.tuples(st.integers(0, 400), st.booleans()), min_size=MAX_POINTS, max_size=200)


@given(st.integers(0, 2**32), st.sampled_from([0, 5, 400]), st.integers(0, 99), st.integers(2, 12))
@settings(max_examples=300)
def test_of_a_long_past_enough_is_remembered(seed: int, disorder: int, share: int, rearm: int) -> None:
    """200 points, more or less in order, of which an early or a late one is dispatched somewhere among them."""
    chance = Random(seed)
    settled, often = chance.choice([60, 120, 180, 250]), chance.choice([0.6, 0.9, 0.97])
    steps = [(chance.randrange(400), chance.random() < often) for _ in range(200)]
    seen, told, horizon, covered = Timeline(), dict[int, bool](), -1, None
    for count, (at, ready) in enumerate(sorted(steps, key=lambda step: step[0] + chance.randint(0, disorder))):
        seen = seen.seen(at, ready)
        if at > horizon:
            told[at] = ready
            kept = sorted(one for one in told if one > horizon)
            horizon = kept[0] if len(kept) > MAX_POINTS else horizon
        if count == settled and (ready_ones := sorted(one for one, is_ready in told.items() if is_ready)):
            covered = ready_ones[len(ready_ones) * share // 100]
            seen, horizon = seen.settle(covered), max(horizon, covered)
            told = {one: is_ready for one, is_ready in told.items() if one > covered}
        assert len(seen.points) <= MAX_POINTS
        if count % 10 == 9:
            assert seen.standing(rearm) == expected(told, covered, rearm)


def test_of_returns_only_those_are_kept_that_no_later_one_outlasts() -> None:
    seen = timeline((0, True))
    for at in range(10, 2_000, 10):
        seen = seen.seen(at, False).seen(at + 3, True)
    assert seen.past is not None
    assert [one.absence for one in seen.past.returns] == [3]


def test_a_hostile_past_stays_small() -> None:
    seen, at = timeline((0, True)).settle(0), 0
    for absence in range(2_000, 0, -1):
        seen = seen.seen(at + 1, False).seen(at + 1 + absence, True)
        at += 1 + absence
    assert seen.past is not None
    assert (len(seen.points), len(seen.past.returns)) == (MAX_POINTS, MAX_RETURNS)
    assert seen.standing(2_000) == Standing(True, True, 2_001, at)
    assert not seen.standing(2_001).fresh


@pytest.mark.parametrize("covered", [None, 3, 150])
@given(arrivals)
def test_a_timeline_is_kept_as_json(covered: int | None, steps: list[tuple[int, bool]]) -> None:
    seen = timeline(*steps)
    seen = seen if covered is None else seen.settle(covered)
    assert Timeline.from_document(jsontext.parse(jsontext.dumps(seen.document()))) == seen
