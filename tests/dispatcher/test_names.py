"""Names behind ids: the registry's before what deliveries taught."""

from __future__ import annotations

from types import SimpleNamespace
from typing import NamedTuple

from godtui.dispatcher.names import Names, Project
from godtui.dispatcher.ticket import State


class PlaneState(NamedTuple):
    name: str | None = None
    group: str | None = None


def test_the_registry_goes_before_what_was_learned() -> None:
    infra = SimpleNamespace(identifier="INFRA", url=None)
    projects: dict[str, Project] = {"p-1": infra}
    estate = SimpleNamespace(
        projects=projects, states={"s-1": PlaneState("Todo", "unstarted")}, labels={"l-1": "ready"}
    )
    names = Names.of(estate, {"s-1": ("Old", "backlog"), "s-2": ("Doing", None)}, {"l-1": "old", "l-2": "go"})
    assert names.state("S-1") == State("S-1", "Todo", "unstarted")
    assert names.state("s-2") == State("s-2", "Doing", None)
    assert (names.label("L-1"), names.label("l-2")) == ("ready", "go")
    assert names.project("P-1") is infra
    assert (names.state("s-3"), names.label("l-3"), names.project("p-3")) == (None, None, None)


def test_what_the_registry_leaves_open_deliveries_may_have_taught() -> None:
    names = Names(states={"s": PlaneState("Todo"), "none": PlaneState()}, learned_states={"s": ("Old", "unstarted")})
    assert names.state("s") == State("s", "Todo", "unstarted")
    assert names.state("none") is None


def test_what_is_learned_later_is_known_at_once() -> None:
    learned: dict[str, str] = {}
    names = Names(learned_labels=learned)
    learned["l"] = "ready"
    assert names.label("l") == "ready"
