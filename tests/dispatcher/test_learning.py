"""Names that deliveries teach: kept, corrected, bounded, and taken back with the commit that brought them."""

from __future__ import annotations

import pytest

from godtui.dispatcher import learning
from godtui.dispatcher.learning import Learned
from godtui.dispatcher.plane import Taught, taught
from tests.dispatcher.samples import TODO, issue


def test_states_and_labels_of_a_delivery_are_rows_to_be_kept() -> None:
    learned = Learned()
    rows = list(learned.learn(taught(issue())))
    assert ("state", TODO, "Todo", "unstarted") in rows
    assert {row[2] for row in rows if row[0] == "label"} == {"ready", "automation:go", "comp:bloodbank"}
    assert list(learned.learn(taught(issue()))) == [], "what is known is no news"
    again = Learned()
    again.read(rows)
    assert (again.states, again.labels) == (learned.states, learned.labels)


def test_what_is_renamed_is_learned_anew_and_what_is_not_told_stays() -> None:
    learned = Learned()
    list(learned.learn(Taught({"s": ("Todo", "unstarted")}, {"l": "Ready"})))
    assert list(learned.learn(Taught({"s": ("To do", None)}, {"l": "ready!"}))) == [
        ("state", "s", "To do", "unstarted"),
        ("label", "l", "ready!", None),
    ]
    assert list(learned.learn(Taught({"s": (None, "started")}, {}))) == [("state", "s", "To do", "started")]


def test_a_layer_is_kept_only_when_it_is_taken() -> None:
    learned = Learned()
    list(learned.learn(Taught({"s": ("Todo", "unstarted")}, {})))
    lost, kept = learned.layer(), learned.layer()
    list(lost.learn(Taught({"s": ("Lost", None)}, {"l": "lost"})))
    list(kept.learn(Taught({"s": ("Kept", None)}, {"l": "kept"})))
    assert lost.states["s"] == ("Lost", "unstarted")
    assert learned.states["s"] == ("Todo", "unstarted")
    learned.take(kept)
    assert (learned.states, learned.labels) == ({"s": ("Kept", "unstarted")}, {"l": "kept"})


def test_no_more_is_learned_than_there_is_room_for_but_what_is_known_may_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learning, "MOST_NAMES", 3)
    learned = Learned()
    layer = learned.layer()
    assert len(list(layer.learn(Taught({}, {str(number): "x" for number in range(5)})))) == 3
    learned.take(layer)
    layer = learned.layer()
    assert list(layer.learn(Taught({"s": ("Todo", None)}, {"0": "y", "9": "z"}))) == [("label", "0", "y", None)]
