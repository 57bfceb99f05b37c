"""What was confirmed and has yet to come out of the queue is bounded, and told apart from what did."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from godtui.bloodbank.rabbitmq.outstanding import MESSAGE_BYTES, PATIENT_LOOKS, Outstanding
from tests.contract.messages import event, events


def look(outstanding: Outstanding, *, is_empty: bool = False) -> set[str]:
    found = outstanding.look(0, is_empty=is_empty, following=True)
    return set(found.pending) if found else set()


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), max_size=40),
)
def test_what_comes_out_in_order_is_never_missing(steps: list[tuple[int, int, bool]]) -> None:
    """A queue gives out in order what was put into it: however slow, nothing is said to be missing."""
    outstanding = Outstanding(0)
    queue = []
    for sent, out, looked in steps:
        for message in events(sent):
            outstanding.sent(message)
            queue.append(message.message_id)
        for identity in queue[:out]:
            outstanding.decided(identity)
        del queue[:out]
        if looked:
            assert look(outstanding, is_empty=not queue) == set()
    assert len(outstanding) == len(queue)


@given(st.lists(st.lists(st.booleans(), max_size=4), min_size=1, max_size=12))
def test_all_that_never_came_is_found_once_everything_else_did(looks: list[list[bool]]) -> None:
    outstanding = Outstanding(0)
    lost, found = set(), set()
    for stretch in looks:
        for arrives in stretch:
            message = event()
            outstanding.sent(message)
            if arrives:
                outstanding.decided(message.message_id)
            else:
                lost.add(message.message_id)
        found |= look(outstanding)
    for _ in range(2 * PATIENT_LOOKS):
        found |= look(outstanding, is_empty=True)
    assert found == lost
    assert len(outstanding) == 0


def test_what_was_refused_is_not_missing() -> None:
    outstanding = Outstanding(0)
    message = event()
    outstanding.sent(message)
    outstanding.unconfirmed(message.message_id)
    assert [look(outstanding, is_empty=True) for _ in range(9)] == [set()] * 9


def test_as_much_is_kept_as_has_room() -> None:
    outstanding = Outstanding(0, most_bytes=20 * MESSAGE_BYTES)
    for number in range(100):
        message = event()
        for _ in range(3):  # a repeat takes no room
            outstanding.sent(message)
        if number % 5 == 4:
            look(outstanding)
            assert len(outstanding) <= 20
    assert len(outstanding.everything(0).pending) > 10
    assert len(outstanding) == 0


def test_what_came_out_elsewhere_is_not_missing() -> None:
    outstanding = Outstanding(0)
    for message in events(5):
        outstanding.sent(message)
    outstanding.look(0, is_empty=True, following=False)
    assert [look(outstanding, is_empty=True) for _ in range(9)] == [set()] * 9
    outstanding.sent(message := event())
    found = [look(outstanding, is_empty=True) for _ in range(9)]
    assert {message.message_id} in found
